package drill

import (
	"errors"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/reports"
)

// CheckOptions is what `firedrill check` is told.
type CheckOptions struct {
	Files   []string
	Picture string // file for Porcupine's picture
	JSON    bool
}

// Check judges histories, wherever they were recorded.
func Check(t Terminal, o CheckOptions) error {
	if o.Picture != "" && len(o.Files) > 1 {
		return errors.New("--picture shows one history; name one file")
	}
	histories := make([]*history.History, len(o.Files))
	for i, file := range o.Files { // all are read before anything is printed: bad input prints nothing else
		h, err := history.ReadFile(file)
		if err != nil {
			return err
		}
		histories[i] = h
	}
	results := make([]checker.Result, len(histories))
	for i, h := range histories {
		results[i] = checker.Judge(h)
	}
	if o.Picture != "" {
		if err := checker.Visualize(histories[0], o.Picture); err != nil {
			return err
		}
	}
	if err := o.print(t, results); err != nil {
		return err
	}
	if !allHeld(results) {
		return errBroken
	}
	return nil
}

func (o *CheckOptions) print(t Terminal, results []checker.Result) error {
	if o.JSON {
		return printJSON(t.Out, results)
	}
	for i, file := range o.Files {
		if err := reports.Verdict(t.Out, file, results[i], colour(t.Out)); err != nil {
			return err
		}
	}
	return nil
}
