package model_test

import (
	"bytes"
	"errors"
	"testing"

	"firedrill/model"
	"firedrill/model/disktest"
)

// TestDurableDamage: whatever bit of a file flips and wherever it is cut, that is noticed.
func TestDurableDamage(t *testing.T) {
	const name, text = "file", `{"id": 1}`
	disk := disktest.NewStrict()
	if err := model.WriteDurable(disk, name, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if got, err := model.ReadDurable(disk, name); err != nil || string(got) != text {
		t.Fatalf("it reads %q, error %v", got, err)
	}
	whole, _ := disk.Read(name)
	var spoiled [][]byte
	for bit := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		spoiled = append(spoiled, b)
	}
	for size := range len(whole) {
		spoiled = append(spoiled, whole[:size])
	}
	for _, b := range spoiled {
		disk.Put(name, b, len(b))
		if got, err := model.ReadDurable(disk, name); !errors.Is(err, model.ErrDamaged) {
			t.Errorf("of %q it reads %q, error %v", b, got, err)
		}
	}
	if _, err := model.ReadDurable(disk, "another"); !errors.Is(err, model.ErrNotExist) {
		t.Errorf("of a file that is not there: error %v", err)
	}
}
