package checker

import (
	"slices"
	"strings"
	"time"

	"firedrill/model"
)

// Takeover is what became of the long flows to a service when another engine took its address.
type Takeover struct {
	Service string        `json:"service"`
	At      time.Duration `json:"at"`
	Open    int           `json:"open"`   // flows that clients had open
	Broken  int           `json:"broken"` // of these, how many broke on account of it
}

// A flow that a takeover breaks does so with the client's next request to the new holder, or when the client's patience
// with silence has an end; one that broke before belongs to it where the holder had died.
const (
	brokeBefore = 3 * time.Second
	brokeAfter  = 5 * time.Second
)

// takeovers lists them in their order. The first holder of an address takes it from nobody.
func (h *evidence) takeovers() (out []Takeover) {
	flows := h.longFlows()
	if len(flows) == 0 {
		return nil
	}
	held := make(map[string]bool)
	for _, e := range h.told {
		if model.EventKind(e.Event) != model.EventActive {
			continue
		}
		first := !held[e.Unit]
		held[e.Unit] = true
		if first {
			continue
		}
		_, address, ofAddress := strings.Cut(e.Unit, "/")
		for _, s := range h.Header.Services {
			if s.Group == "" || ofAddress && s.Address != address || !ofAddress && s.Group != e.Unit {
				continue
			}
			t := Takeover{Service: s.Name, At: time.Duration(e.Time)}
			for _, f := range flows {
				if f.service.Name != s.Name || f.begin > e.Time || f.end != 0 && f.end < e.Time-int64(brokeBefore) {
					continue
				}
				t.Open++
				if f.end != 0 && f.end <= e.Time+int64(brokeAfter) {
					t.Broken++
				}
			}
			if t.Open > 0 {
				out = append(out, t)
			}
		}
	}
	return slices.Clip(out)
}
