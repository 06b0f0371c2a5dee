package controller

import (
	"encoding/binary"
	"errors"
	"fmt"

	"firedrill/model/config"
	"firedrill/model/wire"
)

// machine is what the log drives: the configuration, and beside it the event log.
type machine struct {
	*config.State
	events eventLog
}

func newMachine() *machine { return &machine{State: config.NewState()} }

// Apply implements [consensus.StateMachine].
func (m *machine) Apply(index uint64, command []byte) []byte {
	var cmd wire.Command
	if err := cmd.UnmarshalVT(command); err != nil {
		return encodeResult(wire.Status_INVALID, 0, "damaged command")
	}
	change := config.Change{
		Key:    config.Key{Kind: config.Kind(cmd.Kind), Name: cmd.Name},
		Expect: cmd.Expect,
		Body:   cmd.Body,
	}
	switch cmd.Operation {
	case wire.Operation_OPEN:
		return encodeResult(wire.Status_OK, 0, "")
	case wire.Operation_EVENT:
		if err := m.events.add(index, cmd.Body); err != nil {
			return encodeResult(wire.Status_INVALID, 0, err.Error())
		}
		return encodeResult(wire.Status_OK, index, "")
	case wire.Operation_RESTORE:
		return m.restore(index, &cmd)
	case wire.Operation_CREATE:
		change.Op = config.OpCreate
	case wire.Operation_UPDATE:
		change.Op = config.OpUpdate
	case wire.Operation_DELETE:
		change.Op = config.OpDelete
	default:
		return encodeResult(wire.Status_INVALID, 0, fmt.Sprintf("operation: %s changes nothing", cmd.Operation))
	}
	return m.done(index, m.State.Apply(index, change), cmd.Event)
}

// done notes a change that was made, if it is to be noted, and makes its result.
func (m *machine) done(index uint64, out config.Outcome, event []byte) []byte {
	if out.Code == config.CodeOK && len(event) > 0 {
		_ = m.events.add(index, event) // its own leader wrote it: it can be read
	}
	return encodeResult(statusOf(out.Code), out.Version, out.Error)
}

// restore replaces the configuration by that of a backup.
func (m *machine) restore(index uint64, cmd *wire.Command) []byte {
	items, err := config.DecodeItems(cmd.Body)
	if err != nil {
		return encodeResult(wire.Status_INVALID, 0, err.Error())
	}
	return m.done(index, m.State.Replace(index, items), cmd.Event)
}

// Hash implements [consensus.StateMachine].
func (m *machine) Hash() uint64 { return m.State.Hash() ^ m.events.hash }

// machineVersion is the version of the snapshot's layout: the length of the configuration, it, then the events.
const machineVersion = 1

// Snapshot implements [consensus.StateMachine].
func (m *machine) Snapshot() []byte {
	configuration := m.State.Snapshot()
	b := binary.AppendUvarint([]byte{machineVersion}, uint64(len(configuration)))
	return append(append(b, configuration...), m.events.snapshot()...)
}

// Restore implements [consensus.StateMachine].
func (m *machine) Restore(data []byte) error {
	if len(data) == 0 || data[0] != machineVersion {
		return errors.New("snapshot of a controller: of a version that this build does not know")
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
		Version: wire.Version, Operation: r.Operation, Kind: r.Kind, Name: r.Name, Expect: r.Version, Body: r.Body, Event: event,
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
