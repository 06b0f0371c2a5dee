package node

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"firedrill/model"
	"firedrill/scenarios"
)

// Faults are those that the runtime plays itself, because a kernel may lack the means (netem) or none has them. Its zero
// value has none; nil is such a one.
//
// Delay and loss concern the messages between nodes alone; the data path and checks do not feel them.
type Faults struct {
	mu    sync.Mutex
	rules []Fault
}

// Fault is one of them. What is zero is as it was.
type Fault struct {
	ID      int             `json:"id"`                // by which it is mended
	Peers   []netip.Addr    `json:"peers,omitempty"`   // of Delay and Loss: the other ends; none: everybody
	Network string          `json:"network,omitempty"` // of Delay and Loss: over this one; "": any
	In      bool            `json:"in,omitempty"`      // messages from them
	Out     bool            `json:"out,omitempty"`     // messages to them
	Delay   scenarios.Span  `json:"delay,omitzero"`    // each message takes so much longer, and may be overtaken
	Loss    scenarios.Ratio `json:"loss,omitempty"`    // share of the messages
	Sync    time.Duration   `json:"sync,omitempty"`    // each sync of the disk takes so much longer, in nanoseconds
	Work    time.Duration   `json:"work,omitempty"`    // whatever the node does takes so much longer, in nanoseconds
	Clock   time.Duration   `json:"clock,omitempty"`   // the wall clock is off by so much, in nanoseconds
}

// Strike puts a fault in force, instead of one with its id.
func (f *Faults) Strike(fault Fault) {
	f.Mend(fault.ID)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, fault)
}

// Mend ends a fault.
func (f *Faults) Mend(id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = slices.DeleteFunc(f.rules, func(r Fault) bool { return r.ID == id })
}

// outbound tells what happens to a message to an address.
func (f *Faults) outbound(to netip.Addr) (wait time.Duration, lost bool) {
	return f.message(to, func(r *Fault) bool { return r.Out })
}

// inbound tells what happens to a message from an address.
func (f *Faults) inbound(from netip.Addr) (wait time.Duration, lost bool) {
	return f.message(from, func(r *Fault) bool { return r.In })
}

func (f *Faults) message(other netip.Addr, concerns func(*Fault) bool) (wait time.Duration, lost bool) {
	if f == nil {
		return 0, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		r := &f.rules[i]
		if !concerns(r) || !r.meets(other) {
			continue
		}
		wait += r.Delay.Min + rand.N(r.Delay.Max-r.Delay.Min+1)
		lost = lost || rand.N(scenarios.Whole) < r.Loss
	}
	return wait, lost
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

// slowDisk is a disk whose syncs take as long as the faults want.
type slowDisk struct {
	model.Disk
	faults *Faults
}

func (d slowDisk) wait() { time.Sleep(d.faults.sum(func(r *Fault) time.Duration { return r.Sync })) }

// Sync implements [model.Disk].
func (d slowDisk) Sync(name string) error {
	d.wait()
	return d.Disk.Sync(name)
}

// SyncDir implements [model.Disk].
func (d slowDisk) SyncDir() error {
	d.wait()
	return d.Disk.SyncDir()
}
