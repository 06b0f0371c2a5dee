package reports

import (
	"cmp"
	"path"
	"regexp"
	"strconv"
	"strings"

	"firedrill/checker"
	"firedrill/scenarios"
)

// plainWord needs no quotes in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=-]+$`)

// replayCommand is the one command that plays a run again. Prefix is how the reader calls this program, such as
// "go run ."; argument is the scenario's name or file.
func replayCommand(prefix, argument string, run *checker.Result) string {
	words := []string{prefix, "replay", quote(cmp.Or(run.Argument, argument)), "--seed", strconv.FormatUint(run.Seed, 10)}
	if run.World != "" && run.World != scenarios.WorldSim {
		words = append(words, "--world", quote(run.World))
	}
	if run.On != "" {
		words = append(words, "--machine", quote(run.On))
	}
	return strings.Join(words, " ")
}

func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// HistoryPath is where the history of a run in a world is kept, relative to the folder of the results.
func HistoryPath(world, scenario string, seed uint64) string {
	name := scenario + "-" + strconv.FormatUint(seed, 10)
	if rank(world) > 0 { // the same seed may have been played in the simulator
		name += "." + world
	}
	return path.Join("histories", name+historyEnd)
}

const historyEnd = ".jsonl.zst"

// OperationsPicture is where Porcupine's picture of a run that was not linearizable lies, beside its history.
func OperationsPicture(history string) string {
	return strings.TrimSuffix(history, historyEnd) + ".operations.html"
}
