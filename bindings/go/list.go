package keywright

// #include <keywright.h>
import "C"

import "unsafe"

// itemsOf reads the items of a list, which lies in memory of Go's: what C answered was copied.
func itemsOf[T any](list unsafe.Pointer, read func(at unsafe.Pointer) T) []T {
	head := (*C.kw_list)(list)
	items := make([]T, head.count)
	for i := range items {
		items[i] = read(unsafe.Add(list, int64(head.first)+int64(i)*int64(head.step)))
	}
	return items
}

// listed copies the bytes that an item names.
func listed(list unsafe.Pointer, offset, length C.int64_t) []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Add(list, int64(offset))), length)...)
}
