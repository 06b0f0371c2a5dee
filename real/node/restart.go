package node

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
	data, err := os.ReadFile(c.buildFile())
	if errors.Is(err, fs.ErrNotExist) {
		return build, images, nil
	}
	return strings.TrimSpace(string(data)), images, err
}

// restartPause is how long a supervisor waits before it starts a process again that has given up.
const restartPause = time.Second

func (c *container) buildFile() string { return filepath.Join(c.dir, filepath.Base(BuildFile)) }

// restart is what the supervisor of a container does when its node asks for another build: the process ends here and
// begins anew in its place. Every build is the same program, which plays the version that the file names. A build that does
// not come up here is given up for the one before.
func (c *container) restart(version string) {
	if version == "" { // something is wrong here, which takes its time
		version, _, _ = c.builds() // which could be read when this process began
		time.Sleep(restartPause)
	}
	c.emit(model.Event{Kind: model.EventStopped, Detail: "restarts with " + version})
	if _, _, broken := install.Builds(&c.plan.Topology, c.spec.Name); version != broken {
		if err := os.WriteFile(c.buildFile(), []byte(version+"\n"), 0o600); err != nil {
			c.log.Error("the build cannot be noted", "error", err)
		}
	}
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, []string{self, "node", "--spec", filepath.Join(c.dir, filepath.Base(SpecFile))}, os.Environ())
	}
	c.log.Error("the process cannot be started anew", "error", err)
	os.Exit(1)
}
