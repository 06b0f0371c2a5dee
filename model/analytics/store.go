package analytics

import (
	"cmp"
	"net/netip"
	"slices"

	"firedrill/model/wire"
)

// Store is a controller's side: what engines have sent it since its process started.
type Store struct {
	controller string
	lives      []*life // by engine, then incarnation
	clock      uint64  // counts messages
}

// What a store keeps at most. What it had to forget of a life that goes on, the engine sends again.
const (
	livesOfEngine = 8
	livesInAll    = 4096
)

// NewStore returns the empty store of a controller.
func NewStore(controller string) *Store { return &Store{controller: controller} }

// Heard takes a message of an engine, and returns what to answer. What it says is taken over in any case, since that
// can do no harm; but it is acknowledged only by a store that holds what it builds on.
func (s *Store) Heard(_ netip.Addr, m *wire.Metrics) *wire.MetricsAck {
	s.clock++
	l := s.life(m.Engine, m.Incarnation)
	l.heard = s.clock
	for _, c := range m.Services {
		l.service(c.Service).join(c)
	}
	var h *held // records of one service come in a row
	for _, r := range m.Logs {
		if h == nil || h.counters.Service != r.Service {
			h = l.service(r.Service)
		}
		h.insert(r)
	}
	if m.Base > l.whole {
		return &wire.MetricsAck{Incarnation: m.Incarnation, Sequence: m.Sequence, Unknown: true}
	}
	l.whole = max(l.whole, m.Sequence)
	return &wire.MetricsAck{Incarnation: m.Incarnation, Sequence: m.Sequence}
}

// Answer tells another controller, or this one, all that is held about a service, or about every service.
func (s *Store) Answer(q *wire.MetricsQuery) *wire.MetricsAnswer {
	a := &wire.MetricsAnswer{Id: q.Id, Controller: s.controller}
	for _, l := range s.lives {
		if m := l.answer(q); m != nil {
			a.Metrics = append(a.Metrics, m)
		}
	}
	return a
}

// life returns what is held of a life of an engine.
func (s *Store) life(engine string, incarnation uint64) *life {
	i, found := slices.BinarySearchFunc(s.lives, incarnation, func(l *life, incarnation uint64) int {
		return cmp.Or(cmp.Compare(l.engine, engine), cmp.Compare(l.incarnation, incarnation))
	})
	if found {
		return s.lives[i]
	}
	l := &life{engine: engine, incarnation: incarnation, heard: s.clock}
	s.lives = slices.Insert(s.lives, i, l)
	s.forget(engine)
	return l
}

// forget makes room: the life that was not heard for the longest time goes, of the engine, then of all. Those that
// go on are heard now and then, whatever they have to say.
func (s *Store) forget(engine string) {
	s.forgetOne(livesOfEngine, func(l *life) bool { return l.engine == engine })
	s.forgetOne(livesInAll, func(*life) bool { return true })
}

func (s *Store) forgetOne(most int, among func(*life) bool) {
	count, oldest := 0, -1
	for i, l := range s.lives {
		if !among(l) {
			continue
		}
		count++
		if oldest < 0 || l.heard < s.lives[oldest].heard {
			oldest = i
		}
	}
	if count > most {
		s.lives = slices.Delete(s.lives, oldest, oldest+1)
	}
}
