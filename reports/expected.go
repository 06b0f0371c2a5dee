package reports

import (
	"cmp"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model/config"
	"firedrill/scenarios"
)

// Describe says of a scenario what results.json keeps. Argument is what `firedrill replay` takes for it; empty:
// its name.
func Describe(s *scenarios.Scenario, argument string) Scenario {
	if argument == "" {
		argument = s.Name
	}
	out := Scenario{Name: s.Name, About: s.About, Argument: argument, Expected: expected(&s.Expect), Bounds: []Bound{}, Digest: digest(s), Profile: s.Profile}
	for _, b := range s.Expect.Outages {
		out.Bounds = append(out.Bounds, Bound{Service: b.Service, Max: b.Max.Std()})
	}
	for _, g := range s.Config.Groups {
		group := Group{Name: g.Name, HAMode: string(g.HAMode), Heartbeats: heartbeats(s, &g), Services: []string{}}
		for _, v := range s.Config.Services {
			if v.SEGroupRef == g.Name {
				group.Services = append(group.Services, v.Name)
			}
		}
		out.Groups = append(out.Groups, group)
	}
	return out
}

// heartbeats says at which pace the engines of a group watch each other.
func heartbeats(s *scenarios.Scenario, g *config.ServiceEngineGroup) string {
	timers, err := config.Profile(cmp.Or(s.Profile, "fast"))
	if err != nil {
		return ""
	}
	every := cmp.Or(g.HBFrequency, s.Timers.DPHeartbeat, timers.DPHeartbeat)
	missed := cmp.Or(g.HBTimeoutCount, s.Timers.DPFailedHeartbeats, timers.DPFailedHeartbeats)
	return fmt.Sprintf("%s × %d", duration(every.Std()), missed)
}

// digest tells scenarios apart by what they say, not by how their files are written.
func digest(s *scenarios.Scenario) string {
	text, err := scenarios.Marshal(s.On(nil)) // where it is played is not what it says
	if err != nil {
		return "" // then no two are known to be equal
	}
	return fmt.Sprintf("%016x", xxhash.Sum64(text))
}

// expected writes what a scenario demands as sentences.
func expected(e *history.Expect) []string {
	out := []string{}
	for _, b := range e.Outages {
		out = append(out, outageSentence(b.Service, b.Max.Std()))
	}
	for _, f := range e.Failovers {
		out = append(out, failoverSentence(f))
	}
	if c := e.Created; c != nil {
		out = append(out, fmt.Sprintf("The cloud makes %d to %d engines.", c.Min, c.Max))
	}
	if e.DualActive > 0 {
		out = append(out, fmt.Sprintf("Two engines hold one address for at most %s.", duration(e.DualActive.Std())))
	}
	if e.RecoverWithin > 0 {
		out = append(out, fmt.Sprintf("Every service answers again, for good, within %s after the last fault.", duration(e.RecoverWithin.Std())))
	}
	return out
}

func outageSentence(service string, bound time.Duration) string {
	switch service {
	case "*":
		service = "A virtual service"
	case api:
		service = "The API"
	default:
		service = "The virtual service " + service
	}
	if bound == 0 {
		return service + " is never dark."
	}
	return fmt.Sprintf("%s is dark for at most %s at a time.", service, duration(bound))
}

func failoverSentence(f history.FailoverBound) string {
	of := "The group " + f.Of + " fails over"
	if f.Of == "leader" {
		of = "The controllers elect a new leader"
	}
	switch {
	case f.Max == 0 && f.Of == "leader":
		return "The controllers keep their leader."
	case f.Max == 0:
		return "The group " + f.Of + " does not fail over."
	case f.Min == f.Max:
		return fmt.Sprintf("%s exactly %s.", of, words.Times(f.Max))
	case f.Min == 0:
		return fmt.Sprintf("%s at most %s.", of, words.Times(f.Max))
	}
	return fmt.Sprintf("%s %d to %s.", of, f.Min, words.Times(f.Max))
}
