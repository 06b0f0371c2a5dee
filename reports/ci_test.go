package reports

import (
	"bytes"
	"image/png"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"pgregory.net/rapid"

	"firedrill/checker"
)

// inCI is the sample with the places of its scenarios.
func inCI() *Results {
	in := sample(20)
	r := &in.Results
	for i, s := range in.Scenarios {
		d := Describe(s, "")
		d.Place = &Place{File: "suite/" + s.Name + ".yaml", Lines: map[string]int{"name": 1, "faults": 20, "outage-bound/*": 31 + i, "outage-bound/api": 41 + i, "services-recover": 50}}
		r.Scenarios = append(r.Scenarios, d)
	}
	return r
}

func TestLinesOfViolations(t *testing.T) {
	p := &Place{Lines: map[string]int{"name": 1, "faults": 20, "outage-bound/*": 31, "outage-bound/api": 32, "outage-bound/web": 33,
		"outage-bound/web shop": 34, "failover-count/pair": 40, "services-recover": 50}}
	for _, c := range []struct {
		check, message string
		want           int
	}{
		{"outage-bound", "api was dark for 2s", 32},
		{"outage-bound", "web was dark for 2s", 33},
		{"outage-bound", "web shop was dark for 2s", 34},
		{"outage-bound", "webby was dark for 2s", 31},
		{"failover-count", "pair failed over 3 times", 40},
		{"failover-count", "leader failed over 3 times", 20},
		{"services-recover", "api never answered", 50},
		{"linearizable", "Pool/web: no order", 20},
	} {
		if got := p.line(checker.Violation{Check: c.check, Message: c.message}); got != c.want {
			t.Errorf("%s: %s: line %d, want %d", c.check, c.message, got, c.want)
		}
	}
	if got := new(Place).line(checker.Violation{Check: "x"}); got != 1 {
		t.Errorf("where nothing is known: line %d", got)
	}
}

func TestAnnotations(t *testing.T) {
	var out bytes.Buffer
	if err := WriteAnnotations(&out, inCI(), "go run ."); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"::error file=suite/legacy-active-power-loss.yaml,line=35,title=legacy-active-power-loss%3A outage-bound::web was dark for ",
		"%0A3 seeds of 20: 7, 12, 19%0Ago run . replay legacy-active-power-loss --seed 7\n",
		"::error file=suite/leader-pause.yaml,line=20,title=leader-pause%3A worker::the worker panicked",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "::error ") {
			t.Errorf("a mark runs over its line: %q", line)
		}
	}
}

func TestSARIFIsValid(t *testing.T) {
	for name, r := range map[string]*Results{"with failures": inCI(), "with nothing": {}} {
		var out bytes.Buffer
		if err := WriteSARIF(&out, r, "firedrill"); err != nil {
			t.Fatal(err)
		}
		read, err := sarif.FromBytes(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := read.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := len(read.Runs[0].Results), len(complaints(groups(r.normal()))); got != want {
			t.Errorf("%s: %d results, want %d", name, got, want)
		}
		for _, result := range read.Runs[0].Results {
			if *result.Locations[0].PhysicalLocation.Region.StartLine < 1 {
				t.Errorf("%+v has no line", result)
			}
		}
	}
}

func TestMarkdown(t *testing.T) {
	var out bytes.Buffer
	if err := WriteMarkdown(&out, inCI(), "go run .", PictureFile); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## firedrill: ❌ failed", "| legacy-active-power-loss | ❌ failed | 17/20 |", "![", "(summary.png)",
		"**legacy-active-power-loss** (suite/legacy-active-power-loss.yaml:35), outage-bound: web was dark",
		"```sh\ngo run . replay legacy-active-power-loss --seed 7\n```"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

// Text of a failure comes from anywhere; it must not become a table, a link or a tag.
func TestMarkdownStandsForItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := markdown(rapid.String().Draw(t, "text"))
		bare := strings.NewReplacer(`\\`, "", `\|`, "", "\\`", "", `\*`, "", `\_`, "", `\[`, "", `\]`, "", `\#`, "", `\~`, "").Replace(text)
		if strings.ContainsAny(bare, "<>|`*_[]\n") {
			t.Fatalf("%q", text)
		}
	})
}

func TestPicture(t *testing.T) {
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if drawn, err := WritePicture(out, inCI()); err != nil || !drawn {
			t.Fatal(drawn, err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("equal results became different pictures")
	}
	image, err := png.Decode(&first)
	if err != nil || image.Bounds().Dx() < 600 || image.Bounds().Dy() < 200 {
		t.Errorf("%v, %v", image.Bounds(), err)
	}
	if drawn, err := WritePicture(&second, &Results{}); err != nil || drawn {
		t.Errorf("a picture of nothing: %v, %v", drawn, err)
	}
}
