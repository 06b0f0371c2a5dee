package sim_test

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firedrill/checker/history/scene"
	"firedrill/scenarios"
	"firedrill/sim"
)

// To look into a run changes nothing in it, and a look at any moment sees what the film shows there.
func TestFilmAndScenesAgree(t *testing.T) {
	for _, name := range []string{"leader-crash", "swarm-any", "cloud-engine-replaced"} {
		t.Run(name, func(t *testing.T) {
			plan := planOf(t, name, 3)
			plain, err := sim.Play(plan, 3, sim.Options{})
			if err != nil {
				t.Fatal(err)
			}
			filmed, err := sim.Play(plan, 3, sim.Options{Film: true})
			if err != nil {
				t.Fatal(err)
			}
			if plain.TraceHash != filmed.TraceHash || plain.Film != nil {
				t.Fatalf("trace %s, and %s while filmed", plain.TraceHash, filmed.TraceHash)
			}
			r := rand.New(rand.NewPCG(1, 2))
			for i := range 8 { // each is a run up to there
				at := time.Duration(r.Int64N(int64(plan.Duration))) * time.Duration(min(i, 1)) // the beginning, too
				s, err := sim.Look(plan, 3, at)
				if err != nil {
					t.Fatal(err)
				}
				checkMessages(t, s)
				if diff := cmp.Diff(standing(s), filmedAt(filmed.Film, at)); diff != "" {
					t.Fatalf("at %v the scene (-) and the film (+) differ:\n%s", at, diff)
				}
			}
		})
	}
}

func planOf(t *testing.T, name string, seed uint64) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := scenarios.NewPlan(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// checkMessages holds that what is on its way was sent before and is due later, in order.
func checkMessages(t *testing.T, s *scene.Scene) {
	t.Helper()
	due := s.At
	for _, m := range s.Messages {
		if m.Due == 0 {
			break // from here on they wait for ARP
		}
		if m.Sent > s.At || m.Due < due || m.Kind == "" || m.Text == "" {
			t.Fatalf("at %v, with another due at %v: %+v", s.At, due, m)
		}
		due = m.Due
	}
}

// standing is what the nodes of a scene say that is not moving.
func standing(s *scene.Scene) map[string]map[string]string {
	out := make(map[string]map[string]string)
	for _, n := range s.Nodes {
		out[n.Name] = make(map[string]string)
		for _, f := range n.Facts {
			if !f.Moving && !ofClock(f.Name) {
				out[n.Name][f.Name] = f.Value
			}
		}
	}
	return out
}

// ofClock tells what an engine may see otherwise without anything happening, because a time has run out: the film shows
// that at the next event of the engine.
func ofClock(name string) bool { return name == "team" || strings.HasPrefix(name, "peer ") }

// filmedAt is the same, of a film.
func filmedAt(f *scene.Film, at time.Duration) map[string]map[string]string {
	out := make(map[string]map[string]string)
	for _, n := range f.Nodes {
		out[n.Name] = make(map[string]string)
	}
	for _, c := range f.Changes {
		switch of := out[f.Nodes[c.Node].Name]; {
		case c.At > at || ofClock(c.Name):
		case c.Is == "":
			delete(of, c.Name)
		default:
			of[c.Name] = c.Is
		}
	}
	maps.DeleteFunc(out, func(_ string, of map[string]string) bool { return len(of) == 0 }) // made later
	return out
}
