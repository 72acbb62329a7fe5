package keywright_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"keywright"
)

func TestCounter(t *testing.T) {
	client := open(t, url)
	options := keywright.CounterOptions{Bounds: keywright.BoundsBoth, Min: 0, Max: 10, TTL: time.Hour}
	stock := must[*keywright.Counter](t)(client.Counter(fmt.Sprint(t.Name(), made.Add(1)), options))
	count := must[keywright.Count](t)

	added := count(stock.AddN(soon(t), "key", 7))
	same(t, "value", added.Value, int64(7))
	same(t, "expires after", added.ExpiresAfter, time.Hour)
	refused := count(stock.AddN(soon(t), "key", 4))
	same(t, "refused", refused.Status, keywright.StatusOutOfRange)
	same(t, "applied", refused.Applied, int64(0))

	same(t, "once", count(stock.AddOnce(soon(t), "key", "a")).Duplicate, false)
	same(t, "twice", count(stock.AddOnce(soon(t), "key", "a")).Duplicate, true)
	same(t, "value", count(stock.Value(soon(t), "key")).Value, int64(8))
	same(t, "taken", count(stock.TakeOnce(soon(t), "key", "t")).Value, int64(8))
	same(t, "taken again", count(stock.TakeOnce(soon(t), "key", "t")).Value, int64(8))
	same(t, "taken", count(stock.Take(soon(t), "key")).Value, int64(0))

	items := []keywright.CounterAddOnce{{Key: "a", Once: "x", Amount: 3}, {Key: "b", Once: "x", Amount: 99}}
	many, err := stock.AddOnceMany(soon(t), items)
	if err != nil || many[0].Value != 3 || many[1].Status != keywright.StatusOutOfRange {
		t.Errorf("many: %v %v", many, err)
	}
	values, err := stock.ValueMany(soon(t), []keywright.CounterValue{{Key: "a"}, {Key: "b"}})
	if err != nil || values[0].Value != 3 || values[1].Value != 0 {
		t.Errorf("values: %v %v", values, err)
	}
	var failure *keywright.Error
	if err := stock.Set(soon(t), "key", 11); !errors.As(err, &failure) || failure.Reason != keywright.ReasonRange {
		t.Errorf("a value beyond the bounds: %v", err)
	}
	if err := stock.Reset(soon(t), "key"); err != nil {
		t.Error(err)
	}
	if _, err := client.Counter("x", keywright.CounterOptions{Window: time.Hour, Shards: 2}); !errors.As(err, &failure) {
		t.Errorf("a windowed and sharded counter: %v", err)
	}
}
