package drill

import (
	"fmt"
	"path/filepath"

	"firedrill/reports"
)

// Report renders the files for people again, from the results in a folder.
func Report(t Terminal, dir string) error {
	if _, err := reports.Rerender(dir, callName()); err != nil {
		return err
	}
	_, err := fmt.Fprintln(t.Out, filepath.Join(dir, reports.HTMLFile))
	return err
}
