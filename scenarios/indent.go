package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// layout explains what the YAML parser can only point at: a line that begins in no column where something else does, a
// tab, or a colon within a text. It returns the line that is at fault, from 1, and what would be right; 0 if it is
// something else. Line is where the parser gave up.
func layout(data string, line int) (int, string) {
	lines := strings.Split(data, "\n")
	o := outline{opens: true}
	for i, text := range lines[:min(len(lines), line+1)] {
		content := strings.TrimLeft(text, " \t")
		column := len(text) - len(content)
		if content == "" || strings.HasPrefix(content, "#") || strings.HasPrefix(content, "---") || o.inside(content, column) {
			continue
		}
		if strings.Contains(text[:column], "\t") {
			return i + 1, "it is indented by a tab; YAML takes blanks"
		}
		if !o.fits(column) {
			return i + 1, fmt.Sprintf("it is indented by %s, but the lines around it by %s; what belongs to one list or mapping begins in one column, and what belongs below a key further right", blanks(column), o.columns())
		}
		o.add(content, column)
	}
	if at := lines[min(line, len(lines))-1]; strings.Count(at, ": ") > 1 && !strings.ContainsAny(at, `{}"'`) {
		return line, "a text that holds a colon stands in quotes"
	}
	return 0, ""
}

// outline is where the lists and mappings of a document begin, as far as it was read.
type outline struct {
	open  []int // their columns, outermost first
	opens bool  // the line above ends in a colon, or there is none: what follows may be indented further
	flow  int   // braces and brackets that are open
	block bool  // the line above begins a text of several lines
}

// inside tells whether a line is part of a text or of something in braces, where its column says nothing.
func (o *outline) inside(content string, column int) bool {
	if o.block = o.block && column > o.last(); o.block {
		return true
	}
	if o.flow == 0 {
		return false
	}
	o.brace(content)
	return true
}

func (o *outline) fits(column int) bool {
	return column > o.last() && o.opens || slices.Contains(o.open, column) || column == 0
}

func (o *outline) add(content string, column int) {
	o.open = append(slices.DeleteFunc(o.open, func(c int) bool { return c >= column }), column)
	for rest := content; strings.HasPrefix(rest, "- "); {
		inner := strings.TrimLeft(rest[2:], " ")
		column += len(rest) - len(inner)
		o.open, rest = append(o.open, column), inner
	}
	code, _, _ := strings.Cut(content, " #")
	code = strings.TrimRight(code, " ")
	o.opens = strings.HasSuffix(code, ":") || content == "-"
	o.block = strings.HasSuffix(strings.TrimRight(code, "-+"), ": >") || strings.HasSuffix(strings.TrimRight(code, "-+"), ": |")
	o.brace(code)
}

func (o *outline) brace(text string) {
	o.flow = max(0, o.flow+strings.Count(text, "{")+strings.Count(text, "[")-strings.Count(text, "}")-strings.Count(text, "]"))
}

func (o *outline) last() int {
	if len(o.open) == 0 {
		return 0
	}
	return o.open[len(o.open)-1]
}

// columns lists where lines begin: 0, 2 or 4.
func (o *outline) columns() string {
	var out []string
	for _, c := range o.open {
		out = append(out, fmt.Sprint(c))
	}
	if len(out) < 2 {
		return strings.Join(out, "")
	}
	return strings.Join(out[:len(out)-1], ", ") + " or " + out[len(out)-1]
}

func blanks(n int) string {
	if n == 1 {
		return "1 blank"
	}
	return fmt.Sprintf("%d blanks", n)
}
