package scenarios

import "time"

// Span is a time, or a range of times from which [NewPlan] draws one per seed: "10s" or "10s..20s".
type Span struct{ Min, Max time.Duration }

// Ratio is a share in parts per million, written as "5%" or "0.25%". It is an integer because it decides
// what happens in a simulation.
type Ratio uint32
