// Command firedrill rehearses failure: it plays scenarios against the real controller and service-engine code in
// a deterministic simulator, judges what happened, and times every failover.
//
// This file parses the command line and calls one function of package drill per verb, nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"firedrill/scenarios/drill"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program; its result is the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := commands()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	status := drill.StatusUsage // unless the error says otherwise
	var ended drill.Ended
	switch {
	case err == nil:
		return drill.StatusHeld
	case errors.As(err, &ended):
		status = ended.Status
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(stderr, "firedrill: %s\n", text)
	}
	return status
}

func commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "firedrill",
		Short: "Does the platform survive, how long is each failover, and did a change make it worse?",
		Example: `  firedrill run                                play the suite for 20 seeds, report in out/report.html
  firedrill run leader-crash --seeds 1..1000   one scenario, many seeds
  firedrill replay leader-crash --seed 7       one of those runs again, step by step`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(runCommand(), replayCommand(), listCommand(), checkCommand(), reportCommand(), schemaCommand(), workerCommand())
	return root
}

// terminal is where a command talks to its user.
func terminal(c *cobra.Command) drill.Terminal {
	return drill.Terminal{Out: c.OutOrStdout(), Err: c.ErrOrStderr()}
}

func runCommand() *cobra.Command {
	var o drill.RunOptions
	c := &cobra.Command{
		Use:   "run [SCENARIO | FILE ...]",
		Short: "Play scenarios for a range of seeds, judge, report",
		Long: `Play scenarios (all of the suite, unless some are named) for a range of seeds, judge what happened and report.

The folder --out gets report.html, results.json, junit.xml and histories/. Exit status: 0 all held, 1 a check
failed, 2 bad input, 3 the world is not available, 130 interrupted (what was finished is reported).`,
		Example: `  firedrill run
  firedrill run leader-crash legacy-heartbeat-cut --seeds 1..1000
  firedrill run my-scenario.yaml --seeds 7 --out /tmp/out`,
		RunE: func(c *cobra.Command, args []string) error {
			o.Arguments = args
			return drill.Run(c.Context(), terminal(c), o)
		},
		ValidArgsFunction: completeScenarios,
	}
	c.Flags().StringVar(&o.Seeds, "seeds", "1..20", "seeds to play: 7, or 1..20, or 1..20,99")
	c.Flags().StringVar(&o.World, "world", "sim", "where to play: sim, or real (containers)")
	c.Flags().IntVar(&o.Jobs, "jobs", runtime.NumCPU(), "worker processes at once")
	c.Flags().StringVar(&o.Out, "out", "out", "folder for the report and what it is made of")
	c.Flags().DurationVar(&o.Patience, "patience", 2*time.Minute, "real time that one run may take before it counts as hung")
	c.Flags().BoolVar(&o.JSON, "json", false, "print results.json instead of the summary")
	return c
}

func replayCommand() *cobra.Command {
	var o drill.ReplayOptions
	c := &cobra.Command{
		Use:   "replay SCENARIO --seed N",
		Short: "Play one seed again, with its timeline and, if wanted, its trace",
		Example: `  firedrill replay leader-crash --seed 7
  firedrill replay leader-crash --seed 7 --trace trace.txt --history history.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Argument = args[0]
			return drill.Replay(terminal(c), o)
		},
		ValidArgsFunction: completeScenarios,
	}
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "the seed to play")
	c.Flags().StringVar(&o.World, "world", "sim", "where to play: sim, or real (containers)")
	c.Flags().StringVar(&o.Trace, "trace", "", "file for a line about everything that happens")
	c.Flags().StringVar(&o.History, "history", "", "file for the history (.jsonl, or .jsonl.zst)")
	c.Flags().StringVar(&o.Plan, "plan", "", "file for the plan, which is a scenario without choices")
	c.Flags().BoolVar(&o.JSON, "json", false, "print the result as JSON instead of the timeline")
	_ = c.MarkFlagRequired("seed") // fails only for a flag that does not exist
	return c
}

func listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List scenarios, faults and invariants",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return drill.List(terminal(c), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func checkCommand() *cobra.Command {
	var o drill.CheckOptions
	c := &cobra.Command{
		Use:   "check HISTORY.jsonl ...",
		Short: "Judge histories, recorded by this or any other system",
		Long: `Judge histories: files of JSON Lines, compressed by zstd if they end in .zst. The format is described in
checker/history/FORMAT.md; a history of reads, writes and compare-and-sets on registers needs little of it.`,
		Example: "  firedrill check out/histories/leader-crash-7.jsonl.zst\n  firedrill check register.jsonl --picture register.html",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Files = args
			return drill.Check(terminal(c), o)
		},
	}
	c.Flags().StringVar(&o.Picture, "picture", "", "HTML file for Porcupine's picture of the operations (one history only)")
	c.Flags().BoolVar(&o.JSON, "json", false, "print the results as JSON")
	return c
}

func reportCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "report DIR",
		Short:   "Render the report of recorded results again",
		Example: "  firedrill report out",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return drill.Report(terminal(c), args[0]) },
	}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of scenario files, for editors",
		Example: "  firedrill schema > scenario.schema.json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return drill.Schema(terminal(c)) },
	}
}

// workerCommand is the other end of the pipes of `run`.
func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    drill.WorkerVerb,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return drill.Work(c.InOrStdin(), c.OutOrStdout()) },
	}
}

func completeScenarios(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return drill.ScenarioNames(), cobra.ShellCompDirectiveDefault
}
