package drill

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"

	"firedrill/real/node"
)

// NodeOptions say which container this is.
type NodeOptions struct {
	node.Start
	Told bool // the files are not there yet; the first that comes by the standard input is who this is
}

// Node is what runs inside a container, which is told by the standard input what it is to know. Its record goes to the
// terminal's output, a line an event.
func Node(ctx context.Context, in io.Reader, t Terminal, o NodeOptions) error {
	lines := bufio.NewReader(in)
	if o.Told {
		if err := node.Told(lines, o.Spec); err != nil {
			return err
		}
	}
	if err := node.Run(ctx, o.Start, lines, t.Out, t.Err); err != nil {
		return Ended{StatusBroken, err.Error()}
	}
	return nil
}

// NodeFault is a fault inside a container, as the command line names it: a cut, or a rule that the process there is to follow,
// a [node.Fault] as JSON. Peers are addresses of containers, none stands for everybody; without any of In and Out both
// directions are meant.
type NodeFault struct {
	NodeOptions
	ID      int
	Peers   []string
	Network string
	In, Out bool
	Loss    string
	Rule    string
}

// directions are both where none is said.
func (f *NodeFault) directions() (in, out bool) {
	if !f.In && !f.Out {
		return true, true
	}
	return f.In, f.Out
}

// StrikeNode tells the process of this container to play a fault, and prints when.
func StrikeNode(out io.Writer, f NodeFault) error {
	var fault node.Fault
	if err := json.Unmarshal([]byte(f.Rule), &fault); err != nil {
		return fmt.Errorf("the rule: %w", err)
	}
	fault.ID = f.ID
	return timed(out, true, func() error { return f.tell(node.Command{Strike: &fault}) })
}

// RotNode flips a bit on the disk of this container, and prints when.
func RotNode(out io.Writer, f NodeFault) error {
	return timed(out, true, func() error { return f.tell(node.Command{Rot: true}) })
}

// timed does something and prints when, on CLOCK_MONOTONIC: a fault counts from just before it strikes, and until it is over.
func timed(out io.Writer, before bool, do func() error) error {
	clock, err := node.NewClock()
	if err != nil {
		return err
	}
	at := clock.Now()
	if err := do(); err != nil {
		return err
	}
	if !before {
		at = clock.Now()
	}
	_, err = fmt.Fprintln(out, int64(at))
	return err
}

// CutNode cuts links of this container, or makes them lossy, and prints when.
func CutNode(out io.Writer, f NodeFault) error {
	spec, err := node.ReadSpec(f.Spec)
	if err != nil {
		return err
	}
	cut := node.Cut{ID: f.ID, Network: f.Network}
	cut.In, cut.Out = f.directions()
	if cut.Peers, err = parseAddresses(f.Peers); err != nil {
		return err
	}
	if f.Loss != "" {
		if err := cut.Loss.UnmarshalText([]byte(f.Loss)); err != nil {
			return err
		}
	}
	return timed(out, true, func() error { return cut.Strike(spec) })
}

// MendNode ends the faults and the cuts with an id, and prints when.
func MendNode(out io.Writer, f NodeFault) error {
	return timed(out, false, func() error { return errors.Join(node.MendCut(f.ID), f.tell(node.Command{Mend: &f.ID})) })
}

// Portal makes this container a way to the REST API of the first of some controllers that takes a connection.
func Portal(ctx context.Context, addresses []string) error {
	controllers, err := parseAddresses(addresses)
	if err != nil {
		return err
	}
	return node.Portal(ctx, controllers)
}

func parseAddresses(texts []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, text := range texts {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		out = append(out, ip)
	}
	return out, nil
}

func (o NodeOptions) tell(c node.Command) error {
	return node.Tell(filepath.Join(filepath.Dir(o.Spec), filepath.Base(node.ControlSocket)), c)
}
