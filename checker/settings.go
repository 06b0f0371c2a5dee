package checker

import (
	"encoding/json"
	"net/http"
	"strings"

	"firedrill/checker/history"
	"firedrill/model/config"
)

// settings is the configuration of groups and services as clients have made it, up to some moment of a history.
type settings struct {
	groups   map[string]*config.ServiceEngineGroup
	services map[string]*config.VirtualService
	open     map[string]*history.Event // by client: a change that is not answered yet
	changed  int64                     // when a change last ended
	lost     bool                      // nobody knows any more what is configured
}

func newSettings() *settings {
	return &settings{
		groups:   make(map[string]*config.ServiceEngineGroup),
		services: make(map[string]*config.VirtualService),
		open:     make(map[string]*history.Event),
	}
}

// known tells whether it is certain what is configured.
func (s *settings) known() bool { return !s.lost && len(s.open) == 0 }

// see takes an event, and tells whether a change begins with it.
func (s *settings) see(e *history.Event) (begins bool) {
	switch e.Type {
	case history.Call:
		if s.open[e.Client] != nil {
			s.lost = true // given up without a word
		}
		if begins = alters(e); begins {
			s.open[e.Client] = e
		}
	case history.Return:
		if call := s.open[e.Client]; call != nil && call.Op == e.Op {
			delete(s.open, e.Client)
			s.changed = e.Time
			s.apply(call, e)
		}
	}
	return begins
}

// alters tells whether a call may change a group, a service, or where that runs.
func alters(call *history.Event) bool {
	method, kind, _ := change(call)
	switch method {
	case http.MethodGet:
		return false
	case http.MethodPost:
		if strings.HasSuffix(call.Key, "/api/configuration/import") {
			return true
		}
	}
	return kind == config.KindServiceEngineGroup || kind == config.KindVirtualService
}

// change reads a call as a request to the REST API: its method, and of which object.
func change(call *history.Event) (method string, kind config.Kind, name string) {
	if call.Operation != history.OpRequest {
		named, rest, _ := strings.Cut(call.Key, "/")
		switch call.Operation {
		case history.OpCreate:
			method = http.MethodPost
		case history.OpUpdate:
			method = http.MethodPut
		case history.OpDelete:
			method = http.MethodDelete
		default:
			method = http.MethodGet
		}
		return method, config.Kind(named), rest
	}
	method, path, _ := strings.Cut(call.Key, " ")
	collection, name, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	for _, k := range []config.Kind{config.KindServiceEngineGroup, config.KindVirtualService} {
		if strings.EqualFold(string(k), collection) {
			kind = k
		}
	}
	return method, kind, name
}

// apply takes a change that was answered.
func (s *settings) apply(call, answer *history.Event) {
	switch {
	case answer.Outcome == history.Unknown:
		s.lost = true
		return
	case answer.Outcome != history.OK || call.Operation == history.OpRequest && answer.Status/100 != 2:
		return
	}
	method, kind, name := change(call)
	switch {
	case kind == "":
		s.lost = true // a whole configuration
	case strings.Contains(name, "/"): // an order to scale or to move a service
	case method == http.MethodDelete && kind == config.KindServiceEngineGroup:
		delete(s.groups, name)
	case method == http.MethodDelete:
		delete(s.services, name)
	case kind == config.KindServiceEngineGroup:
		g := &config.ServiceEngineGroup{}
		s.lost = s.lost || json.Unmarshal([]byte(call.Value), g) != nil
		s.groups[g.Name] = g
	default:
		vs := &config.VirtualService{}
		s.lost = s.lost || json.Unmarshal([]byte(call.Value), vs) != nil
		s.services[vs.Name] = vs
	}
}
