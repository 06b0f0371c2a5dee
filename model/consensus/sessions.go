package consensus

import (
	"bytes"
	"container/list"
	"encoding/binary"
)

// sessions remembers for each client the last command that was applied and what came of it (Ongaro's
// thesis, section 6.3). It is part of the replicated state: every node holds the same.
type sessions struct {
	limit int
	byID  map[string]*list.Element
	order *list.List // of *session; the longest unused first
}

type session struct {
	client   string
	sequence uint64
	result   []byte
}

// admission says what to do with a command.
type admission uint8

const (
	fresh     admission = iota // apply it
	duplicate                  // it was applied; return what it returned then
	expired                    // it is older than the last one, or its session has been forgotten
)

func newSessions(limit int) *sessions {
	return &sessions{limit: limit, byID: make(map[string]*list.Element), order: list.New()}
}

// admit decides about a command. Without a client, or with the sequence 0, it belongs to no session. A client that is not remembered must begin with sequence 1: otherwise it
// may be one that has been forgotten, and nobody knows what became of its earlier commands.
func (s *sessions) admit(client string, sequence uint64) (admission, []byte) {
	if client == "" || sequence == 0 {
		return fresh, nil
	}
	e := s.byID[client]
	if e == nil {
		if sequence == 1 {
			return fresh, nil
		}
		return expired, nil
	}
	switch known := e.Value.(*session); {
	case sequence == known.sequence:
		return duplicate, known.result
	case sequence < known.sequence:
		return expired, nil
	}
	return fresh, nil
}

// keep remembers a command that was applied, and forgets the client longest unused when there are too many.
func (s *sessions) keep(client string, sequence uint64, result []byte) {
	if client == "" || sequence == 0 {
		return
	}
	if e := s.byID[client]; e != nil {
		known := e.Value.(*session)
		known.sequence, known.result = sequence, result
		s.order.MoveToBack(e)
		return
	}
	s.byID[client] = s.order.PushBack(&session{client, sequence, result})
	if s.order.Len() > s.limit {
		oldest := s.order.Remove(s.order.Front()).(*session)
		delete(s.byID, oldest.client)
	}
}

func (s *sessions) encode(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.order.Len()))
	for e := s.order.Front(); e != nil; e = e.Next() {
		known := e.Value.(*session)
		b = appendBytes(b, known.client)
		b = binary.AppendUvarint(b, known.sequence)
		b = appendBytes(b, known.result)
	}
	return b
}

func (s *sessions) decode(d *decoder) {
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		client, sequence := string(d.bytes()), d.uvarint()
		s.keep(client, sequence, bytes.Clone(d.bytes()))
	}
}

// Remembers tells whether a command of the client has been applied and what it returned is still known. The result of
// proposing it again, with the same sequence, is that.
func (r *Replica) Remembers(client string) bool { return r.core.sessions.byID[client] != nil }
