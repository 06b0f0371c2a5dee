package pool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"firedrill/sim/pool"
)

// asWorker as the first argument makes this test binary a worker.
const asWorker = "pool-test-worker"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asWorker {
		if err := pool.Serve(os.Stdin, os.Stdout, work); err != nil {
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

var hung int

// work squares a number, or fails as it is told.
func work(message json.RawMessage) (any, error) {
	var job any
	if err := json.Unmarshal(message, &job); err != nil {
		return nil, err
	}
	switch j := job.(type) {
	case float64:
		return j * j, nil
	case string:
		switch j {
		case "panic":
			panic("a bug of the model")
		case "hang":
			for n := 0; ; n++ { // busy, as a bug would be
				hung = n
			}
		case "exit":
			os.Exit(7)
		}
	}
	return nil, fmt.Errorf("no such job: %v", job)
}

func newPool(workers int) *pool.Pool {
	return &pool.Pool{Command: []string{os.Args[0], asWorker}, Workers: workers, Patience: 20 * time.Second}
}

// TestRun loses the jobs that break their workers, and none of the others.
func TestRun(t *testing.T) {
	jobs := []any{1, 2, "panic", 3, "exit", "nonsense", 4, 5}
	for workers := 1; workers <= 3; workers++ {
		got := make([]string, len(jobs))
		err := newPool(workers).Run(t.Context(), len(jobs), func(i int) any { return jobs[i] }, func(i int, result json.RawMessage, err error) {
			var crash *pool.Crash
			switch {
			case errors.As(err, &crash):
				got[i] = "crash: " + crash.Why
				if jobs[i] == "panic" && !strings.Contains(crash.Stack, "pool_test.work") {
					t.Errorf("the stack of the panic does not say where: %q", crash.Stack)
				}
			case err != nil:
				t.Errorf("job %d: %v", i, err)
			default:
				got[i] = strings.TrimSpace(string(result))
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"1", "4", "crash: panic: a bug of the model", "9", "crash: the worker died", "crash: no such job: nonsense", "16", "25"}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("with %d workers job %v gave %q, want %q", workers, jobs[i], got[i], want[i])
			}
		}
	}
}

func TestHang(t *testing.T) {
	p := newPool(1)
	p.Patience = 2 * time.Second // enough to start a process on a busy machine
	err := p.Run(t.Context(), 2, func(i int) any { return []any{"hang", 6}[i] }, func(i int, result json.RawMessage, err error) {
		var crash *pool.Crash
		switch {
		case i == 1 && string(result) != "36\n":
			t.Errorf("the job after the one that hung gave %q, %v", result, err)
		case i == 0 && !errors.As(err, &crash):
			t.Errorf("the job that hung gave %q, %v", result, err)
		case i == 0 && (!strings.Contains(crash.Why, "2s") || !strings.Contains(crash.Stack, "pool_test.work")):
			t.Errorf("it is not told where it hung: %q\n%s", crash.Why, crash.Stack)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	err := newPool(2).Run(ctx, 1000, func(i int) any { return i }, func(int, json.RawMessage, error) {
		if done++; done == 10 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if done < 10 || done > 12 {
		t.Errorf("%d jobs were finished after a cancellation at 10", done)
	}
}

func TestNoSuchWorker(t *testing.T) {
	p := newPool(2)
	p.Command = []string{"/nowhere/to/be/found"}
	err := p.Run(t.Context(), 3, func(i int) any { return i }, func(i int, _ json.RawMessage, _ error) { t.Errorf("job %d was done", i) })
	if err == nil || !strings.Contains(err.Error(), "starting a worker") {
		t.Errorf("got %v", err)
	}
}
