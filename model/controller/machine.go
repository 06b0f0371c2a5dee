package controller

import (
	"encoding/binary"
	"errors"
	"fmt"

	"firedrill/model/config"
	"firedrill/model/consensus"
	"firedrill/model/release"
	"firedrill/model/wire"
)

// machine is what the log drives: the configuration, and beside it the event log.
type machine struct {
	*config.State
	events eventLog
	reads  release.Format // the newest format that this build knows

	upgrade   *config.Upgrade // the one that is under way, or the last; nil: there was none
	upgradeAt uint64          // and its version
}

func newMachine(reads release.Format) *machine {
	return &machine{State: config.NewState(), reads: reads}
}

// Apply implements [consensus.StateMachine].
func (m *machine) Apply(index uint64, command []byte) []byte {
	var cmd wire.Command
	if err := cmd.UnmarshalVT(command); err != nil {
		return encodeResult(wire.Status_INVALID, 0, "damaged command")
	}
	if refusal := m.readOnly(&cmd); refusal != "" {
		return encodeResult(wire.Status_READ_ONLY, 0, refusal)
	}
	result := m.change(index, &cmd)
	if config.Kind(cmd.Kind) == config.KindUpgrade || cmd.Operation == wire.Operation_RESTORE {
		m.noteUpgrade()
	}
	return result
}

// noteUpgrade keeps the upgrade at hand, which is asked for often.
func (m *machine) noteUpgrade() {
	m.upgrade, m.upgradeAt = nil, 0
	if e, ok := m.Get(upgradeKey); ok {
		m.upgrade, m.upgradeAt = e.Object.(*config.Upgrade), e.Version
	}
}

// readOnly says why a command is refused while the platform is upgraded: what clients want of the configuration waits
// ("Upgrading Avi Vantage Software"), what controllers write of the state of things does not.
func (m *machine) readOnly(cmd *wire.Command) string {
	switch cmd.Operation {
	case wire.Operation_CREATE, wire.Operation_UPDATE, wire.Operation_DELETE:
		if kind := config.Kind(cmd.Kind); kind.Fact() && kind != config.KindCluster {
			return ""
		}
	case wire.Operation_RESTORE:
	default:
		return ""
	}
	if !m.upgrade.Active() {
		return ""
	}
	return readOnlyBecause(m.upgrade)
}

func (m *machine) change(index uint64, cmd *wire.Command) []byte {
	change := config.Change{
		Key:    config.Key{Kind: config.Kind(cmd.Kind), Name: cmd.Name},
		Expect: cmd.Expect,
		Body:   cmd.Body,
	}
	switch cmd.Operation {
	case wire.Operation_OPEN:
		return encodeResult(wire.Status_OK, 0, "")
	case wire.Operation_EVENT:
		if err := m.events.add(index, cmd.Body, cmd.Build); err != nil {
			return encodeResult(wire.Status_INVALID, 0, err.Error())
		}
		return encodeResult(wire.Status_OK, index, "")
	case wire.Operation_RESTORE:
		return m.restore(index, cmd)
	case wire.Operation_CREATE:
		change.Op = config.OpCreate
	case wire.Operation_UPDATE:
		change.Op = config.OpUpdate
	case wire.Operation_DELETE:
		change.Op = config.OpDelete
	default:
		return encodeResult(wire.Status_INVALID, 0, fmt.Sprintf("operation: %s changes nothing", cmd.Operation))
	}
	return m.done(index, m.State.Apply(index, change), cmd)
}

// done notes a change that was made, if it is to be noted, and makes its result.
func (m *machine) done(index uint64, out config.Outcome, cmd *wire.Command) []byte {
	if out.Code == config.CodeOK && len(cmd.Event) > 0 {
		_ = m.events.add(index, cmd.Event, cmd.Build) // its own leader wrote it: it can be read
	}
	return encodeResult(statusOf(out.Code), out.Version, out.Error)
}

// restore replaces the configuration by that of a backup.
func (m *machine) restore(index uint64, cmd *wire.Command) []byte {
	items, err := config.DecodeItems(cmd.Body)
	if err != nil {
		return encodeResult(wire.Status_INVALID, 0, err.Error())
	}
	return m.done(index, m.State.Replace(index, items), cmd)
}

// Hash implements [consensus.StateMachine].
func (m *machine) Hash() uint64 { return m.State.Hash() ^ m.events.hash }

// Snapshot implements [consensus.StateMachine]: the format, the length of the configuration, it, then the events. The
// format is the oldest that has all that is in it, so that an older build can read what it understands.
func (m *machine) Snapshot() []byte {
	format := release.FormatFirst
	if m.events.named {
		format = release.FormatBuilds
	}
	configuration := m.State.Snapshot()
	b := binary.AppendUvarint([]byte{byte(format)}, uint64(len(configuration)))
	return append(append(b, configuration...), m.events.snapshot()...)
}

// Restore implements [consensus.StateMachine].
func (m *machine) Restore(data []byte) error {
	if len(data) == 0 || data[0] == 0 {
		return errors.New("snapshot of a controller: damaged")
	}
	if data[0] > byte(m.reads) {
		return fmt.Errorf("snapshot of a controller: of format %d, this build reads %d: %w", data[0], m.reads, consensus.ErrNewer)
	}
	length, n := binary.Uvarint(data[1:])
	rest := data[1+max(0, n):]
	if n <= 0 || length > uint64(len(rest)) {
		return errors.New("snapshot of a controller: damaged")
	}
	events, err := restoreEvents(rest[length:])
	if err != nil {
		return err
	}
	if err := m.State.Restore(rest[:length]); err != nil {
		return err
	}
	m.events = events
	m.noteUpgrade()
	return nil
}

func statusOf(c config.Code) wire.Status {
	switch c {
	case config.CodeOK:
		return wire.Status_OK
	case config.CodeNotFound:
		return wire.Status_NOT_FOUND
	case config.CodeAlreadyExists:
		return wire.Status_ALREADY_EXISTS
	case config.CodeVersionMismatch:
		return wire.Status_VERSION_MISMATCH
	case config.CodeInUse:
		return wire.Status_IN_USE
	default:
		return wire.Status_INVALID
	}
}

func encodeCommand(r *wire.Request) []byte { return encodeNoted(r, nil) }

// encodeNoted makes a command that is noted in the event log when it succeeds: by the same entry of the log, so that
// neither is without the other.
func encodeNoted(r *wire.Request, event []byte) []byte {
	return marshal(&wire.Command{
		Version: uint32(release.FormatFirst), Operation: r.Operation, Kind: r.Kind, Name: r.Name, Expect: r.Version, Body: r.Body, Event: event,
	})
}

func encodeResult(s wire.Status, version uint64, problem string) []byte {
	return marshal(&wire.Response{Status: s, Version: version, Error: problem})
}

// decodeResult fills the answer with what Apply returned.
func decodeResult(result []byte, into *wire.Response) {
	var r wire.Response
	if err := r.UnmarshalVT(result); err != nil {
		into.Status, into.Error = wire.Status_INVALID, "damaged result"
		return
	}
	into.Status, into.Version, into.Error = r.Status, r.Version, r.Error
}

func marshal(m interface{ MarshalVT() ([]byte, error) }) []byte {
	b, err := m.MarshalVT()
	if err != nil {
		panic(fmt.Sprintf("controller: a message of our own cannot be marshalled: %v", err))
	}
	return b
}
