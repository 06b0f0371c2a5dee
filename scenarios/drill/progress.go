package drill

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"firedrill/checker/words"
)

// liveProgress is the one line that lives while runs are played: on a terminal it is drawn over and over, elsewhere
// a line is written now and then, so that a log shows that something happens.
type liveProgress struct {
	w       io.Writer
	bar     *progressbar.ProgressBar // on a terminal, once the total is known
	began   time.Time
	written time.Time
}

const logEvery = 15 * time.Second

func newProgress(w io.Writer) *liveProgress {
	now := time.Now()
	return &liveProgress{w: w, began: now, written: now}
}

func (l *liveProgress) show(p Progress) {
	text := fmt.Sprintf("%d failed, %s played", p.Failed, words.Duration(p.Simulated.Round(time.Second)))
	switch {
	case isTerminal(l.w):
		if l.bar == nil {
			l.bar = progressbar.NewOptions(p.Total, progressbar.OptionSetWriter(l.w), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
				progressbar.OptionSetItsString("runs"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
				progressbar.OptionSetWidth(24), progressbar.OptionShowDescriptionAtLineEnd())
		}
		l.bar.Describe(text)
		_ = l.bar.Set(p.Done) // a progress line that cannot be drawn is no reason to stop
	case time.Since(l.written) >= logEvery:
		l.written = time.Now()
		fmt.Fprintf(l.w, "%d of %d runs after %s, %s\n", p.Done, p.Total, words.Duration(time.Since(l.began).Round(time.Second)), text)
	}
}

func (l *liveProgress) end() {
	if l.bar != nil {
		_ = l.bar.Clear()
	}
}
