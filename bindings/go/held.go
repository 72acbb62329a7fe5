package keywright

// #include <keywright.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// renewals is how often a lease is renewed before it would end: twice may fail.
const renewals = 3

// errForgotten is why the context of a Held ends that nobody refers to any more.
var errForgotten = errors.New("keywright: what was held was forgotten without Release")

// Held is what a concurrent limit gave to a hit, renewed by a goroutine until it is released.
type Held struct {
	*hold
	once sync.Once
	err  error
}

// A hold is what the goroutine knows: not the Held, so that one that is forgotten can be collected.
type hold struct {
	limiter  *Limiter
	key      string
	decision Decision
	ctx      context.Context
	cancel   context.CancelCauseFunc
	ended    chan struct{} // closed when nobody renews
}

// Hold keeps what a concurrent limit gave to a hit: from now on it is renewed, three times in each lease, until
// [Held.Release]. Call it as soon as the decision is there, and release in a defer:
//
//	decision, err := gpu.Wait(ctx, "machine:1")
//	if err != nil || !decision.Allowed() {
//		return err
//	}
//	held := gpu.Hold(ctx, "machine:1", decision)
//	defer held.Release()
//	return train(held.Context())
//
// When ctx ends nobody renews any more: what was given comes back at Release, or when its lease ends. So it does when a
// Held is forgotten. A decision that holds nothing (a denial, or no limit is concurrent) is held without a round trip.
func (l *Limiter) Hold(ctx context.Context, key string, decision Decision) *Held {
	began := time.Now()
	inner, cancel := context.WithCancelCause(ctx)
	held := &Held{hold: &hold{
		limiter: l, key: key, decision: decision, ctx: inner, cancel: cancel, ended: make(chan struct{}),
	}}
	runtime.AddCleanup(held, func(cancel context.CancelCauseFunc) { cancel(errForgotten) }, cancel)
	if !held.holds() {
		close(held.ended)
		return held
	}
	lease := duration(C.kw_limiter_lease_us(l.handle()))
	runtime.KeepAlive(l)
	go held.keep(began, lease)
	return held
}

// Context ends with the context that Hold was given, at Release, and when the lease was lost: then [context.Cause] is
// [ErrLost], and others may be at it too. Lost is what the server has given up, and what could not be renewed for a
// whole lease.
func (h *Held) Context() context.Context { return h.ctx }

// Release gives back what is held, also after the context that Hold was given has ended, and ends [Held.Context].
// Calling it again does nothing. Where it fails, what was given comes back when its lease ends.
func (h *Held) Release() error {
	h.once.Do(func() {
		h.cancel(context.Canceled)
		<-h.ended
		if h.holds() {
			h.err = h.limiter.Release(context.WithoutCancel(h.ctx), h.key, h.decision)
		}
	})
	return h.err
}

func (h *hold) holds() bool { return h.decision.Allowed() && h.decision.Lease != 0 }

// keep renews until the context ends.
func (h *hold) keep(began time.Time, lease time.Duration) {
	defer close(h.ended)
	interval := lease / renewals
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-timer.C:
		}
		sent := time.Now()
		err := h.renew(interval)
		switch {
		case err == nil:
			began = sent
		case errors.Is(err, ErrLost), errors.Is(err, ErrClosed), errors.Is(err, ErrInvalid), time.Since(began) >= lease:
			h.cancel(lost(err))
			return
		}
		timer.Reset(time.Until(sent.Add(interval)))
	}
}

// renew asks once.
func (h *hold) renew(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(h.ctx, timeout)
	defer cancel()
	renewed, err := h.limiter.Renew(ctx, h.key, h.decision)
	if err == nil && !renewed {
		return ErrLost
	}
	return err
}

// lost is the cause of a context that ends with the lease: ErrLost, and behind it why nobody renews any more.
func lost(err error) error {
	if errors.Is(err, ErrLost) {
		return ErrLost
	}
	message := fmt.Sprintf("the lease is renewed no more, so that others may be at it too: %v", err)
	return &Error{Code: StatusLost, Position: -1, Message: message, cause: err}
}
