package keywright_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keywright"
)

var made atomic.Int64

// limiter makes one that no other test knows, nor this one when it runs again.
func limiter(t testing.TB, client *keywright.Client, limits string, options ...keywright.LimiterOptions) *keywright.Limiter {
	t.Helper()
	return must[*keywright.Limiter](t)(client.Limiter(fmt.Sprint(t.Name(), made.Add(1)), limits, options...))
}

func TestHitUntilDenied(t *testing.T) {
	for _, algorithm := range []keywright.Algorithm{keywright.AlgorithmGCRA, keywright.AlgorithmFixedWindow} {
		t.Run(algorithm.String(), func(t *testing.T) {
			hits := limiter(t, open(t, url), "3/h", keywright.LimiterOptions{Algorithm: algorithm})
			decide := must[keywright.Decision](t)
			for left := range 3 {
				decision := decide(hits.Hit(soon(t), "key"))
				same(t, "allowed", decision.Allowed(), true)
				same(t, "status", decision.Status, keywright.StatusOK)
				same(t, "remaining", decision.Remaining, int64(2-left))
				same(t, "limit", decision.Limit, 3)
				same(t, "count", decision.Count, 1)
				same(t, "retry after", decision.RetryAfter, 0)
			}
			decision := decide(hits.Hit(soon(t), "key"))
			same(t, "allowed", decision.Allowed(), false)
			same(t, "status", decision.Status, keywright.StatusDenied)
			same(t, "denied by", decision.DeniedBy, 0)
			same(t, "count", decision.Count, 0)
			least, most := 19*time.Minute, 20*time.Minute // a third of what flows back in an hour
			if algorithm == keywright.AlgorithmFixedWindow {
				least, most = 59*time.Minute, time.Hour
			}
			if decision.RetryAfter < least || decision.RetryAfter > most {
				t.Errorf("retry after %v", decision.RetryAfter)
			}
			same(t, "another key", decide(hits.Hit(soon(t), "other")).Allowed(), true)
		})
	}
}

func TestCosts(t *testing.T) {
	hits := limiter(t, open(t, url), "10/h")
	decide := must[keywright.Decision](t)
	same(t, "after 4", decide(hits.HitN(soon(t), "key", 4)).Remaining, 6)
	same(t, "after 0", decide(hits.HitN(soon(t), "key", 0)).Remaining, 6)
	same(t, "peek 6", decide(hits.PeekN(soon(t), "key", 6)).Allowed(), true)
	same(t, "peek 7", decide(hits.PeekN(soon(t), "key", 7)).Allowed(), false)
	never := decide(hits.HitN(soon(t), "key", 11))
	same(t, "a cost that never fits", never.Allowed(), false)
	same(t, "retry after", never.RetryAfter, keywright.Never)
}

func TestResetAndRefund(t *testing.T) {
	hits := limiter(t, open(t, url), "10/h")
	decide := must[keywright.Decision](t)
	decision := decide(hits.HitN(soon(t), "key", 7))
	if decision.SettlesAt[0].Before(time.Now()) || !decision.SettlesAt[1].IsZero() {
		t.Errorf("settles at %v", decision.SettlesAt)
	}
	if err := hits.Refund(soon(t), "key", decision, 5); err != nil {
		t.Fatal(err)
	}
	same(t, "after the refund", decide(hits.Peek(soon(t), "key")).Remaining, 8)
	failed(t, hits.Refund(soon(t), "key", decision, 8), keywright.ErrInvalid)
	if err := hits.Reset(soon(t), "key"); err != nil {
		t.Fatal(err)
	}
	same(t, "after the reset", decide(hits.Peek(soon(t), "key")).Remaining, 10)
}

func TestKeysAreAnyBytes(t *testing.T) {
	hits := limiter(t, open(t, url), "1/h")
	decide := must[keywright.Decision](t)
	for _, key := range []string{"", "\x00", "\x00\xff", "{a}", "%7B", "a:b", "ключ"} {
		same(t, fmt.Sprintf("first of %q", key), decide(hits.Hit(soon(t), key)).Allowed(), true)
		same(t, fmt.Sprintf("second of %q", key), decide(hits.Hit(soon(t), key)).Allowed(), false)
	}
}

func TestOneClientSeesWhatAnotherWrote(t *testing.T) {
	name := fmt.Sprint(t.Name(), made.Add(1))
	first := must[*keywright.Limiter](t)(open(t, url).Limiter(name, "2/h"))
	second := must[*keywright.Limiter](t)(open(t, url).Limiter(name, "2/h"))
	decide := must[keywright.Decision](t)
	same(t, "first", decide(first.Hit(soon(t), "key")).Remaining, 1)
	same(t, "second", decide(second.Hit(soon(t), "key")).Remaining, 0)
	same(t, "first again", decide(first.Hit(soon(t), "key")).Allowed(), false)
}

func TestHitMany(t *testing.T) {
	hits := limiter(t, open(t, url), "1/h")
	items := make([]keywright.LimiterHit, 1000)
	for i := range items {
		items[i] = keywright.LimiterHit{Key: fmt.Sprint(i / 2), Cost: 1}
	}
	decisions := must[[]keywright.Decision](t)(hits.HitMany(soon(t), items))
	for i := 0; i < len(decisions); i += 2 { // of the two with one key, one fits; which is not promised
		same(t, fmt.Sprint("key ", i/2), decisions[i].Allowed(), !decisions[i+1].Allowed())
	}
	items = []keywright.LimiterHit{{Key: "good", Cost: 1}, {Key: "bad", Cost: -1}, {Key: "fine", Cost: 1}}
	_, err := hits.HitMany(soon(t), items)
	details := failed(t, err, keywright.ErrInvalid)
	same(t, "reason", details.Reason, keywright.ReasonRange)
	same(t, "position", details.Position, 1)
	items[1] = keywright.LimiterHit{Key: string(make([]byte, keywright.MaxKey+1)), Cost: 1}
	_, err = hits.HitMany(soon(t), items)
	same(t, "reason", failed(t, err, keywright.ErrInvalid).Reason, keywright.ReasonKeyLength)
	decision := must[keywright.Decision](t)(hits.Hit(soon(t), "good"))
	same(t, "nothing was sent", decision.Allowed(), true)
}

func TestWaitIsAdmittedInTurn(t *testing.T) {
	hits := limiter(t, open(t, url), "20/s burst 1")
	began := time.Now()
	var group sync.WaitGroup
	var admitted atomic.Int32
	for range 6 {
		group.Add(1)
		go func() {
			defer group.Done()
			if decision, err := hits.Wait(soon(t), "key"); err != nil {
				t.Error(err)
			} else if decision.Allowed() {
				admitted.Add(1)
			}
		}()
	}
	group.Wait()
	same(t, "admitted", admitted.Load(), 6)
	if took := time.Since(began); took < 240*time.Millisecond || took > 5*time.Second {
		t.Errorf("six at 20/s took %v", took)
	}
}

func TestWaitLongerThanTheContextIsDeniedAtOnce(t *testing.T) {
	hits := limiter(t, open(t, url), "1/h")
	decide := must[keywright.Decision](t)
	decide(hits.Hit(soon(t), "key"))
	began := time.Now()
	same(t, "allowed", decide(hits.Wait(soon(t), "key")).Allowed(), false)
	minute := limiter(t, open(t, url), "2/m burst 1")
	decide(minute.Hit(soon(t), "key"))
	same(t, "30 s, for which the context has not time", decide(minute.Wait(soon(t), "key")).Allowed(), false)
	same(t, "without a deadline", decide(hits.Wait(context.Background(), "key")).Allowed(), false)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCancelledWaitGivesItsBookingBack(t *testing.T) {
	hits := limiter(t, open(t, url), "1/h burst 1", keywright.LimiterOptions{MaxWait: 2 * time.Hour})
	decide := must[keywright.Decision](t)
	decide(hits.Hit(soon(t), "key"))
	before := decide(hits.Peek(soon(t), "key")).ResetAfter
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := hits.Wait(ctx, "key")
	failed(t, err, context.Canceled)
	failed(t, err, keywright.ErrCancelled)
	until(t, "the booking came back", func() bool {
		return decide(hits.Peek(soon(t), "key")).ResetAfter < before
	})
}

func TestThousandGoroutinesOnFewThreads(t *testing.T) {
	const callers = 1000
	hits := limiter(t, open(t, url), "600/h")
	decideOnce := must[keywright.Decision](t)
	decideOnce(hits.HitN(soon(t), "key", 0))
	before := threads()
	var admitted, denied atomic.Int32
	var group sync.WaitGroup
	ctx := soon(t)
	for range callers {
		group.Add(1)
		go func() {
			defer group.Done()
			switch decision, err := hits.Hit(ctx, "key"); {
			case err != nil:
				t.Error(err)
			case decision.Allowed():
				admitted.Add(1)
			default:
				denied.Add(1)
			}
		}()
	}
	group.Wait()
	same(t, "admitted", admitted.Load(), 600)
	same(t, "denied", denied.Load(), 400)
	if grown := threads() - before; grown > 30 {
		t.Errorf("%d goroutines took %d threads more", callers, grown)
	}
}

func TestSixteenGoroutinesGetTheirOwnAnswers(t *testing.T) {
	hits := limiter(t, open(t, url), "1000/h")
	var group sync.WaitGroup
	ctx := soon(t)
	for caller := range 16 {
		group.Add(1)
		go func() {
			defer group.Done()
			for turn := range 100 {
				decision, err := hits.HitN(ctx, fmt.Sprint(caller), int64(caller))
				if want := int64(1000 - caller*(turn+1)); err == nil && want >= 0 && decision.Remaining != want {
					t.Errorf("caller %d, turn %d: %d remain, want %d", caller, turn, decision.Remaining, want)
					return
				} else if err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	group.Wait()
}

func TestWrongArguments(t *testing.T) {
	client := open(t, url)
	hits := limiter(t, client, "10/s")
	long := string(make([]byte, keywright.MaxKey+1))
	for what, call := range map[string]struct {
		reason keywright.Reason
		err    func() error
	}{
		"key too long":        {keywright.ReasonKeyLength, func() error { _, err := hits.Hit(soon(t), long); return err }},
		"negative cost":       {keywright.ReasonRange, func() error { _, err := hits.HitN(soon(t), "key", -1); return err }},
		"cost beyond 2^52":    {keywright.ReasonRange, func() error { _, err := hits.HitN(soon(t), "key", 1<<52); return err }},
		"empty name":          {keywright.ReasonNameLength, func() error { _, err := client.Limiter("", "1/s"); return err }},
		"name too long":       {keywright.ReasonNameLength, func() error { _, err := client.Limiter(long[:256], "1/s"); return err }},
		"rate 0":              {keywright.ReasonLimitRange, func() error { _, err := client.Limiter("name", "0/s"); return err }},
		"burst times period":  {keywright.ReasonLimitSize, func() error { _, err := client.Limiter("name", "1/year burst 1000000"); return err }},
		"unknown algorithm":   {keywright.ReasonOption, func() error { return algorithm(client, 7) }},
		"refund of too much":  {keywright.ReasonDecision, func() error { return hits.Refund(soon(t), "key", keywright.Decision{Count: 1}, 2) }},
		"refund of a nothing": {keywright.ReasonRange, func() error { return hits.Refund(soon(t), "key", keywright.Decision{Count: 1}, 0) }},
	} {
		details := failed(t, call.err(), keywright.ErrInvalid)
		same(t, what, details.Reason, call.reason)
		if details.Message == "" || details.MaybeApplied {
			t.Errorf("%s: %+v", what, details)
		}
	}
}

func algorithm(client *keywright.Client, number keywright.Algorithm) error {
	_, err := client.Limiter("name", "1/s", keywright.LimiterOptions{Algorithm: number})
	return err
}

func TestLimitTexts(t *testing.T) {
	limits := must[[]keywright.Limit](t)(keywright.LimitsParse("10/s burst 20; 1000 per 2 hours as plan"))
	want := []keywright.Limit{
		{Count: 10, Period: time.Second, Burst: 20},
		{Count: 1000, Period: 2 * time.Hour, Burst: 1000, Label: "plan"},
	}
	same(t, "limits", fmt.Sprint(limits), fmt.Sprint(want))
	_, err := keywright.LimitsParse("10/fortnight")
	details := failed(t, err, keywright.ErrInvalid)
	same(t, "reason", details.Reason, keywright.ReasonLimitSyntax)
	same(t, "position", details.Position, 3)
	_, err = open(t, url).Limiter("two", "1/s; 2/s")
	failed(t, err, keywright.ErrInvalid)
}

func TestErrorsAreToldApart(t *testing.T) {
	_, err := keywright.LimitsParse("nonsense")
	if errors.Is(err, keywright.ErrTimeout) || errors.Is(err, context.Canceled) {
		t.Errorf("%v is taken for another", err)
	}
	same(t, "status", fmt.Sprint(failed(t, err, keywright.ErrInvalid).Code), "INVALID")
}

func TestHTTPFields(t *testing.T) {
	client := open(t, url)
	hits := must[*keywright.Limiter](t)(client.Limiter("http \"fields\"", "1/h as plan"))
	decide, said := must[keywright.Decision](t), must[string](t)
	key := fmt.Sprint(made.Add(1), time.Now())
	same(t, "a yes", said(hits.HTTPFields(decide(hits.Hit(soon(t), key)), nil, keywright.HTTPStyleDraft11)),
		"RateLimit-Policy: \"http \\\"fields\\\":plan\";q=1;w=3600\r\nRateLimit: \"http \\\"fields\\\":plan\";r=0;t=3600\r\n")
	no := decide(hits.Hit(soon(t), key))
	same(t, "a no", said(hits.HTTPFields(no, nil, keywright.HTTPStyleLegacy)),
		"X-RateLimit-Limit: 1\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 3600\r\nRetry-After: 3600\r\n")
	_, err := hits.HTTPFields(no, make([]byte, 65), keywright.HTTPStyleBoth)
	same(t, "reason", failed(t, err, keywright.ErrInvalid).Reason, keywright.ReasonRange)
	_, err = hits.HTTPFields(keywright.Decision{}, nil, keywright.HTTPStyleBoth)
	same(t, "reason", failed(t, err, keywright.ErrInvalid).Reason, keywright.ReasonDecision)
}

// The goroutine that submits may be the one that reads the reply: the collector must hear of the moment that was booked.
// It shows in a client's first calls, and not in each: hence many clients.
func TestNoBookedMomentIsMissed(t *testing.T) {
	for range 150 {
		client := open(t, url)
		hits := limiter(t, client, "200/s burst 1")
		for range 3 {
			ctx, cancel := context.WithTimeout(soon(t), 5*time.Second)
			began := time.Now()
			_, err := hits.Wait(ctx, "key")
			if cancel(); err != nil {
				t.Fatalf("5 ms ahead, and after %v: %v", time.Since(began), err)
			}
		}
		client.Close()
	}
}
