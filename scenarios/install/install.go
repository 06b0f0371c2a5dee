// Package install says how the nodes of a plan are installed, the same in every world: what a controller and an engine
// are told before they have heard of anybody.
package install

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"firedrill/model/backup"
	"firedrill/model/cloud"
	"firedrill/model/config"
	"firedrill/model/controller"
	"firedrill/model/engine"
	"firedrill/scenarios"
)

// What controllers are installed with, unless the scenario says otherwise of one.
const (
	PlatformVersion = "16.2"
	clusterSecret   = "a secret of the cluster"
)

// BootWithin is how far apart the machines start when the run begins. If they all began at one moment, their timers would
// stay in step, and followers stand for election at the same moment more often than anywhere else.
const BootWithin = 50 * time.Millisecond

// Timers are the platform's timers in a plan.
func Timers(plan *scenarios.Scenario) (config.Timers, error) {
	profile, err := config.Profile(plan.Profile)
	return profile.Override(plan.Timers), err
}

// FirstMembers are the controllers that form the cluster when the run begins.
func FirstMembers(plan *scenarios.Scenario) []controller.Peer {
	peers := make([]controller.Peer, plan.Topology.Cluster)
	for i := range peers {
		peers[i] = controller.Peer{Name: fmt.Sprintf("%s-%d", scenarios.RoleController, i+1), Address: scenarios.ControllerIP(i + 1)}
	}
	return peers
}

// Controller is a controller as it is installed: a first member of the cluster, or at factory default if it is none or is
// a replacement for one.
func Controller(plan *scenarios.Scenario, timers config.Timers, n scenarios.Node, replacement bool) controller.Config {
	cfg := controller.Config{
		Name: n.Name, Address: scenarios.ControllerIP(n.Number), Version: PlatformVersion, Secret: clusterSecret, Timers: timers,
		BackupWorkFactor: backup.TestWorkFactor,
	}
	t := &plan.Topology
	if n.Number <= t.Cluster && !replacement {
		cfg.Bootstrap = FirstMembers(plan)
		if t.ClusterIP != nil {
			cfg.ClusterIP = *t.ClusterIP
		}
	}
	for _, in := range t.Installed {
		if in.Node == n.Name {
			cfg.Version, cfg.Secret = cmp.Or(in.Version, cfg.Version), cmp.Or(in.Secret, cfg.Secret)
		}
	}
	return cfg
}

// Builds says which build of the platform a node is started with at first, which ones are on it, and which of them does
// not come up there.
func Builds(t *scenarios.Topology, node string) (build string, images []string, broken string) {
	build, images = PlatformVersion, append([]string{PlatformVersion}, t.Images...)
	for _, in := range t.Installed {
		if in.Node == node {
			build, broken = cmp.Or(in.Version, build), in.Broken
			images = slices.DeleteFunc(images, func(v string) bool { return v == in.Lacks })
		}
	}
	return build, images, broken
}

// Engine is an engine as it is installed, with the controllers that it reports to at first.
func Engine(timers config.Timers, n scenarios.Node, controllers []netip.Addr) engine.Config {
	return engine.Config{
		Name: n.Name, Group: n.Group, Host: n.Host,
		Management: scenarios.EngineManagementIP(n.Number), Data: scenarios.EngineDataIP(n.Number),
		Controllers: controllers, Timers: timers,
	}
}

// Cloud is the management of the plan's cloud as it is installed, with the builds that it can boot machines with.
func Cloud(plan *scenarios.Scenario, n scenarios.Node, images []string) cloud.Config {
	c := plan.Topology.Cloud
	return cloud.Config{Name: n.Name, Username: c.Username, Password: c.Password, Poll: c.Notices.Std(), Images: images}
}
