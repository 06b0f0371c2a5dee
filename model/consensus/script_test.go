package consensus

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestScripts plays the files in testdata/scripts. The commands:
//
//	start [snapshot-every=N] [size=N] replicas on empty disks, by default three
//	boot                              one more, which waits to be contacted
//	change ID [add=(ID..)] [promote=(ID..)] [remove=(ID..)] [update=(ID..)]
//	                                  update: to where they have moved
//	members ID, caught-up ID OF, transfer FROM TO, lease ID
//	move ID ADDRESS                   the last part of it
//	wipe ID, standalone ID NEW        of replicas that are down; NEW goes on with the disk
//	campaign ID
//	propose ID client=C seq=N NAME=VALUE
//	read ID
//	tick ID [N]                       lets time pass for one replica
//	deliver                           until nothing is on its way
//	lose                              what is on its way
//	cut FROM TO, heal
//	crash ID kill|power               power: what was not synced is lost
//	restart ID
//	status, disk ID
//
// What comes of a command is printed as it happens, replica by replica. Run with -rewrite to accept changes.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		p := &player{cluster: newCluster(t, 1000)}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			p.testing = t
			answer := p.play(t, d)
			out := p.trace.String() + answer
			p.trace.Reset()
			if out == "" {
				return "ok\n"
			}
			return out
		})
	})
}

// player carries out commands, and returns what a command answers beside what it causes.
type player struct{ *cluster }

func (p *player) play(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "start":
		every, size := uint64(1000), clusterSize
		d.MaybeScanArgs(t, "snapshot-every", &every)
		d.MaybeScanArgs(t, "size", &size)
		p.cluster = newClusterOf(t, size, every)
	case "boot":
		return fmt.Sprintf("it is %d\n", p.boot(nil).id)
	case "deliver":
		return fmt.Sprintf("%d messages\n", p.deliver())
	case "lose":
		p.queue = nil
	case "cut":
		p.cut[link{argument(t, d, 0), argument(t, d, 1)}] = true
	case "heal":
		clear(p.cut)
	case "status":
		return p.status()
	default:
		return p.playOn(t, d, argument(t, d, 0))
	}
	return ""
}

// playOn carries out what is done to one replica.
func (p *player) playOn(t *testing.T, d *datadriven.TestData, id uint64) string {
	switch d.Cmd {
	case "campaign":
		p.node(id).replica.Campaign()
		p.ready(p.node(id))
	case "propose":
		return p.playPropose(t, d, id)
	case "read":
		request, err := p.read(id)
		if err != nil {
			return fmt.Sprintf("read %d: %v\n", request, err)
		}
	case "tick":
		n := uint64(1)
		if len(d.CmdArgs) > 1 {
			n = argument(t, d, 1)
		}
		for range n {
			p.tick(id)
		}
	case "crash":
		if disk := p.crash(id); d.CmdArgs[1].Key == "power" {
			disk.Power()
		}
	case "restart":
		p.restart(id)
	case "disk":
		names, _ := p.node(id).disk.List()
		return strings.Join(names, "\n") + "\n"
	default:
		return p.playMembers(t, d, id)
	}
	return ""
}

// playMembers carries out what has to do with who belongs to the cluster.
func (p *player) playMembers(t *testing.T, d *datadriven.TestData, id uint64) string {
	m := p.node(id)
	switch d.Cmd {
	case "change":
		if err := p.change(id, p.changeOf(t, d)); err != nil {
			return fmt.Sprintf("refused: %v\n", err)
		}
	case "members":
		return describeMembers(m.replica.Members()) + "\n"
	case "caught-up":
		return fmt.Sprintln(m.replica.CaughtUp(argument(t, d, 1)))
	case "transfer":
		err := m.replica.TransferLeadership(argument(t, d, 1))
		p.ready(m)
		if err != nil {
			return fmt.Sprintf("refused: %v\n", err)
		}
	case "lease":
		if until, ok := m.replica.LeaseUntil(); ok && until > m.now {
			return fmt.Sprintf("for %v\n", (until - m.now).Round(time.Millisecond))
		}
		return "none\n"
	case "move":
		m.address = addressOf(argument(t, d, 1))
	case "wipe":
		if err := Wipe(m.disk); err != nil {
			return err.Error() + "\n"
		}
	case "standalone":
		if err := ForceStandalone(m.disk, m.config(), argument(t, d, 1)); err != nil {
			return fmt.Sprintf("refused: %v\n", err)
		}
		p.configs = nil // there are two clusters from now on
		p.node(argument(t, d, 1)).disk = m.disk
		p.node(argument(t, d, 1)).address = m.address
		m.address = addressOf(0)
	default:
		d.Fatalf(t, "there is no command %q", d.Cmd)
	}
	return ""
}

func (p *player) changeOf(t *testing.T, d *datadriven.TestData) (change Change) {
	for _, arg := range d.CmdArgs[1:] {
		for _, v := range arg.Vals {
			id, err := strconv.ParseUint(v, 10, 64)
			if err != nil {
				d.Fatalf(t, "%s: %v", arg.Key, err)
			}
			m := memberOf(id)
			switch arg.Key {
			case "add":
				change.Add = append(change.Add, m)
			case "promote":
				change.Promote = append(change.Promote, id)
			case "remove":
				change.Remove = append(change.Remove, id)
			case "update":
				m.Address = p.node(id).address
				change.Update = append(change.Update, m)
			}
		}
	}
	return change
}

func (p *player) playPropose(t *testing.T, d *datadriven.TestData, id uint64) string {
	var client string
	var sequence uint64
	d.ScanArgs(t, "client", &client)
	d.ScanArgs(t, "seq", &sequence)
	last := d.CmdArgs[len(d.CmdArgs)-1]
	if err := p.propose(id, client, sequence, last.Key+"="+last.Vals[0]); err != nil {
		return fmt.Sprintf("refused: %v\n", err)
	}
	return ""
}

func argument(t *testing.T, d *datadriven.TestData, i int) uint64 {
	n, err := strconv.ParseUint(d.CmdArgs[i].Key, 10, 64)
	if err != nil {
		d.Fatalf(t, "argument %d: %v", i+1, err)
	}
	return n
}
