package drill

import (
	"io"
	"os"

	"firedrill/reports"
)

// tellGitHub marks what failed in the scenarios' files and adds to the summary of the job, where this is a job of GitHub
// Actions. Marks go to w, which may be either output: the runner reads both.
func tellGitHub(w io.Writer, r *reports.Results, prefix string) (err error) {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	if err := reports.WriteAnnotations(w, r, prefix); err != nil {
		return err
	}
	summary := os.Getenv("GITHUB_STEP_SUMMARY")
	if summary == "" {
		return nil
	}
	f, err := os.OpenFile(summary, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	return reports.WriteMarkdown(f, r, prefix, "")
}
