package engine

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"

	"firedrill/model"
)

const controllersFile = "engine-controllers.json"

// learnControllers takes up the members of the cluster as the leader tells them, and keeps them: an engine that starts
// without a controller in reach must know where to look for the others.
func (e *Engine) learnControllers(told []string) {
	controllers := make([]netip.Addr, 0, len(told))
	for _, text := range told {
		if a, err := netip.ParseAddr(text); err == nil {
			controllers = append(controllers, a)
		}
	}
	if len(controllers) == 0 || !e.unsaved && slices.Equal(controllers, e.cfg.Controllers) {
		return
	}
	e.cfg.Controllers = controllers
	body, err := json.Marshal(controllers)
	if err == nil {
		err = model.WriteDurable(e.env.Disk(), controllersFile, body)
	}
	e.unsaved = err != nil
	if err != nil {
		e.env.Emit(model.Event{Kind: model.EventDiskError, Detail: err.Error()})
	}
}

// loadControllers remembers the members that the last life learned of.
func (e *Engine) loadControllers() {
	body, err := model.ReadDurable(e.env.Disk(), controllersFile)
	if errors.Is(err, model.ErrNotExist) {
		return
	}
	var controllers []netip.Addr
	if err == nil {
		err = json.Unmarshal(body, &controllers)
	}
	if err != nil {
		e.env.Emit(model.Event{Kind: model.EventDiskError, Detail: err.Error()})
		return
	}
	if len(controllers) > 0 {
		e.cfg.Controllers = controllers
	}
}
