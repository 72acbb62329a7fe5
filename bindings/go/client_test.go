package keywright_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"keywright"
)

func TestPingAndInfo(t *testing.T) {
	client := open(t, url)
	if err := client.Ping(soon(t)); err != nil {
		t.Fatal(err)
	}
	info := must[keywright.Info](t)(client.Info(soon(t)))
	if info.Server != "redis" && info.Server != "valkey" {
		t.Errorf("server is %q", info.Server)
	}
	if info.VersionNumber < 7_000_000 || !strings.Contains(info.Version, ".") {
		t.Errorf("version is %q, %d", info.Version, info.VersionNumber)
	}
	same(t, "role", info.Role, keywright.RolePrimary)
	stats := must[keywright.Stats](t)(client.Stats())
	if stats.Calls < 2 || stats.BytesSent == 0 || stats.BytesReceived == 0 {
		t.Errorf("stats say nothing: %+v", stats)
	}
}

func TestURLLeadsOthersToTheSameServer(t *testing.T) {
	client := open(t, url)
	if !strings.HasPrefix(client.URL(), "unix://") {
		t.Errorf("URL is %q", client.URL())
	}
}

func TestHashTag(t *testing.T) {
	tag := must[string](t)(keywright.HashTag("api", "user:42"))
	same(t, "tag", tag, "api:user%3A42")
	_, err := keywright.HashTag("", "key")
	same(t, "reason", failed(t, err, keywright.ErrInvalid).Reason, keywright.ReasonNameLength)
}

func TestWrongURLs(t *testing.T) {
	for address, reason := range map[string]keywright.Reason{
		"http://localhost":                 keywright.ReasonURLScheme,
		"redis://localhost:port":           keywright.ReasonURLSyntax,
		"redis://localhost?wibble=1":       keywright.ReasonURLOption,
		"redis://localhost?timeout=soon":   keywright.ReasonURLOption,
		"redis://localhost?protocol=4":     keywright.ReasonURLOption,
		"redis://localhost?database=9.5":   keywright.ReasonURLOption,
		"redis://[::1/0?client_name=a%20b": keywright.ReasonURLSyntax,
	} {
		client, err := keywright.Open(address)
		if client != nil {
			t.Errorf("%s gave a client", address)
		}
		same(t, address, failed(t, err, keywright.ErrInvalid).Reason, reason)
	}
	_, err := keywright.Open("redis://local\x00host")
	same(t, "position of the NUL byte", failed(t, err, keywright.ErrInvalid).Position, len("redis://local"))
}

func TestWrongOptions(t *testing.T) {
	for what, options := range map[string]keywright.ClientOptions{
		"prefix":          {Prefix: "a{b}"},
		"client name":     {ClientName: "two words"},
		"timeout":         {Timeout: -time.Second},
		"max in flight":   {MaxInFlight: -1},
		"NUL in a prefix": {Prefix: "a\x00b"},
	} {
		if _, err := keywright.Open(url, options); !errors.Is(err, keywright.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := keywright.Open(url, keywright.ClientOptions{}, keywright.ClientOptions{})
	failed(t, err, keywright.ErrInvalid)
}

func TestServerAbsent(t *testing.T) {
	client := open(t, "unix://"+filepath.Join(t.TempDir(), "nobody.sock"))
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := client.Ping(ctx)
	if !errors.Is(err, keywright.ErrConnection) && !errors.Is(err, keywright.ErrTimeout) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v, past the deadline", took)
	}
}

func TestServerThatSaysNothing(t *testing.T) {
	listener := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	client := open(t, "redis://"+listener.Addr().String())
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := client.Ping(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error inside", err)
	}
	if took := time.Since(began); took < 150*time.Millisecond || took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestContextThatIsOverSendsNothing(t *testing.T) {
	client := open(t, url)
	if err := client.Ping(soon(t)); err != nil {
		t.Fatal(err)
	}
	before := must[keywright.Stats](t)(client.Stats())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := client.Ping(ctx)
	failed(t, err, keywright.ErrCancelled)
	failed(t, err, context.Canceled)
	expired, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	err = client.Ping(expired)
	failed(t, err, keywright.ErrTimeout)
	failed(t, err, context.DeadlineExceeded)
	after := must[keywright.Stats](t)(client.Stats())
	same(t, "bytes sent", after.BytesSent, before.BytesSent)
}

// Clients that were closed, and clients that were only forgotten, give back descriptors and goroutines.
func TestClientsLeaveNothingBehind(t *testing.T) {
	if descriptors() == 0 {
		t.Skip("descriptors cannot be counted here")
	}
	files, routines := descriptors(), runtime.NumGoroutine()
	for i := range 50 {
		client := must[*keywright.Client](t)(keywright.Open(url))
		hits := must[*keywright.Limiter](t)(client.Limiter("left behind", "1000000/s"))
		must[keywright.Decision](t)(hits.Hit(soon(t), "key"))
		if i%2 == 0 {
			client.Close()
		}
	}
	until(t, "everything was given back", func() bool {
		runtime.GC()
		return descriptors() <= files && runtime.NumGoroutine() <= routines
	})
}

func descriptors() int {
	files, _ := os.ReadDir("/proc/self/fd")
	return len(files)
}

func TestUseAfterClose(t *testing.T) {
	client := open(t, url)
	limiter := must[*keywright.Limiter](t)(client.Limiter("closed", "1/s"))
	for range 2 {
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	failed(t, client.Ping(soon(t)), keywright.ErrClosed)
	decision, err := limiter.Hit(soon(t), "key")
	failed(t, err, keywright.ErrClosed)
	same(t, "a failure that nobody looks at admits", decision.Allowed(), false)
	_, err = client.Limiter("late", "1/s")
	failed(t, err, keywright.ErrClosed)
}
