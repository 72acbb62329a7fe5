package main

import (
	"math/bits"
	"runtime"
	"syscall"
	"unsafe"
)

// cores is how many the process may use now: run.py moves it, and the runtime counts only once.
func cores() (count int) {
	var mask [128]uint64
	_, _, failed := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(mask),
		uintptr(unsafe.Pointer(&mask)))
	for _, word := range mask {
		count += bits.OnesCount64(word)
	}
	if failed != 0 || count == 0 {
		return runtime.NumCPU()
	}
	return count
}
