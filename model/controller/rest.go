package controller

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"firedrill/model/wire"

	"github.com/cespare/xxhash/v2"
)

// call is one request to the REST API while it is served. It is answered exactly once, or never where the outcome
// is beyond knowing.
type call struct {
	c     *Controller
	from  netip.Addr
	r     *wire.HTTPRequest
	name  string // of the object, where the path has one
	query url.Values
}

// route is one line of the API. A path has {name} where it takes the name of an object.
type route struct {
	method, path string
	serve        func(*call)
	anywhere     bool // answered by the controller that was asked; all else is for the leader
	always       bool // changes no configuration, so that it is served while the platform is upgraded, as every GET is
}

const apiPrefix = "/api/"

// routes is the REST API; openapi.json describes it, and a test holds the two against each other.
func routes() []route {
	out := []route{
		{method: "GET", path: "openapi", serve: (*call).getOpenAPI, anywhere: true},
		{method: "GET", path: "cluster", serve: (*call).getCluster},
		{method: "PUT", path: "cluster", serve: (*call).putCluster},
		{method: "GET", path: "cluster/status", serve: (*call).clusterStatus, anywhere: true},
		{method: "POST", path: "cluster/recover", serve: (*call).recoverCluster, anywhere: true, always: true},
		{method: "GET", path: "upgrade", serve: (*call).getUpgrade},
		{method: "POST", path: "upgrade", serve: (*call).startUpgrade, always: true},
		{method: "POST", path: "upgrade/rollback", serve: (*call).rollBackUpgrade, always: true},
		{method: "POST", path: "upgrade/abort", serve: (*call).abortUpgrade, always: true},
		{method: "GET", path: "events", serve: (*call).getEvents},
		{method: "POST", path: "configuration/export", serve: (*call).exportConfiguration, always: true},
		{method: "POST", path: "configuration/import", serve: (*call).importConfiguration},
		{method: "GET", path: "analytics/virtualservice", serve: (*call).listAnalytics},
		{method: "GET", path: "analytics/virtualservice/{name}", serve: (*call).getAnalytics},
		{method: "POST", path: "virtualservice/{name}/scaleout", serve: (*call).scaleOut},
		{method: "POST", path: "virtualservice/{name}/scalein", serve: (*call).scaleIn},
		{method: "POST", path: "virtualservice/{name}/migrate", serve: (*call).migrate},
		{method: "DELETE", path: "serviceengine/{name}", serve: (*call).removeEngine},
		{method: "GET", path: "backup", serve: (*call).listBackups},
		{method: "GET", path: "backup/{name}", serve: (*call).getBackup},
	}
	for _, k := range objectPaths {
		out = append(out,
			route{method: "GET", path: k.path, serve: func(a *call) { a.listObjects(k.kind) }},
			route{method: "GET", path: k.path + "/{name}", serve: func(a *call) { a.getObject(k.kind) }})
		if k.readOnly {
			continue
		}
		out = append(out,
			route{method: "POST", path: k.path, serve: func(a *call) { a.createObject(k.kind) }},
			route{method: "PUT", path: k.path + "/{name}", serve: func(a *call) { a.updateObject(k.kind) }},
			route{method: "DELETE", path: k.path + "/{name}", serve: func(a *call) { a.deleteObject(k.kind) }})
	}
	return out
}

// maxBody bounds a request, in bytes.
const maxBody = 4 << 20

// serveHTTP takes a request to the REST API, from a client or from a follower that was asked in the leader's place.
func (c *Controller) serveHTTP(from netip.Addr, r *wire.HTTPRequest) {
	a := &call{c: c, from: from, r: r}
	if c.cfg.Token != "" && r.Token != c.cfg.Token {
		a.fail(401, "the token is missing or wrong")
		return
	}
	if len(r.Body) > maxBody {
		a.fail(413, fmt.Sprintf("the body has %d bytes; at most %d are taken", len(r.Body), maxBody))
		return
	}
	matched := a.match()
	switch {
	case matched == nil:
	case matched.anywhere || leads(c.status):
		if a.readOnly(matched) {
			a.fail(409, readOnlyBecause(c.machine.upgrade))
			return
		}
		matched.serve(a)
	case r.Forwarded || c.status.Leader == 0:
		a.noLeader()
	default:
		c.forward(a)
	}
}

// readOnly tells whether the request would change the configuration while the platform is upgraded. One that was carried
// out before, and whose answer was lost, is answered as it was. The replicated state refuses what slips through here.
func (a *call) readOnly(r *route) bool {
	return r.method != "GET" && !r.always && a.c.ready && a.c.machine.upgrade.Active() && !a.repeated()
}

// match finds the route, or answers that there is none.
func (a *call) match() *route {
	path, query, _ := strings.Cut(a.r.Path, "?")
	a.query, _ = url.ParseQuery(query) // what cannot be read is as good as not there
	rest, ok := strings.CutPrefix(path, apiPrefix)
	rest = strings.TrimSuffix(rest, "/")
	var methods []string
	for i := range a.c.routes {
		route := &a.c.routes[i]
		if !ok || !a.fits(route.path, rest) {
			continue
		}
		if route.method == a.r.Method {
			return route
		}
		methods = append(methods, route.method)
	}
	if methods == nil {
		a.fail(404, fmt.Sprintf("there is nothing at %s", path))
	} else {
		a.fail(405, fmt.Sprintf("%s takes %s", path, strings.Join(methods, ", ")))
	}
	return nil
}

func (a *call) fits(pattern, path string) bool {
	parent, action, named := strings.Cut(pattern, "{name}")
	if !named {
		return pattern == path
	}
	name, under := strings.CutPrefix(path, parent)
	name, acts := strings.CutSuffix(name, action)
	if !under || !acts || name == "" || strings.Contains(name, "/") {
		return false
	}
	a.name, _ = url.PathUnescape(name)
	return true
}

// answer sends JSON.
func (a *call) answer(status uint32, etag uint64, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("controller: an answer cannot be written: " + err.Error())
	}
	a.send(status, "application/json", etag, body)
}

func (a *call) send(status uint32, contentType string, etag uint64, body []byte) {
	a.c.env.Send(a.from, wire.Encode(&wire.Envelope_HttpResponse{HttpResponse: &wire.HTTPResponse{
		Id: a.r.Id, Status: status, ContentType: contentType, Etag: etag, Body: body, Controller: a.c.name(),
	}}))
}

// problem is an error of the API (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status uint32 `json:"status"`
	Detail string `json:"detail"`
	Leader string `json:"leader,omitempty"` // address of the controller believed to lead, where that matters
}

var titles = map[uint32]string{
	400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 405: "Method not allowed", 409: "Conflict",
	412: "Precondition failed", 413: "Content too large", 422: "Unprocessable content", 500: "Internal error", 503: "Service unavailable", 504: "Timeout",
}

func (a *call) fail(status uint32, detail string) { a.failNaming(status, detail, "") }

func (a *call) failNaming(status uint32, detail, leader string) {
	body, err := json.Marshal(problem{Type: "about:blank", Title: titles[status], Status: status, Detail: detail, Leader: leader})
	if err != nil {
		panic("controller: a problem cannot be written: " + err.Error())
	}
	a.send(status, "application/problem+json", 0, body)
}

// noLeader refuses what only a leader may do, and says whom this controller believes to lead.
func (a *call) noLeader() {
	leader := a.c.leaderAddress()
	if leader == "" {
		a.fail(503, "no controller leads at present: without a quorum nothing is changed, and nothing read that may be stale")
		return
	}
	a.failNaming(503, "this controller does not lead", leader)
}

// refused answers an operation that did not succeed; it tells whether it was one.
func (a *call) refused(r *wire.Response) bool {
	switch r.Status {
	case wire.Status_OK:
		return false
	case wire.Status_NOT_FOUND:
		a.fail(404, orElse(r.Error, fmt.Sprintf("%s does not exist", a.name)))
	case wire.Status_ALREADY_EXISTS, wire.Status_IN_USE, wire.Status_READ_ONLY:
		a.fail(409, r.Error)
	case wire.Status_VERSION_MISMATCH:
		a.fail(412, r.Error)
	case wire.Status_INVALID:
		a.fail(400, r.Error)
	default:
		a.failNaming(503, r.Error, r.Leader)
	}
	return true
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// session is that of a write: a caller's key makes a repeated request happen once. Another request with the same key is
// another write, so that nobody is told that it was done when something else was.
func (a *call) session() session {
	if a.r.IdempotencyKey == "" {
		return a.c.once()
	}
	var d xxhash.Digest
	d.Reset()
	_, _ = fmt.Fprintf(&d, "%s %s\n%d\n", a.r.Method, a.r.Path, a.r.IfMatch)
	_, _ = d.Write(a.r.Body)
	return session{fmt.Sprintf("rest/%s/%x", a.r.IdempotencyKey, d.Sum64()), 1}
}
