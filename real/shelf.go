package real

import (
	"context"
	"fmt"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/testcontainers/testcontainers-go"

	"firedrill/real/node"
	"firedrill/scenarios"
)

// smallDisk is the size of a disk that can run full: many times what a node has there after some minutes.
const smallDisk = "16m"

// hasDisk tells whether a node of the model runs in the machine, which uses a disk.
func (m *machine) hasDisk() bool {
	return m.Role == scenarios.RoleController || m.Role == scenarios.RoleEngine || m.Role == scenarios.RoleCloud
}

// shelve gives the machine a small disk: a tmpfs, which the engine mounts as a volume for as long as a container that runs has
// it. So that the machine can be killed and find its disk again, another container has it too, and does nothing. The volume
// has no name: it goes with the last of the two, whoever removes them.
func (m *machine) shelve(ctx context.Context) error {
	d := m.cluster.docker
	request := testcontainers.ContainerRequest{
		Image:  d.image,
		Name:   m.cluster.nameOf(m.Node) + "-disk",
		Labels: m.cluster.copyLabels(),
		Cmd:    []string{"shelf"},
		HostConfigModifier: func(h *container.HostConfig) {
			h.LogConfig.Type = "none"
			h.NetworkMode = "none"
			h.Mounts = []mount.Mount{{Type: mount.TypeVolume, Target: node.DiskDir, VolumeOptions: &mount.VolumeOptions{
				Labels: m.cluster.copyLabels(),
				DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{
					"type": "tmpfs", "device": "tmpfs", "o": "size=" + smallDisk,
				}},
			}}}
		},
	}
	made, err := d.provider.CreateContainer(ctx, request)
	if made != nil {
		m.shelf = made
	}
	if err == nil {
		err = made.Start(ctx)
	}
	if err != nil {
		return fmt.Errorf("making the disk of %s: %w", m.Name, err)
	}
	return nil
}
