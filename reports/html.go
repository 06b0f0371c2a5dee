package reports

import (
	"embed"
	"html/template"
	"io"

	"github.com/go-echarts/statsview/statics"

	"firedrill/checker/history"
)

//go:embed page
var page embed.FS

var pageTemplate = template.Must(template.ParseFS(page, "page/*.tmpl"))

// Options is what a rendering needs beyond the results.
type Options struct {
	// Prefix is how the reader calls this program, such as "go run ." or "firedrill".
	Prefix string
	// History returns the history of a run, or nil if there is none. May be nil.
	History func(world, scenario string, seed uint64) *history.History
	// Linked tells whether the file at a path relative to the report is there to be linked. May be nil.
	Linked func(path string) bool
	// Mutants is the bank of known bugs and what caught them; nil: it was not hunted.
	Mutants *Mutants
}

// WriteHTML writes the report as one page that needs neither a network nor another file.
func WriteHTML(w io.Writer, r *Results, o Options) error {
	v, err := newView(r.normal(), o)
	if err != nil {
		return err
	}
	v.Style, v.Script = template.CSS(asset("page/report.css")), template.JS(asset("page/report.js"))
	if v.HasCharts() {
		v.ECharts = template.JS(statics.EchartJS)
	}
	return pageTemplate.ExecuteTemplate(w, "report.html.tmpl", v)
}

func asset(name string) string {
	data, err := page.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded: the build would have failed
	}
	return string(data)
}
