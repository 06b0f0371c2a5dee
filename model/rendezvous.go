package model

import "net/netip"

// Rendezvous scores a candidate for a key (Thaler and Ravishankar, 1998): mix in the key, then the candidate; the
// candidate with the highest score takes the key, so that one that goes away moves only its own keys. FNV-1a,
// finished as in MurmurHash3, because the score must be equal on every node and every machine.
type Rendezvous uint64

// NewRendezvous returns a score with nothing mixed in.
func NewRendezvous() Rendezvous { return 14695981039346656037 }

const fnvPrime = 1099511628211

// Text mixes in a name.
func (h Rendezvous) Text(s string) Rendezvous {
	for i := range len(s) {
		h = (h ^ Rendezvous(s[i])) * fnvPrime
	}
	return h
}

// AddrPort mixes in an address.
func (h Rendezvous) AddrPort(ap netip.AddrPort) Rendezvous {
	for _, x := range ap.Addr().As16() {
		h = (h ^ Rendezvous(x)) * fnvPrime
	}
	return (h ^ Rendezvous(ap.Port())) * fnvPrime
}

// Score finishes.
func (h Rendezvous) Score() uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return uint64(h)
}
