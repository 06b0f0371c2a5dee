package checker

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"firedrill/checker/history"
	"firedrill/checker/words"
	"firedrill/model"
)

// clusterStatus is what GET /api/cluster/status answers, as far as it is judged.
type clusterStatus struct {
	State  string       `json:"cluster_state"`
	Leader string       `json:"leader"`
	Term   uint64       `json:"term"`
	Nodes  []nodeStatus `json:"node_states"`
}

type nodeStatus struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	State   string `json:"state"`
	Applied uint64 `json:"applied"`
}

// The states of a node that the others tell apart.
const (
	nodeReady  = "Ready"
	nodeSilent = "Not Responsive"
)

// checkClusterStatusTrue holds what controllers answer about the cluster against what it is: the state of the whole follows
// from those of the nodes; who is named the leader was elected in the term that is told; and once no fault has struck a
// controller for recover_within, who lives is ready, who does not is not responsive, and how far each is in the log is told
// no later than that.
func checkClusterStatusTrue(h *evidence) []Violation {
	s := statusCheck{h: h, leaders: make(map[uint64]string), applied: make(map[string][]*history.Event), up: make(map[string]turnUp)}
	asked := make(map[string]*history.Event)
	alone := h.alone()
	for i := range h.Events {
		e := &h.Events[i]
		switch {
		case e.Type == history.NodeEv && !h.elsewhere(e):
			s.follow(e)
		case e.Type == history.Call:
			asked[e.Client] = e
		case e.Type == history.Return && asked[e.Client] != nil && asked[e.Client].Key == "GET /api/cluster/status" && e.Status == 200 && !alone(e):
			s.judge(asked[e.Client], e)
		}
	}
	return s.violations
}

type statusCheck struct {
	h          *evidence
	leaders    map[uint64]string
	last       *history.Event              // the last election
	applied    map[string][]*history.Event // by controller, in order
	up         map[string]turnUp
	violations []Violation
}

// turnUp is when a controller last started or stopped.
type turnUp struct {
	up bool
	at int64
}

func (s *statusCheck) follow(e *history.Event) {
	switch model.EventKind(e.Event) {
	case model.EventLeader:
		s.leaders[e.Term], s.last = e.Node, e
	case model.EventApplied, model.EventRestored:
		s.applied[e.Node] = append(s.applied[e.Node], e)
	case model.EventStarted, model.EventIdentity:
		s.up[e.Node] = turnUp{true, e.Time}
		delete(s.applied, e.Node)
	case model.EventStopped:
		s.up[e.Node] = turnUp{false, e.Time}
	}
}

func (s *statusCheck) judge(call, answer *history.Event) {
	var c clusterStatus
	if json.Unmarshal([]byte(answer.Value), &c) != nil {
		return // another system's
	}
	say := func(format string, args ...any) {
		s.violations = append(s.violations, violation(answer.Time, []string{"the answer: " + answer.Value},
			"%s told %s that %s", answer.By, call.Client, fmt.Sprintf(format, args...)))
	}
	if want := c.follows(); c.State != want {
		say("the cluster is %s, while what it told of the nodes makes it %s", c.State, want)
	}
	if c.Leader != "" && s.last != nil && s.leaders[c.Term] != c.Leader {
		say("%s leads in term %d, in which %s was elected", c.Leader, c.Term, orNobody(s.leaders[c.Term]))
	}
	from := call.Time - int64(s.h.recoverWithin())
	if from < 0 || s.last == nil || s.last.Time > from || !s.h.controllersQuiet(from, answer.Time) {
		return
	}
	if c.Leader != s.last.Node {
		say("%s leads, which was %s", orNobody(c.Leader), s.last.Node)
	}
	for _, n := range c.Nodes {
		s.judgeNode(n, from, say)
	}
}

func (s *statusCheck) judgeNode(n nodeStatus, from int64, say func(string, ...any)) {
	turn, known := s.up[n.Name]
	since := words.Instant(time.Duration(turn.at))
	switch {
	case !known || turn.at > from:
		return
	case turn.up && n.State != nodeReady:
		say("%s is in the state %q, which has been up since %s", n.Name, n.State, since)
	case !turn.up && n.State != nodeSilent:
		say("%s is in the state %q, which has been down since %s", n.Name, n.State, since)
	}
	if least := s.appliedBy(n.Name, from); turn.up && n.Applied < least {
		say("%s has applied %d, which had applied %d %s before", n.Name, n.Applied, least, words.Duration(s.h.recoverWithin()))
	}
}

// appliedBy is how far a controller had come by then.
func (s *statusCheck) appliedBy(name string, t int64) uint64 {
	for _, e := range slices.Backward(s.applied[name]) {
		if e.Time <= t {
			return e.Index
		}
	}
	return 0
}

// follows is the state of the cluster by those of its nodes.
func (c *clusterStatus) follows() string {
	voters, ready, leads := 0, 0, false
	for _, n := range c.Nodes {
		if n.Name == c.Leader {
			leads = n.State != nodeSilent
		}
		if n.Role == "CLUSTER_LEARNER" {
			continue
		}
		voters++
		if n.State == nodeReady {
			ready++
		}
	}
	switch {
	case !leads || ready <= voters/2:
		return "CLUSTER_DOWN"
	case voters == 1:
		return "CLUSTER_UP_NO_HA"
	case ready < voters || voters < 3:
		return "CLUSTER_UP_HA_COMPROMISED"
	}
	return "CLUSTER_UP_HA_ACTIVE"
}

func orNobody(name string) string {
	if name == "" {
		return "nobody"
	}
	return name
}

// controllersQuiet tells whether no fault was in effect on controllers from then until t, but that some had stopped before.
func (h *evidence) controllersQuiet(from, t int64) bool {
	return h.settled(from, t, isController, (*fault).stops)
}
