package mutants

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// Apply applies the patch to copies of the files below the source folder, and returns what they become, by path below it.
func (m *Mutant) Apply(source string) (map[string][]byte, error) {
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte)
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(source, filepath.FromSlash(f.NewName)))
		if err != nil {
			return nil, fmt.Errorf("mutant %s: %w", m.Name, err)
		}
		if err := relocate(f, string(text)); err != nil {
			return nil, fmt.Errorf("mutant %s no longer applies: %s: %w", m.Name, f.NewName, err)
		}
		var b bytes.Buffer
		if err := gitdiff.Apply(&b, bytes.NewReader(text), f); err != nil {
			return nil, fmt.Errorf("mutant %s no longer applies: %s: %w", m.Name, f.NewName, err)
		}
		out[f.NewName] = b.Bytes()
	}
	return out, nil
}

// relocate puts the parts of a patch where their lines stand now, since a change elsewhere in the file moves them, and
// no change of the lines themselves may go unnoticed. They must stand there once.
func relocate(f *gitdiff.File, text string) error {
	lines := strings.SplitAfter(text, "\n")
	for _, part := range f.TextFragments {
		var old []string
		for _, l := range part.Lines {
			if l.Old() {
				old = append(old, l.Line)
			}
		}
		at, err := find(lines, old)
		if err != nil {
			return fmt.Errorf("the part for line %d: %w", part.OldPosition, err)
		}
		part.OldPosition = int64(at) + 1
	}
	return nil
}

// find returns where the one place is.
func find(lines, wanted []string) (int, error) {
	found := -1
	for i := 0; i+len(wanted) <= len(lines); i++ {
		if !slices.Equal(lines[i:i+len(wanted)], wanted) {
			continue
		}
		if found >= 0 {
			return 0, fmt.Errorf("it fits at line %d and at line %d", found+1, i+1)
		}
		found = i
	}
	if found < 0 {
		return 0, fmt.Errorf("its lines are not there any more")
	}
	return found, nil
}
