package analytics

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func controllers(n int) []netip.Addr {
	out := make([]netip.Addr, n)
	for i := range out {
		out[i] = netip.AddrFrom4([4]byte{198, 18, 0, byte(i + 1)})
	}
	return out
}

// TestCollectorSharesEvenly: three controllers get about a third of the services each.
func TestCollectorSharesEvenly(t *testing.T) {
	three := controllers(3)
	count := map[netip.Addr]int{}
	for i := range 3000 {
		count[Collector(fmt.Sprintf("service-%d", i), three)]++
	}
	for _, c := range three {
		if n := count[c]; n < 900 || n > 1100 {
			t.Errorf("%v collects %d of 3000 services", c, n)
		}
	}
}

// TestCollectorMovesLittle: the order of the controllers does not count, and one that goes moves only its services.
func TestCollectorMovesLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := controllers(rapid.IntRange(1, 7).Draw(t, "controllers"))
		service := rapid.String().Draw(t, "service")
		chosen := Collector(service, all)
		if got := Collector(service, rapid.Permutation(all).Draw(t, "order")); got != chosen {
			t.Fatalf("%v in another order, %v before", got, chosen)
		}
		gone := rapid.SampledFrom(all).Draw(t, "gone")
		rest := slices.DeleteFunc(slices.Clone(all), func(c netip.Addr) bool { return c == gone })
		if got := Collector(service, rest); gone != chosen && got != chosen {
			t.Fatalf("%v went, and the service moved from %v to %v", gone, chosen, got)
		}
		if len(rest) == 0 && Collector(service, rest).IsValid() {
			t.Fatal("nobody is left, and yet somebody collects")
		}
	})
}
