package node

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"firedrill/model"
)

// answers asks a foreign host, and tells whether it answered in time.
func answers(ctx context.Context, c model.Check) bool {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	switch c.Kind {
	case model.CheckHTTP:
		return answersHTTP(ctx, c.Target, c.Path)
	case model.CheckPing:
		return answersPing(ctx, c.Target.Addr())
	default:
		return answersTCP(ctx, c.Target)
	}
}

func answersTCP(ctx context.Context, target netip.AddrPort) bool {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp4", target.String())
	if err != nil {
		return false
	}
	resetConn(c) // or every check would leave a port in TIME_WAIT
	return true
}

// checks asks over a connection of its own each time, as a monitor has to that wants to know whether one is to be had.
var checks = http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func answersHTTP(ctx context.Context, target netip.AddrPort, path string) bool {
	at, err := url.Parse(path)
	if err != nil {
		return false
	}
	at.Scheme, at.Host = "http", target.String()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return false
	}
	answer, err := checks.Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode < http.StatusBadRequest
}

var echoes atomic.Uint32 // numbers ICMP echoes of this process

// answersPing sends one ICMP echo (RFC 792) from a raw socket (capability NET_RAW).
func answersPing(ctx context.Context, target netip.Addr) bool {
	c, err := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return false
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	id, sequence := os.Getpid()&0xffff, int(echoes.Add(1)&0xffff)
	echo := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: id, Seq: sequence, Data: []byte("firedrill")}}
	packet, err := echo.Marshal(nil)
	if err != nil {
		return false
	}
	if _, err := c.WriteTo(packet, &net.IPAddr{IP: target.AsSlice()}); err != nil {
		return false
	}
	buf := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return false
		}
		if a, ok := from.(*net.IPAddr); !ok || !a.IP.Equal(target.AsSlice()) {
			continue
		}
		m, err := icmp.ParseMessage(ipv4.ICMPTypeEcho.Protocol(), buf[:n])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); ok && e.ID == id && e.Seq == sequence {
			return true
		}
	}
}
