// Package sim is the simulated world: one loop takes the earliest event from one queue and runs it, and
// nothing else runs. Controllers and service engines are the real ones of package model; the network, the
// clocks, the disks, the hosts and the faults are made here, from one seed.
package sim
