package config

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Item is one object of a backup, as [State.Replace] takes it.
type Item struct {
	Key  Key
	Body []byte // the object as JSON, with its secrets in clear
}

// ItemOf returns an object as an item.
func ItemOf(o Object) Item { return Item{Key{o.Kind(), o.ObjectName()}, Encode(o)} }

// itemsVersion is the first byte of encoded items.
const itemsVersion = 1

// EncodeItems writes items in a compact form for a command in the log: a version byte, then for each item its kind,
// name and body, each behind its length as a varint. The log then holds secrets in clear, as it does for every other
// change, and as snapshots do.
func EncodeItems(items []Item) []byte {
	size := 1
	for _, i := range items {
		size += len(i.Key.Kind) + len(i.Key.Name) + len(i.Body) + 3*binary.MaxVarintLen32
	}
	out := append(make([]byte, 0, size), itemsVersion)
	for _, i := range items {
		out = appendText(out, string(i.Key.Kind))
		out = appendText(out, i.Key.Name)
		out = appendText(out, string(i.Body))
	}
	return out
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// errItems is what a damaged command comes to; consensus has checksums, so it is a mistake of ours or a newer build's.
var errItems = errors.New("the objects to restore are damaged")

// DecodeItems reads what [EncodeItems] wrote. The bodies are part of data. It fails if data is damaged or of a version
// that this build does not know; whether the objects are valid is the matter of [State.Replace].
func DecodeItems(data []byte) ([]Item, error) {
	if len(data) == 0 {
		return nil, errItems
	}
	if data[0] != itemsVersion {
		return nil, fmt.Errorf("objects to restore of version %d; this build reads %d", data[0], itemsVersion)
	}
	var out []Item
	for data = data[1:]; len(data) > 0; {
		var texts [3][]byte
		for i := range texts {
			length, n := binary.Uvarint(data)
			if n <= 0 || length > uint64(len(data)-n) {
				return nil, errItems
			}
			end := n + int(length)
			texts[i], data = data[n:end:end], data[end:]
		}
		out = append(out, Item{Key{Kind(texts[0]), string(texts[1])}, texts[2]})
	}
	return out, nil
}
