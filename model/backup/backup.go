// Package backup writes the configuration to a file that people and tools can read, and reads it back: JSON, with
// every secret encrypted by a passphrase ("Configuration Backup and Restore"). It keeps such files on a node's disk.
package backup

import (
	"errors"
	"time"

	"firedrill/model/config"
)

// What a backup says of itself.
const (
	Format  = "firedrill.backup"
	Version = 1 // of the format; it grows when an older build could misread a file
)

// Errors of this package; test with errors.Is.
var (
	// ErrPassphrase says that the passphrase is not the one that the backup was made with.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrWeakPassphrase says that no backup may be made with the passphrase; see [config.CheckPassphrase].
	ErrWeakPassphrase = errors.New("passphrase refused")
	// ErrVersion says that the backup is in a newer format than this build reads.
	ErrVersion = errors.New("the backup is of a newer version")
	// ErrDamaged says that the file is no backup, or is not as it was written.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrInvalid says that the backup is whole, but this build does not take its objects. The error is also a
	// [config.FieldError], unless the object cannot be read at all.
	ErrInvalid = errors.New("the backup holds an object that is refused")
)

// Header is what can be known of a backup without its passphrase.
type Header struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Build   string    `json:"build"`   // of the platform that wrote it
	Created time.Time `json:"created"` // by the writer's wall clock, for people
	Index   uint64    `json:"index"`   // log index of the last change in it
	// Checksum is "sha256:" and the hexadecimal SHA-256 of the document without white space and with an empty checksum.
	Checksum string `json:"checksum"`
}

// Backup is a backup that has been opened: decrypted, and valid as a whole.
type Backup struct {
	Header Header
	// Items are the objects by kind and name, secrets in clear, for [config.State.Replace].
	Items []config.Item
}

// Work factors are binary logarithms of scrypt's N. One more doubles the time and the memory: 16 takes 0.15 s and 64 MiB
// on a server of 2024, for whoever guesses as for who knows.
const (
	// DefaultWorkFactor is for production. Age's own default is 18; but a controller does nothing else meanwhile, and a
	// leader that is silent for half a second is deposed with profile fast.
	DefaultWorkFactor = 16
	// MaxWorkFactor is the most that [Open] accepts, so that no file can stop a controller for long.
	MaxWorkFactor = 18
	// TestWorkFactor protects nothing and costs next to nothing, for simulations.
	TestWorkFactor = 1
)

// Options are what the configuration does not know about its backup.
type Options struct {
	Build   string    // of this platform
	Created time.Time // wall clock
	// WorkFactor is from 1 to [MaxWorkFactor]; 0 takes [DefaultWorkFactor].
	WorkFactor int
}
