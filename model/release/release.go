// Package release knows the versions of the platform: which of them may run side by side, and which format each speaks
// with other nodes and writes into the replicated log. Both rules stand here and nowhere else.
package release

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a release: 16.2 is the feature release 2 of the line 16, 16.2.3 its third patch.
type Version struct{ Line, Feature, Patch int }

// The formats of messages and of log entries. A build reads its own and all before it.
const (
	FormatFirst Format = 1
	// FormatBuilds names builds: a command says which one wrote it, a report of an engine which one runs, a request to a
	// cloud which one a new engine boots.
	FormatBuilds Format = 2

	Newest = FormatBuilds
)

// Format numbers what messages and log entries look like. It is a byte where it opens an entry of the log.
type Format uint8

// formats says which release brought which format, newest first.
var formats = []struct {
	since  Version
	format Format
}{
	{Version{Line: 16, Feature: 3}, FormatBuilds},
	{Version{}, FormatFirst},
}

// Parse reads a version such as 16.2 or 16.2.3.
func Parse(text string) (Version, error) {
	parts := strings.Split(text, ".")
	var n [3]int
	ok := len(parts) == 2 || len(parts) == 3
	for i := 0; ok && i < len(parts); i++ {
		v, err := strconv.ParseUint(parts[i], 10, 16)
		n[i], ok = int(v), err == nil
	}
	if !ok {
		return Version{}, fmt.Errorf("%q is not a version; write one such as 16.3 or 16.3.1", text)
	}
	return Version{n[0], n[1], n[2]}, nil
}

// Compare tells which of two versions is older.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Line, w.Line), cmp.Compare(v.Feature, w.Feature), cmp.Compare(v.Patch, w.Patch))
}

// FormatOf is the newest format that the build of a version knows. A build without a number is one of today's source.
func FormatOf(version string) Format {
	v, err := Parse(version)
	if err != nil {
		return Newest
	}
	for _, f := range formats {
		if v.Compare(f.since) >= 0 {
			return f.format
		}
	}
	return FormatFirst
}

// CheckUpgrade tells whether nodes of one version may be upgraded to another while both run side by side: within one
// line, to the same or the next feature release, and never backwards. The error says what is wrong ("Upgrading Avi
// Vantage Software": too distant a version is refused; how distant that is, is ours).
func CheckUpgrade(from, to string) error {
	a, err := Parse(from)
	if err != nil {
		return err
	}
	b, err := Parse(to)
	switch {
	case err != nil:
		return err
	case b.Compare(a) <= 0:
		return fmt.Errorf("%s is no upgrade from %s; to go back there is the rollback of an upgrade that is under way", to, from)
	case a.Line != b.Line || b.Feature-a.Feature > 1:
		return fmt.Errorf("%s is too far from %s; an upgrade goes to the next feature release of the same line at most", to, from)
	}
	return nil
}
