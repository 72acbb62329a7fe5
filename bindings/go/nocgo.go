//go:build !cgo

package keywright

// keywright is a C library behind Go. Without cgo there is nothing to call, and the build stops at the next line.
var _ = keywright_needs_cgo__set_CGO_ENABLED_to_1_and_have_a_C_compiler
