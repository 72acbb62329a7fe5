//go:build cgo

// Package keywright is the Go face of the C library keywright: rate limiters, and more to come, on Redis and Valkey.
//
// A [Client] is opened from a URL; objects are made from the client, and making one sends nothing. Every operation
// takes a context. Its deadline becomes the deadline of the call (without one the client's applies, 5 s unless told
// otherwise), and cancelling it cancels the call. A definite no that was asked for is an answer ([Decision.Allowed]);
// a failure is an [*Error], to be told apart with [errors.Is] and the Err values.
//
// Clients and everything made from them may be used by many goroutines at once. Calls share one connection, and
// waiting goroutines hold no threads: one goroutine for each client collects all answers.
//
// The C library is found by pkg-config (keywright.pc), so a C compiler and CGO_ENABLED=1 are needed to build.
package keywright
