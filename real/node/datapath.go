package node

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"firedrill/model"
)

// DataPath is the proxy of an engine. It listens at the address of each service in the table that the engine has published,
// and asks the table for every connection; the requests on one connection all go to the server that was chosen for it.
//
// A flow that belongs to another engine of the service is passed on to it frame by frame, and that engine answers the
// client itself (see [frames]), so that its flows outlive the engine that holds the address. Whoever takes the address over
// asks the others for the flows that it does not know.
type DataPath struct {
	name     string
	own      netip.Addr // on the data network
	log      *slog.Logger
	table    atomic.Pointer[model.Table]
	open     openFlows
	choosing sync.Mutex // one flow after the other, or two would have the same turn
	traffic  *traffic
	frames   *frames // nil: what arrives stays
	askPort  uint16  // of other engines
	sought   soughtFlows

	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup
	flows  chan net.Conn // accepted, for the HTTP server
	server *http.Server

	mu        sync.Mutex
	listeners map[netip.AddrPort]net.Listener
}

const (
	backendPatience = time.Second      // for a server to take a connection
	clientPatience  = 10 * time.Second // for data in flight to a client that may have lost its way here
)

// NewDataPath starts the data path of an engine, which serves nothing until a table is published.
func NewDataPath(engine string, own netip.Addr, log *slog.Logger) *DataPath {
	p := &DataPath{
		name: engine, own: own, log: log, traffic: newTraffic(),
		flows: make(chan net.Conn), listeners: make(map[netip.AddrPort]net.Listener),
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.server = &http.Server{
		Handler: p.proxy(),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, flowKey{}, c.(*flow))
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	p.work.Go(func() { _ = p.server.Serve(flowListener{p}) })
	return p
}

// Close ends the data path with all its flows.
func (p *DataPath) Close() {
	p.stop()
	p.mu.Lock()
	for _, l := range p.listeners {
		_ = l.Close()
	}
	clear(p.listeners)
	p.mu.Unlock()
	_ = p.server.Close()
	p.work.Wait()
	if p.frames != nil {
		p.frames.close()
	}
}

// publish makes a table the one that is asked, and listens where its services are. Flows that began under an earlier one
// stay.
func (p *DataPath) publish(table *model.Table) {
	p.table.Store(table)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	wanted := make(map[netip.AddrPort]bool)
	shared := make(map[netip.AddrPort][]netip.Addr)
	for _, at := range table.Addresses() {
		wanted[at] = true
		if others := table.Others(at); others != nil {
			shared[at] = others
		}
		if p.listeners[at] == nil {
			p.listen(at)
		}
	}
	for at, l := range p.listeners {
		if !wanted[at] {
			_ = l.Close()
			delete(p.listeners, at)
		}
	}
	if p.frames != nil {
		if err := p.frames.share(shared); err != nil {
			p.log.Error("services not shared", "error", err)
		}
	}
}

// hold is told which addresses the engine holds.
func (p *DataPath) hold(ip netip.Addr, holds bool) {
	if p == nil || p.frames == nil {
		return
	}
	if err := p.frames.hold(ip, holds); err != nil {
		p.log.Error("frames are not led by address", "address", ip, "held", holds, "error", err)
	}
}

// listen takes connections at a service's address, whether or not this engine holds it now: when it does, it is ready.
func (p *DataPath) listen(at netip.AddrPort) {
	lc := net.ListenConfig{Control: p.serviceSocket, KeepAliveConfig: idleProbes}
	l, err := lc.Listen(p.ctx, "tcp4", at.String())
	if err != nil {
		p.log.Error("service does not listen", "address", at, "error", err)
		return
	}
	p.listeners[at] = l
	p.work.Go(func() {
		for {
			c, err := l.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				_ = sleep(p.ctx, acceptPause)
			default:
				service, client := ends(c)
				p.accept(c, model.Flow{Client: client, Service: service, Given: true}) // or it had gone elsewhere
			}
		}
	})
}

// serviceSocket lets a socket listen at an address that the machine does not have yet (ip(7), IP_FREEBIND), and where flows
// are passed on also answer from it (IP_TRANSPARENT).
func (p *DataPath) serviceSocket(network, address string, c syscall.RawConn) error {
	option := unix.IP_FREEBIND
	if p.frames != nil {
		option = unix.IP_TRANSPARENT
	}
	var err error
	if problem := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, option, 1)
	}); problem != nil {
		return problem
	}
	return errors.Join(err, userTimeout(clientPatience)(network, address, c))
}

// accept asks the table what to do with a new connection, and does it without waiting for anybody.
func (p *DataPath) accept(c net.Conn, f model.Flow) {
	d, counts := p.choose(f)
	if d.Action == model.ActionRefuse {
		resetConn(c)
		return
	}
	select {
	case p.flows <- &flow{Conn: p.open.opened(c, d.Server), server: d.Server, carried: counts}:
	case <-p.ctx.Done():
		resetConn(c) // and who counts what is open ends, too
	}
}

// choose asks the table, and counts what becomes of the flow.
func (p *DataPath) choose(f model.Flow) (d model.Decision, counts *carried) {
	p.choosing.Lock()
	defer p.choosing.Unlock()
	d = p.table.Load().Lookup(f, model.Load{Taken: p.traffic.flowsOf, Open: p.open.count})
	if d.Service != "" { // else nothing listens there
		counts = p.traffic.flow(d.Service, f.Client, d.Server)
	}
	return d, counts
}

// flow is a connection of a client with the server that was chosen for it.
type flow struct {
	net.Conn
	server  netip.AddrPort
	carried *carried
}

type flowKey struct{}

// proxy hands the requests on a flow to its server, over connections that it keeps, and names this engine in every answer
// (RFC 9110, Via).
func (p *DataPath) proxy() http.Handler {
	via := "1.1 " + p.name
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: backendPatience, Control: userTimeout(backendPatience), KeepAliveConfig: idleProbes}).DialContext,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second, DisableCompression: true,
	}
	context.AfterFunc(p.ctx, transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			f := r.In.Context().Value(flowKey{}).(*flow)
			r.SetURL(&url.URL{Scheme: "http", Host: f.server.String()})
			r.SetXForwarded()
			r.Out.Host = r.In.Host
			f.carried.request()
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Add("Via", via)
			r.Request.Context().Value(flowKey{}).(*flow).carried.response()
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			p.log.Debug("no answer from the server", "server", r.URL.Host, "error", err)
			w.Header().Add("Via", via)
			w.WriteHeader(http.StatusBadGateway)
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// flowListener hands accepted flows to the HTTP server.
type flowListener struct{ p *DataPath }

// Accept implements [net.Listener].
func (l flowListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.p.flows:
		return c, nil
	case <-l.p.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l flowListener) Close() error { return nil }

// Addr implements [net.Listener].
func (l flowListener) Addr() net.Addr { return tcpAddr(l.p.own) }
