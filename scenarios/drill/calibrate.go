package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"firedrill/checker/history/wholefile"
	"firedrill/real/node"
	"firedrill/scenarios"
)

// CalibrateOptions is what `firedrill calibrate` is told.
type CalibrateOptions struct {
	Out string // file for the profile
}

// calibrated is the scenario whose cluster runs while the machine is measured.
const calibrated = "real-legacy-active-killed"

// Calibrate measures this machine and writes its profile.
func Calibrate(ctx context.Context, t Terminal, o CalibrateOptions) error {
	s, err := scenarios.Find(calibrated)
	if err != nil {
		return err
	}
	plan, err := scenarios.NewPlan(s, 1)
	if err != nil {
		return err
	}
	d, err := openDocker(ctx)
	if err != nil {
		return err
	}
	p, err := d.Calibrate(ctx, plan)
	_, unclosed := d.Close()
	if err = errors.Join(worldEnds(err), unclosed); err != nil {
		return err
	}
	p.Build = build()
	text, err := p.Marshal()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return err
	}
	if err := wholefile.Write(o.Out, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.Out, "%sThe profile is %s; `%s run --machine %s` simulates on such a machine\n", p, o.Out, callName(), o.Out)
	return err
}

// machine reads the profile of a machine, if one is named.
func machine(file, world string) (*scenarios.Machine, error) {
	if file == "" {
		return nil, nil
	}
	if world != scenarios.WorldSim {
		return nil, errors.New("--machine: it is the simulator that is told of a machine; containers run on this one")
	}
	p, err := scenarios.LoadProfile(file)
	if err != nil {
		return nil, err
	}
	return p.Machine()
}

// Measure measures in this container, so many times, and prints nanoseconds as JSON.
func Measure(ctx context.Context, out io.Writer, o NodeOptions, args []string) error {
	count, err := strconv.Atoi(args[1])
	if err != nil || count < 1 {
		return fmt.Errorf("%q is not how often to measure", args[1])
	}
	address := ""
	if len(args) > 2 {
		address = args[2]
	}
	all, err := node.Measure(ctx, filepath.Dir(o.Spec), args[0], address, count)
	if err != nil {
		return err
	}
	return printJSON(out, all)
}
