package checker

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"firedrill/checker/history"
)

// register is what one key holds, as far as the operations up to now tell: the sequential specification that
// linearizability is judged by. Comparable, so that Porcupine finds equal states by ==.
type register struct {
	exists bool
	value  string // "" while nothing is there
	// version is that of the object, or, unless exact, the least that it can be: a write whose outcome is
	// unknown, or of a system without versions, got a version that nobody was told. While nothing is
	// there it is the least that the last version can have been.
	version uint64
	exact   bool
	not     string // greater versions that it cannot be, as refusals told: " 7 9 "
	done    int    // operations of known outcome that have happened
}

// step lets an operation happen, and tells whether it can have happened here with the outcome seen.
//
// An operation of unknown outcome happens when it takes effect, or after everything else, where nobody sees
// whether it did. So it needs no second branch for never having happened.
func (r register) step(o *operation) (register, bool) {
	switch o.outcome {
	case history.Unknown:
		if next, ok := r.apply(o); ok {
			return next, true
		}
		return r, r.done == o.search.known
	case history.Fail:
		next, ok := r.refuse(o)
		next.done++
		return next, ok
	}
	next, ok := r.apply(o)
	next.done++
	return next, ok
}

// apply does what an operation does when it succeeds.
func (r register) apply(o *operation) (register, bool) {
	switch o.kind {
	case history.OpRead:
		if !r.exists {
			return r, o.got == "" && o.gotVersion == 0
		}
		next, ok := r.pin(o.gotVersion)
		return next, ok && r.value == o.got
	case history.OpWrite:
		return r.set(o)
	case history.OpCAS:
		if r.value != o.expected {
			return r, false
		}
		return r.set(o)
	case history.OpCreate:
		if r.exists {
			return r, false
		}
		return r.set(o)
	case history.OpUpdate:
		next, ok := r.pin(o.version)
		if !ok || !r.exists {
			return r, false
		}
		return next.set(o)
	case history.OpDelete:
		next, ok := r.pin(o.version)
		if !ok || !r.exists {
			return r, false
		}
		// What a delete returns is the version of the delete or of what it deleted; both bound what comes after.
		if o.gotVersion != 0 && o.gotVersion < next.version {
			return r, false
		}
		next.version = max(next.version, o.gotVersion)
		next.exists, next.value, next.exact, next.not = false, "", false, ""
		return next, true
	}
	return r, false
}

// pin settles that the version is v, if it can be. Zero says nothing.
func (r register) pin(v uint64) (register, bool) {
	if v == 0 {
		return r, true
	}
	if r.exact && v != r.version || v < r.version || r.isNot(v) {
		return r, false
	}
	r.version, r.exact, r.not = v, true, ""
	return r, true
}

// set stores the value under the version that the client was told, which is greater than all before.
func (r register) set(o *operation) (register, bool) {
	if o.gotVersion != 0 && o.gotVersion <= r.version {
		return r, false
	}
	r.exists, r.value = true, o.value
	r.version, r.exact, r.not = r.version+1, false, ""
	if o.gotVersion != 0 {
		r.version, r.exact = o.gotVersion, true
	}
	return r, true
}

// refuse tells whether a failure with the reason seen is right here, and what it tells of the version.
func (r register) refuse(o *operation) (register, bool) {
	switch {
	case o.reason == notFound:
		return r, !r.exists
	case o.kind == history.OpCAS && o.reason != alreadyExists:
		return r, r.value != o.expected
	case !r.exists:
		return r, false
	}
	next, ok := r.pin(o.gotVersion) // the version that is there, where the refusal tells it
	switch {
	case !ok:
		return r, false
	case o.reason == alreadyExists || o.kind == history.OpCreate: // the version that a create wants is that of nothing
		return next, true
	}
	// version_mismatch: another one than was asked for is there.
	if o.version == 0 || next.exact && next.version == o.version {
		return r, false
	}
	return next.ruleOut(o.version), true
}

// ruleOut settles that the version is not v.
func (r register) ruleOut(v uint64) register {
	if r.exact || v < r.version || r.isNot(v) {
		return r
	}
	r.not = cmp.Or(r.not, " ") + strconv.FormatUint(v, 10) + " "
	for r.isNot(r.version) {
		r.version++
	}
	return r
}

func (r register) isNot(v uint64) bool {
	return r.not != "" && strings.Contains(r.not, " "+strconv.FormatUint(v, 10)+" ")
}

// Reasons of a failure that tell what was there.
const (
	notFound        = "not_found"
	alreadyExists   = "already_exists"
	versionMismatch = "version_mismatch"
)

// telling reports whether a failure says anything about the state.
func telling(kind, reason string) bool {
	switch reason {
	case notFound, alreadyExists, versionMismatch:
		return true
	}
	return kind == history.OpCAS && reason == ""
}

func (r register) String() string {
	switch {
	case !r.exists:
		return "nothing there"
	case r.version == 0:
		return fmt.Sprintf("value %s", short(r.value))
	case !r.exact:
		return fmt.Sprintf("value %s, version %d or more", short(r.value), r.version)
	}
	return fmt.Sprintf("value %s, version %d", short(r.value), r.version)
}

// short keeps a value on one line.
func short(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "..."
	}
	return fmt.Sprintf("%q", s)
}
