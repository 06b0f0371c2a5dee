package controller

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"firedrill/model/wire"
)

const password = "hunter2-of-the-cloud"

// TestSecretsStayHidden: whatever is asked, in whatever way, no answer and no event of the log holds a secret in clear,
// nor the cluster secret or the token; and an update that sends the redacted object back keeps the secret.
func TestSecretsStayHidden(t *testing.T) {
	w := newWorld(t, 3)
	cloud := `{"name":"c","access":"WRITE_ACCESS","username":"u","password":"` + password + `"}`
	shown := strings.Replace(cloud, password, `<sensitive>`, 1)
	made := w.must(request{method: "POST", path: "/api/cloud", body: cloud, key: "k"})
	again := w.must(request{method: "POST", path: "/api/cloud", body: cloud, key: "k"})
	schedule := `{"name":"b","backup_passphrase":"` + password + `","save_local":true,"interval":"1s","enabled":true}`
	w.must(request{method: "POST", path: "/api/backupconfiguration", body: schedule})
	w.pass(3 * time.Second)
	for _, r := range []*wire.HTTPResponse{made, again, w.must(request{method: "GET", path: "/api/cloud/c"})} {
		if string(r.Body) != shown {
			t.Errorf("shown: %s, want %s", r.Body, shown)
		}
	}
	kept := w.must(request{method: "PUT", path: "/api/cloud/c", body: strings.Replace(shown, `"u"`, `"v"`, 1)})
	if !strings.Contains(string(kept.Body), "<sensitive>") {
		t.Errorf("updated: %s", kept.Body)
	}
	for _, h := range w.hosts {
		w.until("it is applied everywhere", func() bool {
			e, _ := h.node.machine.Get(cloudKey)
			return strings.Contains(string(e.Body), `"v"`)
		})
		if e, _ := h.node.machine.Get(cloudKey); !strings.Contains(string(e.Body), password) {
			t.Errorf("the secret is lost: %s", e.Body)
		}
	}
	for _, r := range routes() {
		path := "/api/" + strings.Replace(r.path, "{name}", "c", 1)
		if strings.HasPrefix(r.path, "backup/") {
			path = "/api/backup/" + firstBackup(w)
		}
		if strings.HasPrefix(r.path, "backupconfiguration/") {
			path = "/api/backupconfiguration/b"
		}
		for _, to := range w.hosts {
			for _, body := range []string{"", cloud, schedule, `{"passphrase":"a passphrase"}`} {
				if r.method == "DELETE" {
					continue
				}
				w.ask(to, request{method: r.method, path: path, body: body})
			}
		}
	}
	for _, do := range []*wire.Request{
		{Operation: wire.Operation_READ, Kind: "Cloud", Name: "c"}, {Operation: wire.Operation_LIST, Kind: "Cloud"},
		{Operation: wire.Operation_LIST, Kind: "BackupConfiguration"},
	} {
		if r := w.do(w.leader(), do); r.Status != wire.Status_OK || !strings.Contains(string(marshal(r)), "<sensitive>") {
			t.Errorf("%v: %v", do, r)
		}
	}
	for _, p := range w.mail {
		for what, secret := range map[string]string{"a secret": password, "the token": testToken, "the cluster secret": testSecret} {
			if strings.Contains(string(p.data), secret) {
				t.Fatalf("%s is in an answer: %.300q", what, p.data)
			}
		}
	}
	for _, h := range w.hosts {
		for _, e := range h.events {
			if strings.Contains(e.Detail, password) {
				t.Errorf("a secret is in the event %v", e)
			}
		}
	}
}

// firstBackup names a scheduled backup that the leader holds.
func firstBackup(w *world) string {
	w.Helper()
	var out struct{ Results []string }
	r := w.must(request{method: "GET", path: "/api/backup"})
	if err := json.Unmarshal(r.Body, &out); err != nil || len(out.Results) == 0 {
		w.Fatalf("backups: %s", r.Body)
	}
	return out.Results[0]
}
