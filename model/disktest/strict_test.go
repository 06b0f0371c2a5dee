package disktest_test

import (
	"testing"

	"firedrill/model"
	"firedrill/model/disktest"
)

func TestStrict(t *testing.T) {
	disktest.Run(t, func(*testing.T) model.Disk { return disktest.NewStrict() })
}
