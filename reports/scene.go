package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"firedrill/checker/history/scene"
	"firedrill/checker/words"
)

// WriteScene tells on a terminal how a whole cluster stands at one moment.
func WriteScene(w io.Writer, s *scene.Scene, colour bool) error {
	p := newPaint(colour)
	var out strings.Builder
	fmt.Fprintf(&out, "%s, seed %d, at %v\n", s.Scenario, s.Seed, s.At)
	for i := range s.Nodes {
		writeNode(&out, &s.Nodes[i], p)
	}
	fmt.Fprintf(&out, "\n%s\n", p.head("Faults in force: "+words.Count(len(s.Faults))))
	for _, f := range s.Faults {
		until := "for good"
		if f.Until > 0 {
			until = fmt.Sprintf("until %v", f.Until)
		}
		fmt.Fprintf(&out, "  %s at %s (%s), since %v, %s\n", f.Fault, f.Target, strings.Join(f.Nodes, ", "), f.Since, until)
	}
	for _, l := range s.Links {
		fmt.Fprintf(&out, "  link: %s\n", l)
	}
	fmt.Fprintf(&out, "\n%s\n", p.head("Messages on their way: "+words.Count(len(s.Messages))))
	for _, m := range s.Messages {
		fmt.Fprintf(&out, "  %s → %s  %s, sent %v, %s\n", m.From, m.To, m.Text, m.Sent, dueText(m.Due, s.At))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func dueText(due, now time.Duration) string {
	if due == 0 {
		return "due when that is known"
	}
	return fmt.Sprintf("due %v (in %v)", due, due-now)
}

// writeNode tells of one node: a line a fact, names in a column.
func writeNode(out *strings.Builder, n *scene.Node, p paint) {
	title := n.Name
	if !strings.HasPrefix(n.Name, n.Role) {
		title += " (" + n.Role + ")"
	}
	fmt.Fprintf(out, "\n%s\n", p.head(title))
	width := 0
	for _, f := range n.Facts {
		width = max(width, len(f.Name))
	}
	for _, f := range n.Facts {
		fmt.Fprintf(out, "  %-*s  %s\n", width, f.Name, f.Value)
	}
}
