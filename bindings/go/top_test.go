package keywright_test

import (
	"fmt"
	"reflect"
	"testing"

	"keywright"
)

func TestTop(t *testing.T) {
	top := must[*keywright.Top](t)(open(t, url).Top(fmt.Sprint(t.Name(), made.Add(1)), keywright.TopOptions{Keep: 10}))
	decide := must[keywright.Standing](t)
	list := must[[]keywright.TopEntry](t)
	for i, member := range []string{"ann", "bob", "cid\xff"} {
		decide(top.AddN(soon(t), "week", member, int64(i)))
	}
	told := decide(top.Add(soon(t), "week", "ann"))
	same(t, "rank", told.Rank, int64(2)) // as much as bob, and first in bytes
	same(t, "score", told.Score, int64(1))
	want := []keywright.TopEntry{{Rank: 1, Score: 2, Member: "cid\xff"}, {Rank: 2, Score: 1, Member: "ann"}}
	if best := list(top.BestN(soon(t), "week", 2)); !reflect.DeepEqual(best, want) {
		t.Errorf("best: %v", best)
	}
	if around := list(top.AroundN(soon(t), "week", "bob", 1)); len(around) != 2 || around[1].Member != "bob" {
		t.Errorf("around: %v", around)
	}
	same(t, "nobody", len(list(top.Around(soon(t), "week", "zoe"))), 0)
	same(t, "not kept", decide(top.Standing(soon(t), "week", "zoe")).Status, keywright.StatusNotFound)
	if err := top.Remove(soon(t), "week", "bob"); err != nil {
		t.Error(err)
	}
	same(t, "left", len(list(top.Best(soon(t), "week"))), 2)
	if err := top.Reset(soon(t), "week"); err != nil {
		t.Error(err)
	}
	same(t, "reset", len(list(top.Best(soon(t), "week"))), 0)
}
