package wire

import (
	"errors"
	"net/netip"
	"testing"

	"firedrill/model"
	"firedrill/model/release"
)

// line is a world that keeps the last message sent.
type line struct {
	model.Env
	sent []byte
}

func (l *line) Send(_ netip.Addr, msg []byte) { l.sent = msg }

// TestVoice lets two nodes talk, the second of which is restarted with other builds.
func TestVoice(t *testing.T) {
	a, b := netip.MustParseAddr("198.18.0.11"), netip.MustParseAddr("198.18.0.12")
	type node struct {
		Voice
		at   netip.Addr
		line *line
	}
	start := func(at netip.Addr, format release.Format) *node { return &node{NewVoice(format), at, &line{}} }
	tell := func(from, to *node) error {
		body := &Envelope_NodeReport{NodeReport: &NodeReport{Name: "x"}}
		from.Through(from.line).Send(to.at, from.Encode(to.at, body))
		got, err := to.Decode(from.at, from.line.sent)
		if report, ok := got.(*Envelope_NodeReport); err == nil && (!ok || report.NodeReport.Name != "x") {
			t.Errorf("%v came as %v", body, got)
		}
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	speaks := func(from, to *node, want release.Format) {
		t.Helper()
		if got := from.For(to.at); got != want {
			t.Errorf("%s speaks %d to %s, want %d", from.at, got, to.at, want)
		}
	}

	old := start(a, release.FormatFirst)
	peer := start(b, release.FormatBuilds)
	must(tell(peer, old)) // it knows nothing of the other yet
	must(tell(old, peer))
	speaks(old, peer, release.FormatFirst)
	speaks(peer, old, release.FormatFirst)

	upgraded := start(a, release.FormatBuilds)
	must(tell(upgraded, peer))
	speaks(peer, upgraded, release.FormatBuilds)
	must(tell(peer, upgraded))
	speaks(upgraded, peer, release.FormatBuilds)
	must(tell(upgraded, peer))

	back := start(a, release.FormatFirst) // rolled back, and the peer has not heard it since
	if err := tell(peer, back); !errors.Is(err, ErrNewer) {
		t.Errorf("a message of a newer format: %v, want %v", err, ErrNewer)
	}
	must(tell(back, peer))
	speaks(peer, back, release.FormatFirst)
	must(tell(peer, back))
}

// TestVoiceForgets: strangers cannot fill the memory of a node.
func TestVoiceForgets(t *testing.T) {
	v, w := NewVoice(release.Newest), NewVoice(release.Newest)
	l := &line{}
	ip := netip.MustParseAddr("198.18.0.0")
	for range 3 * maxHeard {
		ip = ip.Next()
		w.Through(l).Send(ip, Encode(&Envelope_NodeReport{NodeReport: &NodeReport{}}))
		if _, err := v.Decode(ip, l.sent); err != nil {
			t.Fatal(err)
		}
	}
	if len(v.reads) > maxHeard || v.For(ip) != release.Newest {
		t.Errorf("%d are remembered, at most %d should be; the last reads %d", len(v.reads), maxHeard, v.For(ip))
	}
}
