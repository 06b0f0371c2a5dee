package drill

import (
	"encoding/json"
	"io"
	"runtime/debug"

	"firedrill/checker"
	"firedrill/scenarios"
	"firedrill/sim"
	"firedrill/sim/pool"
)

// job is one run, as a worker process is told of it. It carries the scenario itself, so that a file that is
// edited meanwhile cannot make two workers play two things.
type job struct {
	File     string `json:"file"` // the scenario's name in errors
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Keep     string `json:"keep,omitempty"` // path for the history; empty: it is not kept

	name string // of the scenario, for the result of a run that has none
}

// played is a worker's answer.
type played struct {
	checker.Result
	Unkept string `json:"unkept,omitempty"` // why the history could not be kept

	crashed bool // there is none: the worker broke
}

// gcPercent lets a worker's heap grow to several times what is alive, some tens of megabytes: a run is short, and most of
// what it makes is garbage when it ends.
const gcPercent = 1000

// Work is a worker process: it plays the jobs that it reads until there are no more. What it plays is decided by
// [Suite.Run], at the other end of the pipe.
func Work(in io.Reader, out io.Writer) error {
	debug.SetGCPercent(gcPercent)
	var text string // of the scenario that was parsed last
	var s *scenarios.Scenario
	return pool.Serve(in, out, func(message json.RawMessage) (any, error) {
		var j job
		if err := json.Unmarshal(message, &j); err != nil {
			return nil, err
		}
		if s == nil || j.Scenario != text {
			parsed, err := scenarios.Parse(j.File, []byte(j.Scenario))
			if err != nil {
				return nil, err
			}
			s, text = parsed, j.Scenario
		}
		result, h, err := Play(s, j.Seed, sim.Options{})
		answer := played{Result: result}
		if err == nil && j.Keep != "" {
			if problem := keepHistory(h, result, j.Keep); problem != nil {
				answer.Unkept = problem.Error()
			}
		}
		return answer, err
	})
}
