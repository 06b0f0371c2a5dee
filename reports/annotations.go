package reports

import (
	"fmt"
	"io"
	"strings"
)

// WriteAnnotations writes what failed as workflow commands of GitHub Actions, which shows each at its line of the
// scenario's file. GitHub shows ten a step, so there is one for each check of a scenario, not for each seed.
func WriteAnnotations(w io.Writer, r *Results, prefix string) error {
	var out strings.Builder
	for _, c := range complaints(groups(r.normal())) {
		var properties []string
		if p := c.group.info.Place; p != nil {
			properties = append(properties, "file="+escapeProperty(p.File), fmt.Sprintf("line=%d", p.line(c.first)))
		}
		properties = append(properties, "title="+escapeProperty(c.group.label()+": "+c.check))
		fmt.Fprintf(&out, "::error %s::%s\n", strings.Join(properties, ","), escapeData(c.text(prefix)))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// escapeData and escapeProperty do as @actions/core, GitHub's own library.
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(s))
}
