package scenarios

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	"firedrill/checker/history"
	"firedrill/model/config"
)

// orders are what an operator may be drawn to ask for while faults strike. What it is answered is not judged: it may be
// refused, as a migration to an engine that is dead is.
var orders = []struct {
	name string
	draw func(r *rand.Rand, s *Scenario) (path string, body any)
}{
	{"scale-out", func(r *rand.Rand, s *Scenario) (string, any) { return s.rescale(r, "scaleout", "to_se_ref", 2) }},
	{"scale-in", func(r *rand.Rand, s *Scenario) (string, any) { return s.rescale(r, "scalein", "from_se_ref", 2) }},
	{"migrate", func(r *rand.Rand, s *Scenario) (string, any) { return s.rescale(r, "migrate", "to_se_ref", 1) }},
	{"export", func(*rand.Rand, *Scenario) (string, any) {
		return "/api/configuration/export", map[string]string{"passphrase": "correct horse"}
	}},
	{"upgrade", func(r *rand.Rand, s *Scenario) (string, any) {
		return "/api/upgrade", map[string]string{"version": s.Topology.Images[r.IntN(len(s.Topology.Images))]}
	}},
	{"upgrade-abort", func(*rand.Rand, *Scenario) (string, any) { return "/api/upgrade/abort", nil }},
	{"upgrade-rollback", func(*rand.Rand, *Scenario) (string, any) { return "/api/upgrade/rollback", nil }},
}

func orderNames() []string {
	var out []string
	for _, o := range orders {
		out = append(out, o.name)
	}
	return out
}

// rescale asks for another placement of a service that can have one; in one of so many cases it names the engine.
func (s *Scenario) rescale(r *rand.Rand, verb, engine string, oneOf int) (path string, body any) {
	elastic := s.elasticServices()
	vs := elastic[r.IntN(len(elastic))]
	order := map[string]string{}
	if all := s.enginesOf(vs.SEGroupRef); len(all) > 0 && r.IntN(oneOf) == 0 {
		order[engine] = all[r.IntN(len(all))]
	}
	return fmt.Sprintf("/api/virtualservice/%s/%s", vs.Name, verb), order
}

// elasticServices are those that scale and migrate.
func (s *Scenario) elasticServices() []config.VirtualService {
	return slices.DeleteFunc(slices.Clone(s.Config.Services), func(vs config.VirtualService) bool {
		i := slices.IndexFunc(s.Config.Groups, func(g config.ServiceEngineGroup) bool { return g.Name == vs.SEGroupRef })
		return i < 0 || s.Config.Groups[i].HAMode == config.HAModeLegacyActiveStandby
	})
}

// enginesOf names the engines of a group that the topology has.
func (s *Scenario) enginesOf(group string) []string {
	var out []string
	for _, n := range s.Nodes() {
		if n.Role == RoleEngine && n.Group == group {
			out = append(out, n.Name)
		}
	}
	return out
}

// operations draws what an operator asks for in one run. Like the faults, each seed first draws which kinds there are.
func (w *Swarm) operations(s *Scenario, seed uint64) []Operation {
	r := stream(seed, "swarm/orders")
	kinds := slices.DeleteFunc(slices.Clone(w.Orders), func(string) bool { return r.IntN(2) == 0 })
	if len(kinds) == 0 {
		return nil
	}
	from, until := w.From.draw(r).Min, w.Until.draw(r).Min
	var out []Operation
	for range 1 + r.IntN(w.MostOrders) {
		kind := kinds[r.IntN(len(kinds))]
		i := slices.Index(orderNames(), kind)
		path, body := orders[i].draw(r, s)
		op := Operation{At: Span{from, until}.draw(r), Client: "operator", Do: history.OpRequest, Key: http.MethodPost + " " + path}
		if body != nil {
			text, _ := json.Marshal(body) // of strings
			op.Value = string(text)
		}
		out = append(out, op)
	}
	return out
}

// busy draws how much the clients of the mix do in one run: from a fifth to twice as much, by fewer clients or as many, on
// fewer objects or more.
func (w *Swarm) busy(m Mix, seed uint64) *Mix {
	r := stream(seed, "swarm/mix")
	m.Rate *= []float64{0.2, 0.5, 1, 2}[r.IntN(4)]
	m.Clients = 1 + r.IntN(m.Clients)
	m.Keys = 1 + r.IntN(2*m.Keys)
	return &m
}

// orders checks what is said of drawn orders.
func (v *validation) orders() {
	for i, o := range v.s.Swarm.Orders {
		path := fmt.Sprintf("swarm.orders[%d]", i)
		v.oneOf(path, o, orderNames())
		v.check(o != "upgrade" || len(v.s.Topology.Images) > 0, path, "there is nothing to upgrade to; topology.images names versions")
		v.check(!slices.Contains([]string{"scale-out", "scale-in", "migrate"}, o) || len(v.s.elasticServices()) > 0, path,
			"no service scales; it takes one in a group of HA_MODE_SHARED or HA_MODE_SHARED_PAIR")
	}
	v.between("swarm.most_orders", v.s.Swarm.MostOrders, 1, 1000)
}
