package node

import (
	"context"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"firedrill/model/wire"
)

// RESTPort is where a controller serves its REST API over TLS, at every address that it has: the cluster IP too.
const RESTPort = 8443

const (
	largestBody  = 8 << 20 // bytes; the controller itself takes less, and says so
	restPatience = 30 * time.Second
)

// restCaller is whom the controller believes to be asked by: an address that no node has.
var restCaller = netip.IPv4Unspecified()

// rest translates requests to the REST API into messages to the controller, and its answers back.
type rest struct {
	token string
	ask   func(from netip.Addr, msg []byte)

	mu      sync.Mutex
	last    uint64
	pending map[uint64]chan *wire.HTTPResponse
}

func newREST(token string, ask func(from netip.Addr, msg []byte)) *rest {
	return &rest{token: token, ask: ask, pending: make(map[uint64]chan *wire.HTTPResponse)}
}

// serve answers until the context ends. The port is served at the wildcard address.
func (a *rest) serve(ctx context.Context, at netip.AddrPort, i *Identity, log *slog.Logger) error {
	return serveAll(ctx, &http.Server{
		Handler: a, TLSConfig: i.serves(), ReadHeaderTimeout: clientPatience,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}, []netip.AddrPort{at})
}

// ServeHTTP implements [http.Handler].
func (a *rest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !a.allowed(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "show the token: Authorization: Bearer TOKEN", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestBody))
	if err != nil {
		http.Error(w, "the body cannot be read, or is larger than 8 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	version, ok := versionOf(r.Header.Get("If-Match"))
	if !ok {
		http.Error(w, `If-Match takes the ETag of an earlier answer, such as "17", or *`, http.StatusBadRequest)
		return
	}
	answer := a.exchange(r.Context(), &wire.HTTPRequest{
		Method: r.Method, Path: r.URL.RequestURI(), IfMatch: version, IdempotencyKey: r.Header.Get("Idempotency-Key"), Body: body,
	})
	if answer == nil {
		http.Error(w, "no answer in time; the request may have been carried out", http.StatusGatewayTimeout)
		return
	}
	h := w.Header()
	h.Set("Content-Type", answer.ContentType)
	h.Set("Via", "1.1 "+answer.Controller)
	if answer.Etag != 0 {
		h.Set("ETag", strconv.Quote(strconv.FormatUint(answer.Etag, 10)))
	}
	w.WriteHeader(int(answer.Status))
	_, _ = w.Write(answer.Body) // who asked is gone if it cannot be written
}

func (a *rest) allowed(r *http.Request) bool {
	shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && a.token != "" && subtle.ConstantTimeCompare([]byte(shown), []byte(a.token)) == 1
}

// versionOf reads the version that a change is based on; 0 for any.
func versionOf(ifMatch string) (uint64, bool) {
	if ifMatch == "" || ifMatch == "*" {
		return 0, true
	}
	v, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(ifMatch, "W/"), `"`), 10, 64)
	return v, err == nil
}

// exchange asks the controller; nil without an answer in time.
func (a *rest) exchange(ctx context.Context, r *wire.HTTPRequest) *wire.HTTPResponse {
	answer := make(chan *wire.HTTPResponse, 1)
	a.mu.Lock()
	a.last++
	r.Id = a.last
	a.pending[r.Id] = answer
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.pending, r.Id)
	}()
	a.ask(restCaller, wire.Encode(&wire.Envelope_HttpRequest{HttpRequest: r}))
	ctx, cancel := context.WithTimeout(ctx, restPatience)
	defer cancel()
	select {
	case got := <-answer:
		return got
	case <-ctx.Done():
		return nil
	}
}

// answered takes a message that the controller sends to the caller.
func (a *rest) answered(msg []byte) {
	body, err := wire.Decode(msg)
	if err != nil {
		return
	}
	if r, ok := body.(*wire.Envelope_HttpResponse); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		if to := a.pending[r.HttpResponse.Id]; to != nil {
			delete(a.pending, r.HttpResponse.Id)
			to <- r.HttpResponse // has room for the one
		}
	}
}
