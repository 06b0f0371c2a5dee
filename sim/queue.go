package sim

// eventKind says what happens when an event's time comes.
type eventKind uint8

const (
	evFrame  eventKind = iota + 1 // a frame arrives at a network interface
	evTimer                       // a timer of a node is due
	evEffect                      // an effect that a callback asked for after spending time takes place
	evWake                        // a busy node is free again and drains its inbox
	evARP                         // an address resolution is due for another try
	evCheck                       // a reachability check times out
	evProbe                       // a prober's next probe is due, or a probe times out
	evCall                        // a planned moment: a fault strikes or heals, a client acts, a node boots
)

// event is what the queue holds. Which fields count depends on the kind.
type event struct {
	kind  eventKind
	inc   uint32 // the incarnation of the machine it is meant for
	m     *machine
	id    uint64
	gen   uint64
	frame *frame
	call  func()
}

// queue is a four-ary heap ordered by time, then by the order of insertion: no tie is ever left to chance.
// Keys are kept apart from the events so that sifting moves few bytes.
type queue struct {
	keys []key
	slab []event
	free []int32
	seq  uint64
}

type key struct {
	at  int64
	seq uint64
	ref int32
}

func (k key) before(o key) bool { return k.at < o.at || k.at == o.at && k.seq < o.seq }

func (q *queue) len() int { return len(q.keys) }

func (q *queue) push(at int64, e event) {
	var ref int32
	if n := len(q.free); n > 0 {
		ref = q.free[n-1]
		q.free = q.free[:n-1]
		q.slab[ref] = e
	} else {
		ref = int32(len(q.slab))
		q.slab = append(q.slab, e)
	}
	q.seq++
	k := key{at: at, seq: q.seq, ref: ref}
	q.keys = append(q.keys, k)
	i := len(q.keys) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !k.before(q.keys[parent]) {
			break
		}
		q.keys[i] = q.keys[parent]
		i = parent
	}
	q.keys[i] = k
}

// pop removes the earliest event; ok is false when none is left.
func (q *queue) pop() (at int64, e event, ok bool) {
	if len(q.keys) == 0 {
		return 0, event{}, false
	}
	top := q.keys[0]
	last := q.keys[len(q.keys)-1]
	q.keys = q.keys[:len(q.keys)-1]
	if len(q.keys) > 0 {
		q.sift(last)
	}
	e = q.slab[top.ref]
	q.slab[top.ref] = event{}
	q.free = append(q.free, top.ref)
	return top.at, e, true
}

// sift lets k sink from the root to its place.
func (q *queue) sift(k key) {
	i, n := 0, len(q.keys)
	for {
		first := 4*i + 1
		if first >= n {
			break
		}
		least := first
		for c := first + 1; c < first+4 && c < n; c++ {
			if q.keys[c].before(q.keys[least]) {
				least = c
			}
		}
		if !q.keys[least].before(k) {
			break
		}
		q.keys[i] = q.keys[least]
		i = least
	}
	q.keys[i] = k
}
