package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"

	"firedrill/model/config"
)

// Machine is what the simulator is told of a machine that was measured, instead of what the scenario says of its links
// and disks. It stands in the plan, so that a plan says everything.
type Machine struct {
	Profile string `yaml:"profile"` // 16 hex digits of the profile that the rest comes from
	Link    Spread `yaml:"link"`    // what a frame takes, one way
	Sync    Spread `yaml:"sync"`    // of one sync of a disk
	Wake    Spread `yaml:"wake"`    // from when something is due to an idle process until the process runs
	Serve   Spread `yaml:"serve"`   // what an engine takes to pass a request on
	Start   Spread `yaml:"start"`   // from when a machine is switched on until its process runs
}

// Spread is the distribution of a duration by its percentiles, between which it is even. Nothing is shorter than the
// first or longer than the last: what happens once in a hundred times is for the faults of a scenario to say.
type Spread struct {
	P05 config.Duration `yaml:"p05"`
	P50 config.Duration `yaml:"p50"`
	P95 config.Duration `yaml:"p95"`
	P99 config.Duration `yaml:"p99"`
}

// At is the duration at a place from 0 to 9999 among ten thousand in order.
func (s Spread) At(place uint64) time.Duration {
	low, high, from, to := s.P05, s.P50, uint64(0), uint64(5000)
	switch {
	case place >= 9500:
		low, high, from, to = s.P95, s.P99, 9500, 10000
	case place >= 5000:
		low, high, from, to = s.P50, s.P95, 5000, 9500
	}
	return (low + (high-low)*config.Duration(place-from)/config.Duration(to-from)).Std()
}

// each is the spread with every duration changed.
func (s Spread) each(change func(config.Duration) config.Duration) Spread {
	return Spread{change(s.P05), change(s.P50), change(s.P95), change(s.P99)}
}

// problem tells why this is the distribution of no duration.
func (s Spread) problem() string {
	if !slices.IsSorted([]config.Duration{0, s.P05, s.P50, s.P95, s.P99, config.Duration(longestSpread)}) {
		return fmt.Sprintf("the percentiles %v, %v, %v, %v must rise and stay between 0s and %v", s.P05, s.P50, s.P95, s.P99, longestSpread)
	}
	return ""
}

const longestSpread = time.Minute

// ProfileVersion is the version of profiles that this program writes, and the only one that it reads.
const ProfileVersion = 1

// Profile is what `firedrill calibrate` measured on a machine, as a YAML file.
type Profile struct {
	Version    int    `yaml:"version"`
	Build      string `yaml:"build"`      // of the program that measured
	Kernel     string `yaml:"kernel"`     // as `uname -r` says
	Processors int    `yaml:"processors"` // that the program could use

	LinkRoundTrip  Measured `yaml:"link_round_trip"` // of an ICMP echo between two containers
	DiskSync       Measured `yaml:"disk_sync"`       // of an append and its sync on the disk of a controller
	TimerLateness  Measured `yaml:"timer_lateness"`  // of a timer of 10 ms in a container, while a cluster runs
	Request        Measured `yaml:"request"`         // connection, request and answer of a client through an engine
	ContainerStart Measured `yaml:"container_start"` // from when the engine is asked until the process works
}

// Measured is the distribution of a duration.
type Measured struct {
	Count int             `yaml:"count"`
	P05   config.Duration `yaml:"p05"`
	P50   config.Duration `yaml:"p50"`
	P95   config.Duration `yaml:"p95"`
	P99   config.Duration `yaml:"p99"`
	Max   config.Duration `yaml:"max"`
}

// NewMeasured sums up what was measured, at least once. A percentile is the least value that as many are not above.
func NewMeasured(all []time.Duration) Measured {
	sorted := slices.Sorted(slices.Values(all))
	at := func(percent int) config.Duration {
		return config.Duration(sorted[(len(sorted)*percent+99)/100-1].Round(time.Microsecond))
	}
	return Measured{len(all), at(5), at(50), at(95), at(99), at(100)}
}

func (m Measured) spread() Spread { return Spread{m.P05, m.P50, m.P95, m.P99} }

// Machine is what the simulator makes of the profile.
func (p *Profile) Machine() (*Machine, error) {
	text, err := p.Marshal()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	// A request crosses a link four times between client and engine, for the connection and for itself, and two more between engine
	// and server; what is left is the work of those at the ends.
	crossing := 3 * p.LinkRoundTrip.P50
	return &Machine{
		Profile: hex.EncodeToString(sum[:8]),
		Link:    p.LinkRoundTrip.spread().each(func(d config.Duration) config.Duration { return d / 2 }),
		Sync:    p.DiskSync.spread(),
		Wake:    p.TimerLateness.spread(),
		Serve:   p.Request.spread().each(func(d config.Duration) config.Duration { return max(0, d-crossing) }),
		Start:   p.ContainerStart.spread(),
	}, nil
}

// Marshal writes a profile so that [ParseProfile] reads it back.
func (p *Profile) Marshal() ([]byte, error) { return yaml.MarshalWithOptions(p, yaml.Indent(2)) }

// LoadProfile reads the profile of a machine. What is wrong with its content comes back as an *[InputError].
func LoadProfile(path string) (*Profile, error) {
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		return nil, &InputError{File: path, Problem: "the profile of a machine ends in .yaml or .yml"}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParseProfile(path, data)
}

// ParseProfile reads a profile. File is its name in errors, which are all *[InputError].
func ParseProfile(file string, data []byte) (*Profile, error) {
	d := &decoder{file: file, what: "the profile", places: make(map[string]token.Position)}
	p := new(Profile)
	if err := d.decode(data, p); err != nil {
		return nil, err
	}
	if p.Version != ProfileVersion {
		return nil, d.fail(d.place("version"), "version: %d is not known; this program reads version %d, which its `calibrate` writes", p.Version, ProfileVersion)
	}
	for path, m := range p.measured {
		if !d.given(path) {
			return nil, d.fail(d.place(""), "%s is missing; `calibrate` writes it", path)
		}
		if problem := m.problem(); problem != "" {
			return nil, d.fail(d.place(path), "%s: %s", path, problem)
		}
	}
	return p, nil
}

// measured goes through what was measured, by the keys of the file.
func (p *Profile) measured(yield func(string, Measured) bool) {
	for _, m := range []struct {
		key string
		Measured
	}{
		{"link_round_trip", p.LinkRoundTrip}, {"disk_sync", p.DiskSync}, {"timer_lateness", p.TimerLateness},
		{"request", p.Request}, {"container_start", p.ContainerStart},
	} {
		if !yield(m.key, m.Measured) {
			return
		}
	}
}

func (m Measured) problem() string {
	if m.Count < 1 {
		return fmt.Sprintf("count: %d; at least one must have been measured", m.Count)
	}
	return m.spread().problem()
}

// String is the profile as a table.
func (p *Profile) String() string {
	var b strings.Builder
	for key, m := range p.measured {
		fmt.Fprintf(&b, "%-17s n = %-4d p05 %-9v p50 %-9v p95 %-9v p99 %-9v max %v\n", strings.ReplaceAll(key, "_", " "), m.Count, m.P05, m.P50, m.P95, m.P99, m.Max)
	}
	return b.String()
}

// On returns the scenario as it is simulated on a measured machine.
func (s *Scenario) On(m *Machine) *Scenario {
	on := *s
	on.Machine = m
	return &on
}
