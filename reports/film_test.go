package reports

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"firedrill/checker"
	"firedrill/checker/history"
	"firedrill/checker/history/scene"
)

// short is a film of ten seconds: engine-1 crashes at 4 s, and engine-2 takes over.
func short() (*scene.Film, checker.Result, *history.History) {
	s := time.Second
	f := &scene.Film{Scenario: "short </script>", Seed: 3, Length: 10 * s, Stride: 4, Complete: 8 * s,
		Nodes: []scene.Node{{Name: "controller-1", Role: "controller"}, {Name: "engine-1", Role: "engine"}, {Name: "engine-2", Role: "engine"}, {Name: "server-1", Role: "server"}}}
	for i := range f.Nodes {
		f.Changes = append(f.Changes, scene.Change{At: 0, Node: i, Name: "process", Is: "up"})
	}
	f.Changes = append(f.Changes,
		scene.Change{At: 2 * s, Node: 1, Name: "unit pair", Is: "active"}, scene.Change{At: 2 * s, Node: 2, Name: "unit pair", Is: "standby"},
		scene.Change{At: 4 * s, Node: 1, Name: "process", Is: "down"}, scene.Change{At: 4 * s, Node: 1, Name: "unit pair", Is: ""},
		scene.Change{At: 4500 * time.Millisecond, Node: 2, Name: "unit pair", Is: "active"})
	f.Messages = []scene.Message{
		{From: "engine-1", To: "engine-2", Kind: "heartbeat", Text: "heartbeat 7", Sent: 3900 * time.Millisecond, Due: 3901 * time.Millisecond, Routine: true},
		{From: "engine-2", To: "engine-1", Kind: "directive", Text: "lost one", Sent: 4100 * time.Millisecond, Lost: true},
		{From: "engine-2", To: "controller-1", Kind: "announcement", Text: "198.19.2.1 is at engine-2", Sent: 4500 * time.Millisecond, Due: 4700 * time.Millisecond},
	}
	h := &history.History{Events: []history.Event{
		{Time: int64(4 * s), Type: history.Fault, Step: 1, Fault: "crash", Target: "active(pair)", Resolved: []string{"engine-1"}, Phase: history.Begin},
		{Time: int64(6 * s), Type: history.Fault, Step: 1, Fault: "crash", Target: "active(pair)", Resolved: []string{"engine-1"}, Phase: history.Finish},
		{Time: int64(10 * s), Type: history.End}}}
	r := checker.Result{Scenario: "short", Seed: 3, Verdict: checker.Pass, Simulated: 10 * s,
		Outages: []checker.Outage{{Service: "web", Start: 4 * s, Duration: 510 * time.Millisecond, Cause: "engine-1 crashed", Ended: true}}}
	return f, r, h
}

func TestFilmInABrowser(t *testing.T) {
	path := filepath.Join(t.TempDir(), HTMLFile)
	f, r, h := short()
	if err := WriteFilm(path, f, r, h); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
	const (
		state = `[...document.querySelectorAll("#state .node")].map(e => e.textContent).join(" / ")`
		list  = `document.getElementById("list").textContent`
		now   = `document.getElementById("now").textContent`
	)
	b.until(`document.querySelectorAll("canvas").length === 2 && ` + strings.Replace(blank, "details.scenario[open] canvas", "canvas", 1) + ` === 0`)
	want(b, now, "4.000 s") // where the first fault strikes
	want(b, state, "controller-1processup / engine-1processdown / engine-2processupunit pairstandby")
	want(b, `document.getElementById("inforce").textContent.startsWith("Faults in force: crash at engine-1. web dark for 510 ms: engine-1 crashed")`, true)
	want(b, list+`.includes("lost one, lost")`, true)
	want(b, list+`.includes("heartbeat")`, false) // routine
	want(b, `document.querySelector(".node.down.struck h3").textContent`, "engine-1")

	b.run(`document.getElementById("routine").click()`)
	b.until(list + `.includes("heartbeat 7")`)
	b.run(`const s = document.getElementById("slider"); s.value = 4600; s.dispatchEvent(new Event("input"))`)
	b.until(state + ` === "controller-1processup / engine-1processdown / engine-2processupunit pairactive"`)
	b.run(`location.hash = "2.5"`)
	b.until(now + ` === "2.500 s" && ` + state + `.includes("engine-1processupunit pairactive")`)
	b.do(chromedp.KeyEvent("."))
	b.until(now + ` === "4.000 s"`)
	b.do(chromedp.KeyEvent("+"))
	b.until(`document.getElementById("span").textContent === "1.000 s"`)
	b.do(chromedp.KeyEvent(kb.End))
	b.until(now + ` === "10.000 s"`)
	want(b, `document.getElementById("inforce").textContent.includes("was not recorded this far")`, true)
	b.run(`document.querySelectorAll("#nodes input")[1].click()`)
	b.until(state + `.includes("controller-1") === false`)
	b.run(`document.getElementById("play").click()`)
	b.until(`document.getElementById("play").textContent === "play"`) // there is no more to play
	b.picture("film")
	b.do(chromedp.EmulateViewport(400, 900))
	want(b, overflow, false)
	b.quiet()
}

// The page counts as the terminal does.
func TestFilmCountsBlipsApart(t *testing.T) {
	r := lossy().Runs[0]
	if got, want := filmHeadline(r), "1 min simulated, 1 outage, 9 blips, 0 violations"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d := newFilmData(&scene.Film{}, r, &history.History{})
	if o := d.Outages[0]; !o.Blip || !strings.Contains(o.Name, "a blip") {
		t.Errorf("the first is %+v", o)
	}
	if o := d.Outages[9]; o.Blip || strings.Contains(o.Name, "a blip") {
		t.Errorf("the last is %+v", o)
	}
}

// The page says what it leaves out.
func TestFilmLimits(t *testing.T) {
	f, _, _ := short()
	if got, want := filmLimits(f), "There was more than a page can hold: how nodes stand is shown up to 8s. Of the routine messages, one of 4 is shown."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What a film says cannot leave its element in the page.
func TestFilmDataIsEscaped(t *testing.T) {
	f, r, h := short()
	f.Messages[0].Text = `</script><b>`
	text, err := newFilmData(f, r, h).JSON()
	if err != nil || strings.Contains(string(text), "<") || !json.Valid([]byte(text)) {
		t.Fatalf("%v: %s", err, text)
	}
}
