package drill

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"firedrill/reports"
	"firedrill/scenarios"
)

// place finds the lines of a scenario's file to which a failure can be pinned. It is nil where there is no file, as for a
// scenario of the suite outside of this repository: a report is as good without.
func place(c scenarios.Chosen) *reports.Place {
	file := c.Argument
	if filepath.Ext(file) == "" && !strings.ContainsRune(file, filepath.Separator) {
		file = path.Join("scenarios", "suite", c.Name+".yaml") // where the suite stands in this repository
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil
	}
	p := &reports.Place{File: filepath.ToSlash(file), Lines: make(map[string]int)}
	for key, at := range paths(c.Scenario) {
		if line := lineOf(doc, at); line > 0 {
			p.Lines[key] = line
		}
	}
	return p
}

// paths says for what may be broken where in the file it was demanded.
func paths(s *scenarios.Scenario) map[string]string {
	out := map[string]string{
		"name": "$.name", "faults": "$.faults",
		"one-holder-per-address": "$.expect.dual_active", "both-active": "$.expect.dual_active",
		"services-recover": "$.expect.recover_within", "engine-created-once": "$.expect.created",
	}
	for i, b := range s.Expect.Outages {
		out["outage-bound/"+b.Service] = fmt.Sprintf("$.expect.outages[%d]", i)
	}
	for i, b := range s.Expect.Failovers {
		out["failover-count/"+b.Of] = fmt.Sprintf("$.expect.failovers[%d]", i)
	}
	return out
}

// lineOf is the line of a path, or 0.
func lineOf(doc *ast.File, at string) int {
	path, err := yaml.PathString(at)
	if err != nil {
		return 0
	}
	node, err := path.FilterFile(doc)
	if err != nil || node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return 0
	}
	return node.GetToken().Position.Line
}
