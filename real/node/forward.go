package node

import (
	"bytes"
	"fmt"
	"os"
)

const forwardSetting = "/proc/sys/net/ipv4/ip_forward"

// checkForwarding wants that the gateway forwards and nobody else does: an engine that did would pass on what comes for an
// address that it has given up, and hide from clients that their ARP caches are stale. Inside a container the setting
// cannot be changed; and where it comes from, the machine's own, is 1 wherever a container engine runs.
func checkForwarding(gateway bool) error {
	want := "0"
	if gateway {
		want = "1"
	}
	got, err := os.ReadFile(forwardSetting)
	if err != nil {
		return err
	}
	if is := string(bytes.TrimSpace(got)); is != want {
		return fmt.Errorf("net.ipv4.ip_forward is %s; start this container with the sysctl net.ipv4.ip_forward=%s", is, want)
	}
	return nil
}
