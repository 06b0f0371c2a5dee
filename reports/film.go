package reports

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/checker/history/scene"
	"firedrill/checker/history/wholefile"
)

// filmView is the page of a film, ready for its template.
type filmView struct {
	Scenario string
	Seed     uint64
	Verdict  checker.Verdict
	Headline string
	Limits   string
	Style    template.CSS
	Script   template.JS
	Data     filmData
}

// filmData is what the script of the page reads. Times are whole microseconds; lists of many are flat, and texts stand
// once in Texts, to be named by their place there.
type filmData struct {
	Length   int64       `json:"length"`
	Start    int64       `json:"start"`
	Complete int64       `json:"complete"`
	Nodes    []filmNode  `json:"nodes"`
	Texts    []string    `json:"texts"`
	Changes  []int64     `json:"changes"`  // when, node, name, value (0: gone)
	Messages []int64     `json:"messages"` // sent, due (0: lost), from, to, kind, text, routine
	Faults   []filmTime  `json:"faults"`
	Outages  []filmTime  `json:"outages"`
	Events   []filmEvent `json:"events"`
}

type filmNode struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

// filmTime is a stretch of time that has a name.
type filmTime struct {
	Name  string `json:"name"`
	Nodes []int  `json:"nodes,omitempty"`
	Begin int64  `json:"begin"`
	End   int64  `json:"end"`
	Blip  bool   `json:"blip,omitempty"` // of an outage: fainter
}

type filmEvent struct {
	At   int64  `json:"at"`
	Text string `json:"text"`
}

// WriteFilm writes a run as one page that needs neither a network nor another file: the messages, and how every node
// stands, at any time of it.
func WriteFilm(path string, f *scene.Film, r checker.Result, h *history.History) error {
	v := filmView{Scenario: f.Scenario, Seed: f.Seed, Verdict: r.Verdict, Headline: filmHeadline(r), Limits: filmLimits(f),
		Style: template.CSS(asset("page/report.css") + asset("page/film.css")), Script: template.JS(asset("page/film.js")), Data: newFilmData(f, r, h)}
	return wholefile.Write(path, func(w io.Writer) error { return pageTemplate.ExecuteTemplate(w, "film.html.tmpl", v) })
}

// JSON is the data as it stands in the page; what could end the element is escaped.
func (d filmData) JSON() (template.JS, error) {
	text, err := json.Marshal(d)
	return template.JS(text), err
}

func filmHeadline(r checker.Result) string {
	text := duration(r.Simulated) + " simulated, " + counted(r)
	if len(r.Violations) > 0 {
		v := r.Violations[0]
		text += fmt.Sprintf("; the first, %s: %s", v.Check, v.Message)
	}
	return text
}

// filmLimits says what is left out.
func filmLimits(f *scene.Film) string {
	text := "Of every node, what changes is shown whenever it does."
	if f.Complete < f.Length {
		text = fmt.Sprintf("There was more than a page can hold: how nodes stand is shown up to %v.", f.Complete)
	}
	if f.Stride > 1 {
		text += fmt.Sprintf(" Of the routine messages, one of %d is shown.", f.Stride)
	}
	return text
}

func newFilmData(f *scene.Film, r checker.Result, h *history.History) filmData {
	d := filmData{Length: f.Length.Microseconds(), Complete: f.Complete.Microseconds(), Texts: []string{""}, Nodes: []filmNode{},
		Changes: []int64{}, Messages: []int64{}, Faults: []filmTime{}, Outages: []filmTime{}, Events: []filmEvent{}}
	texts, nodes := map[string]int64{"": 0}, make(map[string]int)
	text := func(s string) int64 {
		at, known := texts[s]
		if !known {
			at = int64(len(d.Texts))
			texts[s], d.Texts = at, append(d.Texts, s)
		}
		return at
	}
	for i, n := range f.Nodes {
		nodes[n.Name] = i
		d.Nodes = append(d.Nodes, filmNode{n.Name, n.Role})
	}
	for _, c := range f.Changes {
		d.Changes = append(d.Changes, c.At.Microseconds(), int64(c.Node), text(c.Name), text(c.Is))
	}
	for _, m := range f.Messages {
		routine := int64(0)
		if m.Routine {
			routine = 1
		}
		d.Messages = append(d.Messages, m.Sent.Microseconds(), m.Due.Microseconds(), int64(nodes[m.From]), int64(nodes[m.To]), text(m.Kind), text(m.Text), routine)
	}
	d.addHistory(h, nodes)
	for i := range r.Outages {
		o := &r.Outages[i]
		d.Outages = append(d.Outages, filmTime{Name: fmt.Sprintf("%s dark for %s%s: %s", o.Service, duration(o.Duration), blipMark(o), o.Cause), Blip: o.Blip,
			Begin: o.Start.Microseconds(), End: (o.Start + o.Duration).Microseconds()})
	}
	d.Start = d.interesting()
	return d
}

// addHistory takes what the timeline tells, and the faults.
func (d *filmData) addHistory(h *history.History, nodes map[string]int) {
	open := make(map[int]int) // faults, by step
	for i := range h.Events {
		e := &h.Events[i]
		at := time.Duration(e.Time).Microseconds()
		if text := told(e); text != "" {
			d.Events = append(d.Events, filmEvent{at, text})
		}
		switch {
		case e.Type == history.Fault && e.Phase == history.Begin:
			f := filmTime{Name: e.Fault, Begin: at, End: d.Length}
			for _, name := range e.Resolved {
				if n, known := nodes[name]; known {
					f.Nodes = append(f.Nodes, n)
				}
			}
			open[e.Step] = len(d.Faults)
			d.Faults = append(d.Faults, f)
		case e.Type == history.Fault && e.Phase == history.Finish:
			if n, known := open[e.Step]; known {
				d.Faults[n].End = at
			}
		}
	}
	d.Faults = slices.DeleteFunc(d.Faults, func(f filmTime) bool { return len(f.Nodes) == 0 && f.End == f.Begin })
}

// interesting is where the page opens: at the first fault.
func (d *filmData) interesting() int64 {
	if len(d.Faults) > 0 {
		return d.Faults[0].Begin
	}
	return 0
}
