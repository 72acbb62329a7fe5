//go:build keywright_test

package keywright_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"testing"
	"time"

	"keywright"
)

func echo(t testing.TB, options ...keywright.ClientOptions) (*keywright.Client, *keywright.Echo) {
	t.Helper()
	client := open(t, "echo://", options...)
	return client, must[*keywright.Echo](t)(client.Echo())
}

func hold(t testing.TB, object *keywright.Echo, held bool) {
	t.Helper()
	if err := object.Hold(held); err != nil {
		t.Fatal(err)
	}
}

func seen(t testing.TB, object *keywright.Echo) keywright.EchoSeen {
	t.Helper()
	return must[keywright.EchoSeen](t)(object.State())
}

func TestEchoSend(t *testing.T) {
	_, object := echo(t)
	for _, size := range []int{0, 1, 1000, 300_000} {
		payload := make([]byte, size)
		for i := range payload {
			payload[i] = byte(i * 31)
		}
		sum := fnv.New64a()
		sum.Write(payload)
		pair := must[keywright.EchoPair](t)(object.SendN(soon(t), payload, int64(-size)))
		same(t, "number", pair.Number, int64(-size))
		same(t, "length", pair.Length, int64(size))
		same(t, "checksum", pair.Checksum, sum.Sum64())
	}
}

func TestEchoSendMany(t *testing.T) {
	_, object := echo(t)
	items := make([]keywright.EchoSend, 700)
	for i := range items {
		items[i] = keywright.EchoSend{Payload: make([]byte, i), Number: int64(i)}
	}
	for i, pair := range must[[]keywright.EchoPair](t)(object.SendMany(soon(t), items)) {
		same(t, "number", pair.Number, int64(i))
		same(t, "length", pair.Length, int64(i))
	}
}

func TestEchoSteps(t *testing.T) {
	_, object := echo(t)
	began := time.Now()
	pair := must[keywright.EchoPair](t)(object.StepsN(soon(t), 7, 4, 20*time.Millisecond))
	same(t, "number", pair.Number, 7)
	same(t, "steps", int(pair.Steps), 4)
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("three pauses of 20 ms took %v", took)
	}
	_, err := object.StepsN(soon(t), 7, 0, 0)
	same(t, "reason", failed(t, err, keywright.ErrInvalid).Reason, keywright.ReasonRange)
}

func TestEchoGrantAndItsNo(t *testing.T) {
	_, object := echo(t)
	same(t, "even", must[keywright.EchoPair](t)(object.GrantN(soon(t), 2)).Status, keywright.StatusOK)
	same(t, "odd", must[keywright.EchoPair](t)(object.GrantN(soon(t), 3)).Status, keywright.StatusBusy)
	same(t, "granted", seen(t, object).Granted, 1)
}

func TestLateGrantIsUndone(t *testing.T) {
	for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
		t.Run(want.Error(), func(t *testing.T) {
			client, object := echo(t)
			must[keywright.EchoPair](t)(object.Send(soon(t), nil))
			hold(t, object, true)
			ctx, cancel := context.WithCancel(context.Background())
			if want == context.DeadlineExceeded {
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
			} else {
				time.AfterFunc(50*time.Millisecond, cancel)
			}
			defer cancel()
			_, err := object.GrantN(ctx, 4)
			same(t, "maybe applied", failed(t, err, want).MaybeApplied, true)
			hold(t, object, false)
			until(t, "the grant was given back", func() bool {
				state := seen(t, object)
				return state.Undone == 1 && state.Granted == 0
			})
			until(t, "the client counted it", func() bool { return must[keywright.Stats](t)(client.Stats()).Undone == 1 })
		})
	}
}

func TestLostScriptIsInvisible(t *testing.T) {
	client, object := echo(t)
	for range 3 {
		pair := must[keywright.EchoPair](t)(object.ScriptN(soon(t), 11))
		same(t, "status", pair.Status, keywright.StatusOK)
		same(t, "number", pair.Number, 11)
		if err := object.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "scripts sent again", must[keywright.Stats](t)(client.Stats()).Retries, 3)
}

func TestDroppedLinkIsTold(t *testing.T) {
	_, object := echo(t)
	must[keywright.EchoPair](t)(object.Send(soon(t), nil))
	hold(t, object, true)
	answer := make(chan error, 1)
	go func() {
		_, err := object.GrantN(soon(t), 2)
		answer <- err
	}()
	until(t, "a reply is held", func() bool { return seen(t, object).Held > 0 })
	if err := object.Drop(); err != nil {
		t.Fatal(err)
	}
	failed(t, <-answer, keywright.ErrUnknown)
	hold(t, object, false)
	must[keywright.EchoPair](t)(object.Send(soon(t), nil))
}

// A thousand goroutines wait at the same time, each for its own answer.
func TestThousandWaitersHoldNoThreads(t *testing.T) {
	const waiters = 1000
	_, object := echo(t)
	must[keywright.EchoPair](t)(object.Send(soon(t), nil))
	hold(t, object, true)
	before := threads()
	ctx := soon(t)
	var group sync.WaitGroup
	for i := range waiters {
		group.Add(1)
		go func() {
			defer group.Done()
			pair, err := object.SendN(ctx, []byte(fmt.Sprint(i)), int64(i))
			if err != nil {
				t.Error(err)
			}
			same(t, "number", pair.Number, int64(i))
		}()
	}
	until(t, "all are held", func() bool { return seen(t, object).Held >= waiters })
	if grown := threads() - before; grown > 20 {
		t.Errorf("%d waiters took %d threads more", waiters, grown)
	}
	hold(t, object, false)
	group.Wait()
}

func TestCallsWaitForRoom(t *testing.T) {
	_, object := echo(t, keywright.ClientOptions{MaxInFlight: 8})
	must[keywright.EchoPair](t)(object.Send(soon(t), nil))
	ctx := soon(t)
	var group sync.WaitGroup
	for i := range 500 {
		group.Add(1)
		go func() {
			defer group.Done()
			pair, err := object.SendN(ctx, nil, int64(i))
			if err != nil {
				t.Error(err)
			}
			same(t, "number", pair.Number, int64(i))
		}()
	}
	group.Wait()
	hold(t, object, true)
	short, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := object.SendMany(short, make([]keywright.EchoSend, 20))
	failed(t, err, context.DeadlineExceeded)
}

func TestCloseEndsWhatWaits(t *testing.T) {
	client, object := echo(t)
	must[keywright.EchoPair](t)(object.Send(soon(t), nil))
	hold(t, object, true)
	answers := make(chan error, 50)
	for range cap(answers) {
		go func() {
			_, err := object.Send(soon(t), nil)
			answers <- err
		}()
	}
	until(t, "all are held", func() bool { return seen(t, object).Held >= int64(cap(answers)) })
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	for range cap(answers) {
		failed(t, <-answers, keywright.ErrClosed)
	}
}

// Cancelling meets answers at every moment; each call ends once, and the grants that nobody took are given back.
func TestCancelRacesAnswers(t *testing.T) {
	client, object := echo(t)
	var group sync.WaitGroup
	var taken sync.Map
	for caller := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for turn := range 200 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(turn)*time.Microsecond)
				if pair, err := object.GrantN(ctx, 2); err == nil && pair.Status == keywright.StatusOK {
					taken.Store([2]int{caller, turn}, true)
				} else if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				cancel()
			}
		}()
	}
	group.Wait()
	kept := 0
	taken.Range(func(any, any) bool { kept++; return true })
	until(t, "what was not taken is back", func() bool { return seen(t, object).Granted == int64(kept) })
	until(t, "nothing is in flight", func() bool { return must[keywright.Stats](t)(client.Stats()).InFlight == 0 })
}
