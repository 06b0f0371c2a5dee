package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/statsview/statics"
)

// maxLabelled is how many points of a chart can have their names beside them.
const maxLabelled = 16

// sweepView is the page of a sweep, ready for its template.
type sweepView struct {
	*Sweep
	Style       template.CSS
	Script      template.JS
	ECharts     template.JS
	Chart       chart
	Rows        []sweepRow
	Explanation string
	Headline    string
	Safe        bool
}

type sweepRow struct {
	Values                                  []string
	Failovers, P50, P99, Spread, Max        string
	False, PerHour, Expected, Answer, Class string
}

// WriteHTML writes the sweep as one page that needs neither a network nor another file.
func (s *Sweep) WriteHTML(w io.Writer) error {
	v := sweepView{Sweep: s, Style: template.CSS(asset("page/report.css")), Script: template.JS(asset("page/report.js")),
		ECharts: template.JS(statics.EchartJS), Explanation: s.explanation(), Headline: s.headline(), Safe: s.Safe()}
	for i := range s.Combinations {
		v.Rows = append(v.Rows, newSweepRow(&s.Combinations[i]))
	}
	var err error
	if v.Chart, err = s.chart(); err != nil {
		return err
	}
	return pageTemplate.ExecuteTemplate(w, "sweep.html.tmpl", v)
}

func newSweepRow(c *Combination) sweepRow {
	r := sweepRow{Values: c.Values, Failovers: count(c.Failovers), P50: c.medianText(), P99: c.p99Text(), Max: duration(c.Max), False: count(c.False),
		PerHour: number(c.FalsePerHour, 2), Expected: fmt.Sprintf("%d/%d", c.Runs-c.Over, c.Runs), Answer: c.answer()}
	r.Spread = spread(Quantile{Low: c.Low, High: c.High, LowKnown: c.Low > 0, HighKnown: c.High > 0})
	if !c.Enough {
		r.Spread = ""
	}
	switch {
	case c.Unsafe > 0:
		r.Class = "fail"
	case c.Best:
		r.Class = "pass"
	}
	return r
}

// headline answers the question that a sweep is.
func (s *Sweep) headline() string {
	var best []string
	for i := range s.Combinations {
		if c := &s.Combinations[i]; c.Best {
			best = append(best, fmt.Sprintf("%s (%s, %s false an hour)", c.name(), duration(c.time()), number(c.FalsePerHour, 2)))
		}
	}
	if len(best) == 0 {
		return "No combination is safe."
	}
	text := fmt.Sprintf("%d of %s %s worth choosing from: %s.", len(best), plural(len(s.Combinations), "combination"), isAre(len(best)), strings.Join(best, "; "))
	unsafe := 0
	for i := range s.Combinations {
		unsafe += min(1, s.Combinations[i].Unsafe)
	}
	if unsafe > 0 {
		text = fmt.Sprintf("%s %s unsafe. ", plural(unsafe, "combination"), isAre(unsafe)) + text
	}
	return text
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (c *Combination) name() string { return strings.Join(c.Values, " · ") }

// chosen is the name without the conditions, which the front has already.
func (s *Sweep) chosen(c *Combination) string {
	var out []string
	for i, path := range s.Settings {
		if !strings.HasPrefix(path, "topology.") {
			out = append(out, c.Values[i])
		}
	}
	return strings.Join(out, " · ")
}

// fronts are the colours of the fronts, one for each condition; a chart with more than these is a thicket anyway.
var fronts = []string{"var(--pass)", "var(--services)", "var(--api)", "var(--error)"}

// chart draws failover time against false failovers. The best under the same conditions are joined to a front, in
// steps: between two of them there is nothing that was played.
func (s *Sweep) chart() (chart, error) {
	wide, high := 0.0, 0.0
	beaten := []*Combination{}
	best := make(map[string][]*Combination)
	var conditions []string
	for i := range s.Combinations {
		c := &s.Combinations[i]
		wide, high = max(wide, millis(c.time())), max(high, c.FalsePerHour)
		if !c.Best {
			beaten = append(beaten, c)
			continue
		}
		under := s.conditions(c)
		if best[under] == nil {
			conditions = append(conditions, under)
		}
		best[under] = append(best[under], c)
	}
	line := charts.NewLine()
	line.SetGlobalOptions(charts.WithXAxisOpts(opts.XAxis{Type: "value", Min: 0, Max: ceiling(wide)}), charts.WithYAxisOpts(opts.YAxis{Type: "value", Min: 0, Max: ceiling(high)}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}), charts.WithAnimation(false))
	for i, under := range conditions {
		front := best[under]
		slices.SortFunc(front, func(a, b *Combination) int { return cmp.Compare(a.time(), b.time()) })
		colour := fronts[i%len(fronts)]
		line.AddSeries(strings.TrimSpace("best "+under), s.points(front), charts.WithLineChartOpts(opts.LineChart{Step: "end", Symbol: "circle", SymbolSize: 11, ShowSymbol: opts.Bool(true)}),
			charts.WithLineStyleOpts(opts.LineStyle{Color: colour, Type: "dashed", Width: 1}), charts.WithItemStyleOpts(opts.ItemStyle{Color: colour}), nameLabels(len(front) <= maxLabelled))
	}
	if len(beaten) > 0 {
		line.AddSeries("beaten by another", s.points(beaten), charts.WithLineChartOpts(opts.LineChart{Symbol: "diamond", SymbolSize: 10, ShowSymbol: opts.Bool(true)}),
			charts.WithLineStyleOpts(opts.LineStyle{Width: 0.001, Color: "var(--none)"}), charts.WithItemStyleOpts(opts.ItemStyle{Color: "var(--none)"}))
	}
	return newChart("sweep:pareto", "pareto", "Failover time against false failovers: "+s.headline()+" The table below has the numbers.", 420, line)
}

func (s *Sweep) points(all []*Combination) []opts.LineData {
	out := []opts.LineData{}
	for _, c := range all {
		out = append(out, opts.LineData{Name: s.chosen(c), Value: []float64{millis(c.time()), c.FalsePerHour}})
	}
	return out
}

func nameLabels(show bool) charts.SeriesOpts {
	return charts.WithLabelOpts(opts.Label{Show: opts.Bool(show), Formatter: "{b}", Position: "right", Color: "var(--ink)"})
}
