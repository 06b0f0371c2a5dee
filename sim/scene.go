package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"firedrill/checker/history/scene"
	"firedrill/model"
	"firedrill/scenarios"
)

// Look plays a plan up to a moment and tells how everything stands then, after all that happens at that moment. What is
// looked at is the run that [Play] plays.
func Look(plan *scenarios.Scenario, seed uint64, at time.Duration) (*scene.Scene, error) {
	defer seedProcessRandomness(seed)()
	w, err := newWorld(plan, seed, Options{})
	if err != nil {
		return nil, err
	}
	w.loop(int64(at))
	return w.scene(), nil
}

// scene tells how everything stands now.
func (w *World) scene() *scene.Scene {
	s := &scene.Scene{Scenario: w.plan.Name, Seed: w.seed, At: time.Duration(w.now), Nodes: []scene.Node{}, Faults: []scene.Fault{}, Links: []string{}}
	pending := w.effectsPending()
	for _, m := range w.machines {
		n := scene.Node{Name: m.Name, Role: m.Role, Up: m.up, Facts: m.describe()}
		if e := pending[m]; e > 0 {
			n.Facts = append(n.Facts, model.Fact{Name: "effects", Value: fmt.Sprintf("%d wait for the disk", e), Moving: true})
		}
		s.Nodes = append(s.Nodes, n)
	}
	for _, f := range w.inForce {
		s.Faults = append(s.Faults, *f)
	}
	for _, r := range w.rules {
		s.Links = append(s.Links, w.describeRule(r))
	}
	s.Messages = w.inFlight()
	return s
}

// inFlight lists the frames on the wire, by when they are due, and then those that wait for an answer of ARP.
func (w *World) inFlight() []scene.Message {
	keys := slices.Clone(w.queue.keys)
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
	out := []scene.Message{}
	for _, k := range keys {
		if e := &w.queue.slab[k.ref]; e.kind == evFrame {
			m := describeFrame(e.frame, e.frame.src.m, e.frame.dst.m.Name)
			m.Due = time.Duration(k.at)
			out = append(out, m)
		}
	}
	for _, m := range w.machines {
		for _, n := range m.nics {
			for _, hop := range n.hops() {
				for _, f := range n.arp[hop].waiting {
					m := describeFrame(f, m, hop.addr().String())
					m.Text += ", waits for the hardware address"
					out = append(out, m)
				}
			}
		}
	}
	return out
}

// hops are the neighbours that a network interface knows or asks for, in order.
func (n *nic) hops() []ipv4 {
	var out []ipv4
	for ip := range n.arp {
		out = append(out, ip)
	}
	slices.Sort(out)
	return out
}

// effectsPending counts, for each machine, what its process has asked for while the disk was busy.
func (w *World) effectsPending() map[*machine]int {
	out := make(map[*machine]int)
	for _, k := range w.queue.keys {
		if e := &w.queue.slab[k.ref]; e.kind == evEffect && e.m.inc == e.inc {
			out[e.m]++
		}
	}
	return out
}

// describe tells how a machine stands: its hardware, then its process.
func (m *machine) describe() []model.Fact {
	var f model.Facts
	f.Add("process", "%s", m.condition())
	m.describeHardware(&f)
	m.describeNetwork(&f)
	if d, ok := m.node.(model.Describer); ok && m.up {
		f = append(f, d.Describe()...)
	}
	return f
}

func (m *machine) condition() string {
	var out []string
	switch {
	case m.gone:
		out = append(out, "deleted by its cloud")
	case !m.up && m.inc == 0:
		out = append(out, "not started yet")
	case !m.up:
		out = append(out, "down")
	default:
		out = append(out, "up")
	}
	if m.paused > 0 {
		out = append(out, "frozen")
	}
	if life := (m.inc + 1) / 2; life > 1 { // an incarnation ends one, and begins one
		out = append(out, fmt.Sprintf("life %d", life))
	}
	return strings.Join(out, ", ")
}

// describeHardware tells of the host, the clock and the disk.
func (m *machine) describeHardware(f *model.Facts) {
	host := m.host.name
	if m.host.dark > 0 {
		host += ", without power"
	}
	f.Add("host", "%s", host)
	if m.Role == scenarios.RoleController || m.Role == scenarios.RoleEngine {
		f.Add("clock", "%+d parts per million, date off by %v", m.drift, m.offset)
		f.Move("monotonic", "%v", m.local(m.w.now).Round(time.Millisecond))
	}
	if m.up && m.w.now < m.busyUntil {
		f.Move("busy", "for %v", time.Duration(m.busyUntil-m.w.now))
	}
	if n := len(m.inbox); n > 0 {
		f.Move("inbox", "%d", n)
	}
	if m.disk != nil {
		m.disk.describe(f)
	}
}

// describeNetwork tells of the addresses held, of what the neighbours' caches say, and of the data path.
func (m *machine) describeNetwork(f *model.Facts) {
	for _, n := range m.nics {
		held := []string{n.ip.addr().String()}
		for _, x := range n.extra {
			held = append(held, x.addr().String())
		}
		f.Add(n.net.String()+" network", "%s", strings.Join(held, " "))
		for _, hop := range n.hops() {
			if e := n.arp[hop]; e.hw == nil {
				f.Add("neighbour "+hop.addr().String(), "asked for")
			} else if hop != e.hw.ip {
				f.Add("neighbour "+hop.addr().String(), "at %s", e.hw.m.Name)
			}
		}
	}
	if m.Role == scenarios.RoleEngine {
		f.Move("flows", "%d open", len(m.flows))
	}
	if m.sockets != nil {
		f.Move("probes", "%d under way", len(m.sockets.pending))
	}
	if m.longFlows != nil {
		for _, l := range m.longFlows.flows {
			if l.state == flowOpen {
				f.Add(fmt.Sprintf("flow %d", l.number), "to %s, answered by %s", l.service, l.by)
			}
		}
	}
}

// describe tells what the disk holds, and what is wrong with it.
func (d *disk) describe(f *model.Facts) {
	var files []string
	for _, e := range d.dir() {
		text := fmt.Sprintf("%s %d B", e.name, len(e.file.data))
		if unsynced := len(e.file.data) - e.file.base; unsynced > 0 || len(e.file.past) > 0 {
			text += " (not synced)"
		}
		files = append(files, text)
	}
	f.Move("disk", "%s", strings.Join(files, ", "))
	for _, wrong := range []struct {
		so   bool
		text string
	}{{d.slow > 0, fmt.Sprintf("a sync takes %v longer", d.slow)}, {d.stuck > d.clock.now(), "no sync returns"}, {d.full > 0, "full"}, {d.unreadable > 0, "cannot be read"}} {
		if wrong.so {
			f.Add("disk fault", "%s", wrong.text)
		}
	}
}

// describeRule tells what a network fault does, from whom to whom.
func (w *World) describeRule(r *rule) string {
	var nets []string
	for n, concerned := range r.nets {
		if concerned {
			nets = append(nets, network(n).String())
		}
	}
	what := fmt.Sprintf("%v to %v longer", r.min, r.max)
	switch {
	case r.cut:
		what = "cut"
	case r.loss > 0:
		what = fmt.Sprintf("%s lost", scenarios.Ratio(r.loss))
	}
	return fmt.Sprintf("%s to %s, on %s: %s", w.side(r.from, r.later[0]), w.side(r.to, r.later[1]), strings.Join(nets, " and "), what)
}

// side names one side of a network fault: those who are in it, or, if they are most of all, those who are not.
func (w *World) side(set []bool, later bool) string {
	var in, out []string
	for _, m := range w.machines {
		if among(set, later, m.index) {
			in = append(in, m.Name)
		} else {
			out = append(out, m.Name)
		}
	}
	switch {
	case len(out) == 0:
		return "everyone"
	case later:
		return "everyone but " + strings.Join(out, ", ")
	}
	return strings.Join(in, ", ")
}
