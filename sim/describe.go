package sim

import (
	"fmt"
	"strings"

	"firedrill/checker/history"
)

// describe writes an entry of the history as a line of the trace.
func describe(e *history.Event) string {
	switch e.Type {
	case history.NodeEv:
		return words("%-14s %s %s %s term=%d index=%d %s", e.Node, e.Event, e.Unit, e.Peer, e.Term, e.Index, e.Detail)
	case history.Probe:
		return words("%-14s probe of %s ok=%v %s %s", e.Client, e.Service, e.OK, e.By, e.Reason)
	case history.Flow:
		return words("%-14s flow %d to %s %s %s %s", e.Client, e.Op, e.Service, e.Phase, e.By, e.Reason)
	case history.Fault:
		return words("%-14s %s %s at %s = %s %s", "world", e.Fault, e.Phase, e.Target, strings.Join(e.Resolved, ","), e.Reason)
	case history.Call:
		return words("%-14s calls %d %s %s version=%d", e.Client, e.Op, e.Operation, e.Key, e.Version)
	case history.Return:
		return words("%-14s returns %d %s version=%d %s %s", e.Client, e.Op, e.Outcome, e.Version, e.Reason, e.By)
	}
	return string(e.Type)
}

// words formats, and drops the blanks that empty values leave behind.
func words(format string, args ...any) string {
	name, rest, _ := strings.Cut(fmt.Sprintf(format, args...), " ")
	return fmt.Sprintf("%-14s %s", name, strings.Join(strings.Fields(rest), " "))
}
