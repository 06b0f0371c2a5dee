package checker

import (
	"testing"

	"firedrill/checker/history"
)

func TestRegister(t *testing.T) {
	var (
		empty   = register{}
		five    = register{exists: true, value: "1", version: 5, exact: true}
		atLeast = register{exists: true, value: "1", version: 5} // version 5 or more
		gone    = register{version: 5}
		sixNot  = register{exists: true, value: "1", version: 6}.ruleOut(7) // 6 or more, but not 7
	)
	op := func(kind, value string, versions ...uint64) operation { // asked for, got
		o := operation{kind: kind, outcome: history.OK, value: value}
		if kind == history.OpRead {
			o.value, o.got = "", value
		}
		if len(versions) > 0 {
			o.version = versions[0]
		}
		if len(versions) > 1 {
			o.gotVersion = versions[1]
		}
		return o
	}
	cas := func(expected, value string) operation {
		o := op(history.OpCAS, value)
		o.expected = expected
		return o
	}
	fail := func(o operation, reason string) operation {
		o.outcome, o.reason = history.Fail, reason
		return o
	}
	told := func(o operation, version uint64) operation {
		o.gotVersion = version
		return o
	}
	unknown := func(o operation) operation {
		o.outcome = history.Unknown
		return o
	}
	const wrong = "" // instead of a state: it cannot have happened here

	for _, c := range []struct {
		name  string
		state register
		do    operation
		want  string
	}{
		{"read nothing", empty, op(history.OpRead, ""), "nothing there"},
		{"read a value that is not there", empty, op(history.OpRead, "1"), wrong},
		{"read a version that is not there", empty, op(history.OpRead, "", 0, 5), wrong},
		{"read", five, op(history.OpRead, "1"), `value "1", version 5`},
		{"read with its version", five, op(history.OpRead, "1", 0, 5), `value "1", version 5`},
		{"read another value", five, op(history.OpRead, "2"), wrong},
		{"read another version", five, op(history.OpRead, "1", 0, 6), wrong},
		{"a read settles the version", atLeast, op(history.OpRead, "1", 0, 9), `value "1", version 9`},
		{"read a version that is too old", atLeast, op(history.OpRead, "1", 0, 4), wrong},
		{"nothing is read of what is gone", gone, op(history.OpRead, ""), "nothing there"},
		{"read not found", gone, fail(op(history.OpRead, ""), notFound), "nothing there"},
		{"read not found what is there", five, fail(op(history.OpRead, ""), notFound), wrong},

		{"write", empty, op(history.OpWrite, "2"), `value "2", version 1 or more`},
		{"write over", five, op(history.OpWrite, "2"), `value "2", version 6 or more`},
		{"write over, version told", five, op(history.OpWrite, "2", 0, 9), `value "2", version 9`},
		{"write under the same version", five, op(history.OpWrite, "2", 0, 5), wrong},
		{"write after a delete, under its version", gone, op(history.OpWrite, "2", 0, 5), wrong},

		{"cas", five, cas("1", "2"), `value "2", version 6 or more`},
		{"cas from nothing", empty, cas("", "2"), `value "2", version 1 or more`},
		{"cas from another value", five, cas("7", "2"), wrong},
		{"cas fails", five, fail(cas("7", "2"), ""), `value "1", version 5`},
		{"cas fails for nothing", five, fail(cas("1", "2"), ""), wrong},
		{"cas finds nothing", gone, fail(cas("1", "2"), notFound), "nothing there"},
		{"cas finds nothing where there is", five, fail(cas("7", "2"), notFound), wrong},

		{"create", gone, op(history.OpCreate, "2", 0, 6), `value "2", version 6`},
		{"create under the version of what is gone", gone, op(history.OpCreate, "2", 0, 5), wrong},
		{"create twice", five, op(history.OpCreate, "2", 0, 6), wrong},
		{"create refused", five, fail(op(history.OpCreate, "2"), alreadyExists), `value "1", version 5`},
		{"create refused for its version, as some say it", five, fail(op(history.OpCreate, "2"), versionMismatch), `value "1", version 5`},
		{"create refused for nothing", gone, fail(op(history.OpCreate, "2"), alreadyExists), wrong},

		{"update", five, op(history.OpUpdate, "2", 5, 6), `value "2", version 6`},
		{"update any version", five, op(history.OpUpdate, "2", 0, 6), `value "2", version 6`},
		{"update another version", five, op(history.OpUpdate, "2", 4, 6), wrong},
		{"update what may have that version", atLeast, op(history.OpUpdate, "2", 8, 9), `value "2", version 9`},
		{"update what cannot have that version", atLeast, op(history.OpUpdate, "2", 4, 9), wrong},
		{"update nothing", gone, op(history.OpUpdate, "2", 5, 6), wrong},
		{"update not found", gone, fail(op(history.OpUpdate, "2", 5), notFound), "nothing there"},
		{"update refused", five, fail(op(history.OpUpdate, "2", 4), versionMismatch), `value "1", version 5`},
		{"update refused for the version that is there", five, fail(op(history.OpUpdate, "2", 5), versionMismatch), wrong},
		{"update refused for any version", five, fail(op(history.OpUpdate, "2", 0), versionMismatch), wrong},
		{"update refused, and what is there is told", atLeast, told(fail(op(history.OpUpdate, "2", 5), versionMismatch), 7), `value "1", version 7`},
		{"update refused for what is told", atLeast, told(fail(op(history.OpUpdate, "2", 7), versionMismatch), 7), wrong},
		{"update refused by what is not there", five, told(fail(op(history.OpUpdate, "2", 4), versionMismatch), 6), wrong},
		{"update refused by what is no longer there", atLeast, told(fail(op(history.OpUpdate, "2", 3), versionMismatch), 4), wrong},
		{"update refused by what was ruled out", sixNot, told(fail(op(history.OpUpdate, "2", 3), versionMismatch), 7), wrong},
		{"create refused, and what is there is told", atLeast, told(fail(op(history.OpCreate, "2"), alreadyExists), 7), `value "1", version 7`},
		{"create refused by what is no longer there", five, told(fail(op(history.OpCreate, "2"), alreadyExists), 4), wrong},
		{"update refused where nothing is", gone, fail(op(history.OpUpdate, "2", 4), versionMismatch), wrong},
		{"a refusal rules the least version out", atLeast, fail(op(history.OpUpdate, "2", 5), versionMismatch), `value "1", version 6 or more`},
		{"a refusal rules a greater version out", sixNot, op(history.OpRead, "1", 0, 7), wrong},
		{"a refusal rules no other version out", sixNot, op(history.OpRead, "1", 0, 8), `value "1", version 8`},
		{"two refusals meet", sixNot, fail(op(history.OpUpdate, "2", 6), versionMismatch), `value "1", version 8 or more`},

		{"delete", five, op(history.OpDelete, "", 5), "nothing there"},
		{"delete any version", five, op(history.OpDelete, ""), "nothing there"},
		{"delete, version of the delete told", five, op(history.OpDelete, "", 5, 6), "nothing there"},
		{"delete, version of the object told", five, op(history.OpDelete, "", 5, 5), "nothing there"},
		{"delete, older version told", five, op(history.OpDelete, "", 5, 4), wrong},
		{"delete another version", five, op(history.OpDelete, "", 4), wrong},
		{"delete nothing", gone, op(history.OpDelete, ""), wrong},
		{"delete refused", five, fail(op(history.OpDelete, "", 4), versionMismatch), `value "1", version 5`},

		{"unknown, and it happens", empty, unknown(op(history.OpWrite, "2")), `value "2", version 1 or more`},
		{"unknown, and it cannot happen yet", gone, unknown(op(history.OpDelete, "")), wrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.do.search = &search{known: 1}
			next, ok := c.state.step(&c.do)
			got := wrong
			if ok {
				got = next.String()
			}
			if got != c.want {
				t.Errorf("%s on %s: %q, want %q", c.do.act(), c.state, got, c.want)
			}
			if known := c.do.outcome != history.Unknown; ok && known != (next.done == c.state.done+1) {
				t.Errorf("%d known operations are done after %d", next.done, c.state.done)
			}
		})
	}
}

// TestUnknownThatNeverHappened: it has its place after everything that somebody saw, and not before.
func TestUnknownThatNeverHappened(t *testing.T) {
	o := operation{kind: history.OpDelete, outcome: history.Unknown, search: &search{known: 3}}
	for done := range 4 {
		r := register{version: 5, done: done}
		next, ok := r.step(&o)
		if ok != (done == 3) || next != r {
			t.Errorf("after %d of 3 known operations: %v, %v", done, next, ok)
		}
	}
}

// TestVersionAfterDelete: what a delete tells of its version bounds the next one.
func TestVersionAfterDelete(t *testing.T) {
	s := &search{}
	r := register{exists: true, value: "1", version: 5, exact: true}
	r, ok := r.step(&operation{kind: history.OpDelete, outcome: history.OK, gotVersion: 8, search: s})
	if !ok || r.version != 8 {
		t.Fatal(r, ok)
	}
	if _, ok := r.step(&operation{kind: history.OpCreate, outcome: history.OK, gotVersion: 8, search: s}); ok {
		t.Error("a create got the version of the delete before it")
	}
}
