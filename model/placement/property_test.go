package placement

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestProperties draws everything that can come together, and holds the plan to what must always be so.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := wild.draw(t)
		p := Compute(in)
		if err := check(in, p); err != nil {
			t.Fatalf("%v\n%+v\n%s%+v", err, in, p, p.Assignments)
		}
		if again := Compute(shuffled(t, in)); !reflect.DeepEqual(p, again) {
			t.Fatalf("in another order of the input:\n%s\n%s", p, again)
		}
	})
}

// TestIdempotent plans again once a plan is carried out: there is nothing left to move, nor to create, unless an engine
// that was given back has left its place below max_se.
func TestIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := fitting.draw(t)
		p := Compute(in)
		next := Compute(apply(in, p))
		if len(next.Moves) > 0 || len(next.Create) > 0 && len(p.Delete) == 0 {
			t.Fatalf("%+v\nfirst:\n%s%+v\nagain:\n%s", in, p, p.Assignments, next)
		}
	})
}

// TestConverges lets engines boot until nothing changes any more: a cloud that delivers ends all waiting but that for
// max_se, engines that are down or in doubt, and hosts.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := wild.draw(t)
		for range 10 {
			p := Compute(in)
			if err := check(in, p); err != nil {
				t.Fatalf("%v\n%+v\n%s", err, in, p)
			}
			if len(p.Moves)+len(p.Create)+len(p.Delete) == 0 {
				for _, w := range p.Waiting {
					if w.Why.Code == CodeWaitsNew {
						t.Fatalf("waits for an engine that nobody creates:\n%s", p)
					}
				}
				return
			}
			in = boot(apply(in, p))
		}
		t.Fatalf("no end:\n%s", Compute(in))
	})
}

// TestOneMoreEngine adds a free engine: no service that had an engine is without one then.
func TestOneMoreEngine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := wild.draw(t)
		for i := range in.Services {
			in.Services[i].Patient = false
		}
		more := in
		more.Engines = append(append([]Engine(nil), in.Engines...), Engine{Name: "engine-more", Group: "group-0", Host: rapid.SampledFrom([]string{"", "host-0", "host-new"}).Draw(t, "host"), State: EngineUp})
		had, has := Compute(in), Compute(more)
		for i, a := range had.Assignments {
			if len(has.Assignments[i].Engines) < min(1, len(a.Engines)) {
				t.Fatalf("%s loses its engine\n%+v\n%s\n%s", a.Service, in, had, has)
			}
		}
		if a, b := lacking(had), lacking(has); b > a {
			t.Fatalf("%d placements lack a slot, with one engine more %d\n%+v\n%s\n%s", a, b, in, had, has)
		}
	})
}

func lacking(p *Plan) (n int) {
	for _, w := range p.Waiting {
		n += w.Missing
	}
	return n
}

// TestAntiAffinity: no service is given a second engine on a host while an engine on another has a slot to the end.
func TestAntiAffinity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := small.draw(t)
		p := Compute(in)
		if err := together(in, p); err != "" {
			t.Fatalf("%s\n%+v\n%s", err, in, p)
		}
	})
}

// together names a service that was needlessly given an engine on a host where it had one.
func together(in Input, p *Plan) string {
	host := map[string]string{}
	for _, e := range in.Engines {
		host[e.Name] = e.Host
		if e.Host == "" {
			host[e.Name] = "of " + e.Name
		}
	}
	full := load(apply(in, p))
	engines := map[string][]string{}
	for _, a := range p.Assignments {
		engines[a.Service] = a.Engines
	}
	for _, m := range p.Moves {
		if m.Where.Code != CodeSameHost {
			continue
		}
		for _, e := range in.Engines {
			if e.State != EngineUp || e.FailedLately || full[e.Name] >= in.Groups[0].Config.MaxVSPerSE {
				continue
			}
			alone := true
			for _, other := range engines[m.Service] {
				alone = alone && host[other] != host[e.Name]
			}
			if alone {
				return m.Service + " could run on " + e.Name
			}
		}
	}
	return ""
}
