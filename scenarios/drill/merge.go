package drill

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"firedrill/checker/history/wholefile"
	"firedrill/reports"
)

// MergeOptions is what `firedrill merge` is told.
type MergeOptions struct {
	Dirs []string
	Out  string
	JSON bool
}

// Merge joins the results of the shards of a run, and reports as the run would have without shards.
func Merge(t Terminal, o MergeOptions) error {
	var parts []reports.Part
	for _, dir := range o.Dirs {
		r, err := reports.ReadResults(filepath.Join(dir, reports.ResultsFile))
		if err != nil {
			return err
		}
		parts = append(parts, reports.Part{Name: dir, Results: r})
	}
	whole, err := reports.Merge(parts)
	if err != nil {
		return err
	}
	if err := clearHistories(o.Out); err != nil {
		return err
	}
	for _, i := range worthKeeping(whole.Runs) {
		run := &whole.Runs[i]
		path := filepath.FromSlash(reports.HistoryPath(run.World, run.Scenario, run.Seed))
		part, ok := reports.From(parts, run)
		if !ok || !filepath.IsLocal(path) {
			continue
		}
		for _, file := range []string{path, reports.OperationsPicture(path)} {
			if err := copyFile(filepath.Join(part.Name, file), filepath.Join(o.Out, file)); err != nil {
				return err
			}
		}
	}
	if err := tell(t, o.Out, whole, o.JSON); err != nil {
		return err
	}
	if !allHeld(whole.Runs) {
		return errBroken
	}
	return nil
}

// copyFile copies a file that may not be there: a shard may have come without its histories.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	return wholefile.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}
