// Package pool spreads jobs over worker processes. A process is the unit because a simulation replaces
// process-wide randomness, and because a panic, a hang or a leak then costs the one job that caused it.
//
// A job and its result are JSON values; what they mean is the caller's business. A worker reads jobs from
// its standard input and writes results to its standard output, one a line.
package pool

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Pool runs jobs in worker processes.
type Pool struct {
	// Command starts one worker: program and arguments.
	Command []string
	// Workers is how many run at once.
	Workers int
	// Patience is how long one job may take by the wall clock. A worker that takes longer is told to print
	// its stacks and is killed.
	Patience time.Duration
}

// Crash is the error of a job whose worker panicked, hung or was killed.
type Crash struct {
	Why   string // one line
	Stack string // what the worker printed to its standard error, the beginning if that was long
}

func (c *Crash) Error() string { return c.Why }

// Run plays the jobs 0 to n-1. It asks job for each when a worker is free for it, and calls done for each
// as it finishes, with the result or with a *Crash; job and done are called one at a time. It returns the
// context's error if it was cancelled before all jobs were done, and any error of starting a worker. Jobs
// under way at a cancellation are dropped.
func (p *Pool) Run(ctx context.Context, n int, job func(i int) any, done func(i int, result json.RawMessage, err error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var (
		wg sync.WaitGroup
		mu sync.Mutex
	)
	for range min(p.Workers, n) {
		wg.Go(func() {
			w := &worker{pool: p}
			defer w.stop()
			for i := range next {
				mu.Lock()
				text, err := json.Marshal(job(i))
				mu.Unlock()
				if err != nil {
					cancel(err)
					return
				}
				result, err := w.do(ctx, text)
				if ctx.Err() != nil {
					return
				}
				var crash *Crash
				if err != nil && !errors.As(err, &crash) {
					cancel(err)
					return
				}
				mu.Lock()
				done(i, result, err)
				mu.Unlock()
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// worker is one process, started when it is first needed and again after it broke.
type worker struct {
	pool   *Pool
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *head
}

func (w *worker) start() error {
	w.cmd = exec.Command(w.pool.Command[0], w.pool.Command[1:]...)
	// A worker must not get the terminal's Ctrl-C: the parent decides when it stops.
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	w.stderr = &head{}
	w.cmd.Stderr = w.stderr
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	w.out = bufio.NewReaderSize(out, 1<<16)
	if err := w.cmd.Start(); err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	return nil
}

// do runs one job, starting the process first if need be.
func (w *worker) do(ctx context.Context, job json.RawMessage) (json.RawMessage, error) {
	if w.cmd == nil {
		if err := w.start(); err != nil {
			return nil, err
		}
	}
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		_, err := w.in.Write(append(job, '\n'))
		var a answer
		if err == nil {
			a.line, err = w.out.ReadBytes('\n')
		}
		a.err = err
		answers <- a
	}()
	patience := time.NewTimer(w.pool.Patience)
	defer patience.Stop()
	select {
	case a := <-answers:
		if a.err == nil {
			return a.line, nil
		}
		return nil, w.bury("the worker died")
	case <-patience.C:
		_ = w.cmd.Process.Signal(syscall.SIGQUIT) // see tellStacks
		select {
		case <-answers:
		case <-time.After(5 * time.Second):
		}
		return nil, w.bury(fmt.Sprintf("no result within %v of real time", w.pool.Patience))
	case <-ctx.Done():
		w.kill()
		return nil, ctx.Err()
	}
}

// bury collects what a broken worker left.
func (w *worker) bury(why string) *Crash {
	stderr := w.stderr
	w.kill()
	c := &Crash{Why: why, Stack: stderr.String()}
	if first, _, _ := strings.Cut(strings.TrimSpace(c.Stack), "\n"); first != "" && why == "the worker died" {
		c.Why = first
	}
	return c
}

func (w *worker) kill() {
	if w.cmd == nil {
		return
	}
	_ = w.cmd.Process.Kill()
	_ = w.in.Close()
	_ = w.cmd.Wait()
	w.cmd = nil
}

// stop lets an idle worker end by itself.
func (w *worker) stop() {
	if w.cmd == nil {
		return
	}
	_ = w.in.Close()
	_ = w.cmd.Wait()
	w.cmd = nil
}

// head keeps the beginning of what is written: of a panic, that is where the cause stands.
type head struct {
	mu  sync.Mutex
	buf []byte
}

const headKeeps = 64 << 10

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf = append(h.buf, p[:min(len(p), headKeeps-len(h.buf))]...)
	return len(p), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.buf)
}

// Serve is the worker's side: it reads jobs from in, calls play for each and writes the result to out, until
// in ends. What play returns must be JSON without line breaks.
func Serve(in io.Reader, out io.Writer, play func(job json.RawMessage) (any, error)) error {
	go tellStacks()
	decoder := json.NewDecoder(in)
	encoder := json.NewEncoder(out)
	for {
		var job json.RawMessage
		if err := decoder.Decode(&job); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a job: %w", err)
		}
		result, err := play(job)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return err
		}
		if err := encoder.Encode(result); err != nil {
			return err
		}
	}
}

// tellStacks answers SIGQUIT with where every goroutine is. The runtime would do so by itself, but not for one that
// runs at that moment, which is just the one that matters.
func tellStacks() {
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGQUIT)
	<-quit
	_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
	os.Exit(2)
}
