package engine

import "firedrill/model"

// An engine that has met its peer while both served knows that one of them was cut off, not which. A link that comes and
// goes would move the service to and fro, and half of the time to the engine that nobody reaches. So for a while it is wary:
// when the peer falls silent, it takes over only if a server or a gateway answers, which it asks at once.

// wariness is how many times its patience an engine is wary.
const wariness = 100

// wary tells whether a takeover waits for an answer. Without anything to ask it would wait in vain.
func (p *pair) wary() bool {
	return p.met > 0 && p.engine.env.Now()-p.met < wariness*p.patienceDirect() && len(p.engine.health.targets)+len(p.engine.gateways.list) > 0
}

// ask asks all servers and gateways, and again after a while, until one answers, the peer is heard, or all is forgotten.
func (p *pair) ask(u *unit) {
	if u.asked == 0 {
		u.asked = p.engine.env.Now()
	}
	p.engine.health.ask()
	p.engine.gateways.ask()
	p.engine.env.SetTimer(timerPeer+model.TimerID(u.number), p.patienceDirect())
}

// answered implements [duty]: this engine is not cut off. If it was until now, it listens for the peer anew.
func (p *pair) answered() {
	for _, u := range p.units {
		switch {
		case u.asked == 0 || u.active || !p.listed:
		case p.engine.env.Now()-u.asked <= p.engine.heartbeat()/5: // at once, for a network
			p.takeOver(u, "the peer is silent, and others answer")
		default:
			p.listen(u)
		}
	}
}

// answered implements [duty]; the engines of an elastic group decide together.
func (t *team) answered() {}
