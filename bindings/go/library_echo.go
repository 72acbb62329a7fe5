//go:build keywright_test

package keywright

// The library for tests holds all of keywright and the echo operations besides.

// #cgo pkg-config: --static keywright_test
import "C"
