package drill

import (
	"encoding/json"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/term"
)

// Exit statuses of the program.
const (
	StatusHeld        = 0
	StatusBroken      = 1   // a check failed
	StatusUsage       = 2   // bad input or usage
	StatusUnavailable = 3   // the world asked for is not to be had here
	StatusInterrupted = 130 // as shells have it for SIGINT
)

// Ended is the error of a verb that ends the program with a status of its own; any other error is bad input or
// usage. An empty message has been told already.
type Ended struct {
	Status  int
	Message string
}

func (e Ended) Error() string { return e.Message }

// errBroken ends a verb that has told which checks failed.
var errBroken = Ended{Status: StatusBroken}

// Terminal is where a verb talks to its user: results go to Out, progress and problems to Err.
type Terminal struct{ Out, Err io.Writer }

// colour tells whether what is written should be coloured: on a terminal only, and not where NO_COLOR
// (no-color.org) or a dumb terminal forbids it.
func colour(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// printJSON writes a value for machines.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(v)
}

// callName is how the user called this program, for commands that they are told to run.
func callName() string {
	// `go run` builds into a folder that is gone afterwards.
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ."
	}
	return os.Args[0]
}

// build names what is tested: the commit, where the program was built with its version control at hand.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, modified := "devel", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+changes"
		}
	}
	return revision + modified
}
