package node

import (
	"sync"

	"firedrill/model"
)

// soughtFlows are flows that other engines are being asked for, with the segments that wait for it.
type soughtFlows struct {
	mu      sync.Mutex
	waiting map[model.Flow][]*segment
}

// mostWaiting bounds the segments of a flow that wait. The client sends again what is lost.
const mostWaiting = 64

// wait lets a segment wait, and tells whether nobody seeks its flow yet.
func (f *soughtFlows) wait(s *segment) (first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting == nil {
		f.waiting = make(map[model.Flow][]*segment)
	}
	waiting := f.waiting[s.flow]
	if len(waiting) < mostWaiting {
		f.waiting[s.flow] = append(waiting, s)
	}
	return waiting == nil
}

// end returns what has waited for a flow.
func (f *soughtFlows) end(flow model.Flow) []*segment {
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting := f.waiting[flow]
	delete(f.waiting, flow)
	return waiting
}
