package wire

//go:generate bash generate.sh
