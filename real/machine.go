package real

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"golang.org/x/sys/unix"

	"firedrill/real/node"
	"firedrill/scenarios"
)

// machine is a node of the plan, or a container of clients, as a container.
type machine struct {
	cluster *cluster
	scenarios.Node
	networks  []string     // that it is on
	addresses []netip.Addr // from the start
	spec      node.Spec    // what it is told
	container testcontainers.Container
	shelf     testcontainers.Container // that keeps its disk; nil: its own container does
	voice     atomic.Pointer[voice]    // of its latest incarnation
	cold      atomic.Bool              // it has no power

	mu     sync.Mutex // held while it is being started, killed or frozen
	up     bool
	gone   bool    // for good
	downs  int     // how many faults keep it down
	paused int     // how many faults keep it frozen
	owed   []order // that it was given while it was
}

// newMachine says what a container is told; it makes none yet.
func (c *cluster) newMachine(n scenarios.Node, networks []string, addresses []netip.Addr, spec node.Spec) *machine {
	spec.Name = n.Name
	for _, w := range c.wires(networks) {
		spec.Networks = append(spec.Networks, node.Network{Name: w.name, Handed: w.handed})
	}
	return &machine{cluster: c, Node: n, networks: networks, addresses: addresses, spec: spec}
}

// cpuShares is how much each container counts when the processor is short, of which 1024 is usual: what is rehearsed
// should not fail because others work too.
const cpuShares = 8192

// create makes the container, with its disk empty, and does not start it.
func (m *machine) create(ctx context.Context) error {
	d := m.cluster.docker
	if m.cluster.smallDisks && m.hasDisk() {
		if err := m.shelve(ctx); err != nil {
			return err
		}
	}
	request := testcontainers.ContainerRequest{
		Image:  d.image,
		Name:   m.cluster.nameOf(m.Node),
		Labels: m.cluster.copyLabels(),
		Cmd:    []string{"--told"},
		ConfigModifier: func(c *container.Config) {
			c.Hostname, c.OpenStdin = m.Name, true
		},
		HostConfigModifier: func(h *container.HostConfig) {
			h.LogConfig.Type = "none" // its voice is heard while it speaks
			h.CgroupParent, h.CPUShares = d.parent, cpuShares
			h.CapAdd = []string{"NET_ADMIN", "NET_RAW"}
			first, last := localPorts(m.cluster.nets[0].slot)
			h.Sysctls = map[string]string{
				"net.ipv4.ip_forward":          "0", // the machine's own setting is inherited
				"net.ipv4.ip_local_port_range": fmt.Sprint(first, " ", last),
			}
			if m.Role == scenarios.RoleGateway {
				h.Sysctls["net.ipv4.ip_forward"] = "1"
			}
			if m.shelf != nil {
				h.VolumesFrom = []string{m.shelf.GetContainerID()}
			}
		},
	}
	for _, w := range m.cluster.wires(m.networks) {
		request.Networks = append(request.Networks, w.called)
	}
	made, err := d.provider.CreateContainer(ctx, request)
	if made != nil {
		m.container = made
	}
	if err != nil {
		return fmt.Errorf("making the container of %s: %w", m.Name, err)
	}
	return nil
}

// start boots the machine and hands on what it says from its first word on, a line at a time.
func (m *machine) start(ctx context.Context, line func(*voice, []byte)) error {
	d := m.cluster.docker
	stream, err := d.client.ContainerAttach(ctx, m.id(), client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return fmt.Errorf("listening to the container of %s: %w", m.Name, err)
	}
	if _, err := d.client.ContainerStart(ctx, m.id(), client.ContainerStartOptions{}); err != nil {
		stream.Close()
		return fmt.Errorf("starting the container of %s: %w", m.Name, err)
	}
	m.up, m.owed = true, nil // it is told what is in force
	m.cold.Store(false)
	m.voice.Store(hear(stream.HijackedResponse, line))
	return m.tell(node.Message{Spec: &m.spec})
}

// tell says something to what runs in the container.
func (m *machine) tell(what node.Message) error {
	v := m.voice.Load()
	if v == nil {
		return nil // it will be told when it is started
	}
	if err := v.tell(what); err != nil {
		return fmt.Errorf("telling %s what it is: %w", m.Name, err)
	}
	return nil
}

// parts are the containers that it is made of.
func (m *machine) parts() []string {
	var ids []string
	for _, c := range []testcontainers.Container{m.container, m.shelf} {
		if c != nil {
			ids = append(ids, c.GetContainerID())
		}
	}
	return ids
}

func (m *machine) id() string { return m.container.GetContainerID() }

// speaksBy tells whether the machine is meant to be up, and to have this voice.
func (m *machine) speaksBy(v *voice) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up && m.voice.Load() == v
}

func (m *machine) freeze(ctx context.Context) error {
	_, err := m.cluster.docker.client.ContainerPause(ctx, m.id(), client.ContainerPauseOptions{})
	return err
}

func (m *machine) thaw(ctx context.Context) error {
	_, err := m.cluster.docker.client.ContainerUnpause(ctx, m.id(), client.ContainerUnpauseOptions{})
	return err
}

// replace throws the container away and makes a new one, whose disk is empty.
func (m *machine) replace(ctx context.Context) error {
	if m.gone {
		return nil
	}
	if err := m.cluster.docker.removeContainers(ctx, m.parts()); err != nil {
		return err
	}
	m.spec.Replaced = true
	return m.create(ctx)
}

// gently is how long a process may take to end when it is asked to.
const gently = 3 * time.Second

// retire ends the container for good: it may say a last word, if it can.
func (m *machine) retire(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.up {
		return nil
	}
	if m.paused > 0 {
		if err := m.thaw(ctx); err != nil {
			return err
		}
	}
	m.up = false
	if err := m.signal(ctx, "SIGTERM"); err != nil {
		return err
	}
	if m.voice.Load().falls(gently) {
		return nil
	}
	if err := m.signal(ctx, "SIGKILL"); err != nil {
		return err
	}
	m.voice.Load().falls(gently)
	return nil
}

// kill ends whatever runs in the container at once, and tells when, on [monotonic].
func (m *machine) kill(ctx context.Context) (int64, error) {
	m.up = false
	pid := m.process(ctx)
	at := monotonic()
	if pid == 0 || m.paused > 0 || unix.Kill(pid, unix.SIGKILL) != nil {
		if err := m.signal(ctx, "SIGKILL"); err != nil {
			return 0, err
		}
	}
	wait := m.cluster.docker.client.ContainerWait(ctx, m.id(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-wait.Result:
	case err := <-wait.Error:
		return 0, fmt.Errorf("waiting for the container of %s to end: %w", m.Name, err)
	}
	m.voice.Load().falls(gently)
	return at, nil
}

// process is the number of the process in the container, by which it can be killed to the microsecond, and not some ten
// milliseconds after the engine was asked to; 0 where that number means nothing to this process.
func (m *machine) process(ctx context.Context) int {
	info, err := m.cluster.docker.client.ContainerInspect(ctx, m.id(), client.ContainerInspectOptions{})
	if err != nil || info.Container.State == nil {
		return 0
	}
	pid := info.Container.State.Pid
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil || !strings.Contains(string(groups), m.id()) {
		return 0
	}
	return pid
}

func (m *machine) signal(ctx context.Context, signal string) error {
	_, err := m.cluster.docker.client.ContainerKill(ctx, m.id(), client.ContainerKillOptions{Signal: signal})
	if err != nil {
		return fmt.Errorf("ending the container of %s: %w", m.Name, err)
	}
	return nil
}

// command runs this program in the container, beside what runs there, and returns what it says.
func (m *machine) command(ctx context.Context, args ...string) (string, error) {
	d := m.cluster.docker
	made, err := d.client.ExecCreate(ctx, m.id(), client.ExecCreateOptions{
		AttachStdout: true, AttachStderr: true, Cmd: append([]string{programPath, "node"}, args...),
	})
	if err != nil {
		return "", err
	}
	stream, err := d.client.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, stream.Close)
	defer stop()
	var out, errs bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errs, stream.Reader); err != nil {
		return "", err
	}
	if problem := strings.TrimSpace(errs.String()); problem != "" {
		return "", fmt.Errorf("`node %s` in the container of %s: %s", strings.Join(args, " "), m.Name, problem)
	}
	return out.String(), nil
}
