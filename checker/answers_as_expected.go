package checker

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
)

// checkAnswersAsExpected holds the answers of the REST API against what the scenario demands of single requests.
// A request that was never answered is not what was expected either.
func checkAnswersAsExpected(h *evidence) []Violation {
	var out []Violation
	open := make(map[string]*history.Event) // by client: the request under way, if something is expected of it
	for i := range h.Events {
		e := &h.Events[i]
		switch e.Type {
		case history.Call:
			delete(open, e.Client)
			if e.Operation == history.OpRequest && e.Expected != "" {
				open[e.Client] = e
			}
		case history.Return:
			if call := open[e.Client]; call != nil {
				delete(open, e.Client)
				if problem := unexpected(call, e); problem != "" {
					out = append(out, violation(e.Time, []string{"the answer: " + short(e.Value)}, "%s asked %s and %s", call.Client, call.Key, problem))
				}
			}
		case history.End:
			for j := range h.Events[:i] { // in the order of the calls
				if call := &h.Events[j]; open[call.Client] == call {
					out = append(out, violation(e.Time, nil, "%s asked %s at %s and was never answered", call.Client, call.Key, words.Instant(time.Duration(call.Time))))
				}
			}
		}
	}
	return out
}

// unexpected says how an answer differs from what the call expects; "" if it does not.
func unexpected(call, answer *history.Event) string {
	var want history.Answer
	if err := json.Unmarshal([]byte(call.Expected), &want); err != nil {
		return fmt.Sprintf("the scenario's demand %q cannot be read: %v", call.Expected, err)
	}
	if want.Status != 0 && answer.Status != want.Status {
		got := fmt.Sprintf("got status %d", answer.Status)
		if answer.Status == 0 {
			got = "got no answer"
		}
		return fmt.Sprintf("%s instead of %d", got, want.Status)
	}
	for _, text := range want.Contains {
		if !strings.Contains(answer.Value, text) {
			return fmt.Sprintf("the answer does not contain %q", text)
		}
	}
	for _, text := range want.Lacks {
		if strings.Contains(answer.Value, text) {
			return fmt.Sprintf("the answer contains %q", text)
		}
	}
	return ""
}
