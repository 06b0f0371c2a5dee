package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"firedrill/model/analytics"
	"firedrill/model/backup"
	"firedrill/model/config"
	"firedrill/model/wire"
)

func loadOpenAPI(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestOpenAPIIsValid: the document is what it says, with its examples.
func TestOpenAPIIsValid(t *testing.T) {
	if err := loadOpenAPI(t).Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
}

// TestOpenAPIRoutes: every route is in the document, and every documented operation has a route.
func TestOpenAPIRoutes(t *testing.T) {
	var have, want []string
	for _, r := range routes() {
		want = append(want, r.method+" "+apiPrefix+r.path)
	}
	for path, item := range loadOpenAPI(t).Paths.Map() {
		for method := range item.Operations() {
			have = append(have, method+" "+path)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	for _, w := range want {
		if !slices.Contains(have, w) {
			t.Errorf("%s is not in the document", w)
		}
	}
	for _, h := range have {
		if !slices.Contains(want, h) {
			t.Errorf("%s is in the document, and has no route", h)
		}
	}
}

// schemaTypes are the Go types behind the schemas. Those without one are written by hand in the handlers, and held
// against their answers alone.
var schemaTypes = map[string]any{
	"Upgrade": config.Upgrade{}, "UpgradeOut": config.UpgradeOut{}, "UpgradeGroup": config.UpgradeGroup{}, "UpgradeNode": config.UpgradeNode{},
	"UpgradeStatus": upgradeStatus{}, "UpgradeSeen": upgradeSeen{},
	"Cluster": config.Cluster{}, "ClusterNode": config.ClusterNode{}, "Cloud": config.Cloud{}, "ServiceEngineGroup": config.ServiceEngineGroup{},
	"ServiceEngine": config.ServiceEngine{}, "Placement": config.Placement{}, "PlacedService": config.PlacedService{}, "ScaleOrder": scaleOrder{}, "HealthMonitor": config.HealthMonitor{}, "Pool": config.Pool{}, "Server": config.Server{},
	"VirtualService": config.VirtualService{}, "BackupConfiguration": config.BackupConfiguration{},
	"ClusterStatus": clusterStatus{}, "NodeStatus": nodeStatus{}, "Event": Event{}, "Problem": problem{},
	"Metrics": metricsAnswer{}, "ServiceTotals": analytics.ServiceTotals{}, "EngineTotals": analytics.EngineTotals{}, "FlowLog": analytics.Log{},
	"BackupHeader": backup.Header{},
}

// TestOpenAPISchemas: the schemas have the fields of the Go types, of the same types, and no others.
func TestOpenAPISchemas(t *testing.T) {
	doc := loadOpenAPI(t)
	for _, kind := range config.Kinds() {
		if _, ok := schemaTypes[string(kind)]; !ok {
			t.Errorf("the kind %s has no schema", kind)
		}
	}
	for name, v := range schemaTypes {
		ref := doc.Components.Schemas[name]
		if ref == nil {
			t.Errorf("there is no schema %s", name)
			continue
		}
		s, fields := ref.Value, map[string]bool{}
		for f := range reflect.TypeOf(v).Fields() {
			field, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[field] = true
			p := s.Properties[field]
			if p == nil {
				t.Errorf("%s.%s is not in the schema", name, field)
				continue
			}
			if got, want := describe(p), describeType(f.Type); got != want {
				t.Errorf("%s.%s is %s in the schema, and %s in Go", name, field, got, want)
			}
			optional := strings.Contains(options, "omit")
			if optional && slices.Contains(s.Required, field) {
				t.Errorf("%s.%s is required, and may be left out", name, field)
			}
		}
		for field := range s.Properties {
			if !fields[field] {
				t.Errorf("%s.%s is in the schema, and not in Go", name, field)
			}
		}
	}
}

// describe is a schema in short: its type, or that of its items and which schema it refers to.
func describe(ref *openapi3.SchemaRef) string {
	if ref.Ref != "" {
		return ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]
	}
	s := ref.Value
	switch {
	case s.Type.Is("array"):
		return "list of " + describe(s.Items)
	case s.Format == "ipv4" || s.Format == "date-time":
		return s.Format
	}
	return strings.Join(s.Type.Slice(), " ")
}

func describeType(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[netip.Addr]():
		return "ipv4"
	case t == reflect.TypeFor[time.Time]():
		return "date-time"
	case t == reflect.TypeFor[config.Duration]():
		return "string"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return describeType(t.Elem())
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Slice:
		return "list of " + describeType(t.Elem())
	case reflect.Struct:
		for name, v := range schemaTypes {
			if reflect.TypeOf(v) == t {
				return name
			}
		}
	case reflect.Int, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer"
	}
	return "unknown: " + t.String()
}

// TestOpenAPIEnums: what a field may be is what the validation says of it when it is something else.
func TestOpenAPIEnums(t *testing.T) {
	doc, checked := loadOpenAPI(t), 0
	for _, kind := range config.Kinds() {
		schema := doc.Components.Schemas[string(kind)].Value
		for field, p := range schema.Properties {
			if len(p.Value.Enum) == 0 {
				continue
			}
			checked++
			body := map[string]any{"name": "x"}
			for f, q := range schema.Properties {
				if slices.Contains(schema.Required, f) && len(q.Value.Enum) > 0 {
					body[f] = q.Value.Enum[0]
				}
			}
			body[field] = "?"
			data, _ := json.Marshal(body)
			object, err := config.Decode(kind, data)
			if err != nil {
				t.Fatal(err)
			}
			_, list, ok := strings.Cut(fmt.Sprint(object.Validate()), field+`: "?" is unknown; use one of `)
			var want []string
			for _, e := range p.Value.Enum {
				want = append(want, fmt.Sprint(e))
			}
			if !ok || list != strings.Join(want, ", ") {
				t.Errorf("%s.%s: the schema has %v, and the validation says: %v", kind, field, want, object.Validate())
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d enumerations", checked)
	}
}

// apiDrill plays requests and holds each answer against the document.
type apiDrill struct {
	*testing.T
	*world
	doc  *openapi3.T
	seen map[string]bool // operation and status
}

// play makes a request of a documented path, wants the status, and validates what comes.
func (d *apiDrill) play(to *host, pattern, name string, r request, want uint32) *wire.HTTPResponse {
	d.T.Helper()
	path, query, _ := strings.Cut(pattern, "?")
	item := d.doc.Paths.Value(path)
	if item == nil || item.GetOperation(r.method) == nil {
		d.T.Fatalf("%s %s is not in the document", r.method, path)
	}
	r.path = strings.Replace(pattern, "{name}", name, 1)
	answer := d.world.ask(to, r)
	if answer.Status != want {
		d.T.Errorf("%s %s: %d %s, want %d", r.method, r.path, answer.Status, answer.Body, want)
	}
	op := item.GetOperation(r.method)
	d.seen[fmt.Sprintf("%s %d", op.OperationID, answer.Status)] = true
	values, _ := url.ParseQuery(query)
	req := &http.Request{Method: r.method, URL: &url.URL{Path: strings.Replace(path, "{name}", name, 1), RawQuery: query}, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(r.body))}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.ifMatch != 0 {
		req.Header.Set("If-Match", strconv.Quote(strconv.FormatUint(r.ifMatch, 10)))
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: map[string]string{"name": name}, QueryParams: values,
		Route:   &routers.Route{Spec: d.doc, Path: path, PathItem: item, Method: r.method, Operation: op},
		Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
	if want < 300 {
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			d.T.Errorf("%s %s is accepted, and not by the document: %v", r.method, r.path, err)
		}
	}
	header := http.Header{}
	if answer.ContentType != "" {
		header.Set("Content-Type", answer.ContentType)
	}
	documented := op.Responses.Status(int(answer.Status))
	if documented != nil && (documented.Value.Headers["ETag"] != nil) != (answer.Etag != 0) {
		d.T.Errorf("%s %s: %d with the ETag %d, documented: %t", r.method, r.path, answer.Status, answer.Etag, documented.Value.Headers["ETag"] != nil)
	}
	if answer.Etag != 0 {
		header.Set("ETag", strconv.Quote(strconv.FormatUint(answer.Etag, 10)))
	}
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: int(answer.Status), Header: header, Body: io.NopCloser(bytes.NewReader(answer.Body)), Options: input.Options})
	if err != nil {
		d.T.Errorf("%s %s: %d is not as documented: %v", r.method, r.path, answer.Status, err)
	}
	if documented != nil && (len(documented.Value.Content) == 0) != (len(answer.Body) == 0) {
		d.T.Errorf("%s %s: %d with a body of %d bytes", r.method, r.path, answer.Status, len(answer.Body))
	}
	return answer
}

// example is the request body that the document shows, with what must be there for it to be accepted.
func (d *apiDrill) example(op *openapi3.Operation) string {
	if op.RequestBody == nil {
		return ""
	}
	body, err := json.Marshal(op.RequestBody.Value.Content["application/json"].Example)
	if err != nil {
		d.T.Fatal(err)
	}
	return string(body)
}

// objectsInOrder are the paths of objects that a client writes; each stands behind those that it refers to.
var objectsInOrder = []string{"cloud", "serviceenginegroup", "healthmonitor", "pool", "virtualservice", "backupconfiguration"}

// TestOpenAPIAnswers plays every operation, with all that can come of it, and holds each answer against the document.
// Whatever status the document names must have been seen at the end.
func TestOpenAPIAnswers(t *testing.T) {
	w := newWorld(t, 3, func(cfg *Config) { cfg.Images = []string{"16.2", "16.3"} })
	w.pass(3 * time.Second)
	d := &apiDrill{t, w, loadOpenAPI(t), map[string]bool{}}
	leader := w.leader()
	get := func(path, name string, want uint32) *wire.HTTPResponse {
		return d.play(leader, path, name, request{method: "GET", path: path}, want)
	}

	get("/api/openapi", "", 200)
	get("/api/cluster/status", "", 200)
	d.play(w.followers()[0], "/api/cluster/status", "", request{method: "GET"}, 200)
	for _, path := range objectsInOrder {
		list, one := "/api/"+path, "/api/"+path+"/{name}"
		body := d.example(d.doc.Paths.Value(list).Post)
		var named struct{ Name string }
		if err := json.Unmarshal([]byte(body), &named); err != nil {
			t.Fatal(err)
		}
		get(list, "", 200) // empty
		made := d.play(leader, list, "", request{method: "POST", body: body, key: path}, 201)
		d.play(w.followers()[0], list, "", request{method: "POST", body: body}, 409)
		d.play(leader, list, "", request{method: "POST", body: `{"name":"x","unknown":1}`}, 400)
		get(list, "", 200)
		get(one, named.Name, 200)
		get(one, "none", 404)
		d.play(w.followers()[1], one, named.Name, request{method: "PUT", body: body, ifMatch: made.Etag, key: "put" + path}, 200)
		d.play(leader, one, named.Name, request{method: "PUT", body: body, ifMatch: made.Etag}, 412)
		d.play(leader, one, named.Name, request{method: "PUT", body: "{}"}, 400)
		d.play(leader, one, "none", request{method: "PUT", body: body}, 404)
		d.play(leader, one, named.Name, request{method: "DELETE", ifMatch: made.Etag}, 412)
		d.play(leader, one, "none", request{method: "DELETE"}, 404)
	}

	// Engines register themselves, and stream what they have carried.
	w.queue = append(w.queue, packet{engineIP, leader.cfg.Address, wire.Encode(&wire.Envelope_EngineReport{EngineReport: &wire.EngineReport{
		Engine: "engine-1", Group: "shop-pair", Management: engineIP.String(), Data: "198.18.1.101"}})})
	w.pass(time.Second)
	get("/api/serviceengine", "", 200)
	get("/api/serviceengine/{name}", "engine-1", 200)
	get("/api/serviceengine/{name}", "none", 404)

	// The leader places the services of an elastic group.
	d.play(leader, "/api/serviceenginegroup", "", request{method: "POST", body: `{"name":"elastic","ha_mode":"HA_MODE_SHARED"}`}, 201)
	d.play(leader, "/api/virtualservice", "", request{method: "POST", body: `{"name":"news","vip":"198.18.2.9","port":119,"pool_ref":"web","se_group_ref":"elastic"}`}, 201)
	report := func() {
		w.queue = append(w.queue, packet{engineIP, leader.cfg.Address, wire.Encode(&wire.Envelope_EngineReport{EngineReport: &wire.EngineReport{
			Engine: "engine-2", Group: "elastic", Management: engineIP.String(), Data: "198.18.1.102"}})})
		w.pass(time.Second)
	}
	report()
	report()
	get("/api/placement", "", 200)
	if r := get("/api/placement/{name}", "elastic", 200); !strings.Contains(string(r.Body), `"engines":["engine-2"]`) {
		t.Errorf("news is placed as %s", r.Body)
	}
	get("/api/placement/{name}", "none", 404)
	for _, action := range []string{"migrate", "scaleout", "scalein"} {
		pattern, ok := "/api/virtualservice/{name}/"+action, "{}"
		if action == "migrate" {
			ok = `{"to_se_ref":"engine-3"}`
		}
		if action != "migrate" {
			d.play(leader, "/api/virtualservice/{name}/scaleout", "news", request{method: "POST"}, 202)
		}
		w.queue = append(w.queue, packet{engineIP, leader.cfg.Address, wire.Encode(&wire.Envelope_EngineReport{EngineReport: &wire.EngineReport{
			Engine: "engine-3", Group: "elastic", Management: engineIP.String(), Data: "198.18.1.103"}})})
		w.pass(100 * time.Millisecond)
		d.play(leader, pattern, "news", request{method: "POST", body: ok}, 202)
		d.play(leader, pattern, "news", request{method: "POST", body: `{"engine":"x"}`}, 400)
		d.play(leader, pattern, "none", request{method: "POST", body: ok}, 404)
		d.play(leader, pattern, "shop", request{method: "POST", body: ok}, 409)
	}
	d.play(leader, "/api/virtualservice/{name}", "news", request{method: "DELETE"}, 204)

	// One that reports stays; one that does not is removed, and one that a cloud has made is ended there first.
	const engine = "/api/serviceengine/{name}"
	d.play(leader, engine, "none", request{method: "DELETE"}, 404)
	report()
	d.play(leader, engine, "engine-2", request{method: "DELETE"}, 409)
	w.pass(3 * time.Second)
	d.play(leader, engine, "engine-2", request{method: "DELETE", ifMatch: 1}, 412)
	d.play(leader, engine, "engine-2", request{method: "DELETE", key: "remove"}, 204)
	d.play(leader, engine, "engine-2", request{method: "DELETE", key: "remove"}, 204)
	w.cloud = &fakeCloud{w: w, hosts: []*wire.CloudHost{{Name: "host-a", Free: 1}}}
	d.play(leader, "/api/cloud", "", request{method: "POST", body: `{"name":"write","access":"WRITE_ACCESS","mgmt_ip":"198.18.3.1"}`}, 201)
	d.play(leader, "/api/serviceenginegroup", "", request{method: "POST", body: `{"name":"made","cloud_ref":"write","ha_mode":"HA_MODE_SHARED"}`}, 201)
	d.play(leader, "/api/virtualservice", "", request{method: "POST", body: `{"name":"made","vip":"198.18.2.10","port":119,"pool_ref":"web","se_group_ref":"made"}`}, 201)
	w.pass(3 * time.Second)
	get("/api/serviceengine", "", 200)
	d.play(leader, engine, w.cloud.instances[0].Name, request{method: "DELETE"}, 202)
	d.play(leader, "/api/virtualservice/{name}", "made", request{method: "DELETE"}, 204)
	w.pass(3 * time.Second)
	d.play(leader, "/api/cloud/{name}", "write", request{method: "PUT", body: `{"name":"write","access":"NO_ACCESS"}`}, 200)
	w.queue = append(w.queue, packet{engineIP, w.followers()[0].cfg.Address, wire.Encode(&wire.Envelope_Metrics{Metrics: &wire.Metrics{
		Engine: "engine-1", Incarnation: 5, Sequence: 1, Services: []*wire.ServiceCounters{{Service: "shop", Flows: 2, Refused: 1, Requests: 1, Responses: 1}},
		Logs: []*wire.LogRecord{{Service: "shop", Number: 1, AtNs: 7, Client: "198.18.9.9:4000", Server: "198.18.3.1:8080"}, {Service: "shop", Number: 2, Client: "198.18.9.9:4001", Refused: true}}}})})
	w.pass(time.Second)
	get("/api/analytics/virtualservice", "", 200)
	if r := get("/api/analytics/virtualservice/{name}?logs=5", "shop", 200); !strings.Contains(string(r.Body), "198.18.9.9:4001") {
		t.Errorf("the logs are not there: %s", r.Body)
	}
	get("/api/analytics/virtualservice/{name}", "none", 404)
	get("/api/analytics/virtualservice?logs=many", "", 400)
	get("/api/analytics/virtualservice/{name}?logs=-1", "shop", 400)

	get("/api/events", "", 200)
	get("/api/events?since=5", "", 200)
	get("/api/events?since=x", "", 400)

	exported := d.play(leader, "/api/configuration/export", "", request{method: "POST", body: `{"passphrase":"correct horse"}`}, 200)
	d.play(leader, "/api/configuration/export", "", request{method: "POST", body: `{"passphrase":"short"}`}, 400)
	order := func(passphrase string, document []byte) string {
		return fmt.Sprintf(`{"passphrase":%q,"backup":%s}`, passphrase, document)
	}
	const importing = "/api/configuration/import"
	d.play(leader, importing, "", request{method: "POST", body: order("correct horse", exported.Body), key: "import"}, 200)
	d.play(leader, importing, "", request{method: "POST", body: order("wrong passphrase", exported.Body)}, 403)
	d.play(leader, importing, "", request{method: "POST", body: order("correct horse", bytes.Replace(exported.Body, []byte("8080"), []byte("8081"), 1))}, 422)
	d.play(leader, importing, "", request{method: "POST", body: "{}"}, 400)

	// The schedule of the example saves once a day.
	d.play(leader, "/api/backupconfiguration/{name}", "daily", request{method: "PUT", body: `{"name":"daily","backup_passphrase":"<sensitive>","save_local":true,"interval":"1s","enabled":true}`}, 200)
	get("/api/backup", "", 200)
	w.pass(3 * time.Second)
	get("/api/backup", "", 200)
	get("/api/backup/{name}", firstBackup(w), 200)
	get("/api/backup/{name}", "log-1", 404)
	get("/api/backup/{name}", "backup-99999999", 404)

	cluster := get("/api/cluster", "", 200)
	stranger := w.install(func(cfg *Config) { cfg.Secret = "another" })
	put := func(body string, ifMatch uint64, want uint32) {
		t.Helper()
		d.play(leader, "/api/cluster", "", request{method: "PUT", body: body, ifMatch: ifMatch, key: strconv.Itoa(int(want))}, want)
	}
	put(string(cluster.Body), cluster.Etag, 202)
	put(string(cluster.Body), cluster.Etag, 202)
	put("{}", 0, 400)
	put(clusterOf(w.hosts[:3]...), cluster.Etag, 412)
	put(clusterOf(w.hosts[0], w.hosts[1], stranger), 0, 422)
	stranger.crash()
	id := w.post(leader, request{method: "PUT", path: "/api/cluster", body: clusterOf(w.hosts[0], w.hosts[1], stranger)}) // asks for long
	w.deliver()
	put(clusterOf(w.hosts[:3]...), 0, 409)
	w.until("nodes are asked no more", func() bool { return w.answer(id) != nil })

	inUse := map[string]string{"cloud": "lab", "serviceenginegroup": "shop-pair", "healthmonitor": "http", "pool": "web"}
	for path, name := range inUse {
		d.play(leader, "/api/"+path+"/{name}", name, request{method: "DELETE"}, 409)
	}
	d.play(leader, "/api/cloud", "", request{method: "POST", body: `{"name":"spare","access":"NO_ACCESS"}`}, 201)
	d.play(leader, "/api/serviceenginegroup", "", request{method: "POST", body: `{"name":"spare","ha_mode":"HA_MODE_SHARED"}`}, 201)
	for _, o := range [][2]string{{"virtualservice", "shop"}, {"pool", "web"}, {"healthmonitor", "http"}, {"backupconfiguration", "daily"}, {"cloud", "spare"}, {"serviceenginegroup", "spare"}} {
		d.play(leader, "/api/"+o[0]+"/{name}", o[1], request{method: "DELETE", key: "delete " + o[0]}, 204)
	}
	d.upgrades(leader)
	d.everywhere(leader)
	d.unseen()
}

// upgrades plays what can come of an upgrade. No host of this test restarts: what upgrades do is for scenarios.
func (d *apiDrill) upgrades(leader *host) {
	d.T.Helper()
	const start, back, abort = "/api/upgrade", "/api/upgrade/rollback", "/api/upgrade/abort"
	ask := func(pattern, body string, want uint32) {
		d.T.Helper()
		d.play(leader, pattern, "", request{method: "POST", body: body}, want)
	}
	w := d.world
	for _, e := range leader.node.machine.List(config.KindServiceEngine) { // nobody would answer for them
		w.post(leader, request{method: "DELETE", path: "/api/serviceengine/" + e.Key.Name})
	}
	w.pass(3 * time.Second)
	ask(start, "{}", 400)
	ask(back, "", 409)
	ask(abort, "", 409)
	ask(start, `{"version":"18.1"}`, 422)
	ask(start, `{"version":"16.3"}`, 202)
	ask(start, `{"version":"16.3"}`, 409)
	d.play(leader, start, "", request{method: "GET"}, 200)
	ask("/api/configuration/import", "{}", 409)
	ask(back, "", 202)
	ask(abort, "", 202)
	w.pass(time.Second)
}

// everywhere plays what can come of every operation, whatever it does: no token, too long a body, no leader, a leader
// that is mute, a lost quorum.
func (d *apiDrill) everywhere(leader *host) {
	d.T.Helper()
	follower := d.world.followers()[0]
	all := func(play func(pattern, method string, op *openapi3.Operation)) {
		for _, pattern := range slices.Sorted(maps.Keys(d.doc.Paths.Map())) {
			operations := d.doc.Paths.Value(pattern).Operations()
			for _, method := range slices.Sorted(maps.Keys(operations)) {
				play(pattern, method, operations[method])
			}
		}
	}
	all(func(pattern, method string, op *openapi3.Operation) {
		d.play(follower, pattern, "x", request{method: method, token: "guess"}, 401)
		if op.RequestBody != nil {
			d.play(follower, pattern, "x", request{method: method, body: strings.Repeat(" ", maxBody+1)}, 413)
		}
	})
	d.play(follower, "/api/cluster/recover", "", request{method: "POST", body: "no"}, 400)
	d.play(follower, "/api/cluster/recover", "", request{method: "POST", body: `{"accept_data_loss":true}`}, 409)
	leader.frozen = true
	all(func(pattern, method string, op *openapi3.Operation) {
		if op.Responses.Status(504) != nil {
			follower.node.cfg.Timers.APITimeout = config.Duration(time.Millisecond) // so that nobody misses the leader meanwhile
			d.play(follower, pattern, "x", request{method: method, body: d.example(op)}, 504)
			leader.waiting = nil
			leader.wake()
			d.world.pass(time.Second)
			leader.frozen = true
		}
	})
	for _, h := range d.world.hosts {
		if h != follower && h.node != nil {
			h.crash()
		}
	}
	d.world.pass(5 * time.Second)
	all(func(pattern, method string, op *openapi3.Operation) {
		if op.Responses.Status(503) != nil {
			d.play(follower, pattern, "x", request{method: method, body: d.example(op)}, 503)
		}
	})
	d.play(follower, "/api/cluster/recover", "", request{method: "POST", body: `{"accept_data_loss":true}`}, 200)
}

// unseen names what is documented and did not happen. A failing disk is the only exception: it stops the controller for
// good wherever that matters.
func (d *apiDrill) unseen() {
	for _, item := range d.doc.Paths.Map() {
		for _, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if !d.seen[op.OperationID+" "+status] && status != "500" {
					d.T.Errorf("%s: %s is documented, and was not seen", op.OperationID, status)
				}
			}
		}
	}
}
