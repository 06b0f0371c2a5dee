package placement

import (
	"fmt"
	"slices"

	"firedrill/model/config"
)

// apply carries a plan out: what the input is once all moves are made, new engines boot and idle ones are gone.
func apply(in Input, p *Plan) Input {
	out := Input{Groups: in.Groups, Hosts: in.Hosts, Engines: slices.Clone(in.Engines), Services: slices.Clone(in.Services)}
	at := map[string][]string{}
	for _, a := range p.Assignments {
		at[a.Service] = a.Engines
	}
	for i := range out.Services {
		if engines, ours := at[out.Services[i].Name]; ours {
			out.Services[i].Engines = engines
			out.Services[i].Patient = in.Services[i].Patient && !failed(in, in.Services[i])
		}
	}
	for _, d := range p.Delete {
		out.Engines = slices.DeleteFunc(out.Engines, func(e Engine) bool { return e.Name == d.Engine })
	}
	for _, c := range p.Create {
		out.Engines = append(out.Engines, Engine{Name: freshName(out.Engines), Group: c.Group, Host: c.Host, State: EngineBooting, Managed: true})
	}
	return out
}

// failed tells whether an engine of a service is not up any more.
func failed(in Input, s Service) bool {
	return slices.ContainsFunc(s.Engines, func(name string) bool {
		i := slices.IndexFunc(in.Engines, func(e Engine) bool { return e.Name == name })
		return i < 0 || in.Engines[i].State == EngineDown || in.Engines[i].State == EngineBooting
	})
}

// freshName is the first engine-N that is not taken.
func freshName(engines []Engine) string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("engine-%d", n)
		if !slices.ContainsFunc(engines, func(e Engine) bool { return e.Name == name }) {
			return name
		}
	}
}

// boot brings all engines up that boot.
func boot(in Input) Input {
	in.Engines = slices.Clone(in.Engines)
	for i := range in.Engines {
		if in.Engines[i].State == EngineBooting {
			in.Engines[i].State = EngineUp
		}
	}
	return in
}

// set changes the state of one engine.
func set(in Input, engine string, state EngineState) Input {
	in.Engines = slices.Clone(in.Engines)
	for i := range in.Engines {
		if in.Engines[i].Name == engine {
			in.Engines[i].State = state
		}
	}
	return in
}

// load counts the placements on every engine.
func load(in Input) map[string]int {
	n := map[string]int{}
	for _, s := range in.Services {
		for _, e := range s.Engines {
			n[e]++
		}
	}
	return n
}

// shared is an N+M group that takes so many services an engine, in a cloud with write access.
func shared(max int) Group {
	return Group{Config: config.ServiceEngineGroup{Name: "web", HAMode: config.HAModeShared, MaxVSPerSE: max}, Access: config.WriteAccess}
}

// services of the group web, which run nowhere.
func services(n int) (list []Service) {
	for i := range n {
		list = append(list, Service{Name: fmt.Sprintf("vs-%02d", i+1), Group: "web", Scale: 1})
	}
	return list
}

// engines of the group web, each up on a host of its own.
func engines(n int) (list []Engine) {
	for i := range n {
		list = append(list, Engine{Name: fmt.Sprintf("engine-%d", i+1), Group: "web", Host: fmt.Sprintf("host-%d", i+1), State: EngineUp, Managed: true})
	}
	return list
}
