package reports

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"firedrill/checker"
)

// maxTold is how many failures a job summary tells; GitHub takes a megabyte, a reader less.
const maxTold = 20

// WriteMarkdown writes the summary that GitHub shows for a job: verdict, table, failures with the commands that replay
// them. Picture is the file beside it that shows the distributions; empty: there is none, or none that can be
// shown, as GitHub's job summary takes no files.
func WriteMarkdown(w io.Writer, r *Results, prefix, picture string) error {
	r = r.normal()
	all := groups(r)
	verdict, head := headline(all)
	var out strings.Builder
	fmt.Fprintf(&out, "## firedrill: %s\n\n%s\n\n%s\n", verdictMark(verdict), markdown(head), markdown(strings.Join(facts(r, all), " · ")))
	if r.Build != "" {
		fmt.Fprintf(&out, "\nBuild %s.\n", markdown(r.Build))
	}
	markdownFailures(&out, all, prefix)
	markdownTable(&out, all)
	if picture != "" {
		fmt.Fprintf(&out, "\n![Outages by scenario, from the shortest to the longest](%s)\n", picture)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func verdictMark(v checker.Verdict) string {
	switch v {
	case checker.Pass:
		return "✅ passed"
	case checker.Fail:
		return "❌ failed"
	case checker.Error:
		return "💥 broken"
	}
	return "➖ " + string(v)
}

func markdownTable(out *strings.Builder, all []*group) {
	out.WriteString("\n| scenario | verdict | held | n | p50 | p99 | max | bound | API n | p50 | p99 | max | bound | blips |\n")
	out.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, g := range all {
		r := newRow(g)
		fmt.Fprintf(out, "| %s | %s | %s |", markdown(r.Label), verdictMark(r.Verdict), r.Seeds)
		for i, c := range []*class{&g.services, &g.api} {
			longest := r.Classes[i].Stats[3]
			text := longest.Text
			if longest.Over {
				text = "**" + text + "** ▲"
			}
			fmt.Fprintf(out, " %s | %s | %s | %s | %s |", r.Classes[i].N, withInterval(c.sample, 0.5), withInterval(c.sample, 0.99), text, r.Classes[i].Bound)
		}
		fmt.Fprintf(out, " %s |\n", count(len(g.services.blips)+len(g.api.blips)))
	}
	for _, line := range slices.Concat(lossLines(all), outlastedLines(all)) {
		fmt.Fprintf(out, "\n%s\n", markdown(line))
	}
	out.WriteString("\n<sub>n counts outages; in brackets the 95 % interval; a dash: too few for this quantile. A blip is a single lost probe without a takeover. ▲: over the bound.</sub>\n")
}

func withInterval(s Sample, at float64) string {
	q := s.Quantile(at)
	if !q.Enough {
		return "–"
	}
	return fmt.Sprintf("%s <sub>(%s)</sub>", duration(q.Value), spread(q))
}

func markdownFailures(out *strings.Builder, all []*group, prefix string) {
	broken := complaints(all)
	if len(broken) == 0 {
		return
	}
	out.WriteString("\n### What failed, and the command that shows it again\n")
	for i, c := range broken {
		if i == maxTold {
			fmt.Fprintf(out, "\nand %d more in report.html\n", len(broken)-i)
			break
		}
		where := ""
		if p := c.group.info.Place; p != nil {
			where = " (" + markdown(fmt.Sprintf("%s:%d", p.File, p.line(c.first))) + ")"
		}
		fmt.Fprintf(out, "\n**%s**%s, %s: %s  \n%s of %s: seed %s\n```sh\n%s\n```\n", markdown(c.group.label()), where, markdown(c.check),
			markdown(oneLine(c.first.Message)), plural(len(c.runs), "seed"), count(len(c.group.runs)), seedList(seedsOf(c.runs), 10),
			strings.ReplaceAll(replayCommand(prefix, c.group.argument(), c.runs[0]), "\n", " "))
	}
}

var markdownMarks = regexp.MustCompile("[\\\\`*_\\[\\]<>|#~&]")

// markdown makes a text stand for itself, on one line.
func markdown(s string) string {
	return markdownMarks.ReplaceAllStringFunc(strings.Join(strings.Fields(s), " "), func(mark string) string {
		switch mark {
		case "<":
			return "&lt;"
		case ">":
			return "&gt;"
		case "&":
			return "&amp;"
		}
		return `\` + mark
	})
}
