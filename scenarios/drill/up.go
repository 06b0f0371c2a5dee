package drill

import (
	"context"
	"errors"
	"fmt"

	"firedrill/real"
	"firedrill/scenarios"
)

// UpOptions is what `firedrill up` is told.
type UpOptions struct {
	Arguments []string // a scenario by name or file; none: [liveScenario]
}

// liveScenario is what `up` starts if it is told nothing.
const liveScenario = "cluster-ip"

// Up starts a live cluster and keeps it until it is interrupted.
func Up(ctx context.Context, t Terminal, o UpOptions) error {
	if len(o.Arguments) == 0 {
		o.Arguments = []string{liveScenario}
	}
	chosen, err := scenarios.Choose(o.Arguments)
	if err != nil {
		return err
	}
	plan, err := scenarios.NewPlan(chosen[0].Scenario, 1)
	if err != nil {
		return err
	}
	d, err := openDocker(ctx)
	if err != nil {
		return err
	}
	starting := real.Options{Progress: func(up, of int) {
		if isTerminal(t.Err) {
			fmt.Fprintf(t.Err, "\r%d of %d containers are up ", up, of)
		}
	}}
	err = d.Up(ctx, plan, starting, func(l real.Live) {
		if isTerminal(t.Err) {
			fmt.Fprintln(t.Err)
		}
		curl := fmt.Sprintf("curl -sk -H 'Authorization: Bearer %s'", l.Token)
		fmt.Fprintf(t.Out, `The REST API is at %[1]s, its token is %[2]s. Try:

  %[3]s %[1]s/api/cluster/status
  %[3]s %[1]s/api/virtualservice
  %[3]s %[1]s/api/openapi

Ctrl-C or %[4]s ends it.
`, l.API, l.Token, curl, "`"+callName()+" down`")
	})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // that is how it ends
	}
	return worldEnds(err)
}
