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
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"firedrill/real/node"
	"firedrill/scenarios/drill"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends at once
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
		Example: `  firedrill run                                play the suite for 10 seeds, report in out/report.html
  firedrill run leader-crash --seeds 1..1000   one scenario, many seeds
  firedrill replay leader-crash --seed 7       one of those runs again, step by step
  firedrill gate --baseline baseline.json      did a change make it worse?
  firedrill sweep leader-crash --set timers.controller_heartbeat=50ms,100ms,200ms`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(runCommand(), replayCommand(), shrinkCommand(), listCommand(), checkCommand(), gateCommand(), mergeCommand(), sweepCommand(),
		reportCommand(), mutantsCommand(), upCommand(), downCommand(), calibrateCommand(), schemaCommand(), manCommand(), workerCommand(), nodeCommand())
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

The folder --out gets report.html, results.json, junit.xml, results.sarif, summary.md and histories/. As a job of GitHub
Actions it also marks what failed at its line of the scenario's file, and adds to the job's summary. Exit status: 0 all held, 1 a check
failed, 2 bad input, 3 the world is not available, 130 interrupted (what was finished is reported).

With --for it goes on drawing seeds until the time is over. It can be interrupted, and even killed: the same command goes on
from soak.json in --out. Every kind of failure is reported once, with its count and the command that replays its first run.
Scenarios with drawn faults lean towards what their faults have not met yet; the scenario that leans is kept in leaning/.`,
		Example: `  firedrill run
  firedrill run leader-crash legacy-heartbeat-cut --seeds 1..1000
  firedrill run my-scenario.yaml --seeds 7 --out /tmp/out
  firedrill run --shard 2/4 --out out/2              the second of four machines
  firedrill run swarm-survivable swarm-any --for 2h --out out/soak   goes on where it was stopped or killed`,
		RunE: func(c *cobra.Command, args []string) error {
			o.Arguments = args
			return drill.Run(c.Context(), terminal(c), o)
		},
		ValidArgsFunction: completeScenarios,
	}
	c.Flags().StringVar(&o.Seeds, "seeds", "", "seeds to play: 7, or 1..20, or 1..20,99 (default 1..10; on containers 1..3)")
	c.Flags().StringVar(&o.World, "world", "sim", "where to play: sim, or real (containers)")
	c.Flags().IntVar(&o.Jobs, "jobs", runtime.NumCPU(), "worker processes at once")
	c.Flags().StringVar(&o.Out, "out", "out", "folder for the report and what it is made of")
	c.Flags().DurationVar(&o.Patience, "patience", 2*time.Minute, "real time that one run may take before it counts as hung")
	c.Flags().DurationVar(&o.For, "for", 0, "soak: go on from the first of --seeds until this real time is over, such as 2h")
	c.Flags().StringVar(&o.Machine, "machine", "", "file with the profile of a machine, by calibrate, for the simulator")
	c.Flags().StringVar(&o.Shard, "shard", "", "play one part of the runs, such as 2/4; `merge` joins the parts")
	c.Flags().BoolVar(&o.JSON, "json", false, "print results.json instead of the summary")
	return c
}

func replayCommand() *cobra.Command {
	var o drill.ReplayOptions
	c := &cobra.Command{
		Use:   "replay SCENARIO --seed N",
		Short: "Play one seed again, with its timeline; or look into it at any moment",
		Long: `Play one seed again and print its timeline, its outages and its verdict. With --at, play up to a simulated time and print
how every node stands then, which faults are in force and which messages are on their way. With --html, write the whole run
as a page: a diagram of the messages, a slider over time, and how every node stands there.`,
		Example: `  firedrill replay leader-crash --seed 7
  firedrill replay leader-crash --seed 7 --at 31.2s
  firedrill replay leader-crash --seed 7 --html replay.html
  firedrill replay leader-crash --seed 7 --trace trace.txt --history history.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Argument = args[0]
			return drill.Replay(c.Context(), terminal(c), o)
		},
		ValidArgsFunction: completeScenarios,
	}
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "the seed to play")
	c.Flags().StringVar(&o.World, "world", "sim", "where to play: sim, or real (containers)")
	c.Flags().StringVar(&o.Machine, "machine", "", "file with the profile of a machine, by calibrate, for the simulator")
	c.Flags().StringVar(&o.Trace, "trace", "", "file for a line about everything that happens")
	c.Flags().StringVar(&o.History, "history", "", "file for the history (.jsonl, or .jsonl.zst)")
	c.Flags().StringVar(&o.HTML, "html", "", "file for the run as a page, with a slider over time")
	c.Flags().StringVar(&o.At, "at", "", "simulated time to look at, such as 31.2s, instead of the timeline")
	c.Flags().StringVar(&o.Plan, "plan", "", "file for the plan, which is a scenario without choices")
	c.Flags().BoolVar(&o.JSON, "json", false, "print the result, or the moment, as JSON")
	_ = c.MarkFlagRequired("seed") // fails only for a flag that does not exist
	return c
}

func shrinkCommand() *cobra.Command {
	var o drill.ShrinkOptions
	c := &cobra.Command{
		Use:   "shrink SCENARIO | FILE --seed N",
		Short: "Find the smallest plan that fails as a run does, and write it as a scenario",
		Long: `Find the smallest plan that fails as a run does: fewer faults, operations, services and nodes, a shorter run, rounder
times. The result is a scenario file that leaves nothing to choose and fails the same check with the same seed.`,
		Example: "  firedrill shrink my-scenario.yaml --seed 17\n  firedrill shrink first-announcement-lost --seed 1 --mutant announced-once",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Argument = args[0]
			return drill.Shrink(c.Context(), terminal(c), o)
		},
		ValidArgsFunction: completeScenarios,
	}
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "the seed that fails")
	c.Flags().StringVar(&o.Out, "out", "", "file for the scenario (default: SCENARIO-SEED.yaml)")
	c.Flags().IntVar(&o.Jobs, "jobs", runtime.NumCPU(), "worker processes at once; what comes out does not depend on it")
	c.Flags().DurationVar(&o.Patience, "patience", 30*time.Second, "real time that one run may take before it counts as hung")
	c.Flags().StringVar(&o.Mutant, "mutant", "", "plant this bug of the bank into the model first")
	c.Flags().StringVar(&o.Source, "source", ".", "folder of firedrill's source, for --mutant")
	_ = c.MarkFlagRequired("seed") // fails only for a flag that does not exist
	return c
}

func listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List scenarios, faults, invariants and mutants",
		Example: "  firedrill list\n  firedrill list --json | jq -r '.scenarios[].name'",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return drill.List(terminal(c), asJSON) },
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

func gateCommand() *cobra.Command {
	var o drill.GateOptions
	c := &cobra.Command{
		Use:   "gate --baseline FILE",
		Short: "Pass or fail results against an earlier run",
		Long: `Hold results against a baseline, which is an earlier run in a small file for version control.

Simulated runs are compared seed by seed. The gate fails on a run that failed, an outage over the baseline's bound, a
scenario or seed that is missing, and outages that have become longer by more than --max-regression, chance excluded.`,
		Example: `  firedrill gate --baseline baseline.json --update     make the baseline of out/results.json
  firedrill gate --baseline baseline.json              pass or fail the next run
  firedrill gate --baseline baseline.json --max-regression 10% --junit out/gate.xml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return drill.Gate(terminal(c), o) },
	}
	c.Flags().StringVar(&o.Baseline, "baseline", "", "the baseline file")
	c.Flags().StringVar(&o.Results, "results", "out/results.json", "the results to judge")
	c.Flags().StringVar(&o.MaxRegression, "max-regression", "5%", "how much longer outages may become")
	c.Flags().StringVar(&o.JUnit, "junit", "", "file for the answer as JUnit XML")
	c.Flags().BoolVar(&o.Update, "update", false, "make these results the baseline")
	c.Flags().BoolVar(&o.JSON, "json", false, "print the answer as JSON")
	_ = c.MarkFlagRequired("baseline") // fails only for a flag that does not exist
	return c
}

func mergeCommand() *cobra.Command {
	var o drill.MergeOptions
	c := &cobra.Command{
		Use:   "merge DIR ...",
		Short: "Join the results of a run that was spread over machines, or of two worlds",
		Long: `Join the results of all shards of one run. What comes out is, to the byte, what the run would have left unsharded.
Shards that are missing, there twice, or of different builds or scenarios are refused.

Whole results of the simulator and of containers are put side by side: the report then shows how far the one can be
trusted for the other.`,
		Example: "  firedrill merge out/1 out/2 out/3 out/4 --out out\n  firedrill merge out/sim out/real --out out/both",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Dirs = args
			return drill.Merge(terminal(c), o)
		},
	}
	c.Flags().StringVar(&o.Out, "out", "out", "folder for the report and what it is made of")
	c.Flags().BoolVar(&o.JSON, "json", false, "print results.json instead of the summary")
	return c
}

func sweepCommand() *cobra.Command {
	var o drill.SweepOptions
	c := &cobra.Command{
		Use:   "sweep SCENARIO | FILE --set PATH=V1,V2 ...",
		Short: "Play a scenario with every combination of some settings: which timers to choose",
		Long: `Play a scenario with every combination of some settings, and show failover time against takeovers that nothing had
caused. A setting is a place in the scenario file. The folder --out gets sweep.html and sweep.json. What the scenario
expects does not fail a sweep; a broken promise of safety, such as a lost write, does.`,
		Example: `  firedrill sweep legacy-active-power-loss --set timers.dp_hb_frequency=50ms,100ms,200ms
  firedrill sweep reference --set topology.network.loss=0%,1%,5% --set timers.dp_hb_timeout_count=2,3,5
  firedrill sweep my.yaml --set 'config.service_engine_groups[0].dp_hb_timeout_count=2,3' --seeds 1..200`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Argument = args[0]
			return drill.Sweep(c.Context(), terminal(c), o)
		},
		ValidArgsFunction: completeScenarios,
	}
	c.Flags().StringArrayVar(&o.Set, "set", nil, "a setting and its values, such as timers.dp_hb_frequency=50ms,100ms")
	c.Flags().StringVar(&o.Seeds, "seeds", "1..20", "seeds to play with each combination")
	c.Flags().IntVar(&o.Jobs, "jobs", runtime.NumCPU(), "worker processes at once")
	c.Flags().StringVar(&o.Out, "out", "out", "folder for the chart")
	c.Flags().DurationVar(&o.Patience, "patience", 2*time.Minute, "real time that one run may take before it counts as hung")
	c.Flags().BoolVar(&o.JSON, "json", false, "print sweep.json instead of the table")
	_ = c.MarkFlagRequired("set") // fails only for a flag that does not exist
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

func mutantsCommand() *cobra.Command {
	var o drill.MutantsOptions
	c := &cobra.Command{
		Use:   "mutants [MUTANT ...]",
		Short: "Plant known bugs into the model: does the suite catch them?",
		Long: `Plant known bugs into a copy of the model, one at a time, and play the suite seed by seed until a check fails: first
the scenarios that should show the bug, then the others. A run counts if it fails with the bug and holds without. Each
bug is hunted several times, from other seeds. Needs firedrill's source and the go command.

A mutant that crashes or hangs is caught by the check "run". Exit status 1: one survived, was caught by an unrelated
check only, or its patch no longer applies.`,
		Example: "  firedrill mutants\n  firedrill mutants never-sync stale-read-anywhere --starts 1",
		RunE: func(c *cobra.Command, args []string) error {
			o.Names = args
			return drill.Mutants(c.Context(), terminal(c), o)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return drill.MutantNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().IntVar(&o.Seeds, "seeds", 100, "most seeds from each start")
	c.Flags().IntVar(&o.Starts, "starts", 5, "how many times each mutant is hunted")
	c.Flags().IntVar(&o.Jobs, "jobs", runtime.NumCPU(), "mutants at once")
	c.Flags().StringVar(&o.Out, "out", "", "folder that mutants.json goes to; the report that is made there next shows the table")
	c.Flags().BoolVar(&o.Named, "named-only", false, "play no scenarios but those that a mutant names")
	c.Flags().BoolVar(&o.Shrink, "shrink", false, "make the plan that caught each as small as it gets, and tell how small that is")
	c.Flags().StringVar(&o.Source, "source", ".", "folder of firedrill's source")
	c.Flags().BoolVar(&o.JSON, "json", false, "print JSON instead of the table")
	return c
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

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages, one for each command",
		Example: "  firedrill man man && man man/firedrill-run.1",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := c.Root()
			root.DisableAutoGenTag = true // a date would make every build another page
			return doc.GenManTree(root, &doc.GenManHeader{Title: "FIREDRILL", Section: "1", Source: "firedrill", Manual: "Firedrill"}, args[0])
		},
	}
}

func upCommand() *cobra.Command {
	var o drill.UpOptions
	c := &cobra.Command{
		Use:   "up [SCENARIO | FILE]",
		Short: "Start a live cluster in containers, with its REST API, to look around in",
		Long: `Start the cluster of a scenario in containers, with its configuration but without its faults and its work, and keep it until
it is interrupted, or ended by ` + "`down`" + `. It tells where the REST API is, and the token that callers must show.`,
		Example: "  firedrill up\n  firedrill up real-nplusm-killed",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Arguments = args
			return drill.Up(c.Context(), terminal(c), o)
		},
		ValidArgsFunction: completeScenarios,
	}
	return c
}

func downCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Remove the live cluster, and what killed runs have left in the container engine",
		Long: `Remove the containers and networks of the live cluster that ` + "`up`" + ` started, and whatever runs on containers that were
killed have left. Those of runs under way stay.`,
		Example: "  firedrill down",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return drill.Down(c.Context(), terminal(c)) },
	}
}

func calibrateCommand() *cobra.Command {
	var o drill.CalibrateOptions
	c := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure this machine, so that the simulator can be told of it",
		Long: `Measure links, disk, timers, requests and the start of a container on this machine, while a cluster runs on containers, and write
a profile. ` + "`run --machine FILE`" + ` simulates on such a machine; the plan, the history and the results say so.`,
		Example: "  firedrill calibrate\n  firedrill run real-leader-killed --machine out/machine.yaml --out out/sim",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return drill.Calibrate(c.Context(), terminal(c), o) },
	}
	c.Flags().StringVar(&o.Out, "out", "out/machine.yaml", "file for the profile")
	return c
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

// nodeCommand is what runs inside a container, and what is run there beside it to play faults.
func nodeCommand() *cobra.Command {
	var o drill.NodeOptions
	c := &cobra.Command{
		Use:    "node",
		Short:  "Be one container of a run",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return drill.Node(c.Context(), c.InOrStdin(), terminal(c), o)
		},
	}
	c.PersistentFlags().StringVar(&o.Spec, "spec", node.SpecFile, "file that says which container this is; its other files lie beside it")
	c.Flags().BoolVar(&o.Told, "told", false, "be told by the standard input what that file holds")
	c.Flags().DurationVar(&o.After, "after", 0, "begin after so much time")
	fault := func(name, short string, do func(io.Writer, drill.NodeFault) error, flags ...func(*pflag.FlagSet, *drill.NodeFault)) {
		var f drill.NodeFault
		sub := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			f.NodeOptions = o
			return do(c.OutOrStdout(), f)
		}}
		sub.Flags().IntVar(&f.ID, "id", 0, "number of the fault, by which it is mended")
		_ = sub.MarkFlagRequired("id") // fails only for a flag that does not exist
		for _, add := range flags {
			add(sub.Flags(), &f)
		}
		c.AddCommand(sub)
	}
	peers := func(s *pflag.FlagSet, f *drill.NodeFault) {
		s.StringSliceVar(&f.Peers, "peers", nil, "addresses of the containers at the other end (default everybody)")
		s.StringVar(&f.Network, "network", "", "management, data or edge (default all)")
		s.BoolVar(&f.In, "in", false, "what comes from them (default both directions)")
		s.BoolVar(&f.Out, "out", false, "what goes to them")
		s.StringVar(&f.Loss, "loss", "", "share that is lost, such as 5%")
	}
	rule := func(s *pflag.FlagSet, f *drill.NodeFault) {
		s.StringVar(&f.Rule, "rule", "{}", "what the fault is, as JSON")
	}
	fault("cut", "Cut links of this container (nftables)", drill.CutNode, peers)
	fault("fault", "Make the process play a fault", drill.StrikeNode, rule)
	fault("rot", "Flip a bit on the disk of the process", drill.RotNode)
	fault("mend", "End the fault and the cut of a number", drill.MendNode)
	c.AddCommand(
		&cobra.Command{Use: "measure WHAT COUNT [ADDRESS]", Short: "Measure links, the disk, timers or requests from here", Args: cobra.RangeArgs(2, 3),
			RunE: func(c *cobra.Command, args []string) error {
				return drill.Measure(c.Context(), c.OutOrStdout(), o, args)
			}},
		&cobra.Command{Use: "shelf", Short: "Have a disk mounted, and do nothing", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { <-c.Context().Done(); return nil }},
		&cobra.Command{Use: "portal ADDRESS ...", Short: "Pass connections on to the REST API of a controller", Args: cobra.MinimumNArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return drill.Portal(c.Context(), args) }})
	return c
}

func completeScenarios(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return drill.ScenarioNames(), cobra.ShellCompDirectiveDefault
}
