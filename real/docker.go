package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"golang.org/x/sys/unix"
)

// Unavailable is the error of a world that is not to be had here, or cannot do what a plan asks for: one sentence that
// says what to do.
type Unavailable struct{ Why string }

func (u Unavailable) Error() string { return u.Why }

func unavailable(format string, args ...any) error { return Unavailable{fmt.Sprintf(format, args...)} }

// Docker is the container engine of this machine, with our image on it.
type Docker struct {
	provider *testcontainers.DockerProvider
	client   client.APIClient
	image    string // of this very program, by its tag
	owner    owner  // this process
	parent   string // control group of the containers; empty: the engine's own choice

	spare    spare
	starting sync.Mutex // held by the run that starts its containers: that takes all of a small machine
}

// Open finds the container engine, removes what runs that were killed have left behind, and sees to it that our image is
// there. The error of an engine that cannot be used is an [Unavailable].
func Open(ctx context.Context) (*Docker, error) {
	d, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	// What cannot be removed is in nobody's way, and the next run tries again; `down` tells why.
	_ = d.sweep(ctx, func(o owner, _ bool) bool { return !o.alive() })
	program, err := staticProgram(ctx)
	if err != nil {
		return nil, err
	}
	d.image, err = d.ensureImage(ctx, program)
	return d, err
}

// patience is how long the engine may take to say that it is there.
const patience = 10 * time.Second

// connect finds the container engine of this machine.
func connect(ctx context.Context) (*Docker, error) {
	if runtime.GOOS != "linux" {
		return nil, unavailable("containers are played on Linux only, where they share a clock with this program; use --world sim")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	log.SetDefault(log.NewNoopLogger()) // testcontainers tells the terminal about every container
	if err := prepare(ctx); err != nil {
		return nil, err
	}
	provider, err := newProvider()
	if err != nil {
		return nil, noEngine(err)
	}
	d := &Docker{provider: provider, client: provider.Client(), owner: thisProcess()}
	if err := d.isHere(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// newProvider guards against a library that panics where it finds no engine.
func newProvider() (p *testcontainers.DockerProvider, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return testcontainers.NewDockerProvider()
}

// ryukImage is what testcontainers cleans up with, as of the version that we use.
const ryukImage = "testcontainers/ryuk:0.14.0"

// prepare tells testcontainers to do without its cleaner where its image is not at hand: nothing is ever pulled, and our own
// sweep, by label, does its work. An engine that the user has named must be the one that answers; the library would look
// for others.
func prepare(ctx context.Context) error {
	c, err := client.New(client.FromEnv)
	if err != nil {
		return noEngine(err)
	}
	defer c.Close()
	if named := os.Getenv(client.EnvOverrideHost); named != "" {
		if !strings.HasPrefix(named, "unix://") {
			return elsewhere(named)
		}
		if _, err := c.Ping(ctx, client.PingOptions{}); err != nil {
			return noEngine(err)
		}
	}
	if os.Getenv("TESTCONTAINERS_RYUK_DISABLED") != "" {
		return nil
	}
	if _, err := c.ImageInspect(ctx, ryukImage); err == nil {
		return nil
	}
	return os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // read once, when the library is first used
}

func noEngine(err error) error {
	return unavailable("no container engine answers (%s); start Docker (`systemctl start docker`), or use --world sim", firstLine(err))
}

// elsewhere is the error of an engine on another machine: all records are put in order by the one monotonic clock of this
// kernel.
func elsewhere(host string) error {
	return unavailable("the container engine at %s is not on this machine, and its clock is another; unset DOCKER_HOST, or use --world sim", host)
}

// isHere refuses an engine on another machine.
func (d *Docker) isHere(ctx context.Context) error {
	host := d.client.DaemonHost()
	if !strings.HasPrefix(host, "unix://") {
		return elsewhere(host)
	}
	info, err := d.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return noEngine(err)
	}
	if info.Info.CgroupDriver == "cgroupfs" {
		// The engine's choice is one group for all containers, which get no more of a busy machine together than any single
		// process does.
		d.parent = "/"
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return err
	}
	if kernel := unix.ByteSliceToString(name.Release[:]); info.Info.OSType != "linux" || info.Info.KernelVersion != kernel {
		return unavailable("the container engine runs on another kernel (%s) than this program (%s), as in a virtual machine; use --world sim", info.Info.KernelVersion, kernel)
	}
	return nil
}

// firstLine is what of an error fits into a sentence.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimRight(text, ".")
}

// monotonic is the clock by which everything is ordered: nanoseconds on CLOCK_MONOTONIC, the same in all containers.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic("real: no monotonic clock: " + err.Error()) // there is one since Linux 2.6
	}
	return t.Nano()
}

// Down removes every container and network of ours but those of runs under way: what killed runs left, and the live
// cluster of [Up], if there is one. It tells how many containers it removed.
func Down(ctx context.Context) (int, error) {
	d, err := connect(ctx)
	if err != nil {
		return 0, err
	}
	before, err := d.containers(ctx)
	if err != nil {
		return 0, err
	}
	err = d.sweep(ctx, func(o owner, live bool) bool { return live || !o.alive() })
	after, err2 := d.containers(ctx)
	return len(before) - len(after), errors.Join(err, err2)
}
