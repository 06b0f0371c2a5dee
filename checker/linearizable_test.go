package checker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"firedrill/checker/history"
)

// read reads a history without its header. Times are left out where they say nothing: the order of the lines is
// the order of what happened.
func read(t testing.TB, lines string) *history.History {
	t.Helper()
	return readFrom(t, `{"format":"firedrill.history","version":1}`, lines)
}

func readFrom(t testing.TB, header, lines string) *history.History {
	t.Helper()
	var text strings.Builder
	text.WriteString(header)
	for line := range strings.Lines(lines) {
		if line := strings.TrimSpace(line); line != "" {
			text.WriteString("\n" + line)
		}
	}
	h, err := history.Read("fixture", strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func linearizable(h *history.History) bool { return len(checkLinearizable(gather(h))) == 0 }

func TestLinearizable(t *testing.T) {
	for _, c := range []struct {
		name  string
		want  bool
		lines string
	}{
		{"another value than was written", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a request may have written it", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"PUT /api/pool/p"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a request may have written it, by an escaped name", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"DELETE /api/pool/%70/"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a request has written another", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"PUT /api/pool/q"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a request has written one of another kind", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"PUT /api/cloud/p"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a request may have created it", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"POST /api/pool","value":"{\"name\":\"p\"}"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a request has created another", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"POST /api/pool","value":"{\"name\":\"q\"}"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a request has created nobody knows what", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"POST /api/pool","value":"?"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a request has only read it", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"GET /api/pool/p"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"an import may have written it", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"POST /api/configuration/import"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"an export has not", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"POST /api/configuration/export"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"wrong before the import", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":2,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}
			{"type":"call","client":"c","op":1,"operation":"request","key":"POST /api/configuration/import"}
			{"type":"return","client":"c","op":1,"outcome":"fail"}`},
		{"an import while it was read", true, `
			{"type":"call","client":"b","op":1,"operation":"read","key":"Pool/p"}
			{"type":"call","client":"c","op":1,"operation":"request","key":"POST /api/configuration/import"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"2","version":9}`},
		{"a write that was open at the import had been seen", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"Pool/p","value":"1"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"Pool/p"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1","version":5}
			{"type":"call","client":"c","op":1,"operation":"request","key":"POST /api/configuration/import"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":7}`},
		{"what controllers write too is not judged, even if a client writes it", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"ServiceEngine/x","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":2,"operation":"read","key":"ServiceEngine/x"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2","version":9}`},
		{"a write is read", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}`},
		{"stale read", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"a","op":2,"operation":"write","key":"r","value":"2"}
			{"type":"return","client":"a","op":2,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}`},
		{"a read of the old value during the write", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"a","op":2,"operation":"write","key":"r","value":"2"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}
			{"type":"return","client":"a","op":2,"outcome":"ok"}`},
		{"new, then old during the write", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"a","op":2,"operation":"write","key":"r","value":"2"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"2"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"1"}
			{"type":"return","client":"a","op":2,"outcome":"ok"}`},
		{"two overlapping writes, in the other order than they returned", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"call","client":"b","op":1,"operation":"write","key":"r","value":"2"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"return","client":"b","op":1,"outcome":"ok"}
			{"type":"call","client":"c","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"c","op":1,"outcome":"ok","value":"1"}`},
		{"a value that nobody wrote", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"7"}`},
		{"the value of a write that failed", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"fail","reason":"refused"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}`},
		{"the value of a write that begins later", false, `
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}`},
		{"lost update: two read-modify-writes from one value", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"0"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"a","op":2,"operation":"cas","key":"r","expected":"0","value":"a1"}
			{"type":"call","client":"b","op":1,"operation":"cas","key":"r","expected":"0","value":"b1"}
			{"type":"return","client":"a","op":2,"outcome":"ok"}
			{"type":"return","client":"b","op":1,"outcome":"ok"}`},
		{"lost update: an acknowledged value is gone", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"update","key":"k","version":5,"value":"2"}
			{"type":"return","client":"a","op":2,"outcome":"ok","version":6}
			{"type":"call","client":"b","op":1,"operation":"update","key":"k","version":5,"value":"3"}
			{"type":"return","client":"b","op":1,"outcome":"ok","version":7}`},
		{"of two updates from one version, one is refused", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"update","key":"k","version":5,"value":"2"}
			{"type":"call","client":"b","op":1,"operation":"update","key":"k","version":5,"value":"3"}
			{"type":"return","client":"b","op":1,"outcome":"ok","version":6}
			{"type":"return","client":"a","op":2,"outcome":"fail","reason":"version_mismatch"}`},
		{"a write applied twice by a retry", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"write","key":"r","value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2"}
			{"type":"call","client":"b","op":3,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":3,"outcome":"ok","value":"1"}`},
		{"a write of unknown outcome applied twice", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}
			{"type":"call","client":"b","op":2,"operation":"write","key":"r","value":"2"}
			{"type":"return","client":"b","op":2,"outcome":"ok"}
			{"type":"call","client":"b","op":3,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":3,"outcome":"ok","value":"1"}`},
		{"a retry refused because its first attempt was applied", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"fail","reason":"already_exists"}
			{"type":"call","client":"a","op":2,"operation":"read","key":"k"}
			{"type":"return","client":"a","op":2,"outcome":"ok","value":"1","version":5}`},
		{"an update applied twice: two versions for one", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"read","key":"k"}
			{"type":"return","client":"a","op":2,"outcome":"ok","value":"1","version":6}`},
		{"unknown, and it took effect", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}`},
		{"unknown, and it did not", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"fail","reason":"not_found"}`},
		{"unknown, and it took effect late", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"write","key":"r","value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"2"}
			{"type":"call","client":"b","op":3,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":3,"outcome":"ok","value":"1"}`},
		{"unknown, but it came before its call", false, `
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}`},
		{"unknown, it took effect and was undone", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"k"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1","version":5}
			{"type":"call","client":"b","op":2,"operation":"read","key":"k"}
			{"type":"return","client":"b","op":2,"outcome":"fail","reason":"not_found"}`},
		{"an unknown delete explains that nothing is there", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"delete","key":"k","version":5}
			{"type":"return","client":"a","op":2,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"k"}
			{"type":"return","client":"b","op":1,"outcome":"fail","reason":"not_found"}`},
		{"an unknown delete of another version does not", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"delete","key":"k","version":4}
			{"type":"return","client":"a","op":2,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"k"}
			{"type":"return","client":"b","op":1,"outcome":"fail","reason":"not_found"}`},
		{"a call that never returned took effect", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}`},
		{"two unknown writes explain two values, in either order", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"call","client":"b","op":1,"operation":"write","key":"r","value":"2"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"return","client":"b","op":1,"outcome":"unknown"}
			{"type":"call","client":"c","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"c","op":1,"outcome":"ok","value":"2"}
			{"type":"call","client":"c","op":2,"operation":"read","key":"r"}
			{"type":"return","client":"c","op":2,"outcome":"ok","value":"1"}`},
		{"a chain of CAS", true, `
			{"type":"call","client":"a","op":1,"operation":"cas","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"cas","key":"r","expected":"1","value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"ok"}
			{"type":"call","client":"a","op":2,"operation":"cas","key":"r","expected":"1","value":"3"}
			{"type":"return","client":"a","op":2,"outcome":"fail"}`},
		{"a CAS that failed though nothing else was there", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"cas","key":"r","expected":"1","value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"fail"}`},
		{"a CAS that was not served tells nothing", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"cas","key":"r","expected":"1","value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"fail","reason":"unavailable"}`},
		{"an unknown CAS took effect, so the next one fits", true, `
			{"type":"call","client":"a","op":1,"operation":"cas","key":"r","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"cas","key":"r","expected":"1","value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"ok"}`},
		{"an unknown CAS cannot have taken effect", false, `
			{"type":"call","client":"a","op":1,"operation":"cas","key":"r","expected":"9","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"r"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}`},
		{"create, delete, create again", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"delete","key":"k","version":5}
			{"type":"return","client":"a","op":2,"outcome":"ok","version":6}
			{"type":"call","client":"a","op":3,"operation":"create","key":"k","value":"2"}
			{"type":"return","client":"a","op":3,"outcome":"ok","version":7}
			{"type":"call","client":"b","op":1,"operation":"read","key":"k"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"2","version":7}`},
		{"created twice without a delete", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":1,"operation":"create","key":"k","value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"ok","version":6}`},
		{"created again under an older version than was deleted", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"delete","key":"k"}
			{"type":"return","client":"a","op":2,"outcome":"ok"}
			{"type":"call","client":"a","op":3,"operation":"create","key":"k","value":"2"}
			{"type":"return","client":"a","op":3,"outcome":"ok","version":5}`},
		{"created again under the version of the delete", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"delete","key":"k"}
			{"type":"return","client":"a","op":2,"outcome":"ok","version":8}
			{"type":"call","client":"a","op":3,"operation":"create","key":"k","value":"2"}
			{"type":"return","client":"a","op":3,"outcome":"ok","version":8}`},
		{"an update that was refused for the version that is there", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":1,"operation":"update","key":"k","version":5,"value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"fail","reason":"version_mismatch"}`},
		{"an update of any version that was refused for its version", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":1,"operation":"update","key":"k","value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"fail","reason":"version_mismatch"}`},
		{"a version that was ruled out is read", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"unknown"}
			{"type":"call","client":"b","op":1,"operation":"update","key":"k","version":1,"value":"2"}
			{"type":"return","client":"b","op":1,"outcome":"fail","reason":"version_mismatch"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"k"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"1","version":1}`},
		{"the version goes back", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"update","key":"k","value":"2"}
			{"type":"return","client":"a","op":2,"outcome":"ok","version":4}`},
		{"one value under two versions", false, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"k","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"read","key":"k"}
			{"type":"return","client":"b","op":1,"outcome":"ok","value":"1","version":5}
			{"type":"call","client":"b","op":2,"operation":"read","key":"k"}
			{"type":"return","client":"b","op":2,"outcome":"ok","value":"1","version":6}`},
		{"a list of what is there", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"pool/x","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"create","key":"pool/y","value":"2"}
			{"type":"return","client":"a","op":2,"outcome":"ok","version":6}
			{"type":"call","client":"b","op":1,"operation":"list","key":"pool/"}
			{"type":"return","client":"b","op":1,"outcome":"ok","items":[{"key":"pool/x","value":"1","version":5},{"key":"pool/y","value":"2","version":6}]}`},
		{"a list that lacks one", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"pool/x","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"create","key":"pool/y","value":"2"}
			{"type":"return","client":"a","op":2,"outcome":"ok","version":6}
			{"type":"call","client":"b","op":1,"operation":"list","key":"pool/"}
			{"type":"return","client":"b","op":1,"outcome":"ok","items":[{"key":"pool/x","value":"1","version":5}]}`},
		{"a list of other keys lacks nothing", true, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"pool/x","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":1,"operation":"list","key":"vs/"}
			{"type":"return","client":"b","op":1,"outcome":"ok"}`},
		{"a list that still shows what was deleted", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"pool/x","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"a","op":2,"operation":"delete","key":"pool/x"}
			{"type":"return","client":"a","op":2,"outcome":"ok"}
			{"type":"call","client":"b","op":1,"operation":"list","key":"pool/"}
			{"type":"return","client":"b","op":1,"outcome":"ok","items":[{"key":"pool/x","value":"1","version":5}]}`},
		{"a list of what nobody created", false, `
			{"type":"call","client":"b","op":1,"operation":"list","key":"pool/"}
			{"type":"return","client":"b","op":1,"outcome":"ok","items":[{"key":"pool/x","value":"1","version":5}]}`},
		{"a list of what the controllers wrote by themselves", true, `
			{"type":"call","client":"b","op":1,"operation":"list","key":"ServiceEngine/"}
			{"type":"return","client":"b","op":1,"outcome":"ok","items":[{"key":"ServiceEngine/x","value":"1","version":5}]}`},
		{"a list with one object twice", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"pool/x","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":1,"operation":"list","key":"pool/"}
			{"type":"return","client":"b","op":1,"outcome":"ok","items":[{"key":"pool/x","value":"0","version":4},{"key":"pool/x","value":"1","version":5}]}`},
		{"a list with a false object of another prefix", false, `
			{"type":"call","client":"a","op":1,"operation":"create","key":"pool/x","value":"1"}
			{"type":"return","client":"a","op":1,"outcome":"ok","version":5}
			{"type":"call","client":"b","op":1,"operation":"list","key":"vs/"}
			{"type":"return","client":"b","op":1,"outcome":"ok","items":[{"key":"pool/x","value":"0","version":4}]}`},
		{"keys do not order one another", true, `
			{"type":"call","client":"a","op":1,"operation":"write","key":"x","value":"1"}
			{"type":"call","client":"b","op":1,"operation":"write","key":"y","value":"1"}
			{"type":"return","client":"b","op":1,"outcome":"ok"}
			{"type":"call","client":"b","op":2,"operation":"read","key":"x"}
			{"type":"return","client":"b","op":2,"outcome":"fail","reason":"not_found"}
			{"type":"return","client":"a","op":1,"outcome":"ok"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := read(t, c.lines)
			violations := checkLinearizable(gather(h))
			if ok := len(violations) == 0; ok != c.want {
				t.Fatalf("linearizable: %v, want %v\n%v", ok, c.want, violations)
			}
			// What is drawn must not break on what is judged.
			if err := Visualize(h, filepath.Join(t.TempDir(), "picture.html")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCallGivenUp: a history that was not read from a file may hold a client that calls again without a return. Its
// first call may still take effect.
func TestCallGivenUp(t *testing.T) {
	h := &history.History{Events: []history.Event{
		{Type: history.Call, Client: "a", Op: 1, Operation: history.OpWrite, Key: "r", Value: "1"},
		{Type: history.Call, Client: "a", Op: 2, Operation: history.OpWrite, Key: "r", Value: "2"},
		{Type: history.Return, Client: "a", Op: 2, Outcome: history.OK},
		{Type: history.Call, Client: "a", Op: 3, Operation: history.OpRead, Key: "r"},
		{Type: history.Return, Client: "a", Op: 3, Outcome: history.OK, Value: "1"},
	}}
	if got := checkLinearizable(gather(h)); len(got) > 0 {
		t.Error(got)
	}
}

func TestViolationShowsTheOddOperation(t *testing.T) {
	h := read(t, `
		{"t":1,"type":"call","client":"a","op":1,"operation":"write","key":"r","value":"1"}
		{"t":2,"type":"return","client":"a","op":1,"outcome":"ok"}
		{"t":3,"type":"call","client":"a","op":2,"operation":"write","key":"r","value":"2"}
		{"t":4,"type":"return","client":"a","op":2,"outcome":"ok"}
		{"t":5,"type":"call","client":"b","op":1,"operation":"read","key":"r"}
		{"t":6,"type":"return","client":"b","op":1,"outcome":"ok","value":"1"}`)
	got := checkLinearizable(gather(h))
	if len(got) != 1 {
		t.Fatal(got)
	}
	want := Violation{At: 6, Message: `r: no order of the operations explains what the clients saw; 2 of 3 fit, but not: 5 ns..6 ns b read: ok "1"`, Details: []string{
		`fits: 1 ns..2 ns a write to "1": ok`,
		`fits: 3 ns..4 ns a write to "2": ok`,
		`then: value "2", version 2 or more`,
		`does not fit: 5 ns..6 ns b read: ok "1"`,
	}}
	if got[0].At != want.At || got[0].Message != want.Message || !slices.Equal(got[0].Details, want.Details) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}

// TestRealHistoriesAreAccepted: whatever a real sequential register does, seen by concurrent clients that lose
// answers, is linearizable.
func TestRealHistoriesAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &history.History{Events: drawReal(t)}
		if got := checkLinearizable(gather(h)); len(got) > 0 {
			t.Fatalf("%v\n%s", got, text(h))
		}
	})
}

// TestStaleReadsAreRejected: a real history in which one read is made to see a value that a later write had
// replaced for certain before the read began.
func TestStaleReadsAreRejected(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		h := &history.History{Events: drawReal(t)}
		stale := staleReads(h)
		if len(stale) == 0 {
			return
		}
		found++
		s := rapid.SampledFrom(stale).Draw(t, "stale")
		e := &h.Events[s.line]
		e.Value, e.Version = s.old.Value, 0
		if rapid.Bool().Draw(t, "with its version") {
			e.Version = s.old.Version
		}
		if linearizable(h) {
			t.Fatalf("line %d was made stale and accepted\n%s", s.line, text(h))
		}
	})
	if found == 0 {
		t.Error("no history had a read to make stale")
	}
}

func drawReal(t *rapid.T) []history.Event {
	n := 0
	pick := func(most int) int {
		n++
		return rapid.IntRange(0, most-1).Draw(t, fmt.Sprint("draw ", n))
	}
	clients := rapid.IntRange(1, 4).Draw(t, "clients")
	keys := rapid.IntRange(1, 2).Draw(t, "keys")
	unknowns := rapid.SampledFrom([]int{0, 10, 40}).Draw(t, "unknowns")
	return newReal(pick, clients, keys, unknowns).play(rapid.IntRange(1, 24).Draw(t, "operations"))
}

type stale struct {
	line int // of the read's return
	old  history.Item
}

// staleReads lists the answered reads with every value that was written, and replaced, before their call.
func staleReads(h *history.History) []stale {
	type write struct {
		call, ret int
		item      history.Item
	}
	var out []stale
	writes := make(map[string][]write)
	calls := make(map[string]int)
	for i, e := range h.Events {
		if e.Type == history.Call {
			calls[e.Client] = i
			continue
		}
		at := calls[e.Client]
		call := h.Events[at]
		switch {
		case e.Outcome != history.OK || call.Operation == history.OpList:
		case call.Operation == history.OpRead:
			for _, first := range writes[call.Key] {
				replaced := func(second write) bool { return first.ret < second.call && second.ret < at }
				if first.item.Value != "" && slices.ContainsFunc(writes[call.Key], replaced) {
					out = append(out, stale{i, first.item})
				}
			}
		default:
			writes[call.Key] = append(writes[call.Key], write{at, i, history.Item{Value: call.Value, Version: e.Version}})
		}
	}
	return out
}

func text(h *history.History) string {
	var b strings.Builder
	if err := history.Write(&b, h); err != nil {
		return err.Error()
	}
	return b.String()
}

// hard is a key with many writes of unknown outcome and a read that none of them explains: every subset of them
// has to be tried.
func hard() *history.History {
	h := &history.History{}
	for i := range 24 {
		client := fmt.Sprintf("client-%d", i)
		h.Events = append(h.Events, history.Event{Type: history.Call, Client: client, Op: 1, Operation: history.OpWrite, Key: "r", Value: client})
	}
	h.Events = append(h.Events,
		history.Event{Type: history.Call, Client: "reader", Op: 1, Operation: history.OpRead, Key: "r"},
		history.Event{Type: history.Return, Client: "reader", Op: 1, Outcome: history.OK, Value: "never"})
	return h
}

func TestHardHistoryEndsAndSaysSo(t *testing.T) {
	h := hard()
	got := checkLinearizable(gather(h))
	want := "r: linearizability check did not finish: 25 operations, 4194304 steps tried"
	if len(got) != 1 || got[0].Message != want {
		t.Errorf("got %v, want %q", got, want)
	}
}

// TestHardHistoryIsDrawn: the picture replays more steps than the search had left.
func TestHardHistoryIsDrawn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "picture.html")
	if err := Visualize(hard(), path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Error(info, err)
	}
}

// TestUnknownsStayCheap: a fifth of all outcomes unknown, as when a quorum is lost for long, is still decided.
func TestUnknownsStayCheap(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	h := &history.History{Events: newReal(random.IntN, 4, 5, 20).play(1200)}
	if got := checkLinearizable(gather(h)); len(got) > 0 {
		t.Error(got)
	}
}
