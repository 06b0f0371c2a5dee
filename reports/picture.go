package reports

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A still picture has room for so many boxes, and a box for so many points.
const (
	maxPictured = 60
	maxPoints   = 1000
)

// pictured is a box of the picture.
type pictured struct {
	name   string
	class  *class
	colour color.Color
}

// WritePicture writes a PNG of the outages of every scenario, as box plots (Tukey) over a logarithmic time, with the
// bounds as marks. It returns false, and writes nothing, where nothing was dark.
func WritePicture(w io.Writer, r *Results) (bool, error) {
	boxes := picturedOf(groups(r.normal()))
	if len(boxes) == 0 {
		return false, nil
	}
	p := plot.New()
	p.Title.Text = "Outages as clients saw them; + is the bound"
	p.Title.Padding = vg.Points(6)
	p.X.Label.Text = "milliseconds"
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		style.Font.Variant = "Sans"
	}
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid())
	names := make([]string, len(boxes))
	for i, b := range boxes {
		names[len(boxes)-1-i] = b.name // the first stands on top
		if err := b.draw(p, float64(len(boxes)-1-i)); err != nil {
			return false, err
		}
	}
	p.NominalY(names...)
	p.X.Min, p.X.Max = p.X.Min*0.9, p.X.Max*1.1
	p.Y.Min, p.Y.Max = -0.6, float64(len(boxes))-0.4
	image, err := p.WriterTo(24*vg.Centimeter, vg.Length(2.5+0.7*float64(len(boxes)))*vg.Centimeter, "png")
	if err != nil {
		return false, err
	}
	_, err = image.WriteTo(w)
	return true, err
}

func picturedOf(all []*group) []pictured {
	var out []pictured
	for _, g := range all {
		for _, b := range []pictured{
			{g.label(), &g.services, color.RGBA{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}},
			{g.label() + ", API", &g.api, color.RGBA{R: 0x8a, G: 0x4f, B: 0xa3, A: 0xff}},
		} {
			n := b.class.sample.N()
			if n == 0 || b.class.sample.sorted[0] <= 0 || len(out) == maxPictured { // a logarithm knows no zero
				continue
			}
			b.name = fmt.Sprintf("%s (n = %s)", b.name, count(n))
			out = append(out, b)
		}
	}
	return out
}

func (b *pictured) draw(p *plot.Plot, at float64) error {
	box, err := plotter.NewBoxPlot(vg.Points(10), at, b.class.sample.thinned(maxPoints))
	if err != nil {
		return err
	}
	box.Horizontal = true
	box.BoxStyle.Color, box.MedianStyle.Color, box.WhiskerStyle.Color = b.colour, b.colour, b.colour
	box.MedianStyle.Width = vg.Points(2)
	box.GlyphStyle = draw.GlyphStyle{Color: b.colour, Radius: vg.Points(1.2), Shape: draw.CircleGlyph{}}
	p.Add(box)
	if !b.class.limit.known || b.class.limit.max == 0 {
		return nil
	}
	bound, err := plotter.NewScatter(plotter.XYs{{X: millis(b.class.limit.max), Y: at}})
	if err != nil {
		return err
	}
	bound.GlyphStyle = draw.GlyphStyle{Color: color.RGBA{R: 0xc0, A: 0xff}, Radius: vg.Points(5), Shape: draw.PlusGlyph{}}
	p.Add(bound)
	return nil
}

// thinned is the sample in milliseconds as at most limit values, the first and the last among them.
func (s Sample) thinned(limit int) plotter.Values {
	n := min(s.N(), limit)
	out := make(plotter.Values, n)
	for i := range out {
		at := i
		if s.N() > limit {
			at = i * (s.N() - 1) / (limit - 1)
		}
		out[i] = s.sorted[at] / 1e6
	}
	return out
}
