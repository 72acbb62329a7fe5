//go:build !keywright_test

package keywright

// #cgo pkg-config: --static keywright
import "C"
