// Package model is the platform under test, which is also the platform that runs: controllers and service
// engines written as state machines that meet the world only through [Env].
//
// Nothing below this folder reads a clock, starts a goroutine, opens a socket or a file, or draws from
// process-wide randomness; a test at the root of the repository enforces it. That is what lets one loop
// simulate a whole cluster, and one goroutine run the same code in a container.
package model

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Node is a state machine driven by a world. The world calls one method at a time and never re-enters; a
// method returns without blocking, and the effects it asked of [Env] take place in the order asked.
type Node interface {
	// Start is called once per incarnation, before anything else. What an earlier incarnation left on
	// [Env.Disk] is all that survives.
	Start(env Env)
	// Receive delivers a message sent by another node's [Env.Send]. Messages may be lost, delayed,
	// duplicated and reordered. The node owns msg.
	Receive(from netip.Addr, msg []byte)
	// Timer fires a timer set by [Env.SetTimer]. It may be late, never early.
	Timer(id TimerID)
	// Checked answers [Env.Check]: ok when the target answered in time.
	Checked(id CheckID, ok bool)
}

// TimerID names a timer within its node.
type TimerID uint64

// CheckID names a reachability check within its node.
type CheckID uint64

// Env is everything a node can ask of its world.
type Env interface {
	// Now is the node's monotonic clock since an arbitrary moment. Clocks of two nodes share no origin and
	// may drift apart.
	Now() time.Duration
	// Wall is the node's idea of the date, which may be off and may jump. For people only: no decision
	// may rest on it.
	Wall() time.Time

	// SetTimer asks for [Node.Timer] once, after the given time; it replaces a pending timer of the same id.
	SetTimer(id TimerID, after time.Duration)
	// StopTimer forgets a pending timer.
	StopTimer(id TimerID)

	// Send carries msg to the node that holds the address, at most once, or not at all. The world owns msg
	// from here on.
	Send(to netip.Addr, msg []byte)
	// Check asks whether a foreign host answers, as a health monitor or a ping does.
	Check(id CheckID, check Check)

	// AddAddress makes this node answer for the address on the network whose subnet holds it; adding an
	// address twice is no error.
	AddAddress(ip netip.Addr)
	// RemoveAddress gives the address up.
	RemoveAddress(ip netip.Addr)
	// Announce broadcasts a gratuitous ARP for an address held (RFC 5227, section 3).
	Announce(ip netip.Addr)
	// Publish replaces the forwarding table that the data path consults.
	Publish(table *Table)
	// Traffic tells what the data path of this node has carried, service by service, always in the same order.
	Traffic(yield func(*TrafficSample))

	// Restart ends the process, which hears nothing more, and asks its supervisor to start it again with the build of
	// that version, or with "" that of the present one. If that does not come up, the supervisor starts the build that ran
	// before.
	Restart(version string)

	// Disk is the node's disk.
	Disk() Disk
	// Rand is the node's own stream of randomness.
	Rand() *rand.Rand
	// Emit records what the node did, for the history and its judges.
	Emit(event Event)
}

// CheckKind is how a [Check] asks.
type CheckKind uint8

// The kinds of check.
const (
	CheckTCP  CheckKind = iota // a TCP handshake
	CheckHTTP                  // a GET that must be answered with a status below 400
	CheckPing                  // an ICMP echo (RFC 792)
)

// Check is one question to a foreign host.
type Check struct {
	Kind    CheckKind
	Target  netip.AddrPort // the port is unused by CheckPing
	Path    string         // of CheckHTTP
	Timeout time.Duration  // without an answer by then, the check failed
}

// Errors of a [Disk]; test with errors.Is.
var (
	ErrNotExist = errors.New("file does not exist")
	ErrDiskFull = errors.New("no space left on device")
	ErrDiskIO   = errors.New("input/output error")
)

// Passing tells whether an error of a disk may be over when the process starts anew.
func Passing(err error) bool { return errors.Is(err, ErrDiskFull) || errors.Is(err, ErrDiskIO) }

// Disk is a flat directory of files with the durability of a POSIX file system: what was not synced may be
// lost, in part or whole, when the power goes; a process crash alone loses nothing. Names are plain file names;
// "", ".", ".." and what holds a slash are refused. Package disktest states these promises as tests.
type Disk interface {
	// Append adds data to the end of a file, creating it if needed.
	Append(name string, data []byte) error
	// Read returns the whole file, or ErrNotExist.
	Read(name string) ([]byte, error)
	// Truncate cuts a file to size bytes, or returns ErrNotExist; a file that is no longer stays as it is.
	Truncate(name string, size int64) error
	// Rename replaces newName by the file called name, atomically for readers, or returns ErrNotExist.
	Rename(name, newName string) error
	// Remove deletes a file; removing what is not there is no error.
	Remove(name string) error
	// List returns the names of all files, sorted.
	List() ([]string, error)
	// Sync makes the file's content durable, or returns ErrNotExist. Its name is durable only after SyncDir.
	Sync(name string) error
	// SyncDir makes creations, renames and removals durable.
	SyncDir() error
}
