package drill

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"

	"firedrill/reports"
)

// mutantProgress is the one line that lives while mutants are hunted; where there is no terminal, each gets a line.
type mutantProgress struct {
	w           io.Writer
	bar         *progressbar.ProgressBar
	done, total int
	survived    int
}

func newMutantProgress(w io.Writer, total int) *mutantProgress {
	l := &mutantProgress{w: w, total: total}
	if isTerminal(w) {
		l.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(), progressbar.OptionSetWidth(24),
			progressbar.OptionClearOnFinish(), progressbar.OptionShowDescriptionAtLineEnd())
	}
	return l
}

func (l *mutantProgress) show(p *prey) {
	l.done++
	state := summarize([]*prey{p}, "").Mutants[0].State
	if state != reports.MutantCaught {
		l.survived++
	}
	if l.bar == nil {
		fmt.Fprintf(l.w, "%d of %d: %s: %s\n", l.done, l.total, p.Name, state)
		return
	}
	l.bar.Describe(fmt.Sprintf("%d not caught, last %s", l.survived, p.Name))
	_ = l.bar.Set(l.done) // a progress line that cannot be drawn is no reason to stop
}

func (l *mutantProgress) end() {
	if l.bar != nil {
		_ = l.bar.Clear()
	}
}
