package node

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"firedrill/model"
)

// kernelHas asks the kernel whether it has a client's flow: a socket of this machine that is open, or about to be, because
// the client's answer to the handshake is still on its way. That answer may come by another engine, which asks whose it is
// before any accept has seen the flow.
//
// It is one question to sock_diag(7), by the flow's own addresses, not a walk over all sockets.
func kernelHas(f model.Flow) (bool, error) {
	request := nl.NewNetlinkRequest(nl.SOCK_DIAG_BY_FAMILY, 0)
	request.AddRawData(diagRequest(f))
	answers, err := request.Execute(unix.NETLINK_INET_DIAG, nl.SOCK_DIAG_BY_FAMILY)
	switch {
	case errors.Is(err, unix.ENOENT):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("sock_diag: %w", err)
	case len(answers) == 0 || len(answers[0]) < 2:
		return false, errors.New("sock_diag: no answer")
	}
	switch answers[0][1] { // of the kernel's net/tcp_states.h; of several sockets the one that a segment of the flow would meet
	case netlink.TCP_LISTEN, netlink.TCP_TIME_WAIT, netlink.TCP_CLOSE:
		return false, nil
	}
	return true, nil
}

// diagRequest is struct inet_diag_req_v2 of linux/inet_diag.h.
func diagRequest(f model.Flow) []byte {
	const addressSize = 16
	address := func(b []byte, ip [4]byte) []byte {
		return append(append(b, ip[:]...), make([]byte, addressSize-len(ip))...)
	}
	b := []byte{unix.AF_INET, unix.IPPROTO_TCP, 0, 0}
	b = binary.NativeEndian.AppendUint32(b, ^uint32(0)) // in any state
	b = binary.BigEndian.AppendUint16(b, f.Service.Port())
	b = binary.BigEndian.AppendUint16(b, f.Client.Port())
	b = address(b, f.Service.Addr().As4())
	b = address(b, f.Client.Addr().As4())
	b = binary.NativeEndian.AppendUint32(b, 0)             // on any interface
	return binary.NativeEndian.AppendUint64(b, ^uint64(0)) // no cookie
}
