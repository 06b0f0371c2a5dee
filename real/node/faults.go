package node

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"firedrill/scenarios"
)

// Faults are those that the runtime plays itself, because a kernel may lack the means (netem) or none has them. Its zero
// value has none; nil is such a one.
//
// Delay, loss and duplication concern the messages between nodes alone; the data path and checks do not feel them.
type Faults struct {
	mu      sync.Mutex
	rules   []Fault
	changed chan struct{} // closed when the rules change; nil: nobody waits for that
	gained  time.Duration // what clocks have gained by running fast, until the rules changed last
	since   time.Time     // when that was
}

// Fault is one of them. What is zero is as it was.
type Fault struct {
	ID      int             `json:"id"`                // by which it is mended
	Peers   []netip.Addr    `json:"peers,omitempty"`   // of messages: the other ends; none: everybody
	Network string          `json:"network,omitempty"` // of messages, and of Deaf: over this one; "": any
	In      bool            `json:"in,omitempty"`      // messages from them
	Out     bool            `json:"out,omitempty"`     // messages to them
	Delay   scenarios.Span  `json:"delay,omitzero"`    // each message takes so much longer, and may be overtaken
	Loss    scenarios.Ratio `json:"loss,omitempty"`    // share of the messages
	Twice   scenarios.Ratio `json:"twice,omitempty"`   // share of the messages that arrive so
	Deaf    bool            `json:"deaf,omitempty"`    // gratuitous ARP goes unnoticed
	Sync    time.Duration   `json:"sync,omitempty"`    // each sync of the disk takes so much longer, in nanoseconds
	Work    time.Duration   `json:"work,omitempty"`    // whatever the node does takes so much longer, in nanoseconds
	Clock   time.Duration   `json:"clock,omitempty"`   // the wall clock is off by so much, in nanoseconds
	Skew    int64           `json:"skew,omitempty"`    // clocks run fast by so many parts per million

	Stuck      bool `json:"stuck,omitempty"`      // no sync of the disk returns
	Full       bool `json:"full,omitempty"`       // the disk has no room, see [ballast]
	Unreadable bool `json:"unreadable,omitempty"` // no file can be read
}

// Strike puts a fault in force, instead of one with its id.
func (f *Faults) Strike(fault Fault) {
	f.change(fault.ID, fault)
}

// Mend ends a fault.
func (f *Faults) Mend(id int) { f.change(id) }

func (f *Faults) change(id int, by ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.gained, f.since = f.gainedBy(now), now
	f.rules = append(slices.DeleteFunc(f.rules, func(r Fault) bool { return r.ID == id }), by...)
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// planned are those in force that a plan has ordered, whose ids count from 1.
func (f *Faults) planned() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.rules), func(r Fault) bool { return r.ID < 1 })
}

// outbound lets a message to an address go its way: at once, later, twice or not at all.
func (f *Faults) outbound(to netip.Addr, arrive func()) {
	f.message(to, func(r *Fault) bool { return r.Out }, arrive)
}

// inbound does the same with a message from an address.
func (f *Faults) inbound(from netip.Addr, arrive func()) {
	f.message(from, func(r *Fault) bool { return r.In }, arrive)
}

func (f *Faults) message(other netip.Addr, concerns func(*Fault) bool, arrive func()) {
	for _, wait := range f.fate(other, concerns) {
		if wait > 0 {
			time.AfterFunc(wait, arrive)
		} else {
			arrive()
		}
	}
}

// fate tells how much longer a message takes, once for each time that it arrives.
func (f *Faults) fate(other netip.Addr, concerns func(*Fault) bool) []time.Duration {
	waits := make([]time.Duration, 1, 2)
	if f == nil {
		return waits
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var met []*Fault
	for i := range f.rules {
		r := &f.rules[i]
		if !concerns(r) || !r.meets(other) {
			continue
		}
		met = append(met, r)
		if rand.N(scenarios.Whole) < r.Loss {
			return nil
		}
		if rand.N(scenarios.Whole) < r.Twice {
			waits = waits[:2]
		}
	}
	for i := range waits {
		for _, r := range met {
			waits[i] += r.Delay.Min + rand.N(r.Delay.Max-r.Delay.Min+1)
		}
	}
	return waits
}

// meets tells whether an address is at the other end of what the fault strikes.
func (r *Fault) meets(other netip.Addr) bool {
	network, _, _ := scenarios.NetworkOf(other)
	return (r.Network == "" || r.Network == network) && (r.Peers == nil || slices.Contains(r.Peers, other))
}

// sum adds up what all faults want of something.
func (f *Faults) sum(of func(*Fault) time.Duration) (d time.Duration) {
	if f == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		d += of(&f.rules[i])
	}
	return d
}

func (f *Faults) clockOffset() time.Duration {
	return f.sum(func(r *Fault) time.Duration { return r.Clock })
}

// any tells whether a fault in force is such a one.
func (f *Faults) any(is func(*Fault) bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		if is(&f.rules[i]) {
			return true
		}
	}
	return false
}

// outlast waits until no fault in force is such a one.
func (f *Faults) outlast(is func(*Fault) bool) {
	for {
		changes := f.changes() // before the look, so that none is missed
		if !f.any(is) {
			return
		}
		<-changes
	}
}

// changes is closed when the next fault strikes or ends.
func (f *Faults) changes() <-chan struct{} {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.changed
}
