package keywright_test

import (
	"context"
	"testing"

	"keywright"
)

// Nobody made these: each call says so, and none panics.
func TestZeroValuesAreRefused(t *testing.T) {
	ctx := context.Background()
	items := []keywright.LimiterHit{{Key: "key", Cost: 1}}
	for what, call := range map[string]func() error{
		"zero limiter, hit":         func() error { _, err := new(keywright.Limiter).Hit(ctx, "key"); return err },
		"zero limiter, hit many":    func() error { _, err := new(keywright.Limiter).HitMany(ctx, items); return err },
		"zero limiter, hit many, 0": func() error { _, err := new(keywright.Limiter).HitMany(ctx, nil); return err },
		"zero limiter, peek":        func() error { _, err := new(keywright.Limiter).Peek(ctx, "key"); return err },
		"zero limiter, wait":        func() error { _, err := new(keywright.Limiter).Wait(ctx, "key"); return err },
		"zero limiter, reset":       func() error { return new(keywright.Limiter).Reset(ctx, "key") },
		"zero limiter, refund":      func() error { return new(keywright.Limiter).Refund(ctx, "key", keywright.Decision{}, 1) },
		"zero limiter, problem":     func() error { _, err := new(keywright.Limiter).HTTPProblem(keywright.Decision{}); return err },
		"nil limiter, hit":          func() error { _, err := (*keywright.Limiter)(nil).Hit(ctx, "key"); return err },
		"nil limiter, hit many":     func() error { _, err := (*keywright.Limiter)(nil).HitMany(ctx, items); return err },
		"nil limiter, reset":        func() error { return (*keywright.Limiter)(nil).Reset(ctx, "key") },
		"nil limiter, nil context":  func() error { return (*keywright.Limiter)(nil).Reset(nil, "key") },
		"zero client, ping":         func() error { return new(keywright.Client).Ping(ctx) },
		"zero client, info":         func() error { _, err := new(keywright.Client).Info(ctx); return err },
		"zero client, stats":        func() error { _, err := new(keywright.Client).Stats(); return err },
		"zero client, background":   func() error { _, err := new(keywright.Client).Background(); return err },
		"zero client, limiter":      func() error { _, err := new(keywright.Client).Limiter("api", "1/s"); return err },
		"zero client, close":        func() error { return new(keywright.Client).Close() },
		"nil client, ping":          func() error { return (*keywright.Client)(nil).Ping(ctx) },
		"nil client, stats":         func() error { _, err := (*keywright.Client)(nil).Stats(); return err },
		"nil client, limiter":       func() error { _, err := (*keywright.Client)(nil).Limiter("api", "1/s"); return err },
		"nil client, close":         func() error { return (*keywright.Client)(nil).Close() },
	} {
		t.Run(what, func(t *testing.T) {
			details := failed(t, call(), keywright.ErrInvalid)
			same(t, "reason", details.Reason, keywright.ReasonNullHandle)
			if details.Message == "" || details.MaybeApplied {
				t.Errorf("%+v", details)
			}
		})
	}
	same(t, "the URL of none", new(keywright.Client).URL()+(*keywright.Client)(nil).URL(), "")
}

func TestNilContextIsRefused(t *testing.T) {
	client := open(t, url)
	hits := limiter(t, client, "1/h")
	for what, call := range map[string]func() error{
		"ping":     func() error { return client.Ping(nil) },
		"hit":      func() error { _, err := hits.Hit(nil, "key"); return err },
		"hit many": func() error { _, err := hits.HitMany(nil, []keywright.LimiterHit{{Key: "key", Cost: 1}}); return err },
		"wait":     func() error { _, err := hits.Wait(nil, "key"); return err },
		"reset":    func() error { return hits.Reset(nil, "key") },
	} {
		t.Run(what, func(t *testing.T) {
			details := failed(t, call(), keywright.ErrInvalid)
			same(t, "reason", details.Reason, keywright.ReasonNullArgument)
			if details.Message == "" {
				t.Error("no message")
			}
		})
	}
	same(t, "nothing was charged", must[keywright.Decision](t)(hits.Hit(soon(t), "key")).Allowed(), true)
}
