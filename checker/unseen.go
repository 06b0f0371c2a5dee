package checker

import (
	"encoding/json"
	"net/url"
	"strings"

	"firedrill/checker/history"
	"firedrill/model/config"
)

// unseen is what may change without an operation that says so: by a request to the REST API, of which only method, path
// and body are known. From the line of its call on nothing can be said of what it may have touched.
type unseen map[string]int // the first such line, by key; by kind and a slash; of everything by ""

// note takes the call of a request.
func (u unseen) note(line int, call *history.Event) {
	if what, changes := changedByRequest(call); changes {
		u.from(what, line)
	}
}

// changed tells what a call may change: a key, or a kind and a slash, or everything, which is "".
func changed(call *history.Event) (what string, changes bool) {
	switch call.Operation {
	case history.OpCreate, history.OpUpdate, history.OpDelete:
		return call.Key, true
	case history.OpRequest:
		return changedByRequest(call)
	}
	return "", false
}

func changedByRequest(call *history.Event) (what string, changes bool) {
	method, path, _ := strings.Cut(call.Key, " ")
	path, _, _ = strings.Cut(path, "?")
	rest, ours := strings.CutPrefix(path, "/api/")
	if method == "GET" || !ours {
		return "", false
	}
	rest = strings.TrimSuffix(rest, "/")
	if rest == "configuration/import" {
		return "", true
	}
	collection, name, named := strings.Cut(rest, "/")
	for _, kind := range config.Kinds() {
		if !strings.EqualFold(string(kind), collection) {
			continue
		}
		if plain, err := url.PathUnescape(name); named && err == nil {
			name = plain
		} else {
			name = nameIn(call.Value)
		}
		return string(kind) + "/" + name, true // without a name: the whole kind
	}
	return "", false
}

func (u unseen) from(what string, line int) {
	if _, before := u[what]; !before {
		u[what] = line
	}
}

// nameIn is the name of the object in the body of a request, "" if it says none.
func nameIn(body string) string {
	var object struct {
		Name string `json:"name"`
	}
	if json.Unmarshal([]byte(body), &object) != nil {
		return ""
	}
	return object.Name
}

// until is the line from which nothing is known of a key; end if there is none.
func (u unseen) until(key string, end int) int {
	kind, _, _ := strings.Cut(key, "/")
	for _, what := range []string{key, kind + "/", ""} {
		if line, ok := u[what]; ok {
			end = min(end, line)
		}
	}
	return end
}

// before cuts an operation off at a line: one that began later is no longer looked at; of one that was open then only
// a change can still matter, and what became of it counts for nothing.
func (o *operation) before(line, end int) bool {
	switch {
	case o.call >= line:
		return false
	case o.ret < line:
		return true
	case o.kind == history.OpRead || o.outcome == history.Fail:
		return false
	}
	o.outcome, o.reason, o.got, o.gotVersion, o.ret, o.till = history.Unknown, "", "", 0, end, -1
	return true
}
