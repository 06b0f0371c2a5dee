package controller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"firedrill/model/config"
	"firedrill/model/placement"
	"firedrill/model/wire"
)

// scaleOrder is the body of a scale-out, a scale-in or a migration, with the vendor's names ("Virtual Service Scaling").
type scaleOrder struct {
	To   string `json:"to_se_ref,omitempty"`   // the engine that gets the service; empty: the leader chooses
	From string `json:"from_se_ref,omitempty"` // the engine that loses it; empty: the leader chooses, or the primary's
}

// scaling is a service that is about to be scaled or moved.
type scaling struct {
	fleet     *fleet
	group     config.ServiceEngineGroup
	placement *config.Placement
	version   uint64
	services  []int // in the placement: all of one address move as one
	order     scaleOrder
}

// scaleOut puts a service on one engine more.
func (a *call) scaleOut() {
	a.rescale(EventVSScaleOut, func(s *scaling) (string, error) {
		if s.order.From != "" {
			return "", errors.New("from_se_ref: a scale-out takes no engine away; leave it unset")
		}
		p := s.placed()
		want := s.want()
		if want >= s.group.MaxScaleoutPerVS {
			return "", fmt.Errorf("%s is to run on %d engines; max_scaleout_per_vs of %s allows no more", p.Service, want, s.group.Name)
		}
		if s.order.To != "" {
			if err := s.takes(s.order.To); err != nil {
				return "", err
			}
			s.move(append(slices.Clone(p.Goal()), s.order.To))
		}
		s.scale(want + 1)
		return fmt.Sprintf("to %d engines", want+1), nil
	})
}

// scaleIn takes it from one.
func (a *call) scaleIn() {
	a.rescale(EventVSScaleIn, func(s *scaling) (string, error) {
		if s.order.To != "" {
			return "", errors.New("to_se_ref: a scale-in adds no engine; leave it unset")
		}
		p := s.placed()
		want := s.want()
		if want <= s.group.MinScaleoutPerVS {
			return "", fmt.Errorf("%s is to run on %d engines; min_scaleout_per_vs of %s allows no fewer", p.Service, want, s.group.Name)
		}
		if s.order.From != "" {
			if err := s.has(s.order.From); err != nil {
				return "", err
			}
			s.move(slices.DeleteFunc(slices.Clone(p.Goal()), func(e string) bool { return e == s.order.From }))
		}
		s.scale(want - 1)
		return fmt.Sprintf("to %d engines", want-1), nil
	})
}

// migrate moves it from one engine to another, which takes its place.
func (a *call) migrate() {
	a.rescale(EventVSMigrate, func(s *scaling) (string, error) {
		if s.order.To == "" {
			return "", errors.New("to_se_ref: missing; name the engine that is to get the service")
		}
		next := slices.Clone(s.placed().Goal())
		from := orElse(s.order.From, next[0])
		if err := errors.Join(s.has(from), s.takes(s.order.To)); err != nil {
			return "", err
		}
		next[slices.Index(next, from)] = s.order.To
		s.move(next)
		return fmt.Sprintf("from %s to %s", from, s.order.To), nil
	})
}

// attempts bounds how often an order is tried anew because the leader has changed the placement in between.
const attempts = 5

// rescale carries out an order on the replicated placement. The leader makes the move that follows from it, make before
// break, so that the answer is that it has been accepted.
func (a *call) rescale(event string, change func(*scaling) (detail string, err error)) {
	var order scaleOrder
	d := json.NewDecoder(bytes.NewReader(a.r.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&order); err != nil && err != io.EOF {
		a.fail(400, fmt.Sprintf("the body is no order: %v; it may have to_se_ref and from_se_ref", err))
		return
	}
	a.fresh(func() { a.tryRescale(order, event, change, a.session(), 1) })
}

func (a *call) tryRescale(order scaleOrder, event string, change func(*scaling) (string, error), once session, attempt int) {
	s, status, err := a.c.scalingOf(a.name, order)
	detail := ""
	if err == nil {
		status = 409
		detail, err = change(s)
	}
	if err != nil {
		a.fail(status, err.Error())
		return
	}
	body := config.Encode(s.placement)
	r := &wire.Request{Operation: wire.Operation_UPDATE, Kind: string(config.KindPlacement), Name: s.placement.Name, Version: s.version, Body: body}
	// Each attempt is a write of its own; a client that asks again with the same key goes through the same ones.
	tried := session{fmt.Sprintf("%s#%d", once.client, attempt), once.sequence}
	a.c.write(tried, encodeNoted(r, a.c.event(event, a.name, detail)), func(response *wire.Response) {
		switch {
		case response.Status == wire.Status_VERSION_MISMATCH && attempt < attempts:
			a.tryRescale(order, event, change, once, attempt+1)
		case !a.refused(response):
			a.answer(202, 0, s.placed())
		}
	})
}

// scalingOf finds how a service is placed, or says with which status it cannot be scaled or moved.
func (c *Controller) scalingOf(name string, order scaleOrder) (*scaling, uint32, error) {
	entry, ok := c.machine.Get(config.Key{Kind: config.KindVirtualService, Name: name})
	if !ok {
		return nil, 404, fmt.Errorf("%s does not exist", name)
	}
	vs := entry.Object.(*config.VirtualService)
	group, _ := c.machine.Get(config.Key{Kind: config.KindServiceEngineGroup, Name: vs.SEGroupRef})
	g := group.Object.(*config.ServiceEngineGroup).WithDefaults()
	if !g.HAMode.Elastic() {
		return nil, 409, fmt.Errorf("%s is in a group of %s, which neither scales nor migrates services", name, g.HAMode)
	}
	placed, _ := c.machine.Get(config.Key{Kind: config.KindPlacement, Name: g.Name})
	s := &scaling{fleet: &c.fleet, group: g, version: placed.Version, order: order}
	if placed.Object != nil {
		s.placement = placed.Object.(*config.Placement).Clone()
		for i := range s.placement.Services {
			other, ok := c.machine.Get(config.Key{Kind: config.KindVirtualService, Name: s.placement.Services[i].Service})
			if s.placement.Services[i].Service == name {
				s.services = slices.Insert(s.services, 0, i)
			} else if ok && other.Object.(*config.VirtualService).VIP == vs.VIP {
				s.services = append(s.services, i)
			}
		}
	}
	if len(s.services) == 0 || s.placement.Services[s.services[0]].Service != name || len(s.placed().Goal()) == 0 {
		return nil, 409, fmt.Errorf("%s is not placed on any engine yet", name)
	}
	return s, 0, nil
}

// placed is the service that was named.
func (s *scaling) placed() *config.PlacedService { return &s.placement.Services[s.services[0]] }

// want is on how many engines it is to run at present.
func (s *scaling) want() int {
	return min(max(s.placed().Scale, s.group.MinScaleoutPerVS), s.group.MaxScaleoutPerVS)
}

func (s *scaling) scale(to int) {
	for _, i := range s.services {
		s.placement.Services[i].Scale = to
	}
}

// move sets where it is to run; the leader goes there step by step.
func (s *scaling) move(next []string) {
	for _, i := range s.services {
		p := &s.placement.Services[i]
		p.Next = next
		if slices.Equal(next, p.Engines) {
			p.Next = nil
		}
	}
}

// has tells whether the service is on an engine.
func (s *scaling) has(engine string) error {
	if !slices.Contains(s.placed().Goal(), engine) {
		return fmt.Errorf("from_se_ref: %s is not on %s", s.placed().Service, engine)
	}
	return nil
}

// takes tells whether an engine can get the service.
func (s *scaling) takes(engine string) error {
	entry, ok := s.fleet.controller.machine.Get(config.Key{Kind: config.KindServiceEngine, Name: engine})
	if !ok {
		return fmt.Errorf("to_se_ref: there is no engine %s", engine)
	}
	e := entry.Object.(*config.ServiceEngine)
	load := 0
	var addresses []string
	for _, p := range s.placement.Services {
		if vs, ok := s.fleet.controller.machine.Get(config.Key{Kind: config.KindVirtualService, Name: p.Service}); ok && slices.Contains(p.Goal(), engine) {
			addresses = append(addresses, vs.Object.(*config.VirtualService).VIP.String())
		}
	}
	slices.Sort(addresses)
	load = len(slices.Compact(addresses))
	switch {
	case e.GroupRef != s.group.Name:
		return fmt.Errorf("to_se_ref: %s belongs to the group %s, and the service to %s", engine, e.GroupRef, s.group.Name)
	case slices.Contains(s.placed().Goal(), engine):
		return fmt.Errorf("to_se_ref: %s is on %s already", s.placed().Service, engine)
	case s.fleet.state(engine) != placement.EngineUp:
		return fmt.Errorf("to_se_ref: %s is not up", engine)
	case load >= s.group.MaxVSPerSE:
		return fmt.Errorf("to_se_ref: %s has %d services; max_vs_per_se of %s allows no more", engine, load, s.group.Name)
	}
	return nil
}
