// Package checker judges a history: is the configuration linearizable, do the invariants hold, and was
// every outage within its bound.
package checker

import (
	"slices"
	"time"
)

// Result is the judgement of one run, and one entry of results.json.
type Result struct {
	Scenario   string        `json:"scenario"`
	World      string        `json:"world"` // sim or real
	Seed       uint64        `json:"seed"`
	Machine    string        `json:"machine,omitempty"` // profile of the machine that a simulation was told of
	On         string        `json:"on,omitempty"`      // the file with that profile
	Verdict    Verdict       `json:"verdict"`
	Argument   string        `json:"argument,omitempty"`   // what `firedrill replay` takes, where it is not the scenario: the file of one that leans
	TraceHash  string        `json:"trace_hash,omitempty"` // 16 hex digits; empty where the world is not deterministic
	Events     uint64        `json:"events,omitempty"`     // scheduler events played
	Simulated  time.Duration `json:"simulated"`            // how long the run lasted by the world's clock
	Operations int           `json:"operations"`           // client operations judged
	Probes     int           `json:"probes"`
	Violations []Violation   `json:"violations"`
	Outages    []Outage      `json:"outages"`
	Met        []Met         `json:"met,omitempty"`       // which faults met which states
	Takeovers  []Takeover    `json:"takeovers,omitempty"` // where clients kept long flows open
}

// Verdict is pass, fail, or error when the run itself broke.
type Verdict string

// The verdicts.
const (
	Pass  Verdict = "pass"
	Fail  Verdict = "fail"
	Error Verdict = "error" // the worker that played the run panicked or hung; the violation holds its stack
)

// Broke tells whether a check found a broken promise.
func (r *Result) Broke(check string) bool {
	return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Check == check })
}

// Violation is one broken promise.
type Violation struct {
	Check   string        `json:"check"` // the name of the invariant or bound, as `firedrill list` shows it
	At      time.Duration `json:"at"`    // when it was broken
	Message string        `json:"message"`
	Details []string      `json:"details,omitempty"` // the events that show it, one a line
}

// Outage is a time during which a client found a service dark. It begins with the fault when the fault
// struck between the last answered probe and the first unanswered one, else when the first unanswered
// probe was sent; it ends when the next answer arrived, unless later probes were lost already: such an answer
// is old news. Durations are integer nanoseconds.
type Outage struct {
	Service  string        `json:"service"`
	Fault    string        `json:"fault"`            // the kind of the fault that explains it best, or "none"
	Target   string        `json:"target"`           // that fault's selector
	Healed   bool          `json:"healed,omitempty"` // it was not the fault that took the service away, but its end
	Start    time.Duration `json:"start"`
	Duration time.Duration `json:"duration"`
	Ended    bool          `json:"ended"`          // false: still dark when the run ended
	Blip     bool          `json:"blip,omitempty"` // a single probe was lost and nobody took over: a lossy network does that too
	Bound    time.Duration `json:"bound"`          // what the scenario allows; 0: nothing said
	// AfterHeal is how much of it lay after the last fault that reached the service was over, which is what the platform
	// can answer for; 0 where the service was back before that, and where there was no fault.
	AfterHeal time.Duration `json:"after_heal,omitempty"`
	Phases    Phases        `json:"phases"`
	Cause     string        `json:"cause"` // one line for people
}

// Outlasted tells whether a fault itself kept the service away: it was dark until the fault was over, and then for
// AfterHeal more. Where a successor had been chosen before, it was not the fault that was waited for.
func (o *Outage) Outlasted() bool {
	healed := o.Duration - o.AfterHeal
	chosen := o.Phases.Decide > 0 && o.Phases.Detect+o.Phases.Decide < healed
	return o.AfterHeal > 0 && healed > 0 && !chosen
}

// Phases splits an outage; they add up to its duration. A phase that left no mark in the history is zero
// and its time falls to the next. Of the API they are detect, elect, warm start and converge.
type Phases struct {
	Detect   time.Duration `json:"detect"`   // until a survivor suspects
	Decide   time.Duration `json:"decide"`   // until a successor is chosen
	Announce time.Duration `json:"announce"` // until the successor has told the network, or serves the API
	Converge time.Duration `json:"converge"` // until the client is answered
}
