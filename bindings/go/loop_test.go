package keywright

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// Where pollers do not nest a thread collects the answers: everything else is the same.
func TestCollectingByThread(t *testing.T) {
	defer func(before bool) { nestedPolling = before }(nestedPolling)
	nestedPolling = false
	client, err := Open("embedded://")
	if err != nil {
		t.Fatal(err)
	}
	if client.loop.file != nil {
		t.Fatal("the runtime's poller collects")
	}
	hits, err := client.Limiter("thread", "50/h")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var group sync.WaitGroup
	for i := range 100 {
		group.Add(1)
		go func() {
			defer group.Done()
			if _, err := hits.Hit(ctx, fmt.Sprint(i%2)); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	if decision, err := hits.Hit(ctx, "0"); err != nil || decision.Allowed() {
		t.Errorf("the hit after 50 gave %+v, %v", decision, err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}
