package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Command is what a process can be told while it runs, as JSON over its control socket. Each field that is set is done.
type Command struct {
	Strike *Fault `json:"strike,omitempty"`
	Mend   *int   `json:"mend,omitempty"` // the id of a fault
	Rot    bool   `json:"rot,omitempty"`  // flip a bit on the disk
}

// reply is the answer to a command.
type reply struct {
	Error string `json:"error,omitempty"`
}

const controlPatience = 5 * time.Second

// Tell gives a command to the process that listens on the socket, and waits until it is done.
func Tell(socket string, command Command) error {
	c, err := net.DialTimeout("unix", socket, controlPatience)
	if err != nil {
		return fmt.Errorf("no node runs here: %w", err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(controlPatience))
	if err := json.NewEncoder(c).Encode(command); err != nil {
		return err
	}
	var r reply
	if err := json.NewDecoder(c).Decode(&r); err != nil {
		return err
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	return nil
}

// control takes commands until the context ends.
func control(ctx context.Context, socket string, do func(Command) error) error {
	_ = os.Remove(socket) // that of an earlier life
	l, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		c, err := l.Accept()
		if err != nil {
			return nil // the context has ended, or nobody can give commands any more
		}
		_ = c.SetDeadline(time.Now().Add(controlPatience))
		var command Command
		var r reply
		if err := json.NewDecoder(c).Decode(&command); err != nil {
			r.Error = "not a command: " + err.Error()
		} else if err := do(command); err != nil {
			r.Error = err.Error()
		}
		_ = json.NewEncoder(c).Encode(r)
		_ = c.Close()
	}
}
