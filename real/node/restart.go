package node

import (
	"cmp"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"time"

	"firedrill/model"
	"firedrill/scenarios/install"
)

// BuildFile says which build of the platform a container runs, once it has been restarted with another one.
const BuildFile = "/firedrill/build"

// builds says which build runs here, and which ones could.
func (c *container) builds() (build string, images []string, err error) {
	build, images, _ = install.Builds(&c.plan.Topology, c.spec.Name)
	if c.spec.Made != nil {
		build = c.spec.Made.Image
	}
	data, err := os.ReadFile(c.file(BuildFile))
	if errors.Is(err, fs.ErrNotExist) {
		return build, images, nil
	}
	return strings.TrimSpace(string(data)), images, err
}

// startAttempts is how often a supervisor starts a build that does not come up before it goes back to the one before.
const startAttempts = 3

// restart is what the supervisor of a container does when its node asks for another build, or, without a version, has given
// up: the process ends here and another one begins in its place, which is away for as long as the plan says. Every build is
// the same program, which plays the version that the file names. One that does not come up here is given up for the one
// before.
func (c *container) restart(version string) {
	before, _, err := c.builds()
	version = cmp.Or(version, before)
	if path := c.path.Load(); path != nil {
		path.traffic.tell("", c.emit)
	}
	c.emit(model.Event{Kind: model.EventStopped, Detail: "restarts with " + version})
	away, attempts := c.plan.Topology.Restart, 1
	if _, _, broken := install.Builds(&c.plan.Topology, c.spec.Name); version == broken {
		attempts = startAttempts
	} else if err == nil {
		err = writeWhole(c.file(BuildFile), []byte(version+"\n"))
	}
	if err == nil {
		err = c.again(time.Duration(attempts) * (away.Min + rand.N(away.Max-away.Min+1)))
	}
	c.log.Error("the process cannot be started anew", "error", err)
	os.Exit(1)
}

// again starts this program in the place of this process.
func (c *container) again(after time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, []string{self, "node", "--spec", c.file(SpecFile), "--after", after.String()}, os.Environ())
}
