package real

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"firedrill/real/node"
	"firedrill/scenarios"
)

// machine is a node of the plan, or a container of clients, as a container.
type machine struct {
	cluster *cluster
	scenarios.Node
	spec      []byte // what it is told
	container testcontainers.Container

	mu      sync.Mutex // held while it is being started, killed or frozen
	up      bool
	downs   int    // how many faults keep it down
	paused  int    // how many faults keep it frozen
	earlier []byte // what was said by a container that was replaced
}

// newMachine says what a container is told; it makes none yet.
func (c *cluster) newMachine(n scenarios.Node, spec node.Spec) (*machine, error) {
	spec.Name = n.Name
	for _, w := range c.wiresOf(n) {
		spec.Networks = append(spec.Networks, node.Network{Name: w.name, Handed: w.handed})
	}
	text, err := json.Marshal(spec)
	return &machine{cluster: c, Node: n, spec: text}, err
}

// create makes the container, with its disk empty, and does not start it.
func (m *machine) create(ctx context.Context) error {
	d := m.cluster.docker
	request := testcontainers.ContainerRequest{
		Image:  d.image,
		Labels: make(map[string]string),
		Files:  []testcontainers.ContainerFile{{Reader: bytes.NewReader(m.spec), ContainerFilePath: node.SpecFile, FileMode: 0o400}},
		ConfigModifier: func(c *container.Config) {
			c.Hostname = m.Name
		},
		HostConfigModifier: func(h *container.HostConfig) {
			h.CapAdd = []string{"NET_ADMIN", "NET_RAW"}
			if m.Role == scenarios.RoleGateway {
				h.Sysctls = map[string]string{"net.ipv4.ip_forward": "1"}
			}
		},
	}
	for name, value := range m.cluster.labels {
		request.Labels[name] = value
	}
	for _, w := range m.cluster.wiresOf(m.Node) {
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

// start boots the machine.
func (m *machine) start(ctx context.Context) error {
	if _, err := m.cluster.docker.client.ContainerStart(ctx, m.id(), client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("starting the container of %s: %w", m.Name, err)
	}
	m.up = true
	return nil
}

func (m *machine) id() string { return m.container.GetContainerID() }

// lives tells whether the machine is meant to be up.
func (m *machine) lives() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up
}

func (m *machine) freeze(ctx context.Context) error {
	_, err := m.cluster.docker.client.ContainerPause(ctx, m.id(), client.ContainerPauseOptions{})
	return err
}

func (m *machine) thaw(ctx context.Context) error {
	_, err := m.cluster.docker.client.ContainerUnpause(ctx, m.id(), client.ContainerUnpauseOptions{})
	return err
}

// replace throws the container away, but for what it said, and makes a new one, whose disk is empty.
func (m *machine) replace(ctx context.Context) error {
	said, _, err := m.logs(ctx)
	if err != nil {
		return err
	}
	if err := m.cluster.docker.removeContainers(ctx, []string{m.id()}); err != nil {
		return err
	}
	m.earlier = said
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
	soon, cancel := context.WithTimeout(ctx, gently)
	defer cancel()
	if _, err := m.end(soon, "SIGTERM"); err == nil || soon.Err() == nil {
		return err
	}
	_, err := m.end(ctx, "SIGKILL")
	return err
}

// kill ends whatever runs in the container at once, and tells when it had ended, on [monotonic].
func (m *machine) kill(ctx context.Context) (int64, error) {
	m.up = false
	return m.end(ctx, "SIGKILL")
}

// end sends a signal and waits until the container has ended.
func (m *machine) end(ctx context.Context, signal string) (int64, error) {
	d := m.cluster.docker
	waiting := d.client.ContainerWait(ctx, m.id(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	if _, err := d.client.ContainerKill(ctx, m.id(), client.ContainerKillOptions{Signal: signal}); err != nil {
		return 0, fmt.Errorf("killing the container of %s: %w", m.Name, err)
	}
	select {
	case <-waiting.Result:
	case err := <-waiting.Error:
		return 0, fmt.Errorf("waiting for the container of %s to end: %w", m.Name, err)
	}
	return m.endedAt(ctx)
}

// endedAt is when the container's process was gone, which the engine tells by the date.
func (m *machine) endedAt(ctx context.Context) (int64, error) {
	info, err := m.cluster.docker.client.ContainerInspect(ctx, m.id(), client.ContainerInspectOptions{})
	if err != nil {
		return 0, err
	}
	at, err := time.Parse(time.RFC3339Nano, info.Container.State.FinishedAt)
	if err != nil {
		return 0, fmt.Errorf("when the container of %s ended: %w", m.Name, err)
	}
	return monotonic() - int64(time.Since(at)), nil
}

// logs returns what the container has said: events on its standard output, anything else on the other.
func (m *machine) logs(ctx context.Context) (events []byte, other string, err error) {
	r, err := m.cluster.docker.client.ContainerLogs(ctx, m.id(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	var out, errs bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errs, r); err != nil {
		return nil, "", fmt.Errorf("the log of %s: %w", m.Name, err)
	}
	return append(m.earlier, out.Bytes()...), errs.String(), nil
}

// follow hands on the lines that the container says on its standard output from now on, until it ends.
func (m *machine) follow(ctx context.Context, since time.Time, line func([]byte)) error {
	r, err := m.cluster.docker.client.ContainerLogs(ctx, m.id(), client.ContainerLogsOptions{
		ShowStdout: true, Follow: true, Since: since.Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = stdcopy.StdCopy(&lines{each: line}, io.Discard, r)
	return err
}

// lines is a writer that takes lines apart.
type lines struct {
	rest []byte
	each func([]byte)
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		at := bytes.IndexByte(l.rest, '\n')
		if at < 0 {
			return len(p), nil
		}
		l.each(l.rest[:at])
		l.rest = l.rest[at+1:]
	}
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
