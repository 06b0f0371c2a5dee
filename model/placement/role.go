package placement

// What an engine's state means for placement. An engine that is up on a host that the cloud reports as down is
// suspected: the report may be wrong, and only a confirmed death moves services.

func (e *engine) suspected() bool {
	return e.State == EngineSuspected || e.State == EngineUp && e.host.Down
}

// takes tells whether the engine may be given services now.
func (e *engine) takes() bool {
	return e.State == EngineUp && !e.host.Down && !e.FailedLately && !e.barred
}

// boots tells whether the engine's slots are on their way.
func (e *engine) boots() bool { return e.State == EngineBooting && !e.host.Down && !e.barred }

// doubted tells whether the engine's slots will be usable again unless it proves to be down.
func (e *engine) doubted() bool { return e.suspected() && !e.FailedLately && !e.barred }

// drains tells whether the engine's slots will be usable once it is back.
func (e *engine) drains() bool { return e.State == EngineDraining && !e.barred }

// whyBarred says why an engine may not stay on its host.
func (e *engine) whyBarred() Reason {
	if e.host.Maintenance {
		return Reason{Code: CodeHostMaintained, Engine: e.Name, Host: e.host.Name}
	}
	return Reason{Code: CodeHostBarred, Engine: e.Name, Host: e.host.Name}
}

// counts tells whether the engine is one of the N + M.
func (e *engine) counts() bool { return e.takes() || e.boots() || e.doubted() || e.drains() }

// exists tells whether the engine counts against max_se.
func (e *engine) exists() bool {
	switch e.State {
	case EngineUp, EngineSuspected, EngineDraining, EngineBooting:
		return true
	}
	return false
}
