package node

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
)

// Message is what a container is told by its standard input while it runs, as JSON, a line each. Each field that is set is
// done. A container that is started again is told again.
type Message struct {
	Spec     *Spec        `json:"spec,omitempty"`     // who this is: the first message
	Epoch    int64        `json:"epoch,omitempty"`    // once all containers of the run are up: when the run's time is zero, see [EpochFile]
	Members  []netip.Addr `json:"members,omitempty"`  // of the cluster, as clients and engines that start know them from now on
	Carried  *string      `json:"carried,omitempty"`  // tell what has been carried for a service; "": for all
	Hardware *Hardware    `json:"hardware,omitempty"` // of the hosts and machines of a cloud, whose management this is
}

// Told reads from in who this container is and leaves it in a file.
func Told(in *bufio.Reader, specPath string) error {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("being told who this is: %w", err)
	}
	var m Message
	if err := json.Unmarshal(line, &m); err != nil {
		return fmt.Errorf("being told who this is: %w", err)
	}
	if m.Spec == nil {
		return errors.New("the first that this container is told must be who it is (spec)")
	}
	return m.Spec.write(specPath)
}

// listen does what the container is told, until nobody can tell it anything any more.
func (c *container) listen(in *bufio.Reader) {
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m Message
		if err := json.Unmarshal(line, &m); err != nil {
			// Who began in the place of another process (see [container.restart]) finds what that one left of a line.
			c.log.Warn("this cannot be understood", "told", string(line), "error", err)
			continue
		}
		if err := c.heed(&m); err != nil {
			c.log.Error("this cannot be done", "told", string(line), "error", err)
		}
	}
}

func (c *container) heed(m *Message) error {
	var err error
	if m.Epoch != 0 {
		err = writeWhole(c.file(EpochFile), []byte(strconv.FormatInt(m.Epoch, 10)))
	}
	if m.Members != nil {
		err = errors.Join(err, c.setMembers(m.Members))
	}
	if path := c.path.Load(); m.Carried != nil && path != nil {
		path.traffic.tell(*m.Carried, c.emit)
	}
	if m.Hardware != nil {
		c.hypervisor.shown(m.Hardware)
	}
	return err
}

// file is where a file of a container lies in this one.
func (c *container) file(path string) string { return filepath.Join(c.dir, filepath.Base(path)) }

// writeWhole writes a file, which appears when it is whole.
func writeWhole(path string, data []byte) error {
	part := path + ".part"
	if err := os.WriteFile(part, data, 0o600); err != nil {
		return err
	}
	return os.Rename(part, path)
}
