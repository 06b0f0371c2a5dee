package reports

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"firedrill/checker/history"
	"firedrill/checker/history/wholefile"
	"firedrill/scenarios"
)

// The files below the folder of the results.
const (
	ResultsFile = "results.json"
	HTMLFile    = "report.html"
	JUnitFile   = "junit.xml"
	SARIFFile   = "results.sarif"
	SummaryFile = "summary.md"
	PictureFile = "summary.png"
)

// Input is everything that [Write] makes reports of.
type Input struct {
	// Results of the runs, in any order. Its Scenarios are filled in from the next field where they are empty.
	Results Results
	// Scenarios that were to be run, in the order of the report. One without a run is shown as not run.
	Scenarios []*scenarios.Scenario
	// Argument says what `firedrill replay` takes for a scenario: its name (also if nil or ""), or its file.
	Argument func(scenario string) string
	// History returns the history of a run, or nil if there is none. May be nil.
	History func(world, scenario string, seed uint64) *history.History
	// Prefix is how the reader calls this program, such as "go run .".
	Prefix string
}

// Write writes results.json and everything that is made of it into the folder dir, which must exist: report.html,
// junit.xml, results.sarif, summary.md and its picture. Histories that are below dir already, under [HistoryPath], are linked. Each file appears only when it is whole. It returns the
// complete results, as [WriteSummary] takes them.
func Write(dir string, in Input) (*Results, error) {
	r := in.Results
	if len(r.Scenarios) == 0 {
		for _, s := range in.Scenarios {
			argument := ""
			if in.Argument != nil {
				argument = in.Argument(s.Name)
			}
			r.Scenarios = append(r.Scenarios, Describe(s, argument))
		}
	}
	if err := r.WriteResults(filepath.Join(dir, ResultsFile)); err != nil {
		return nil, err
	}
	return &r, render(dir, &r, Options{Prefix: in.Prefix, History: in.History})
}

// Rerender writes what is made of results.json again, from the results.json and the histories in dir alone, and
// returns the results. Errors are those of [ReadResults] and of the file system; a history that cannot be read is as good as none.
func Rerender(dir, prefix string) (*Results, error) {
	r, err := ReadResults(filepath.Join(dir, ResultsFile))
	if err != nil {
		return nil, err
	}
	return r, render(dir, r, Options{Prefix: prefix, History: Histories(dir)})
}

// Histories returns a function for [Input] that reads the histories below dir.
func Histories(dir string) func(world, scenario string, seed uint64) *history.History {
	return func(world, scenario string, seed uint64) *history.History {
		path := HistoryPath(world, scenario, seed)
		if !filepath.IsLocal(path) { // results may come from anywhere
			return nil
		}
		h, err := history.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return nil
		}
		return h
	}
}

func render(dir string, r *Results, o Options) error {
	o.Linked = func(path string) bool {
		if !filepath.IsLocal(path) {
			return false
		}
		info, err := os.Stat(filepath.Join(dir, path))
		return err == nil && info.Mode().IsRegular()
	}
	var err error
	if o.Mutants, err = readMutants(dir); err != nil {
		return err
	}
	picture, err := renderPicture(dir, r)
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{HTMLFile, func(w io.Writer) error { return WriteHTML(w, r, o) }},
		{JUnitFile, func(w io.Writer) error { return WriteJUnit(w, r, o.Prefix) }},
		{SARIFFile, func(w io.Writer) error { return WriteSARIF(w, r, o.Prefix) }},
		{SummaryFile, func(w io.Writer) error { return WriteMarkdown(w, r, o.Prefix, picture) }},
	} {
		if err := wholefile.Write(filepath.Join(dir, file.name), file.write); err != nil {
			return err
		}
	}
	return nil
}

// renderPicture writes the picture and returns its name; where there is nothing to show, an earlier one goes.
func renderPicture(dir string, r *Results) (string, error) {
	var image bytes.Buffer
	drawn, err := WritePicture(&image, r)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, PictureFile)
	if !drawn {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return "", nil
	}
	return PictureFile, wholefile.Write(path, func(w io.Writer) error {
		_, err := image.WriteTo(w)
		return err
	})
}
