//go:build !linux

package main

import "runtime"

// cores is all: nothing is moved here.
func cores() int { return runtime.NumCPU() }
