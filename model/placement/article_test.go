package placement

import (
	"maps"
	"testing"
)

// TestArticle is the example of "Elastic HA for Avi Service Engines": 20 services, 8 an engine, M = 1. N is 3, so there
// are four engines with 5 services each and 12 free slots. An engine dies: its services are spread at once over the
// free slots of the other three, and a new engine restores the buffer.
func TestArticle(t *testing.T) {
	in := Input{Groups: []Group{shared(8)}, Services: services(20)}
	for i := range in.Services {
		in.Services[i].Patient = true
	}
	p := Compute(in)
	if len(p.Create) != 4 || len(p.Moves) != 0 || len(p.Waiting) != 20 {
		t.Fatalf("from nothing:\n%s", p)
	}
	// The engines come up one by one, and none is crowded before the last is there.
	in = apply(in, p)
	for i := range in.Engines {
		in.Engines[i].State = EngineUp
		in = apply(in, Compute(in))
	}
	want := map[string]int{"engine-1": 5, "engine-2": 5, "engine-3": 5, "engine-4": 5}
	if got := load(in); !maps.Equal(got, want) {
		t.Fatalf("load %v, want %v", got, want)
	}
	p = Compute(in)
	if g := p.Groups[0]; g.N != 3 || g.M != 1 || g.Have != 4 || g.Want != 4 || g.FreeSlots != 12 || len(p.Moves) != 0 {
		t.Fatalf("four engines up:\n%s", p)
	}

	in = set(in, "engine-2", EngineDown)
	p = Compute(in)
	if len(p.Moves) != 5 || len(p.Waiting) != 0 || len(p.Create) != 1 || p.Create[0].Why.Code != CodeBuffer {
		t.Fatalf("engine-2 is down:\n%s", p)
	}
	for _, m := range p.Moves {
		if m.From != "engine-2" || m.MakeFirst {
			t.Errorf("not at once: %s", m)
		}
	}
	in = apply(in, p)
	want = map[string]int{"engine-1": 7, "engine-3": 7, "engine-4": 6}
	if got := load(in); !maps.Equal(got, want) {
		t.Errorf("load %v, want %v", got, want)
	}
	if p = Compute(boot(in)); p.Groups[0].FreeSlots != 12 || len(p.Moves)+len(p.Create)+len(p.Delete)+len(p.Warnings) != 0 {
		t.Errorf("the new engine is up:\n%s", p)
	}
}

// TestBufferDefinition: three engines have slots for 17 services beyond the fullest engine's load, but two engines
// cannot hold them all.
func TestBufferDefinition(t *testing.T) {
	in := Input{Groups: []Group{shared(8)}, Engines: engines(3), Services: services(17)}
	p := Compute(in)
	if p.Groups[0].FreeSlots != 7 || len(p.Create) != 1 {
		t.Errorf("no fourth engine:\n%s", p)
	}
}
