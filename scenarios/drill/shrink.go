package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"firedrill/checker"
	"firedrill/checker/history/wholefile"
	"firedrill/checker/mutants"
	"firedrill/checker/words"
	"firedrill/reports"
	"firedrill/scenarios"
	"firedrill/scenarios/shrink"
	"firedrill/sim/pool"
)

// ShrinkOptions is what `firedrill shrink` is told.
type ShrinkOptions struct {
	Argument string
	Seed     uint64
	Out      string // file for the small scenario; empty: NAME-SEED.yaml here
	Jobs     int
	Patience time.Duration
	Mutant   string // of the bank, planted into the model first; empty: none
	Source   string // folder of firedrill's own source, for a mutant
}

// Shrink looks for the smallest plan that fails as a run does, and writes it as a scenario.
func Shrink(ctx context.Context, t Terminal, o ShrinkOptions) error {
	if o.Jobs < 1 {
		return fmt.Errorf("--jobs %d: at least 1 worker is needed", o.Jobs)
	}
	chosen, err := scenarios.Choose([]string{o.Argument})
	if err != nil {
		return err
	}
	plan, err := scenarios.NewPlan(chosen[0].Scenario, o.Seed)
	if err != nil {
		return err
	}
	command, remove, err := o.worker(ctx)
	if err != nil {
		return err
	}
	defer remove()
	l := &lab{ctx: ctx, seed: o.Seed, began: time.Now(), t: t,
		pool: pool.Pool{Command: command, Workers: o.Jobs, Patience: o.Patience}}
	if o.Mutant != "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		l.sound = &pool.Pool{Command: []string{self, WorkerVerb}, Workers: o.Jobs, Patience: o.Patience}
	}
	if l.wanted, err = l.diagnose(plan); err != nil {
		return err
	}
	small, err := shrink.Plan(plan, l.first)
	interrupted := errors.Is(err, context.Canceled)
	if err != nil && !interrupted {
		return err
	}
	if err := o.write(t, l, plan, small); err != nil {
		return err
	}
	if interrupted {
		return Ended{StatusInterrupted, "interrupted; a smaller one may be found"}
	}
	return nil
}

// worker starts what plays: this program, or one with a bug planted into it.
func (o *ShrinkOptions) worker(ctx context.Context) (command []string, remove func(), err error) {
	if o.Mutant == "" {
		self, err := os.Executable()
		return []string{self, WorkerVerb}, func() {}, err
	}
	hunt := MutantsOptions{Names: []string{o.Mutant}, Seeds: 1, Starts: 1, Jobs: 1, Source: o.Source}
	chosen, err := hunt.check()
	if err != nil {
		return nil, nil, err
	}
	return plant(ctx, chosen[0], o.Source)
}

// lab plays plans and looks for one failure.
type lab struct {
	ctx     context.Context
	pool    pool.Pool
	sound   *pool.Pool // plays without the bug that is planted in the other, where there is one: there a plan must hold
	seed    uint64
	wanted  symptom
	failure checker.Violation
	plays   int
	began   time.Time
	written time.Time
	t       Terminal
}

// symptom is what makes two failures the same: the check, what it says but for numbers and names that have one, and
// whether it only showed when the run was over, which any run that is cut short may do.
type symptom struct {
	check, words string
	atEnd        bool
}

var numbered = regexp.MustCompile(`\S*[0-9]\S*`)

func symptomOf(r *checker.Result, v *checker.Violation) symptom {
	return symptom{v.Check, numbered.ReplaceAllString(v.Message, "#"), v.At >= r.Simulated && v.Check != mutants.RunCheck}
}

// diagnose plays the whole plan, and tells its first failure.
func (l *lab) diagnose(plan *scenarios.Scenario) (symptom, error) {
	results, err := l.play(&l.pool, []*scenarios.Scenario{plan})
	if err != nil {
		return symptom{}, err
	}
	r := &results[0]
	if r.Verdict == checker.Pass {
		return symptom{}, fmt.Errorf("%s holds for seed %d; there is nothing to shrink", plan.Name, l.seed)
	}
	l.failure = r.Violations[0]
	return symptomOf(r, &l.failure), nil
}

// first implements [shrink.Fails]: it plays as many plans at once as there are workers.
func (l *lab) first(plans []*scenarios.Scenario) (int, error) {
	for done := 0; done < len(plans); done += l.pool.Workers {
		results, err := l.play(&l.pool, plans[done:min(done+l.pool.Workers, len(plans))])
		if err != nil {
			return -1, err
		}
		for i := range results {
			if !l.shows(&results[i]) {
				continue
			}
			if holds, err := l.holds(plans[done+i]); err != nil || holds {
				l.show(plans[done+i])
				return done + i, err
			}
		}
	}
	return -1, nil
}

// shows tells whether a run fails in the way that is looked for.
func (l *lab) shows(r *checker.Result) bool {
	for i := range r.Violations {
		if symptomOf(r, &r.Violations[i]) == l.wanted {
			return true
		}
	}
	return false
}

// holds tells whether a plan holds where no bug is planted. One that fails there too shows something else.
func (l *lab) holds(plan *scenarios.Scenario) (bool, error) {
	if l.sound == nil {
		return true, nil
	}
	results, err := l.play(l.sound, []*scenarios.Scenario{plan})
	return err == nil && results[0].Verdict == checker.Pass, err
}

// play plays plans and judges them, each in a worker process.
func (l *lab) play(p *pool.Pool, plans []*scenarios.Scenario) ([]checker.Result, error) {
	jobs := make([]job, len(plans))
	for i, plan := range plans {
		text, err := scenarios.Marshal(plan)
		if err != nil {
			return nil, err
		}
		jobs[i] = job{File: plan.Name, Scenario: string(text), Seed: l.seed, name: plan.Name}
	}
	results := make([]checker.Result, len(plans))
	var broken error
	err := p.Run(l.ctx, len(jobs), func(i int) any { return jobs[i] }, func(i int, message json.RawMessage, err error) {
		var e error
		results[i], e = outcome(message, err)
		broken = errors.Join(broken, e)
	})
	l.plays += len(plans)
	return results, errors.Join(err, broken)
}

// show tells how far the shrinking has come: a line that is drawn over on a terminal, and one now and then elsewhere.
func (l *lab) show(p *scenarios.Scenario) {
	text := fmt.Sprintf("%s after %s", reports.SizeOf(p), words.Plural(l.plays, "run"))
	if isTerminal(l.t.Err) {
		fmt.Fprintf(l.t.Err, "\r\x1b[K%s", text)
	} else if time.Since(l.written) >= logEvery {
		l.written = time.Now()
		fmt.Fprintln(l.t.Err, text)
	}
}

// write keeps the small plan, and says what has become of the large one.
func (o *ShrinkOptions) write(t Terminal, l *lab, plan, small *scenarios.Scenario) error {
	if isTerminal(t.Err) {
		fmt.Fprint(t.Err, "\r\x1b[K")
	}
	path := o.Out
	if path == "" {
		path = fmt.Sprintf("%s-%d.yaml", plan.Name, o.Seed)
	}
	named := *small
	named.Name = fmt.Sprintf("%s-%d", plan.Name, o.Seed)
	named.About = fmt.Sprintf("Shrunk from %s, seed %d, which failed the check %s.", plan.Name, o.Seed, l.wanted.check)
	text, err := scenarios.Marshal(&named)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	with := ""
	if o.Mutant != "" {
		with = " and the mutant " + o.Mutant
	}
	fmt.Fprintf(&b, "# Fails with seed %d%s: %s\n", o.Seed, with, strings.ReplaceAll(l.failure.Message, "\n", " "))
	b.Write(text)
	if err := wholefile.Write(path, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err }); err != nil {
		return err
	}
	again := fmt.Sprintf("replay it: %s replay %s --seed %d", callName(), path, o.Seed)
	if o.Mutant != "" { // without it, the plan holds
		again = fmt.Sprintf("see it fail: %s shrink %s --seed %d --mutant %s", callName(), path, o.Seed, o.Mutant)
	}
	_, err = fmt.Fprintf(t.Out, "%s: %s\n  from  %s\n  to    %s, by %s in %s\nThe scenario is %s\n%s\n",
		l.wanted.check, l.failure.Message, reports.SizeOf(plan), reports.SizeOf(small), words.Plural(l.plays, "run"), words.Duration(time.Since(l.began).Round(time.Second)),
		path, again)
	return err
}
