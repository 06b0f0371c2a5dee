package sim

import (
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"time"

	"firedrill/scenarios"
)

// newStream returns the random stream of the given name. Every part of the world draws from a stream of its
// own, so that one more draw in one place shifts nothing elsewhere.
func newStream(seed uint64, name string) *rand.Rand {
	return rand.New(newSource(seed, name))
}

func newSource(seed uint64, name string) *rand.ChaCha8 {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	h.Write([]byte(name))
	return rand.NewChaCha8([32]byte(h.Sum(nil)))
}

// between draws a time from [min, max].
func between(r *rand.Rand, min, max time.Duration) time.Duration {
	if max <= min {
		return min
	}
	return min + time.Duration(r.Uint64N(uint64(max-min)+1))
}

// spread draws a time as it was measured.
func spread(r *rand.Rand, s *scenarios.Spread) time.Duration { return s.At(r.Uint64N(10_000)) }

// seedProcessRandomness replaces crypto/rand.Reader, from which etcd/raft draws its election timeouts, by a
// stream of the seed, and returns what puts it back. The reader is process-wide: one simulation a process
// at a time.
func seedProcessRandomness(seed uint64) (restore func()) {
	old := crand.Reader
	crand.Reader = io.Reader(newSource(seed, "raft"))
	return func() { crand.Reader = old }
}
