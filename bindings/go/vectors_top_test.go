package keywright_test

import (
	"fmt"
	"testing"

	"keywright"
)

// topEntry is what is told of each that a top lists.
var topEntry = []string{"rank", "score", "member"}

// topVocabulary is what scenarios of tops say.
var topVocabulary = vocabulary{
	mustOpen: []string{"name"},
	mayOpen:  []string{"keep", "ttl_us", "sliding"},
	operations: map[string]operation{
		"add":           {arguments: []string{"key", "member", "delta"}, answers: true},
		"standing":      {arguments: []string{"key", "member"}, answers: true},
		"best":          {arguments: []string{"key", "count"}, answers: true, entry: topEntry},
		"around":        {arguments: []string{"key", "member", "count"}, answers: true, entry: topEntry},
		"add_many":      {arguments: []string{"items"}, answers: true, item: []string{"key", "member", "delta"}},
		"standing_many": {arguments: []string{"items"}, answers: true, item: []string{"key", "member"}},
		"remove":        {arguments: []string{"key", "member"}},
		"reset":         {arguments: []string{"key"}},
	},
	fields: []string{"status", "rank", "score", "size", "expires_after_us"},
	record: "standing",
	open:   openTop,
	call:   callTop,
}

func openTop(client *keywright.Client, spec words) (any, error) {
	return client.Top(spec.text("name"), keywright.TopOptions{
		Keep: spec.number("keep"), TTL: micros(spec, "ttl_us"), Sliding: spec.number("sliding") == 1,
	})
}

func callTop(t *testing.T, object any, step words, _ map[string]any) ([]outcome, error) {
	top, key, member := object.(*keywright.Top), step.text("key"), step.text("member")
	var standing keywright.Standing
	var err error
	switch step.text("do") {
	case "add":
		standing, err = top.AddN(soon(t), key, member, step.number("delta"))
	case "standing":
		standing, err = top.Standing(soon(t), key, member)
	case "best":
		entries, err := top.BestN(soon(t), key, step.number("count"))
		return outcomesOf(entries, outcomeOfEntry), err
	case "around":
		entries, err := top.AroundN(soon(t), key, member, step.number("count"))
		return outcomesOf(entries, outcomeOfEntry), err
	case "add_many":
		var items []keywright.TopAdd
		for _, item := range step.list("items") {
			items = append(items, keywright.TopAdd{
				Key: item.text("key"), Member: item.text("member"), Delta: item.number("delta"),
			})
		}
		standings, err := top.AddMany(soon(t), items)
		return outcomesOf(standings, outcomeOfStanding), err
	case "standing_many":
		var items []keywright.TopStanding
		for _, item := range step.list("items") {
			items = append(items, keywright.TopStanding{Key: item.text("key"), Member: item.text("member")})
		}
		standings, err := top.StandingMany(soon(t), items)
		return outcomesOf(standings, outcomeOfStanding), err
	case "remove":
		return nil, top.Remove(soon(t), key, member)
	case "reset":
		return nil, top.Reset(soon(t), key)
	default:
		t.Fatalf("nobody does %s", step["do"])
	}
	return []outcome{outcomeOfStanding(standing)}, err
}

func outcomeOfStanding(standing keywright.Standing) outcome {
	return outcome{kept: standing, yes: standing.Status == keywright.StatusOK, fields: map[string]string{
		"status":           name(standing.Status),
		"rank":             fmt.Sprint(standing.Rank),
		"score":            fmt.Sprint(standing.Score),
		"size":             fmt.Sprint(standing.Size),
		"expires_after_us": us(standing.ExpiresAfter),
	}}
}

func outcomeOfEntry(entry keywright.TopEntry) outcome {
	return outcome{fields: map[string]string{
		"rank":       fmt.Sprint(entry.Rank),
		"score":      fmt.Sprint(entry.Score),
		"member":     entry.Member,
		"member_hex": fmt.Sprintf("%x", entry.Member),
	}}
}
