package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"firedrill/checker/mutants"
	"firedrill/scenarios"
)

// MutantsOptions is what `firedrill mutants` is told.
type MutantsOptions struct {
	Names  []string // none: the whole bank
	Seeds  int      // most seeds that a mutant may live for
	Starts int      // how many times it is hunted, each time from other seeds
	Jobs   int
	Named  bool   // only the scenarios that the mutant names are played
	Shrink bool   // the plan that caught it first is made as small as it gets
	Source string // folder of firedrill's own source
	JSON   bool
	Out    string // folder that mutants.json goes to, for the report to show; empty: nowhere
}

// Mutants plants known bugs into the model, one at a time, and sees whether the suite catches them.
func Mutants(ctx context.Context, t Terminal, o MutantsOptions) error {
	chosen, err := o.check()
	if err != nil {
		return err
	}
	h, err := newHunt(&o)
	if err != nil {
		return err
	}
	live := newMutantProgress(t.Err, len(chosen))
	preys, err := h.all(ctx, chosen, live.show)
	live.end()
	interrupted := errors.Is(err, context.Canceled)
	if err != nil && !interrupted {
		return err
	}
	result := summarize(preys, build())
	if o.JSON {
		err = printJSON(t.Out, result)
	} else {
		err = writeMutants(t.Out, result)
	}
	if err == nil && o.Out != "" && !interrupted {
		err = result.WriteFile(o.Out)
	}
	switch {
	case err != nil:
		return err
	case interrupted:
		return Ended{StatusInterrupted, fmt.Sprintf("interrupted; %d mutants of %d were hunted", len(preys), len(chosen))}
	case result.Killed < result.Total:
		return errBroken
	}
	return nil
}

// check refuses bad options, and a bank that has fallen behind the source.
func (o *MutantsOptions) check() ([]*mutants.Mutant, error) {
	if o.Seeds < 1 || o.Starts < 1 || o.Jobs < 1 {
		return nil, errors.New("--seeds, --starts and --jobs: each takes a number from 1 on")
	}
	chosen, err := mutants.Choose(o.Names)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(o.Source, "checker", "mutants")); err != nil {
		return nil, fmt.Errorf("--source %s: firedrill's own source is not there; a mutant is built from it", o.Source)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return nil, Ended{StatusUnavailable, "the go command is not here; a mutant is built by it"}
	}
	for _, m := range chosen {
		_, e := m.Apply(o.Source)
		err = errors.Join(err, e)
		for _, s := range m.Scenarios {
			if _, e := scenarios.Find(s); e != nil {
				err = errors.Join(err, fmt.Errorf("mutant %s: %w", m.Name, e))
			}
		}
	}
	if err != nil {
		return nil, Ended{StatusBroken, err.Error()}
	}
	return chosen, nil
}

// hunt is the scenarios and seeds by which mutants are to be caught.
type hunt struct {
	*MutantsOptions
	texts map[string]string // of the scenarios, by name
	names []string
	self  []string // starts a worker without any bug
}

// mutantPatience is how long one run may take by the wall clock. A sound one takes a fraction of a second.
const mutantPatience = 20 * time.Second

func newHunt(o *MutantsOptions) (*hunt, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	suite, err := scenarios.Suite()
	if err != nil {
		return nil, err
	}
	h := &hunt{MutantsOptions: o, texts: make(map[string]string), self: []string{self, WorkerVerb}}
	for _, s := range suite {
		text, err := scenarios.Marshal(s)
		if err != nil {
			return nil, err
		}
		h.names, h.texts[s.Name] = append(h.names, s.Name), string(text)
	}
	return h, nil
}

// all hunts several mutants at once, and returns them in the order asked for. When ctx is cancelled, those that were
// hunted to the end are returned along with the context's error.
func (h *hunt) all(ctx context.Context, chosen []*mutants.Mutant, done func(*prey)) ([]*prey, error) {
	preys := make([]*prey, len(chosen))
	var mu sync.Mutex
	err := eachOf(ctx, h.Jobs, len(chosen), func(ctx context.Context, i int) error {
		p, err := h.one(ctx, chosen[i])
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		preys[i] = p
		done(p)
		return nil
	})
	return slices.DeleteFunc(preys, func(p *prey) bool { return p == nil }), err
}
