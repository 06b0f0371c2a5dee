package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"firedrill/model"
	"firedrill/real/disk"
)

// What [Measure] can measure, each by the code that does it in a run.
const (
	MeasureLink    = "link"    // an ICMP echo to an address and back
	MeasureDisk    = "disk"    // an append to a file of the disk, and its sync
	MeasureTimer   = "timer"   // how late a timer is
	MeasureRequest = "request" // a connection to an address and port, a request and its answer
)

const (
	measureEvery    = 10 * time.Millisecond  // so that what is measured is what an idle process meets, not a warm loop
	measurePatience = 500 * time.Millisecond // for one answer
	measureLost     = 100                    // answers that may stay away in a row before there is nothing to measure
	measureRecord   = 256                    // bytes of an append, about one entry of a log
)

// Measure measures something so many times, beside what runs in this container, whose files lie in dir.
func Measure(ctx context.Context, dir, what, address string, count int) ([]time.Duration, error) {
	switch what {
	case MeasureLink:
		target, err := netip.ParseAddr(address)
		if err != nil {
			return nil, err
		}
		return measureEach(ctx, count, func(ctx context.Context) error {
			if !answersPing(ctx, target) {
				return errors.New("there is no echo from " + address)
			}
			return nil
		})
	case MeasureRequest:
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, err
		}
		return measureEach(ctx, count, func(ctx context.Context) error {
			s, err := openSession(ctx, target)
			if err != nil {
				return err
			}
			defer s.close()
			_, err = s.ask(ctx)
			return err
		})
	case MeasureDisk:
		return measureDisk(ctx, filepath.Join(dir, "measured"), count)
	case MeasureTimer:
		return measureTimer(ctx, count)
	}
	return nil, fmt.Errorf("%q is nothing to measure", what)
}

// measureEach times something again and again. What fails is left out, unless it fails too often.
func measureEach(ctx context.Context, count int, do func(context.Context) error) ([]time.Duration, error) {
	var all []time.Duration
	for lost := 0; len(all) < count; {
		if err := sleep(ctx, measureEvery); err != nil {
			return nil, err
		}
		within, cancel := context.WithTimeout(ctx, measurePatience)
		began := time.Now()
		err := do(within)
		took := time.Since(began)
		cancel()
		switch {
		case err == nil:
			lost = 0
			all = append(all, took)
		case lost == measureLost:
			return nil, err
		default:
			lost++
		}
	}
	return all, nil
}

func measureDisk(ctx context.Context, dir string, count int) ([]time.Duration, error) {
	d, err := disk.Open(dir)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	defer d.Close()
	record := make([]byte, measureRecord)
	return measureEach(ctx, count, func(context.Context) error {
		return errors.Join(d.Append("log", record), d.Sync("log"))
	})
}

func measureTimer(ctx context.Context, count int) ([]time.Duration, error) {
	clock, err := NewClock()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	l := &lateness{count: count, stop: stop}
	NewRuntime(l, Settings{Name: "measure", Clock: clock, Faults: new(Faults)}).Run(ctx)
	if len(l.all) < count {
		return nil, context.Cause(ctx)
	}
	return l.all, nil
}

// lateness is a [model.Node] that does nothing but wait for its timer.
type lateness struct {
	count int
	stop  func()
	env   model.Env
	due   time.Duration
	all   []time.Duration
}

// Start implements [model.Node].
func (l *lateness) Start(env model.Env) {
	l.env = env
	l.again()
}

func (l *lateness) again() {
	l.due = l.env.Now() + measureEvery
	l.env.SetTimer(1, measureEvery)
}

// Timer implements [model.Node].
func (l *lateness) Timer(model.TimerID) {
	if l.all = append(l.all, max(0, l.env.Now()-l.due)); len(l.all) == l.count {
		l.stop()
		return
	}
	l.again()
}

// Receive implements [model.Node]; nobody sends anything.
func (l *lateness) Receive(netip.Addr, []byte) {}

// Checked implements [model.Node]; nothing is checked.
func (l *lateness) Checked(model.CheckID, bool) {}
