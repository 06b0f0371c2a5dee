package reports

import (
	"io"
	"path/filepath"
	"slices"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"firedrill/checker"
)

// WriteSARIF writes what failed as SARIF 2.1.0, the format of code scanning: a rule for each check, a result for each
// check that a scenario broke, at the line of the scenario's file where that is known.
func WriteSARIF(w io.Writer, r *Results, prefix string) error {
	run := sarif.NewRunWithInformationURI("firedrill", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html")
	for _, c := range complaints(groups(r.normal())) {
		run.AddRule(c.check).WithDescription(aboutCheck(c.check))
		result := run.CreateResultForRule(c.check).WithLevel("error").
			WithMessage(sarif.NewTextMessage(c.text(prefix))).
			WithPartialFingerprints(map[string]string{"scenarioAndCheck/v1": c.group.label() + "/" + c.check})
		if p := c.group.info.Place; p != nil {
			line := p.line(c.first)
			result.AddLocation(sarif.NewLocationWithPhysicalLocation(sarif.NewPhysicalLocation().
				WithArtifactLocation(sarif.NewSimpleArtifactLocation(filepath.ToSlash(p.File))).
				WithRegion(sarif.NewSimpleRegion(line, line))))
		}
	}
	if run.Results == nil {
		run.Results = []*sarif.Result{} // nothing found, rather than nothing looked for
	}
	report := sarif.NewReport()
	report.AddRun(run)
	return report.PrettyWrite(w)
}

// aboutCheck is the sentence of an invariant; of what breaks a run as such there is none.
func aboutCheck(name string) string {
	i := slices.IndexFunc(checker.Invariants, func(i checker.Invariant) bool { return i.Name == name })
	if i < 0 {
		return "the run itself broke"
	}
	return checker.Invariants[i].About
}
