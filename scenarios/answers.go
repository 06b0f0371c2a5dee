package scenarios

import (
	"iter"
	"regexp"
	"strconv"
	"strings"
)

// answerOf is how the body of a request names what an earlier one of its client was answered: ${answer 2} is the
// answer to the client's second operation.
var answerOf = regexp.MustCompile(`\$\{answer ([1-9][0-9]{0,5})\}`)

// FillAnswers puts answers in the places of a body that name them; answer returns that of the client's operation n.
func FillAnswers(body string, answer func(n int) string) string {
	return answerOf.ReplaceAllStringFunc(body, func(place string) string {
		return answer(answerNumber(answerOf.FindStringSubmatch(place)))
	})
}

func answerNumber(match []string) int {
	n, _ := strconv.Atoi(match[1]) // few digits: cannot fail
	return n
}

// answersOf lists the operations whose answers a body names.
func answersOf(body string) []int {
	var out []int
	for _, m := range answerOf.FindAllStringSubmatch(body, -1) {
		out = append(out, answerNumber(m))
	}
	return out
}

// withAnswers are the texts of an operation in which answers may be named, by field.
func (o *Operation) withAnswers() iter.Seq2[string, string] {
	return func(yield func(field, text string) bool) {
		if !yield(".value", o.Value) || o.Answer == nil {
			return
		}
		_ = yield(".answer.contains", strings.Join(o.Answer.Contains, " ")) && yield(".answer.lacks", strings.Join(o.Answer.Lacks, " "))
	}
}
