package keywright_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"keywright"
)

// url is the address of the private server that all tests of this process share.
var url string

func TestMain(m *testing.M) {
	server, err := keywright.Open("embedded://")
	if err != nil {
		fmt.Fprintln(os.Stderr, "no private server:", err)
		os.Exit(1)
	}
	url = server.URL()
	code := m.Run()
	server.Close()
	os.Exit(code)
}

// open makes a client that ends with the test.
func open(t testing.TB, url string, options ...keywright.ClientOptions) *keywright.Client {
	t.Helper()
	client, err := keywright.Open(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// soon is a context that ends long after anything here should have.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// failed gives the error's details, and fails the test if it is another one.
func failed(t testing.TB, err, want error) *keywright.Error {
	t.Helper()
	var details *keywright.Error
	if !errors.Is(err, want) || !errors.As(err, &details) {
		t.Fatalf("got %v, want %v", err, want)
	}
	return details
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func threads() int {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			var count int
			if _, err := fmt.Sscanf(line, "Threads: %d", &count); err == nil {
				return count
			}
		}
	}
	return pprof.Lookup("threadcreate").Count()
}

// until waits for something that another goroutine or the library brings about.
func until(t testing.TB, what string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !reached(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}
