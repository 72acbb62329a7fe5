package keywright_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"keywright"
)

const lease = 300 * time.Millisecond

// one makes a limiter that lets one at a time, and holds it.
func one(t *testing.T, ctx context.Context, url string) (*keywright.Limiter, *keywright.Held) {
	t.Helper()
	limiter := limiter(t, open(t, url), "1 concurrent; 1000/s", keywright.LimiterOptions{Lease: lease})
	decision := must[keywright.Decision](t)(limiter.Hit(ctx, "key"))
	same(t, "allowed", decision.Allowed(), true)
	return limiter, limiter.Hold(ctx, "key", decision)
}

func isFree(t *testing.T, limiter *keywright.Limiter) bool {
	t.Helper()
	return must[keywright.Decision](t)(limiter.Peek(soon(t), "key")).Allowed()
}

// ends waits for a context to end, and gives its cause.
func ends(t *testing.T, ctx context.Context) error {
	t.Helper()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(20 * time.Second):
		t.Fatal("the context did not end")
		return nil
	}
}

func TestHeldIsRenewedUntilReleased(t *testing.T) {
	limiter, held := one(t, soon(t), url)
	for range 10 {
		time.Sleep(lease / 3)
		same(t, "free", isFree(t, limiter), false)
	}
	same(t, "held", held.Context().Err(), nil)
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	same(t, "free", isFree(t, limiter), true)
	same(t, "ended", ends(t, held.Context()), context.Canceled)
	other := must[keywright.Decision](t)(limiter.Hit(soon(t), "key"))
	same(t, "allowed", other.Allowed(), true)
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	same(t, "free", isFree(t, limiter), false)
}

func TestHeldTellsThatItWasLost(t *testing.T) {
	limiter, held := one(t, soon(t), url)
	if err := limiter.Reset(soon(t), "key"); err != nil {
		t.Fatal(err)
	}
	same(t, "cause", ends(t, held.Context()), keywright.ErrLost)
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestHeldIsLostWhenNobodyCanRenew(t *testing.T) {
	server := startClockServer(t)
	_, held := one(t, soon(t), server.url)
	began := time.Now()
	server.command(t, "CLIENT", "PAUSE", "100000", "ALL")
	cause := ends(t, held.Context())
	if took := time.Since(began); took < lease/2 || took > 10*lease {
		t.Errorf("lost after %v", took)
	}
	same(t, "lost", errors.Is(cause, keywright.ErrLost), true)
	same(t, "why", errors.Unwrap(cause) != nil, true)
}

func TestHeldEndsWithItsContextAndIsReleasedStill(t *testing.T) {
	ctx, cancel := context.WithCancel(soon(t))
	limiter, held := one(t, ctx, url)
	cancel()
	same(t, "cause", ends(t, held.Context()), context.Canceled)
	same(t, "free", isFree(t, limiter), false)
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	same(t, "free", isFree(t, limiter), true)
}

func TestHeldOfAClosedClientIsLost(t *testing.T) {
	client := open(t, url)
	limiter := limiter(t, client, "1 concurrent", keywright.LimiterOptions{Lease: lease})
	held := limiter.Hold(soon(t), "key", must[keywright.Decision](t)(limiter.Hit(soon(t), "key")))
	client.Close()
	cause := ends(t, held.Context())
	same(t, "lost", errors.Is(cause, keywright.ErrLost), true)
	same(t, "closed", errors.Is(cause, keywright.ErrClosed), true)
	failed(t, held.Release(), keywright.ErrClosed)
}

func TestHeldThatIsForgottenIsNotRenewed(t *testing.T) {
	limiter, held := one(t, soon(t), url)
	ctx := held.Context()
	same(t, "held", ctx.Err(), nil)
	held = nil
	until(t, "it is collected", func() bool {
		runtime.GC()
		return ctx.Err() != nil
	})
	until(t, "the lease ends", func() bool { return isFree(t, limiter) })
}

func TestHeldOfNothing(t *testing.T) {
	client := open(t, url)
	rate := limiter(t, client, "1/h")
	for range 2 { // one admitted, one denied
		held := rate.Hold(soon(t), "key", must[keywright.Decision](t)(rate.Hit(soon(t), "key")))
		same(t, "held", held.Context().Err(), nil)
		if err := held.Release(); err != nil {
			t.Fatal(err)
		}
		same(t, "cause", ends(t, held.Context()), context.Canceled)
	}
}

func TestHeldOfAnotherKeyIsRefused(t *testing.T) {
	limiter := limiter(t, open(t, url), "1 concurrent", keywright.LimiterOptions{Lease: lease})
	held := limiter.Hold(soon(t), "other", must[keywright.Decision](t)(limiter.Hit(soon(t), "key")))
	same(t, "invalid", errors.Is(ends(t, held.Context()), keywright.ErrInvalid), true)
	failed(t, held.Release(), keywright.ErrInvalid)
}
