package cloud

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"firedrill/model"
)

// durable is what survives a crash of the cloud's management.
type durable struct {
	Lives    uint64    `json:"lives"`    // how often it has started
	Machines []Machine `json:"machines"` // those that there should be, by name
	Gone     []string  `json:"gone"`     // names of machines that were deleted, the latest last
	Terms    []term    `json:"terms"`    // by cluster
}

// term is the highest one in which a leader of a cluster has asked.
type term struct {
	Cluster string `json:"cluster"`
	Term    uint64 `json:"term"`
}

const stateFile = "cloud.json"

// goneKept is how many deleted names are remembered: a request to create one that was under way for so long that the
// name is forgotten would make an engine that nobody wants, which the leader then finds and deletes.
const goneKept = 1000

func (c *Cloud) load() error {
	data, err := model.ReadDurable(c.env.Disk(), stateFile)
	if err == nil {
		err = json.Unmarshal(data, &c.state)
	}
	if err != nil && !errors.Is(err, model.ErrNotExist) {
		return err
	}
	c.state.Lives++
	return c.save()
}

func (c *Cloud) save() error {
	data, err := json.Marshal(&c.state)
	if err != nil {
		panic("cloud: its own state cannot be written: " + err.Error())
	}
	return model.WriteDurable(c.env.Disk(), stateFile, data)
}

func (c *Cloud) machine(name string) *Machine { return find(c.state.Machines, name) }

// find looks for a machine in a list that is sorted by name.
func find(list []Machine, name string) *Machine {
	i, found := slices.BinarySearchFunc(list, name, byName)
	if !found {
		return nil
	}
	return &list[i]
}

func byName(m Machine, name string) int { return strings.Compare(m.Name, name) }

// add takes up a machine, and tells whether that is safe on the disk.
func (c *Cloud) add(m Machine) error {
	i, _ := slices.BinarySearchFunc(c.state.Machines, m.Name, byName)
	c.state.Machines = slices.Insert(c.state.Machines, i, m)
	return c.save()
}

// remove forgets a machine, but not its name: what is still under way to create it must not bring it back.
func (c *Cloud) remove(name string) error {
	if slices.Contains(c.state.Gone, name) {
		return nil
	}
	c.state.Machines = slices.DeleteFunc(c.state.Machines, func(m Machine) bool { return m.Name == name })
	c.state.Gone = append(c.state.Gone, name)
	c.state.Gone = c.state.Gone[max(0, len(c.state.Gone)-goneKept):]
	return c.save()
}

// follows notes the term of a leader, and tells whether none of a higher one has asked.
func (c *Cloud) follows(cluster string, asked uint64) (bool, error) {
	for i := range c.state.Terms {
		t := &c.state.Terms[i]
		if t.Cluster != cluster {
			continue
		}
		if asked <= t.Term {
			return asked == t.Term, nil
		}
		t.Term = asked
		return true, c.save()
	}
	c.state.Terms = append(c.state.Terms, term{cluster, asked})
	return true, c.save()
}
