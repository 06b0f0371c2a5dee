package model

import (
	"fmt"
	"time"
)

// Describer is a node that can say how it stands, for operators and for those who look into a run. To ask changes nothing,
// so that a run which is looked at is the same run.
type Describer interface {
	Describe() []Fact
}

// Fact is one thing that a node says of itself.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Moving marks what is another value at every moment, such as how long ago a peer was heard: that it has changed is
	// no news.
	Moving bool `json:"moving,omitempty"`
}

// Facts are what a node says of itself, in the order in which people should read it.
type Facts []Fact

// Add says a thing.
func (f *Facts) Add(name, format string, args ...any) {
	*f = append(*f, Fact{Name: name, Value: fmt.Sprintf(format, args...)})
}

// Move says a thing that is another at every moment.
func (f *Facts) Move(name, format string, args ...any) {
	*f = append(*f, Fact{Name: name, Value: fmt.Sprintf(format, args...), Moving: true})
}

// Ago tells how long ago something was, to the millisecond.
func Ago(now, then time.Duration) string {
	return (now - then).Round(time.Millisecond).String() + " ago"
}

// In tells how long something is yet to come, or that it is over.
func In(now, then time.Duration) string {
	if then <= now {
		return "over"
	}
	return "in " + (then - now).Round(time.Millisecond).String()
}
