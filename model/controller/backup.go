package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"firedrill/model/backup"
	"firedrill/model/config"
	"firedrill/model/wire"
)

// backups is when this leader last saved the configuration to its own disk.
type backups struct {
	last time.Duration
}

// exportConfiguration answers with the whole configuration as a document, its secrets encrypted with the passphrase
// ("Configuration Backup and Restore").
func (a *call) exportConfiguration() {
	var order struct {
		Passphrase string `json:"passphrase"`
	}
	if err := json.Unmarshal(a.r.Body, &order); err != nil {
		a.fail(400, `the body must be {"passphrase": "..."}`)
		return
	}
	if err := config.CheckPassphrase(order.Passphrase); err != nil {
		a.fail(400, "passphrase: "+err.Error())
		return
	}
	a.fresh(func() {
		document, err := a.c.export(order.Passphrase)
		if err != nil {
			a.fail(500, err.Error())
			return
		}
		a.send(200, "application/json", 0, document)
	})
}

func (c *Controller) export(passphrase string) ([]byte, error) {
	return backup.Export(c.machine.State, passphrase, backup.Options{
		Build: c.cfg.Version, Created: c.env.Wall().UTC(), WorkFactor: c.cfg.BackupWorkFactor,
	})
}

// importConfiguration replaces the whole configuration by that of a backup: all of it, or nothing.
func (a *call) importConfiguration() {
	var order struct {
		Passphrase string          `json:"passphrase"`
		Backup     json.RawMessage `json:"backup"`
	}
	if err := json.Unmarshal(a.r.Body, &order); err != nil || len(order.Backup) == 0 {
		a.fail(400, `the body must be {"passphrase": "...", "backup": {...}}`)
		return
	}
	if refusal := a.c.refusal(); refusal != nil {
		a.refused(refusal)
		return
	}
	b, err := backup.Open(order.Backup, order.Passphrase)
	if err != nil {
		a.fail(statusOfBackup(err), err.Error())
		return
	}
	restore := &wire.Request{Operation: wire.Operation_RESTORE, Body: config.EncodeItems(b.Items)}
	event := a.c.event(EventRestore, "configuration", fmt.Sprintf("%d objects as of index %d", len(b.Items), b.Header.Index))
	a.c.write(a.session(), encodeNoted(restore, event), func(r *wire.Response) {
		if a.refused(r) {
			return
		}
		a.answer(200, r.Version, map[string]any{"restored": len(b.Items), "of": b.Header})
	})
}

func statusOfBackup(err error) uint32 {
	if errors.Is(err, backup.ErrPassphrase) || errors.Is(err, backup.ErrWeakPassphrase) {
		return 403
	}
	return 422
}

// listBackups names the scheduled backups on the leader's disk, oldest first.
func (a *call) listBackups() {
	names, err := backup.List(a.c.env.Disk())
	if err != nil {
		a.fail(500, err.Error())
		return
	}
	a.answer(200, 0, map[string]any{"count": len(names), "results": append([]string{}, names...)})
}

func (a *call) getBackup() {
	if _, ok := backup.ParseName(a.name); !ok {
		a.fail(404, a.name+" does not exist")
		return
	}
	data, err := a.c.env.Disk().Read(a.name)
	if err != nil {
		a.fail(404, a.name+" does not exist on this controller")
		return
	}
	a.send(200, "application/json", 0, data)
}

// keepBackups saves the configuration when the schedule says so. A new leader begins the interval anew.
func (c *Controller) keepBackups() {
	list := c.machine.List(config.KindBackupConfiguration)
	if !c.ready || len(list) == 0 {
		c.backups.last = c.env.Now()
		return
	}
	b := list[0].Object.(*config.BackupConfiguration).WithDefaults()
	if !b.Enabled || !backup.Due(b.Interval.Std(), c.backups.last, c.env.Now()) {
		return
	}
	c.backups.last = c.env.Now()
	name := backup.Name(c.machine.Index())
	document, err := c.export(b.BackupPassphrase)
	if err == nil {
		err = backup.Save(c.env.Disk(), name, document)
	}
	if err == nil {
		err = backup.Prune(c.env.Disk(), b.MaximumBackupsStored)
	}
	if err != nil {
		c.log(EventBackupFailed, name, err.Error())
		return
	}
	c.log(EventBackup, name, "")
}
