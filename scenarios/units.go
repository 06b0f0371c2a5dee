package scenarios

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"firedrill/model/config"
)

// Span is a time, or a range of times from which [NewPlan] draws one per seed: "10s" or "10s..20s".
type Span struct{ Min, Max time.Duration }

// Single tells whether the span is one time rather than a range.
func (s Span) Single() bool { return s.Min == s.Max }

func (s Span) String() string {
	if s.Single() {
		return s.Min.String()
	}
	return s.Min.String() + ".." + s.Max.String()
}

// MarshalText writes "10s" or "10s..20s".
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes; negative times and ranges that run backwards are refused.
func (s *Span) UnmarshalText(text []byte) error {
	first, second, isRange := strings.Cut(string(text), "..")
	var least, most config.Duration
	if err := least.UnmarshalText([]byte(first)); err != nil {
		return err
	}
	most = least
	if isRange {
		if err := most.UnmarshalText([]byte(second)); err != nil {
			return err
		}
	}
	if least > most {
		return fmt.Errorf("%s runs backwards; write the shorter time first: %v..%v", text, most, least)
	}
	*s = Span{least.Std(), most.Std()}
	return nil
}

// at is the span of one time.
func at(d time.Duration) Span { return Span{d, d} }

// Ratio is a share in parts per million, written as "5%" or "0.25%". It is an integer because it decides
// what happens in a simulation.
type Ratio uint32

// Whole is the ratio of 100%.
const Whole Ratio = 1_000_000

const (
	percent       = Whole / 100
	ratioDecimals = 4 // one part per million is 0.0001%
)

func (r Ratio) String() string {
	text := strconv.Itoa(int(r / percent))
	if rest := r % percent; rest != 0 {
		text += strings.TrimRight(fmt.Sprintf(".%0*d", ratioDecimals, rest), "0")
	}
	return text + "%"
}

// MarshalText writes a percentage: "0.25%".
func (r Ratio) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

var ratioText = regexp.MustCompile(`^([0-9]{1,3})(?:\.([0-9]{1,4}))?%$`)

// UnmarshalText reads a percentage from 0% to 100%, with at most four decimals.
func (r *Ratio) UnmarshalText(text []byte) error {
	m := ratioText.FindStringSubmatch(string(text))
	if m == nil {
		return fmt.Errorf("%q is not a share; write a percentage with at most four decimals, such as 5%% or 0.25%%", text)
	}
	whole, _ := strconv.Atoi(m[1]) // digits only, and few: cannot fail
	rest, _ := strconv.Atoi(m[2] + strings.Repeat("0", ratioDecimals-len(m[2])))
	v := Ratio(whole)*percent + Ratio(rest)
	if v > Whole {
		return fmt.Errorf("%s is more than everything; write 0%% to 100%%", text)
	}
	*r = v
	return nil
}
