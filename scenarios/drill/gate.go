package drill

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"firedrill/checker/history/wholefile"
	"firedrill/reports"
)

// GateOptions is what `firedrill gate` is told.
type GateOptions struct {
	Baseline      string // file
	Results       string // file
	MaxRegression string // a percentage
	JUnit         string // file to write; empty: none
	Update        bool
	JSON          bool
}

// Gate holds results against a baseline, and makes the baseline anew if told to.
func Gate(t Terminal, o GateOptions) error {
	most, err := parsePercentage(o.MaxRegression)
	if err != nil {
		return fmt.Errorf("--max-regression: %w", err)
	}
	results, err := reports.ReadResults(o.Results)
	if err != nil {
		return err
	}
	if results.Shard != nil {
		return fmt.Errorf("%s: these results are shard %v of a run; join the shards by `merge` first", o.Results, results.Shard)
	}
	if results.Soak != nil {
		return fmt.Errorf("%s: these results are a sample of a soak, whose seeds are another time's; hold results of `run --seeds` against a baseline", o.Results)
	}
	baseline, err := reports.ReadBaseline(o.Baseline)
	switch {
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case !o.Update:
		return fmt.Errorf("%s: there is no baseline yet; the same command with --update makes one of %s", o.Baseline, o.Results)
	default:
		return update(t, o.Baseline, results)
	}
	if err := baseline.Fits(results); err != nil && !o.Update {
		return fmt.Errorf("%s: %w", o.Baseline, err)
	}
	gate := reports.NewGate(baseline, results, most, callName())
	if err := o.print(t, gate); err != nil {
		return err
	}
	if o.Update {
		return update(t, o.Baseline, results)
	}
	if !gate.Passed() {
		return errBroken
	}
	return nil
}

// update keeps the results as the baseline. Failures are not kept: they would be taken for what is usual.
func update(t Terminal, path string, results *reports.Results) error {
	if !allHeld(results.Runs) {
		return Ended{StatusBroken, path + ": not updated, because some runs did not hold; a baseline keeps runs that passed"}
	}
	if err := reports.NewBaseline(results).Write(path); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.Err, "%s is the new baseline\n", path)
	return err
}

func (o *GateOptions) print(t Terminal, gate *reports.Gate) error {
	if o.JUnit != "" {
		if err := wholefile.Write(o.JUnit, func(w io.Writer) error { return gate.WriteJUnit(w) }); err != nil {
			return err
		}
	}
	if o.JSON {
		return printJSON(t.Out, gate)
	}
	return gate.WriteText(t.Out, colour(t.Out))
}

// parsePercentage reads 5% as 0.05.
func parsePercentage(text string) (float64, error) {
	digits, ok := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(v >= 0 && v <= 1000) {
		return 0, fmt.Errorf("%q is no percentage; write one from 0%% to 1000%%, such as 5%%", text)
	}
	return v / 100, nil
}
