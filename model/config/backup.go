package config

import (
	"cmp"
	"fmt"
	"time"
)

// Passphrases of backups are from ShortestPassphrase to LongestPassphrase bytes long. The least is NIST SP 800-63B's
// for secrets that people choose.
const (
	ShortestPassphrase = 8
	LongestPassphrase  = 1024
)

// CheckPassphrase says what is wrong with a passphrase, without showing it, or returns nil.
func CheckPassphrase(p string) error {
	switch {
	case len(p) < ShortestPassphrase:
		return fmt.Errorf("the passphrase is too short; use %d characters or more", ShortestPassphrase)
	case p == Redacted:
		return fmt.Errorf("%s stands for a passphrase and is none", Redacted)
	}
	if problem := textProblem(p, LongestPassphrase); problem != "" {
		return fmt.Errorf("the passphrase %s", problem)
	}
	return nil
}

// Kind implements [Object].
func (*BackupConfiguration) Kind() Kind { return KindBackupConfiguration }

// ObjectName implements [Object].
func (b *BackupConfiguration) ObjectName() string { return b.Name }

// References implements [Object].
func (*BackupConfiguration) References() []Key { return nil }

// WithDefaults returns the configuration with every unset field at its default: one backup a day, of which the last
// four are kept ("Configuration Backup and Restore").
func (b BackupConfiguration) WithDefaults() BackupConfiguration {
	b.MaximumBackupsStored = cmp.Or(b.MaximumBackupsStored, 4)
	b.Interval = cmp.Or(b.Interval, Duration(24*time.Hour))
	return b
}

// Validate implements [Object]. A schedule that is enabled must have a place for its backups, and a passphrase.
func (b *BackupConfiguration) Validate() error {
	v := &validator{object: b}
	v.name("name", b.Name)
	v.secret("backup_passphrase", b.BackupPassphrase)
	if err := CheckPassphrase(b.BackupPassphrase); err != nil && (b.Enabled || b.BackupPassphrase != "") {
		v.check(false, "backup_passphrase", "%v", err)
	}
	d := b.WithDefaults()
	v.between("maximum_backups_stored", d.MaximumBackupsStored, 1, 100)
	v.check(d.Interval >= seconds(1), "interval", "%v is too short; use %v or more", d.Interval, seconds(1))
	v.check(b.SaveLocal || !b.Enabled, "save_local", "the schedule is enabled, but its backups have no place; set it")
	return v.result()
}
