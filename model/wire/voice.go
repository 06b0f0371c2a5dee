package wire

import (
	"net/netip"

	"firedrill/model"
	"firedrill/model/release"
)

// Voice is how a node talks to nodes of other builds. To one that it has not heard it speaks the first format, and says
// in the envelope what it reads itself; to one that has said so it speaks the newest format that both know. What the
// other reads is learnt anew from every message, because it may have been restarted with another build since.
type Voice struct {
	own   release.Format
	reads map[netip.Addr]release.Format
}

// maxHeard bounds what strangers can make a node remember.
const maxHeard = 4096

// NewVoice is the voice of a build.
func NewVoice(own release.Format) Voice {
	return Voice{own: own, reads: make(map[netip.Addr]release.Format)}
}

// For is the newest format that this node and the one at the address both know, as far as it has been heard.
func (v *Voice) For(to netip.Addr) release.Format {
	return max(release.FormatFirst, min(v.own, v.reads[to]))
}

// Encode puts a body into an envelope for the node at the address.
func (v *Voice) Encode(to netip.Addr, body isEnvelope_Body) []byte {
	return seal(&Envelope{Version: uint32(v.For(to)), Body: body})
}

// Through is the world in which every message that leaves says what this build reads. What is appended to a message of
// protobuf is merged into it. A build of the first format has nothing to say.
func (v *Voice) Through(env model.Env) model.Env {
	if v.own == release.FormatFirst {
		return env
	}
	return voiced{env, seal(&Envelope{Reads: uint32(v.own)})}
}

type voiced struct {
	model.Env
	reads []byte
}

func (v voiced) Send(to netip.Addr, msg []byte) { v.Env.Send(to, append(msg, v.reads...)) }

// Decode returns the body of an envelope from the node at the address. What is newer than this build is refused with
// an error that wraps [ErrNewer].
func (v *Voice) Decode(from netip.Addr, data []byte) (isEnvelope_Body, error) {
	e, err := open(data, v.own)
	if err != nil {
		return nil, err
	}
	if v.own > release.FormatFirst {
		v.heard(from, release.Format(min(max(e.Version, e.Reads), uint32(release.Newest))))
	}
	return e.Body, nil
}

// heard notes what a node reads. Who reads the first format alone need not be remembered.
func (v *Voice) heard(from netip.Addr, reads release.Format) {
	if reads == release.FormatFirst {
		delete(v.reads, from)
		return
	}
	if _, known := v.reads[from]; !known && len(v.reads) >= maxHeard {
		clear(v.reads)
	}
	v.reads[from] = reads
}
