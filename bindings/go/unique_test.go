package keywright_test

import (
	"fmt"
	"testing"
	"time"

	"keywright"
)

func TestUnique(t *testing.T) {
	options := keywright.UniqueOptions{ExactUntil: 2, TTL: time.Hour, Sliding: true}
	unique := must[*keywright.Unique](t)(open(t, url).Unique(fmt.Sprint(t.Name(), made.Add(1)), options))
	decide := must[keywright.Cardinality](t)
	seen := decide(unique.Add(soon(t), "home", "ann"))
	same(t, "novelty", seen.Novelty, keywright.NoveltyNew)
	same(t, "members", seen.Members, int64(1))
	same(t, "exact", seen.Exact, true)
	same(t, "again", decide(unique.Add(soon(t), "home", "ann")).Novelty, keywright.NoveltyKnown)
	decide(unique.Add(soon(t), "home", "bob"))
	same(t, "promoted", decide(unique.Add(soon(t), "home", "cid")).Exact, false)
	many, err := unique.AddMany(soon(t), []keywright.UniqueAdd{{Key: "home", Member: "ann"}, {Key: "home", Member: "dan"}})
	if err != nil || many[0].Novelty != keywright.NoveltyUntold || many[1].Members != 4 {
		t.Errorf("many: %v %v", many, err)
	}
	if left := decide(unique.Count(soon(t), "home")).ExpiresAfter; left <= 59*time.Minute || left > time.Hour {
		t.Errorf("expires after %v", left)
	}
	if err := unique.Reset(soon(t), "home"); err != nil {
		t.Error(err)
	}
	same(t, "reset", decide(unique.Count(soon(t), "home")).Members, int64(0))
}
