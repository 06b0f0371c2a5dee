// Package real is the other world: the same state machines of package model, on a machine instead of a
// simulation of one. It holds the disk, a directory of the file system ([Disk]).
package real
