package main

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program, for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"firedrill": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts plays the command line as users do: each script is commands, inputs, and what must come out.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "scenarios/drill/testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
		},
	})
}

// exits runs firedrill and wants an exit status: exits STATUS ARGUMENT ...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits STATUS ARGUMENT ...")
	}
	got := 0
	err := ts.Exec("firedrill", args[1:]...)
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// TestReadme runs every command of README.md, in its order, but for the two that set up everything: CI runs those.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "firedrill")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, "#")
			arguments, ours := strings.CutPrefix(strings.TrimSpace(line), "go run .")
			if !ours || arguments == " run" {
				continue
			}
			c := exec.Command("sh", "-c", program+arguments)
			c.Dir = dir
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("go run .%s: %v\n%s", arguments, err, out)
			}
			ran++
		}
	}
	if ran < 6 {
		t.Errorf("only %d commands were found", ran)
	}
}

// arrows says which of our packages the code in a folder and below may import; of two folders that fit, the deeper
// one counts. "=model" is package model alone, which holds the seam and the names of events, and none of the
// state machines. What is not listed is refused.
var arrows = map[string][]string{
	"model":             {"model"},
	"scenarios":         {"scenarios", "=model", "model/config", "model/release", "checker/history"},
	"scenarios/install": {"scenarios", "model"},                             // how the platform is installed: the same in both worlds
	"scenarios/clients": {"scenarios", "model", "checker/history"},          // and what its clients do and record
	"scenarios/drill":   {"scenarios", "checker", "sim", "real", "reports"}, // the road itself: where all of them meet
	"checker":           {"checker", "=model", "model/config"},
	"sim":               {"sim", "model", "scenarios", "checker/history"},
	"sim/pool":          {"sim/pool"},
	"real":              {"real", "model", "scenarios", "checker/history"},
	"real/bench":        {"real", "reports", "checker", "scenarios"}, // a program beside ours, which judges by the same checker
	"reports":           {"reports", "checker", "scenarios", "=model", "model/config"},
}

// TestImportArrows keeps the architecture: the two worlds never meet, and the model knows neither. A test may also
// use the checker and the scenarios: what it tests is what they say of it.
func TestImportArrows(t *testing.T) {
	for folder, allowed := range arrows {
		for _, file := range sources(t, folder, true) {
			if deeper(file.path, folder) {
				continue
			}
			test := strings.HasSuffix(file.path, "_test.go")
			for _, imp := range imports(file.ast) {
				path, ours := strings.CutPrefix(imp, "firedrill/")
				if ours && !within(path, allowed) && !(test && within(path, []string{"checker", "scenarios"})) {
					t.Errorf("%s imports %s; %s/ may import %v", file.path, imp, folder, allowed)
				}
			}
		}
	}
}

// TestModelIsSansIO refuses in the model everything by which a state machine could reach the world on its
// own: packages that do, clocks, goroutines, channels and process-wide randomness.
func TestModelIsSansIO(t *testing.T) {
	forbiddenImports := []string{"net", "net/http", "os", "os/exec", "os/signal", "syscall", "io/ioutil", "log", "log/slog",
		"runtime", "sync", "sync/atomic", "context", "crypto/rand", "math/rand", "unsafe", "testing"}
	forbiddenCalls := map[string][]string{
		"time": {"Now", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Since", "Until"},
		"rand": {"Int", "IntN", "Int64", "Int64N", "Int32", "Int32N", "Uint32", "Uint32N", "Uint64", "Uint64N", "UintN", "Uint", "N", "Float64", "Float32", "Perm", "Shuffle", "NormFloat64", "ExpFloat64"},
	}
	for _, file := range sources(t, "model", false) {
		if strings.HasSuffix(file.path, ".pb.go") || strings.Contains(file.path, "disktest") {
			continue // generated code registers itself under a lock; disktest is a helper of tests
		}
		for _, imp := range imports(file.ast) {
			for _, f := range forbiddenImports {
				if imp == f {
					t.Errorf("%s imports %q: the model is sans-I/O", file.path, imp)
				}
			}
		}
		ast.Inspect(file.ast, func(n ast.Node) bool {
			if n == nil {
				return true
			}
			at := file.set.Position(n.Pos())
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: starts a goroutine", at)
			case *ast.ChanType:
				t.Errorf("%s: uses a channel", at)
			case *ast.SelectorExpr:
				pkg, ok := n.X.(*ast.Ident)
				if !ok || pkg.Obj != nil { // a local variable of that name
					return true
				}
				for _, name := range forbiddenCalls[pkg.Name] {
					if n.Sel.Name == name {
						t.Errorf("%s: uses %s.%s", at, pkg.Name, name)
					}
				}
			}
			return true
		})
	}
}

type source struct {
	path string
	set  *token.FileSet
	ast  *ast.File
}

// sources parses the Go files below a folder, with or without tests.
func sources(t *testing.T, folder string, tests bool) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || !tests && strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		out = append(out, source{path, set, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("no Go files below %s", folder)
	}
	return out
}

func imports(f *ast.File) []string {
	var out []string
	for _, i := range f.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

func within(path string, folders []string) bool {
	for _, f := range folders {
		if exact, only := strings.CutPrefix(f, "="); only && path == exact || path == f || strings.HasPrefix(path, f+"/") {
			return true
		}
	}
	return false
}

// deeper tells whether a file has arrows that are more its own than those of the folder.
func deeper(file, folder string) bool {
	for other := range arrows {
		if len(other) > len(folder) && strings.HasPrefix(file, other+"/") {
			return true
		}
	}
	return false
}

// TestWorkflow holds the example for GitHub Actions against the program: every firedrill command in it must exist, with
// its flags.
func TestWorkflow(t *testing.T) {
	text, err := os.ReadFile(".github/workflows/firedrill.yml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses string         `yaml:"uses"`
				Run  string         `yaml:"run"`
				If   string         `yaml:"if"`
				With map[string]any `yaml:"with"`
			} `yaml:"steps"`
		} `yaml:"jobs"`
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	expression := regexp.MustCompile(`\$\{\{.*?\}\}`)
	var verbs []string
	for name, job := range workflow.Jobs {
		for _, step := range job.Steps {
			for line := range strings.Lines(step.Run) {
				arguments, ours := strings.CutPrefix(strings.TrimSpace(expression.ReplaceAllString(line, "1")), "./firedrill ")
				if !ours {
					continue
				}
				c, rest, err := commands().Find(strings.Fields(arguments))
				if err == nil {
					err = c.ParseFlags(rest)
				}
				if err == nil {
					err = c.ValidateArgs(c.Flags().Args())
				}
				if err == nil {
					err = c.ValidateRequiredFlags()
				}
				if err != nil {
					t.Errorf("job %s: %s: %v", name, line, err)
				}
				verbs = append(verbs, c.Name())
			}
		}
	}
	slices.Sort(verbs)
	if want := []string{"gate", "merge", "run"}; !slices.Equal(verbs, want) {
		t.Errorf("the workflow uses %v, want %v", verbs, want)
	}
}
