package checker

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"

	"firedrill/checker/history"
	"firedrill/model/config"
)

// off is a time in which a service was switched off, or was not there, or elsewhere than clients know, because one of them
// wanted it so: from the moment at which that was asked for until it was answered that the service is on again. Nobody
// expects that it answers.
type off struct{ from, until int64 }

// switchedOff lists these times by service.
func switchedOff(h *history.History) map[string][]off {
	type asked struct {
		client string
		op     uint64
	}
	calls, out := make(map[asked]*history.Event), make(map[string][]off)
	addresses := make(map[string]string)
	for _, s := range h.Header.Services {
		addresses[s.Name] = s.Address
	}
	for i := range h.Events {
		e := &h.Events[i]
		at := asked{e.Client, e.Op}
		switch e.Type {
		case history.Call:
			if name, wantsOff, ours := switches(e, addresses); ours {
				calls[at] = e
				if wantsOff && !isOff(out[name]) {
					out[name] = append(out[name], off{e.Time, math.MaxInt64})
				}
			}
		case history.Return:
			call := calls[at]
			if call == nil {
				continue
			}
			delete(calls, at)
			name, wantsOff, _ := switches(call, addresses)
			times := out[name]
			last := len(times) - 1
			switch done := e.Outcome == history.OK && (call.Operation != history.OpRequest || e.Status/100 == 2); {
			case !isOff(times):
			case wantsOff && !done && e.Outcome != history.Unknown && times[last].from == call.Time:
				out[name] = times[:last] // it was refused
			case !wantsOff && done:
				times[last].until = e.Time
			}
		}
	}
	return out
}

func isOff(times []off) bool { return len(times) > 0 && times[len(times)-1].until == math.MaxInt64 }

// switches tells whether a call makes a service, changes it, or takes it away, and whether it is off then.
func switches(call *history.Event, addresses map[string]string) (service string, off, ours bool) {
	what, changes := changed(call)
	kind, name, _ := strings.Cut(what, "/")
	if !changes || kind != string(config.KindVirtualService) || name == "" || strings.Contains(name, "/") {
		return "", false, false
	}
	if call.Operation == history.OpDelete || strings.HasPrefix(call.Key, http.MethodDelete+" ") {
		return name, true, true
	}
	var vs config.VirtualService
	if json.Unmarshal([]byte(call.Value), &vs) != nil {
		return "", false, false
	}
	return name, vs.Disabled || vs.VIP.String() != addresses[name], true
}
