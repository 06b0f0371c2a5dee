// Package mutants is a bank of bugs that are known to us: does the checker catch what it claims to catch?
//
// A mutant is a patch of the model, kept as data: a file bank/NAME.patch. The patch is applied to a copy of the files
// that it touches, and the program is built with these in place of its own (go build -overlay), so that the model
// itself has no switch that could be left on.
package mutants

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"net/textproto"
	"path"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

//go:embed bank/*.patch
var bank embed.FS

// Mutant is one bug.
type Mutant struct {
	Name      string
	Breaks    string   // what it breaks, in a sentence
	Like      string   // the bug of a real system that it is like; "" if it is just a likely slip
	CaughtBy  []string // the checks of which any one should catch it
	Scenarios []string // those that should show it, the likeliest first
	patch     string
}

// RunCheck is what catches a mutant that crashes or hangs: no invariant, but the run itself.
const RunCheck = "run"

// All returns the bank, by name.
func All() ([]*Mutant, error) {
	files, err := bank.ReadDir("bank")
	if err != nil {
		return nil, err
	}
	var out []*Mutant
	for _, f := range files { // sorted by name
		text, err := bank.ReadFile(path.Join("bank", f.Name()))
		if err != nil {
			return nil, err
		}
		m, err := parse(strings.TrimSuffix(f.Name(), ".patch"), string(text))
		if err != nil {
			return nil, fmt.Errorf("checker/mutants/bank/%s: %w", f.Name(), err)
		}
		out = append(out, m)
	}
	return out, nil
}

// Choose returns the mutants of these names, in the order of the bank; of no names, all.
func Choose(names []string) ([]*Mutant, error) {
	all, err := All()
	if err != nil || len(names) == 0 {
		return all, err
	}
	for _, n := range names {
		if !slices.ContainsFunc(all, func(m *Mutant) bool { return m.Name == n }) {
			return nil, fmt.Errorf("there is no mutant %q; `firedrill list` shows them", n)
		}
	}
	return slices.DeleteFunc(all, func(m *Mutant) bool { return !slices.Contains(names, m.Name) }), nil
}

// Expects tells whether the check is one that should catch the mutant.
func (m *Mutant) Expects(check string) bool { return slices.Contains(m.CaughtBy, check) }

// parse reads a patch and what its header says: lines "Key: value" as in a mail (RFC 5322), up to an empty line.
func parse(name, text string) (*Mutant, error) {
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(text))).ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("its header cannot be read: %w", err)
	}
	m := &Mutant{Name: name, Breaks: header.Get("Breaks"), Like: header.Get("Like"),
		CaughtBy: words(header.Get("Caught-By")), Scenarios: words(header.Get("Scenarios")), patch: text}
	switch {
	case m.Breaks == "":
		return nil, errors.New("its header does not say what it breaks (Breaks:)")
	case len(m.CaughtBy) == 0:
		return nil, errors.New("its header does not say which check should catch it (Caught-By:)")
	case len(m.Scenarios) == 0:
		return nil, errors.New("its header does not say which scenario should show it (Scenarios:)")
	}
	files, err := m.files()
	if err == nil && len(files) == 0 {
		err = errors.New("it changes no file")
	}
	return m, err
}

func (m *Mutant) files() ([]*gitdiff.File, error) {
	files, _, err := gitdiff.Parse(strings.NewReader(m.patch))
	return files, err
}

// words splits a list by commas.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
