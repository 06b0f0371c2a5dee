package reports

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"firedrill/checker/history/wholefile"
)

// browser opens pages and keeps what they complain about.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	loads      []string
}

// newBrowser starts Chromium. Where there is none, CI fails and a developer is told.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI has no chromium, so nobody looks at the report: apt-get install chromium")
		}
		t.Skip("!!! NOT TESTED: the report was not opened in a browser, as there is no chromium; apt-get install chromium !!!")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-component-update", true))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	b := &browser{t: t}
	b.ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(b.hear))
	t.Cleanup(stop)
	b.do(command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}))
	return b
}

// command makes an action of a command of the protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Text+" at line "+fmt.Sprint(e.ExceptionDetails.LineNumber))
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		b.loads = append(b.loads, e.Request.URL)
	}
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// ask returns the value of a JavaScript expression.
func ask[T any](b *browser, expression string) T {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// run runs a piece of JavaScript.
func (b *browser) run(script string) { ask[bool](b, "(() => {"+script+"; return true })()") }

// until waits for a JavaScript expression to become true; the browser asks it once a frame.
func (b *browser) until(expression string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(10*time.Second))); err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
}

// want holds the value of a JavaScript expression against what it should be.
func want[T comparable](b *browser, expression string, value T) {
	b.t.Helper()
	if got := ask[T](b, expression); got != value {
		b.t.Errorf("%s is %v, want %v", expression, got, value)
	}
}

// picture keeps what the browser shows, where FIREDRILL_SAMPLE says.
func (b *browser) picture(name string) {
	dir := os.Getenv("FIREDRILL_SAMPLE")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// blank counts the canvases of the open scenario that show one colour only.
const blank = `[...document.querySelectorAll("details.scenario[open] canvas")].filter(c => {
	const copy = Object.assign(document.createElement("canvas"), {width: c.width, height: c.height}).getContext("2d", {willReadFrequently: true});
	copy.drawImage(c, 0, 0);
	const d = new Uint32Array(copy.getImageData(0, 0, c.width, c.height).data.buffer);
	return d.every(v => v === d[0]);
}).length`

// leftmost is the first column of pixels of a chart in which there is anything.
const leftmost = `(() => {
	const c = document.querySelector("details.scenario[open] .chart[data-kind=%s] canvas");
	const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
	for (let x = 0; x < c.width; x++) for (let y = 0; y < c.height; y++) if (d[4 * (y * c.width + x) + 3]) return x;
})()`

const (
	canvases = `document.querySelectorAll("details.scenario canvas").length`
	visible  = `[...document.querySelectorAll("details.scenario")].filter(e => e.checkVisibility()).map(e => e.id).join(" ")`
	overflow = `document.documentElement.scrollWidth > innerWidth`
)

// What stands outside of the scenarios is drawn at once, so the comparison of two worlds is.
func TestWorldsInABrowser(t *testing.T) {
	whole, err := Merge([]Part{{"a", played("sim", 200*time.Millisecond, time.Millisecond)}, {"b", played("real", 300*time.Millisecond, time.Millisecond)}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := Write(dir, Input{Results: *whole}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate((&url.URL{Scheme: "file", Path: filepath.Join(dir, HTMLFile)}).String()))
	b.until(`document.querySelectorAll("section[aria-labelledby='page:fidelity'] canvas").length === 1`)
	const table = `document.querySelector(".fidelity")`
	want(b, table+`.querySelectorAll("thead th")[1].textContent`, "Near enough?")
	want(b, table+`.querySelector(".near").textContent`, "no simulated median 32 % too short, by detect +100 ms")
	want(b, table+`.parentElement.scrollWidth > `+table+`.parentElement.clientWidth`, false) // all of it is seen
	b.picture("worlds")
}

func TestReportInABrowser(t *testing.T) {
	dir := t.TempDir()
	in := sample(20)
	writeHistories(t, dir, in)
	if _, err := Write(dir, in); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	page := (&url.URL{Scheme: "file", Path: filepath.Join(dir, HTMLFile)}).String()

	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(page))
	want(b, canvases, 0) // nothing is drawn before it is seen
	want(b, overflow, false)
	want(b, `document.querySelector(".overview").getBoundingClientRect().bottom < 900`, true) // how long, and why, without scrolling
	b.picture("wide")

	b.run(`location.hash = "legacy-active-power-loss"`)
	b.until(canvases + ` === 3 && ` + blank + ` === 0`)
	want(b, `document.querySelector("details.scenario[open]").id`, "legacy-active-power-loss")
	for _, kind := range []string{"ecdf", "box", "phases"} { // no label of an axis is cut off
		b.until(fmt.Sprintf(leftmost, kind) + ` > 0`)
	}
	b.picture("open")

	b.run(`location.hash = "leader-pause/4"`)
	b.until(`document.querySelector("#leader-pause .one-seed").checkVisibility()`)
	want(b, `document.querySelector("#leader-pause .one-seed").textContent`, "Seed 4 held. go run . replay leader-pause --seed 4")
	b.run(`location.hash = "leader-pause/13"`)
	b.until(`document.activeElement.id === "leader-pause/13"`) // the failure itself
	want(b, `document.querySelector("#leader-pause .one-seed span").textContent`, "Seed 13 did not hold.")
	b.run(`location.hash = "leader-pause/99"`)
	b.until(`document.querySelector("#leader-pause .one-seed span").textContent === "Seed 99 was not played."`)

	b.run(`document.querySelector("#leader-pause > summary").focus()`)
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	want(b, `document.activeElement.parentElement.id`, "legacy-active-power-loss")
	b.do(chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.ArrowUp))
	want(b, `document.activeElement.parentElement.id`, "follower-crash")
	b.do(chromedp.KeyEvent("/"))
	want(b, `document.activeElement.name`, "text")
	b.run(`document.querySelectorAll("details").forEach(d => d.open = false)`)

	b.filter("hELD 198.19", "fail")
	want(b, visible, "controller-symmetric-partition legacy-active-power-loss")
	want(b, `[...document.querySelectorAll(".overview tbody tr")].filter(e => e.checkVisibility()).length`, 2)
	b.filter("nothing has this", "")
	want(b, visible, "")
	b.filter("", "")
	want(b, `document.querySelector("output").textContent`, "")

	b.do(chromedp.EmulateViewport(400, 900))
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(page+"#rack-power-loss"))
	b.until(canvases + ` === 3 && ` + blank + ` === 0`)
	want(b, `innerWidth`, 400)
	b.picture("narrow")
	b.run(`document.querySelectorAll("details").forEach(d => d.open = true)`)
	b.until(canvases + ` === 15`) // five scenarios have outages
	want(b, overflow, false)
	b.run(`document.querySelectorAll("details").forEach(d => d.open = d.id === "rack-power-loss")`)

	b.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}), chromedp.EmulateViewport(1280, 900))
	b.until(blank + ` === 0`)
	want(b, `getComputedStyle(document.body).backgroundColor`, "rgb(20, 23, 27)")
	b.picture("dark")
	b.quiet()
}

func TestSweepInABrowser(t *testing.T) {
	path := filepath.Join(t.TempDir(), HTMLFile) // the only name that quiet allows
	if err := wholefile.Write(path, swept().WriteHTML); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	for _, width := range []int64{1280, 400} {
		b.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
		b.until(`document.querySelectorAll("canvas").length === 1 && ` + strings.Replace(blank, "details.scenario[open] canvas", "canvas", 1) + ` === 0`)
		want(b, overflow, false)
		b.picture(fmt.Sprintf("sweep-%d", width))
	}
	b.quiet()
}

func (b *browser) filter(text, verdict string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`const f = document.getElementById("page:filter");
		f.elements.text.value = %q; f.elements.verdict.value = %q; f.dispatchEvent(new Event("input"))`, text, verdict))
}

// quiet holds that no page complained, and that none asked for another file.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the browser says: %s", c)
	}
	for _, l := range b.loads {
		if !strings.HasSuffix(strings.SplitN(l, "#", 2)[0], "/"+HTMLFile) && l != "about:blank" {
			b.t.Errorf("the page loads %s", l)
		}
	}
}
