package node

import (
	"container/heap"
	"time"

	"firedrill/model"
)

// timers are the pending timers of one node, the earliest first.
type timers struct {
	queue timerQueue
	byID  map[model.TimerID]*timer
}

type timer struct {
	id    model.TimerID
	due   time.Duration
	place int // in the queue
}

func newTimers() timers { return timers{byID: make(map[model.TimerID]*timer)} }

// set plans a timer, or puts it off.
func (t *timers) set(id model.TimerID, due time.Duration) {
	if old := t.byID[id]; old != nil {
		old.due = due
		heap.Fix(&t.queue, old.place)
		return
	}
	n := &timer{id: id, due: due}
	t.byID[id] = n
	heap.Push(&t.queue, n)
}

// stop forgets a timer.
func (t *timers) stop(id model.TimerID) {
	if old := t.byID[id]; old != nil {
		delete(t.byID, id)
		heap.Remove(&t.queue, old.place)
	}
}

// next tells when the earliest timer is due.
func (t *timers) next() (due time.Duration, ok bool) {
	if len(t.queue) == 0 {
		return 0, false
	}
	return t.queue[0].due, true
}

// take removes the earliest timer if it is due by now.
func (t *timers) take(now time.Duration) (model.TimerID, bool) {
	if due, ok := t.next(); !ok || due > now {
		return 0, false
	}
	first := heap.Pop(&t.queue).(*timer)
	delete(t.byID, first.id)
	return first.id, true
}

// timerQueue implements [heap.Interface].
type timerQueue []*timer

func (q timerQueue) Len() int           { return len(q) }
func (q timerQueue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *timerQueue) Push(x any) {
	t := x.(*timer)
	t.place = len(*q)
	*q = append(*q, t)
}

func (q *timerQueue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	*q = (*q)[:last]
	return t
}
