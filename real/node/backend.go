package node

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"firedrill/scenarios"
)

// serverPorts are those at which the pools of a plan expect a back-end server.
func serverPorts(plan *scenarios.Scenario, server netip.Addr) []uint16 {
	var ports []uint16
	for _, pool := range plan.Config.Pools {
		for _, s := range pool.Servers {
			if s.IP == server && !slices.Contains(ports, s.Port) {
				ports = append(ports, s.Port)
			}
		}
	}
	return ports
}

// serveBackend is a back-end server: it answers everything with its name, until the context ends.
func serveBackend(ctx context.Context, name string, at []netip.AddrPort, log *slog.Logger) error {
	s := &http.Server{
		ReadHeaderTimeout: clientPatience,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, name+"\n") // who asked is gone if it cannot be written
		}),
	}
	return serveAll(ctx, s, at)
}

// serveAll serves HTTP, or HTTPS where the server has certificates, at several addresses until the context ends.
func serveAll(ctx context.Context, s *http.Server, at []netip.AddrPort) error {
	var ls []net.Listener
	for _, a := range at {
		l, err := (&net.ListenConfig{KeepAliveConfig: idleProbes}).Listen(ctx, "tcp4", a.String())
		if err != nil {
			for _, l := range ls {
				_ = l.Close()
			}
			return err
		}
		ls = append(ls, l)
	}
	ended := make(chan struct{})
	for _, l := range ls {
		go func() {
			defer func() { ended <- struct{}{} }()
			if s.TLSConfig != nil {
				_ = s.ServeTLS(l, "", "") // ends when the server is closed
			} else {
				_ = s.Serve(l)
			}
		}()
	}
	<-ctx.Done()
	graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.Shutdown(graceful) != nil {
		_ = s.Close()
	}
	for range ls {
		<-ended
	}
	return nil
}
