package node

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"firedrill/model/cloud"
)

// Hardware is what a cloud's hypervisor shows the management of that cloud.
type Hardware struct {
	After    uint64       `json:"after"` // the number of the last [Call] of which this is the consequence
	Hosts    []cloud.Host `json:"hosts"`
	Machines []Built      `json:"machines"` // by name
}

// Built is a machine and how it is.
type Built struct {
	cloud.Machine
	State cloud.State `json:"state"`
}

// Call is what a cloud's management asks of the hypervisor, which is outside of its container: a line of the record that is
// no event. At most one field beside the number is set; without any, the hypervisor is to show what there is.
type Call struct {
	Number  uint64         `json:"number"` // rises from call to call, also over lives of the process
	Build   *cloud.Machine `json:"build,omitempty"`
	Destroy string         `json:"destroy,omitempty"`
	Reboot  string         `json:"reboot,omitempty"`
}

// callLine begins the line of a call; no event of a history begins so.
const callLine = `{"call":`

// ParseCall reads a line of a container's record; false if it is no call.
func ParseCall(line []byte) (Call, bool, error) {
	var l struct{ Call Call }
	if !strings.HasPrefix(string(line[:min(len(line), len(callLine))]), callLine) {
		return l.Call, false, nil
	}
	err := json.Unmarshal(line, &l)
	return l.Call, true, err
}

func (c *Call) line() []byte {
	data, err := json.Marshal(c)
	if err != nil {
		panic("node: a call of our own cannot be marshalled: " + err.Error())
	}
	return append(append([]byte(callLine), data...), '}')
}

// hypervisor is the far end of a cloud's hardware, and implements [cloud.Hypervisor]. A call returns at once; until the
// hardware shows what came of it, what it must come to is shown here.
type hypervisor struct {
	say func(line []byte)

	mu    sync.Mutex
	last  uint64 // number of a call
	known *Hardware
	calls []Call        // after known
	seen  chan struct{} // closed when something is known
}

// newHypervisor returns one whose calls are numbered behind those of all earlier lives, if now is a clock that no life
// turns back.
func newHypervisor(now uint64, say func(line []byte)) *hypervisor {
	return &hypervisor{say: say, last: now, seen: make(chan struct{})}
}

// await asks what there is and waits for it.
func (h *hypervisor) await(ctx context.Context) error {
	h.call(Call{})
	select {
	case <-h.seen:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hypervisor) call(c Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	c.Number = h.last
	h.calls = append(h.calls, c)
	h.say(c.line()) // under the lock: calls are heard in their order
}

// shown takes what the hardware shows.
func (h *hypervisor) shown(now *Hardware) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.calls) > 0 && now.After < h.calls[0].Number && h.known == nil {
		return // that was meant for an earlier life
	}
	if h.known == nil {
		close(h.seen)
	}
	h.known = now
	h.calls = slices.DeleteFunc(h.calls, func(c Call) bool { return c.Number <= now.After })
}

// Hosts implements [cloud.Hypervisor].
func (h *hypervisor) Hosts() []cloud.Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	hosts := slices.Clone(h.known.Hosts)
	for i := range hosts {
		for _, c := range h.calls {
			if c.Build != nil && c.Build.Host == hosts[i].Name {
				hosts[i].Free--
			}
		}
	}
	return hosts
}

// Machines implements [cloud.Hypervisor].
func (h *hypervisor) Machines() []cloud.Machine {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []cloud.Machine
	for _, b := range h.known.Machines {
		m := b.Machine
		m.State = b.State
		out = append(out, m)
	}
	for _, c := range h.calls {
		switch {
		case c.Build != nil:
			m := *c.Build
			m.State = cloud.Booting
			out = append(out, m)
		case c.Destroy != "":
			out = slices.DeleteFunc(out, func(m cloud.Machine) bool { return m.Name == c.Destroy })
		}
	}
	slices.SortFunc(out, func(a, b cloud.Machine) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Build implements [cloud.Hypervisor].
func (h *hypervisor) Build(m cloud.Machine) {
	if !slices.ContainsFunc(h.Machines(), func(o cloud.Machine) bool { return o.Name == m.Name }) {
		h.call(Call{Build: &m})
	}
}

// Destroy implements [cloud.Hypervisor].
func (h *hypervisor) Destroy(name string) { h.call(Call{Destroy: name}) }

// Reboot implements [cloud.Hypervisor].
func (h *hypervisor) Reboot(name string) { h.call(Call{Reboot: name}) }
