package node

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"firedrill/model"
)

func TestKernelHas(t *testing.T) {
	deferred := func(_, _ string, c syscall.RawConn) error { // the handshake ends when data comes
		var err error
		_ = c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 60) })
		return err
	}
	for _, test := range []struct {
		name    string
		control func(network, address string, c syscall.RawConn) error
		then    func(l net.Listener, client net.Conn)
		want    bool
	}{
		{name: "half open", control: deferred, want: true},
		{name: "not accepted yet", want: true},
		{name: "open", then: func(l net.Listener, _ net.Conn) {
			c, _ := l.Accept()
			t.Cleanup(func() { c.Close() })
		}, want: true},
		{name: "over", then: func(l net.Listener, client net.Conn) {
			c, _ := l.Accept()
			resetConn(c)
			_, _ = client.Read(make([]byte, 1)) // until the reset is there
		}},
		{name: "in its last minute", then: func(l net.Listener, client net.Conn) {
			c, _ := l.Accept()
			c.Close()
			_, _ = client.Read(make([]byte, 1))
			client.Close()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lc := net.ListenConfig{Control: test.control}
			l, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client, err := net.Dial("tcp4", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if test.then != nil {
				test.then(l, client)
			}
			local, remote := ends(client)
			if got, err := kernelHas(model.Flow{Client: local, Service: remote}); err != nil || got != test.want {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
			if got, err := kernelHas(model.Flow{Client: addrPort(tcpAddr(local.Addr())), Service: remote}); err != nil || got {
				t.Errorf("of a client that never came: %v, %v", got, err)
			}
		})
	}
}
