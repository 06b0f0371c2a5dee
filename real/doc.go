// Package real is the other world: the same state machines of package model, on a machine instead of a
// simulation of one. What runs inside a container is package node, its disk package disk.
package real
