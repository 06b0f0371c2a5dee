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

// soak is the line of a soak, which knows no total but the time.
func (l *liveProgress) soak(s *soakState, whole time.Duration) {
	text := fmt.Sprintf("%v of %v, %s, %s played, %d failed in %s", s.Elapsed.Round(time.Second), whole, words.Plural(s.Runs, "run"),
		words.Duration(s.Simulated.Round(time.Second)), s.Failed, words.Plural(len(s.Failures), "way"))
	switch {
	case isTerminal(l.w):
		fmt.Fprintf(l.w, "\r\x1b[K%s", text)
	case time.Since(l.written) >= logEvery:
		l.written = time.Now()
		fmt.Fprintln(l.w, text)
	}
}

func (l *liveProgress) end() {
	if l.bar != nil {
		_ = l.bar.Clear()
	}
}

// endSoak clears the line of a soak.
func (l *liveProgress) endSoak() {
	if isTerminal(l.w) {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
