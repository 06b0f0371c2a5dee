package placement

import (
	"fmt"
	"testing"

	"firedrill/model/config"
)

// large is 1,000 engines on 250 hosts in 20 racks, and 10,000 services that run nowhere, in so many groups.
func large(groups, scale int) Input {
	var in Input
	for i := range groups {
		in.Groups = append(in.Groups, Group{Access: config.WriteAccess, Config: config.ServiceEngineGroup{
			Name: fmt.Sprintf("group-%d", i), HAMode: config.HAModeShared, MaxVSPerSE: 12 * scale, MaxSE: 1000, BufferSE: 1,
		}})
	}
	for i := range 250 {
		in.Hosts = append(in.Hosts, Host{Name: fmt.Sprintf("host-%03d", i), Rack: fmt.Sprintf("rack-%02d", i%20)})
	}
	for i := range 1000 {
		in.Engines = append(in.Engines, Engine{
			Name: fmt.Sprintf("engine-%04d", i), Group: fmt.Sprintf("group-%d", i%groups), Host: fmt.Sprintf("host-%03d", i%250), State: EngineUp, Managed: true,
		})
	}
	for i := range 10000 {
		in.Services = append(in.Services, Service{Name: fmt.Sprintf("vs-%05d", i), Group: fmt.Sprintf("group-%d", i%groups), Scale: scale})
	}
	return in
}

// sizes are one large group, several smaller ones, and services on two engines each.
var sizes = []struct{ groups, scale int }{{1, 1}, {10, 1}, {1, 2}}

// BenchmarkPlace places all services from empty. The goal is 1 s.
func BenchmarkPlace(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("groups=%d/scale=%d", size.groups, size.scale), func(b *testing.B) {
			in := large(size.groups, size.scale)
			b.ReportAllocs()
			for b.Loop() {
				if p := Compute(in); len(p.Moves) != 10000*size.scale {
					b.Fatalf("%d moves", len(p.Moves))
				}
			}
		})
	}
}

// BenchmarkRepair makes up for the loss of every tenth engine. The goal is 100 ms.
func BenchmarkRepair(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("groups=%d/scale=%d", size.groups, size.scale), func(b *testing.B) {
			in := large(size.groups, size.scale)
			in = apply(in, Compute(in))
			for i := 0; i < 1000; i += 10 {
				in.Engines[(i+i/10%10)%1000].State = EngineDown
			}
			b.ReportAllocs()
			for b.Loop() {
				if p := Compute(in); len(p.Moves) < 1000*size.scale || len(p.Waiting) > 0 {
					b.Fatalf("%d moves, %d wait", len(p.Moves), len(p.Waiting))
				}
			}
		})
	}
}

// BenchmarkFull repairs the same loss where hardly any slot is free, so that most services wait.
func BenchmarkFull(b *testing.B) {
	in := large(1, 2)
	in.Groups[0].Config.MaxVSPerSE = 20
	in.Groups[0].Access = config.NoAccess
	in = apply(in, Compute(in))
	for i := 0; i < 1000; i += 10 {
		in.Engines[i].State = EngineDown
	}
	in.Engines = append(in.Engines, Engine{Name: "spare", Group: "group-0", Host: "host-000", State: EngineUp})
	b.ReportAllocs()
	for b.Loop() {
		if p := Compute(in); len(p.Waiting) == 0 {
			b.Fatal("nobody waits")
		}
	}
}
