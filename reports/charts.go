package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// A chart has at most so many steps a series, and boxes: what no eye can tell apart only costs bytes.
const (
	maxSteps = 400
	maxBoxes = 16
)

// chart is one chart of the page: the options for ECharts, and what the page says of it in words. A colour
// written as var(--name) is looked up in the style sheet when the chart is drawn, so that it fits the theme.
type chart struct {
	ID     string
	Kind   string // ecdf, box or phases: how the page's script writes its labels
	Label  string // for those who do not see it
	Height int    // pixels
	Option json.RawMessage
}

// drawable is what every chart of go-echarts can do.
type drawable interface {
	Validate()
	JSON() map[string]any
}

func newChart(id, kind, label string, height int, d drawable) (chart, error) {
	d.Validate()
	option, err := json.Marshal(d.JSON()) // maps are written by key, so the bytes are the same every time
	return chart{ID: id, Kind: kind, Label: label, Height: height, Option: option}, err
}

// millis is the unit of every axis.
func millis(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

// charts draws the scenario's outages, or nothing if there were none.
func (g *group) charts() ([]chart, error) {
	draws := []func() (chart, error){g.ecdf, g.boxes, g.phases}
	switch {
	case len(g.services.outages)+len(g.api.outages) > 0:
	case len(g.services.blips)+len(g.api.blips) > 0:
		draws = draws[:1]
	default:
		return nil, nil
	}
	var out []chart
	for _, draw := range draws {
		c, err := draw()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// named is a class with its name and colour.
type named struct {
	*class
	name, colour string
}

func (g *group) classes() []named {
	var out []named
	for _, c := range []named{{&g.services, "virtual services", "var(--services)"}, {&g.api, "API", "var(--api)"}} {
		if len(c.outages)+len(c.blips) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// timeAxis spans all outages and bounds. Where they differ by a factor of more than fifty it is logarithmic, or else
// the short ones would be one line at the left edge.
func (g *group) timeAxis() opts.XAxis {
	low, high := math.Inf(1), 0.0
	for _, c := range g.classes() {
		for _, o := range slices.Concat(c.outages, c.blips) {
			low, high = min(low, millis(o.Duration)), max(high, millis(o.Duration))
		}
		high = max(high, millis(c.limit.max))
	}
	axis := opts.XAxis{Type: "value", Min: 0, Max: ceiling(high)}
	if low > 0 && high > 50*low {
		axis = opts.XAxis{Type: "log", Min: math.Pow(10, math.Floor(math.Log10(low))), Max: ceiling(high)}
	}
	return axis
}

// ceiling is a round number a little above v.
func ceiling(v float64) float64 {
	if v <= 0 {
		return 1
	}
	step := math.Pow(10, math.Floor(math.Log10(v))) / 2
	return math.Ceil(v*1.02/step) * step
}

// ecdf draws the share of outages that ended within a time, a step line for each class, and the bounds.
func (g *group) ecdf() (chart, error) {
	c := charts.NewLine()
	c.SetGlobalOptions(charts.WithXAxisOpts(g.timeAxis()), charts.WithYAxisOpts(opts.YAxis{Type: "value", Min: 0, Max: 1}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis"}), charts.WithAnimation(false))
	var said []string
	for _, class := range g.classes() {
		bound := class.bound()
		for _, part := range []struct {
			name, what, line string
			of               Sample
		}{{class.name, "outage", "solid", class.sample}, {class.name + ", blips", "blip", "dotted", sampleOf(class.blips)}} {
			if part.of.N() == 0 {
				continue
			}
			c.AddSeries(fmt.Sprintf("%s (n = %s)", part.name, count(part.of.N())), part.of.steps(), append(bound, stepLine(part.of, class.colour, part.line)...)...)
			said = append(said, fmt.Sprintf("%s: %s, the longest %s", class.name, plural(part.of.N(), part.what), duration(part.of.Max())))
			bound = nil // once is enough
		}
	}
	label := "Share of outages that ended within a time. " + strings.Join(said, "; ") + "."
	return newChart(g.id+":ecdf", "ecdf", label, 250, c)
}

// steps is the sample's empirical distribution, as a chart takes it.
func (s Sample) steps() []opts.LineData {
	var data []opts.LineData
	for i, p := range s.ECDF(maxSteps) {
		if i == 0 {
			data = append(data, opts.LineData{Value: []float64{millis(p.At), 0}})
		}
		data = append(data, opts.LineData{Value: []float64{millis(p.At), math.Round(p.Share*1e4) / 1e4}})
	}
	return data
}

func stepLine(s Sample, colour, kind string) []charts.SeriesOpts {
	return []charts.SeriesOpts{
		charts.WithLineChartOpts(opts.LineChart{Step: "end", Symbol: "circle", SymbolSize: 6, ShowSymbol: opts.Bool(s.N() == 1)}),
		charts.WithLineStyleOpts(opts.LineStyle{Color: colour, Width: 2, Type: kind}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: colour}),
	}
}

// bound draws the bound of a class. One of zero needs no line: every outage breaks it.
func (c named) bound() []charts.SeriesOpts {
	if !c.limit.known || c.limit.max == 0 {
		return nil
	}
	return []charts.SeriesOpts{
		charts.WithMarkLineNameXAxisItemOpts(opts.MarkLineNameXAxisItem{Name: "bound " + duration(c.limit.max), XAxis: millis(c.limit.max)}),
		charts.WithMarkLineStyleOpts(opts.MarkLineStyle{
			Symbol:    []string{"none", "none"},
			Label:     &opts.Label{Show: opts.Bool(true), Formatter: "{b}", Color: "var(--over)", Position: "end"},
			LineStyle: &opts.LineStyle{Color: "var(--over)", Type: "dashed", Width: 1},
		}),
	}
}

// boxes draws a box for every service that was dark, the worst first.
func (g *group) boxes() (chart, error) {
	services := g.byService()
	names, data := make([]string, 0, len(services)), make([]opts.BoxPlotData, 0, len(services))
	for _, s := range services {
		var value [5]float64
		for i, d := range s.sample.box() {
			value[i] = millis(d)
		}
		names = append(names, fmt.Sprintf("%s (n = %s)", s.name, count(s.sample.N())))
		data = append(data, opts.BoxPlotData{Value: value, ItemStyle: &opts.ItemStyle{Color: "var(--box)", BorderColor: s.colour, BorderWidth: 1.5}})
	}
	c := charts.NewBoxPlot()
	c.SetGlobalOptions(charts.WithXAxisOpts(g.timeAxis()),
		charts.WithYAxisOpts(opts.YAxis{Type: "category", Data: names, Inverse: opts.Bool(true)}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}), charts.WithAnimation(false))
	c.AddSeries("outages", data)
	label := "Shortest, quartiles and longest outage of each service: " + strings.Join(names, ", ") + "."
	return newChart(g.id+":box", "box", label, 60+34*len(names), c)
}

// byService measures each service alone, the worst first.
func (g *group) byService() []named {
	var out []named
	for _, c := range g.classes() {
		of := make(map[string][]outage)
		var names []string
		for _, o := range c.outages {
			if of[o.Service] == nil {
				names = append(names, o.Service)
			}
			of[o.Service] = append(of[o.Service], o)
		}
		for _, name := range names {
			out = append(out, named{&class{sample: sampleOf(of[name])}, name, c.colour})
		}
	}
	slices.SortFunc(out, func(a, b named) int {
		return cmp.Or(cmp.Compare(b.sample.Max(), a.sample.Max()), strings.Compare(a.name, b.name))
	})
	return out[:min(len(out), maxBoxes)]
}

// phases draws the worst outage and, below it, the median one of its class, cut into their phases.
func (g *group) phases() (chart, error) {
	shown := g.examples()
	names := make([]string, len(shown))
	for i, e := range shown {
		names[i] = e.Rank
	}
	c := charts.NewBar()
	c.SetGlobalOptions(charts.WithXAxisOpts(opts.XAxis{Type: "value", Min: 0, Max: ceiling(millis(shown[0].Outage.Duration))}),
		charts.WithYAxisOpts(opts.YAxis{Type: "category", Inverse: opts.Bool(true)}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}), charts.WithAnimation(false))
	c.SetXAxis(names).XYReversal()
	labels := phaseLabels(shown[0].Service)
	for i, name := range phaseNames {
		var data []opts.BarData
		for _, e := range shown {
			took := e.Phases[i].took
			// A label that does not fit its piece would run over its neighbour; the table has all of them.
			fits := float64(took) > 0.09*float64(shown[0].Outage.Duration)
			data = append(data, opts.BarData{Value: millis(took), Label: &opts.Label{Show: opts.Bool(fits), Position: "inside", Color: "var(--on-phase)"}})
		}
		c.AddSeries(labels[i], data, charts.WithBarChartOpts(opts.BarChart{Stack: "outage", BarWidth: "26"}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: "var(--" + name + ")"}))
	}
	return newChart(g.id+":phases", "phases", "Phases of the worst and of the median outage; the table below has the numbers.", 54+46*len(names), c)
}
