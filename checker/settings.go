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

// see takes an event.
func (s *settings) see(e *history.Event) {
	switch e.Type {
	case history.Call:
		if s.open[e.Client] != nil {
			s.lost = true // given up without a word
		}
		if alters(e) {
			s.open[e.Client] = e
		}
	case history.Return:
		if call := s.open[e.Client]; call != nil && call.Op == e.Op {
			delete(s.open, e.Client)
			s.changed = e.Time
			s.apply(call, e)
		}
	}
}

// alters tells whether a call may change a group, a service, or where that runs.
func alters(call *history.Event) bool {
	what, changes := changed(call)
	kind, _, _ := strings.Cut(what, "/")
	return changes && (what == "" || kind == string(config.KindServiceEngineGroup) || kind == string(config.KindVirtualService))
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
	what, _ := changed(call)
	kind, name, _ := strings.Cut(what, "/")
	group := kind == string(config.KindServiceEngineGroup)
	deletes := call.Operation == history.OpDelete || strings.HasPrefix(call.Key, http.MethodDelete+" ")
	switch {
	case what == "":
		s.lost = true // a whole configuration
	case strings.Contains(name, "/"): // an order to scale or to move a service
	case deletes && group:
		delete(s.groups, name)
	case deletes:
		delete(s.services, name)
	case group:
		g := &config.ServiceEngineGroup{}
		s.lost = s.lost || json.Unmarshal([]byte(call.Value), g) != nil
		s.groups[g.Name] = g
	default:
		vs := &config.VirtualService{}
		s.lost = s.lost || json.Unmarshal([]byte(call.Value), vs) != nil
		s.services[vs.Name] = vs
	}
}
