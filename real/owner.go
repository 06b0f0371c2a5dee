package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// The labels of everything that we make. Whatever bears labelOurs may be removed once its owner is gone.
const (
	labelOurs  = "firedrill"
	labelOwner = "firedrill.owner" // the process that made it, see [owner]
	labelLive  = "firedrill.live"  // it belongs to the cluster of `firedrill up`, which `firedrill down` ends
)

// owner names a process for good: its number, when it started, and in which namespace that number counts.
type owner struct {
	pid       int
	started   string // in clock ticks since the machine booted
	namespace string
}

// thisProcess is the owner of what this process makes.
func thisProcess() owner {
	o := owner{pid: os.Getpid()}
	o.started, _ = startOf(o.pid)
	o.namespace = pidNamespace()
	return o
}

func (o owner) String() string { return fmt.Sprintf("%d/%s/%s", o.pid, o.started, o.namespace) }

// parseOwner reads a label. What it cannot read has no owner that lives.
func parseOwner(label string) owner {
	pid, rest, _ := strings.Cut(label, "/")
	started, namespace, _ := strings.Cut(rest, "/")
	n, _ := strconv.Atoi(pid)
	return owner{n, started, namespace}
}

// alive tells whether the process is there. Of a process in another namespace nobody can tell, so it counts as alive.
func (o owner) alive() bool {
	if o.pid == 0 {
		return false
	}
	if o.namespace != pidNamespace() {
		return true
	}
	started, err := startOf(o.pid)
	return err == nil && started == o.started
}

func pidNamespace() string {
	name, _ := os.Readlink("/proc/self/ns/pid")
	return name
}

// startOf is when a process started, in clock ticks since boot: field 22 of proc(5)'s stat, whose second field may hold
// blanks and ends with the last parenthesis. A process that has ended and waits to be collected counts as gone.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return "", errors.New("no such process")
	}
	return fields[19], nil
}

// ours picks what bears our label.
func ours() client.Filters { return make(client.Filters).Add("label", labelOurs) }

func (d *Docker) containers(ctx context.Context) ([]container.Summary, error) {
	all, err := d.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours()})
	return all.Items, err
}

// sweep removes containers and then networks of ours, by what their owner is and whether they belong to a live cluster.
// What another sweep has removed meanwhile is no error.
func (d *Docker) sweep(ctx context.Context, goes func(o owner, live bool) bool) error {
	picked := func(labels map[string]string) bool {
		return goes(parseOwner(labels[labelOwner]), labels[labelLive] != "")
	}
	containers, err := d.containers(ctx)
	if err != nil {
		return err
	}
	var ids, names []string
	for _, c := range containers {
		if picked(c.Labels) {
			ids = append(ids, c.ID)
			for _, name := range c.Names {
				names = append(names, strings.TrimPrefix(name, "/"))
			}
		}
	}
	if err := d.removeContainers(ctx, ids); err != nil {
		return err
	}
	networks, err := d.client.NetworkList(ctx, client.NetworkListOptions{Filters: ours()})
	if err != nil {
		return err
	}
	ids = nil
	for _, n := range networks.Items {
		if picked(n.Labels) {
			ids = append(ids, n.ID)
		}
	}
	return inParallel(ids, func(id string) error { return d.removeNetwork(ctx, id, names) })
}

func (d *Docker) removeContainers(ctx context.Context, ids []string) error {
	return inParallel(ids, func(id string) error {
		_, err := d.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		return removed(err)
	})
}

const (
	unplugTries = 10
	unplugPause = 100 * time.Millisecond
)

// removeNetwork tries again and again: the engine may still be unplugging a container that it says is gone. What it has
// forgotten to unplug, which happens to it when a container ends while it starts, is unplugged by force: the machines that may
// have been on the network, by their names.
func (d *Docker) removeNetwork(ctx context.Context, id string, machines []string) error {
	for try := 1; ; try++ {
		_, err := d.client.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
		if err == nil || errdefs.IsNotFound(err) || try == unplugTries {
			return removed(err)
		}
		if try > unplugTries/2 {
			for _, name := range machines { // most were never there, or are there no more
				_, _ = d.client.NetworkDisconnect(ctx, id, client.NetworkDisconnectOptions{Container: name, Force: true})
			}
		}
		time.Sleep(unplugPause)
	}
}

// removed forgives that something was not there any more, or is being removed by somebody else.
func removed(err error) error {
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return nil
	}
	return err
}

// atOnce is how many requests are put to the engine at the same time. It does little in parallel by itself.
const atOnce = 8

// inParallel does something with all items and returns all errors.
func inParallel[T any](items []T, do func(T) error) error {
	errs := make([]error, len(items))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range items {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = do(items[i])
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
