package config

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that is written as text such as "250ms" in YAML and JSON.
type Duration time.Duration

// Std returns the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the duration as Go does: "1.5s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration reads, and refuses negative durations.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write a number and a unit, such as 250ms, 10s or 2m", text)
	}
	if v < 0 {
		return fmt.Errorf("%s is negative; a duration is zero or more", text)
	}
	*d = Duration(v)
	return nil
}
