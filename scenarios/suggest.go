package scenarios

import (
	"fmt"
	"strings"
)

// suggest ends a message about an unknown word: with the one that was probably meant, else with all there are.
func suggest(word string, known []string) string {
	best, distance := "", len(word)/3+2 // further away it is another word
	for _, k := range known {
		if d := editDistance(word, k); d < distance {
			best, distance = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(known) == 0:
		return "there are none"
	}
	return "use one of " + strings.Join(known, ", ")
}

// editDistance counts the insertions, deletions and replacements of bytes that lead from a to b
// (Levenshtein, 1966).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
