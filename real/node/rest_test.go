package node

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"firedrill/model/wire"
)

func TestREST(t *testing.T) {
	for _, c := range []struct {
		name   string
		header map[string]string
		asked  bool
		status int
	}{
		{"without a token", nil, false, 401},
		{"with a wrong token", map[string]string{"Authorization": "Bearer of bad news"}, false, 401},
		{"with the token", map[string]string{"Authorization": "Bearer open sesame"}, true, 207},
		{"with a version", map[string]string{"Authorization": "Bearer open sesame", "If-Match": `"17"`, "Idempotency-Key": "k"}, true, 207},
		{"with a version that is none", map[string]string{"Authorization": "Bearer open sesame", "If-Match": `"last"`}, false, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked *wire.HTTPRequest
			var a *rest
			a = newREST("open sesame", func(from netip.Addr, msg []byte) {
				body, err := wire.Decode(msg)
				if err != nil || from != restCaller {
					t.Errorf("from %v: %v", from, err)
				}
				asked = body.(*wire.Envelope_HttpRequest).HttpRequest
				a.answered([]byte("damaged"))
				for _, id := range []uint64{asked.Id + 1, asked.Id} { // the first answers nobody
					a.answered(wire.Encode(&wire.Envelope_HttpResponse{HttpResponse: &wire.HTTPResponse{
						Id: id, Status: 207, ContentType: "application/json", Etag: 18, Body: []byte(`{}`), Controller: "controller-2",
					}}))
				}
			})
			r := httptest.NewRequest("PUT", "/api/pool/web?x=1", strings.NewReader("body"))
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code != c.status || (asked != nil) != c.asked {
				t.Fatalf("status %d, asked %v; want %d, %v", w.Code, asked, c.status, c.asked)
			}
			if !c.asked {
				return
			}
			if asked.Method != http.MethodPut || asked.Path != "/api/pool/web?x=1" || string(asked.Body) != "body" ||
				(asked.IfMatch == 17) != (c.header["If-Match"] != "") || asked.IdempotencyKey != c.header["Idempotency-Key"] {
				t.Errorf("the controller was asked %v", asked)
			}
			if w.Header().Get("ETag") != `"18"` || w.Header().Get("Via") != "1.1 controller-2" || w.Body.String() != "{}" {
				t.Errorf("answered %v %s", w.Header(), w.Body)
			}
		})
	}
}
