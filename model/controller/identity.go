package controller

import (
	"encoding/json"
	"errors"
	"fmt"

	"firedrill/model"
	"firedrill/model/consensus"
)

// identity is who this node is, as its disk remembers it. A raft ID is never used by two lives with different logs:
// a node that joins, is recovered by hand, or has lost its disk gets another one. So messages that are meant for what
// it was before cannot be taken for its own.
type identity struct {
	ID uint64 `json:"id"`
	// Joined: the node was taken into a cluster, and learns from its leader who the members are.
	Joined bool `json:"joined,omitempty"`
	// Cluster is the name of a cluster that began with a node at factory default, for the records; "" for one that was
	// installed as a cluster.
	Cluster string `json:"cluster,omitempty"`
	// Forcing is the ID under which a manual recovery is under way; 0: none.
	Forcing uint64 `json:"forcing,omitempty"`
	// Fresh: what the disk holds of a log is that of an earlier identity, and is to be wiped.
	Fresh bool `json:"fresh,omitempty"`
	// Recovered: the cluster was cut down to this node by hand, and its configuration does not say so yet.
	Recovered bool `json:"recovered,omitempty"`
}

// installed tells whether the node is a first member of the cluster that it was installed in. What that was installed
// with counts for no other: a node that was removed has no part in it any more.
func (i identity) installed() bool { return i.Cluster == "" && !i.Joined }

const identityFile = "controller-identity.json"

// loadIdentity reads who this node is; of a new node ok is false.
func loadIdentity(disk model.Disk) (id identity, ok bool, err error) {
	data, err := model.ReadDurable(disk, identityFile)
	if errors.Is(err, model.ErrNotExist) {
		return identity{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &id)
	}
	return id, err == nil, err
}

// save makes the identity durable: after a power loss the disk holds the old or the new one.
func (i identity) save(disk model.Disk) error {
	data, err := json.Marshal(i)
	if err != nil {
		panic("controller: an identity cannot be written: " + err.Error())
	}
	return model.WriteDurable(disk, identityFile, data)
}

// settle ends what a crash may have interrupted: the wiping of an earlier log, or a manual recovery, of which the log
// tells how far it came, because it knows whose it is.
func (i identity) settle(disk model.Disk) (identity, error) {
	if i.Fresh {
		if err := consensus.Wipe(disk); err != nil {
			return i, err
		}
		i.Fresh = false
		return i, i.save(disk)
	}
	if i.Forcing == 0 {
		return i, nil
	}
	owner, err := consensus.DiskID(disk)
	if err != nil {
		return i, err
	}
	if owner == i.Forcing {
		i = identity{ID: owner, Joined: true, Recovered: true, Cluster: i.Cluster}
	}
	i.Forcing = 0
	return i, i.save(disk)
}

// newborn is the identity of a node at its very first start: a member of the cluster that it is installed with, or
// a cluster of its own, at factory default.
func (c *Controller) newborn() identity {
	for i, p := range c.cfg.Bootstrap {
		if p.Name == c.cfg.Name {
			return identity{ID: uint64(i + 1)}
		}
	}
	return c.factoryDefault()
}

// factoryDefault is the identity of a node that is a cluster of its own.
func (c *Controller) factoryDefault() identity {
	id := c.freshID()
	return identity{ID: id, Cluster: fmt.Sprintf("%s/%x", c.cfg.Name, id)}
}

// idBits is how many bits of a raft ID tell nodes of one origin apart; those above grow with the log.
const idBits = 24

// freshID draws a raft ID for a node that starts a cluster of its own. Small ones are for installed clusters.
func (c *Controller) freshID() uint64 { return 1<<(idBits-1) | c.env.Rand().Uint64N(1<<(idBits-1)) }

// firstMembers are the members of the cluster that a newborn starts in.
func (c *Controller) firstMembers(id identity) []consensus.Member {
	if id.Joined {
		return nil
	}
	if !id.installed() {
		return []consensus.Member{{ID: id.ID, Name: c.cfg.Name, Address: c.cfg.Address}}
	}
	var out []consensus.Member
	for i, p := range c.cfg.Bootstrap {
		out = append(out, consensus.Member{ID: uint64(i + 1), Name: p.Name, Address: p.Address})
	}
	return out
}
