package reports

import (
	"fmt"
	"math"
	"time"

	"firedrill/checker"
	"firedrill/reports/compare"
	"firedrill/scenarios"
)

// gateLevel bounds the chance that anything at all is called changed where nothing has: the level of Holm's
// correction over all comparisons. It is lower than the customary 5 % because a gate is asked every day.
const gateLevel = 0.01

// Comparison is one measure of one scenario before and now: of every seed the longest outage, of any virtual service or of
// the API. Simulated runs are paired by seed, which is the same plan on both sides; real ones are not, as their noise
// is no part of the plan.
type Comparison struct {
	Scenario string `json:"scenario"`
	World    string `json:"world"`
	Of       string `json:"of"` // "virtual services" or "API"
	Paired   bool   `json:"paired"`
	N        int    `json:"n"` // seeds compared
	Up       int    `json:"slower"`
	Down     int    `json:"faster"`

	Before    float64 `json:"before_us"` // medians
	After     float64 `json:"after_us"`
	Shift     float64 `json:"shift_us"` // of Hodges and Lehmann
	Low       float64 `json:"shift_low_us"`
	High      float64 `json:"shift_high_us"`
	Interval  bool    `json:"interval"` // false: too few seeds for low and high
	MeanShift float64 `json:"mean_shift_us"`
	P         float64 `json:"p"`
	Corrected float64 `json:"p_corrected"` // by Holm, over all comparisons

	// Result is the answer: same, no change, too few seeds, slower, regression or faster.
	Result string `json:"result"`

	change compare.Change
}

// The answers of a comparison.
const (
	ResultSame       = "same"          // to the microsecond, in every seed
	ResultNoChange   = "no change"     // none that is significant
	ResultTooFew     = "too few seeds" // to tell whatever happens
	ResultSlower     = "slower"        // significantly, but within what is put up with
	ResultRegression = "regression"
	ResultFaster     = "faster"
)

// compare measures both classes of a scenario. A class that was never dark on either side is left out.
func (g *Gate) compare(before *BaselineScenario, now *group) {
	at := make(map[uint64]*checker.Result, len(now.runs))
	for _, run := range now.runs {
		if run.Verdict != checker.Error { // a broken run has measured nothing
			at[run.Seed] = run
		}
	}
	for _, class := range []struct {
		name   string
		before []int64
		ofAPI  bool
	}{{"virtual services", before.Services, false}, {"API", before.API, true}} {
		var was, is []int64
		dark := false
		for i, seed := range before.seeds {
			if run := at[seed]; run != nil {
				was, is = append(was, class.before[i]), append(is, longest(run, class.ofAPI))
				dark = dark || class.before[i] > 0 || is[len(is)-1] > 0
			}
		}
		if !dark {
			continue
		}
		c := Comparison{Scenario: before.Scenario, World: before.World, Of: class.name, Paired: before.World == scenarios.WorldSim}
		c.measure(was, is)
		g.Comparisons = append(g.Comparisons, c)
	}
}

func (c *Comparison) measure(before, after []int64) {
	compared := compare.Unpaired
	if c.Paired {
		compared = compare.Paired
	}
	c.change = compared(before, after)
	ch := &c.change
	c.N, c.Up, c.Down, c.Before, c.After = ch.N, ch.Up, ch.Down, ch.Before, ch.After
	c.Shift, c.Low, c.High, c.Interval = ch.Shift.Value, ch.Shift.Low, ch.Shift.High, ch.Shift.Known
	c.MeanShift, c.P, c.Corrected = ch.MeanShift, ch.P, 1
}

// judge corrects the p-values and answers. Comparisons in which nothing differs are no tests: they could not have
// refused anything, whatever the level.
func (g *Gate) judge() {
	var tests []*Comparison
	var p []float64
	for i := range g.Comparisons {
		c := &g.Comparisons[i]
		if c.Paired && c.Up+c.Down == 0 {
			c.Result = ResultSame
			continue
		}
		tests, p = append(tests, c), append(p, c.P)
	}
	for i, corrected := range compare.Holm(p) {
		c := tests[i]
		c.Corrected = corrected
		c.Result = c.answer(g.MaxRegression, len(tests))
		switch c.Result {
		case ResultRegression:
			g.find(FindingRegression, c.Scenario, c.World, "", "outages of %s have become longer: median %s before, %s now, %s, p %s, n = %d; %s is put up with",
				c.Of, micros(c.Before), micros(c.After), c.shiftText(), pText(c.Corrected), c.N, percent(g.MaxRegression))
		case ResultFaster:
			g.Outdated = true
			g.warn(c.Scenario, c.World, "outages of %s have become shorter: median %s before, %s now, %s; --update keeps it from being lost again",
				c.Of, micros(c.Before), micros(c.After), c.shiftText())
		case ResultSlower:
			g.warn(c.Scenario, c.World, "outages of %s have become longer, within what is put up with: %s", c.Of, c.shiftText())
		}
	}
	g.tooFew()
}

// tooFew says aloud where nothing could have been found.
func (g *Gate) tooFew() {
	blind := 0
	for i := range g.Comparisons {
		if g.Comparisons[i].Result == ResultTooFew {
			blind++
		}
	}
	if blind > 0 {
		g.Warnings = append(g.Warnings, fmt.Sprintf("%d of %s have too few seeds to tell whether anything changed; 20 seeds are a start, 200 see a few percent",
			blind, plural(len(g.Comparisons), "comparison")))
	}
}

// answer looks at two measures of how much: the typical difference, which a few seeds cannot move, and the difference of
// the means, which sees that rare outages have become common. Chance alone is kept out by the test, not by them.
func (c *Comparison) answer(most float64, tests int) string {
	switch {
	case c.Corrected >= gateLevel && c.change.LeastP*float64(tests) >= gateLevel:
		return ResultTooFew
	case c.Corrected >= gateLevel || c.change.Direction == 0:
		return ResultNoChange
	case c.change.Direction < 0:
		return ResultFaster
	case max(relative(c.Shift, c.Before), relative(c.MeanShift, c.change.MeanBefore)) > most:
		return ResultRegression
	}
	return ResultSlower
}

// relative is a difference as a share of what was; of nothing, any growth is infinite.
func relative(difference, before float64) float64 {
	switch {
	case before > 0:
		return difference / before
	case difference > 0:
		return math.Inf(1)
	}
	return 0
}

func micros(us float64) string { return duration(time.Duration(us * 1e3)) }
