package keywright_test

import (
	"fmt"
	"testing"

	"keywright"
)

// uniqueVocabulary is what scenarios of unique counters say.
var uniqueVocabulary = vocabulary{
	mustOpen: []string{"name"},
	mayOpen:  []string{"exact_until", "ttl_us", "sliding"},
	operations: map[string]operation{
		"add":        {arguments: []string{"key", "member"}, answers: true},
		"count":      {arguments: []string{"key"}, answers: true},
		"add_many":   {arguments: []string{"items"}, answers: true, item: []string{"key", "member"}},
		"count_many": {arguments: []string{"items"}, answers: true, item: []string{"key"}},
		"reset":      {arguments: []string{"key"}},
	},
	fields: []string{"status", "novelty", "members", "exact", "expires_after_us"},
	record: "cardinality",
	open:   openUnique,
	call:   callUnique,
}

func openUnique(client *keywright.Client, spec words) (any, error) {
	return client.Unique(spec.text("name"), keywright.UniqueOptions{
		ExactUntil: spec.number("exact_until"), TTL: micros(spec, "ttl_us"), Sliding: spec.number("sliding") == 1,
	})
}

func callUnique(t *testing.T, object any, step words, _ map[string]any) ([]outcome, error) {
	unique, key := object.(*keywright.Unique), step.text("key")
	var seen keywright.Cardinality
	var many []keywright.Cardinality
	var err error
	switch step.text("do") {
	case "add":
		seen, err = unique.Add(soon(t), key, step.text("member"))
	case "count":
		seen, err = unique.Count(soon(t), key)
	case "add_many":
		var items []keywright.UniqueAdd
		for _, item := range step.list("items") {
			items = append(items, keywright.UniqueAdd{Key: item.text("key"), Member: item.text("member")})
		}
		many, err = unique.AddMany(soon(t), items)
		return outcomesOf(many, outcomeOfCardinality), err
	case "count_many":
		var items []keywright.UniqueCount
		for _, item := range step.list("items") {
			items = append(items, keywright.UniqueCount{Key: item.text("key")})
		}
		many, err = unique.CountMany(soon(t), items)
		return outcomesOf(many, outcomeOfCardinality), err
	case "reset":
		return nil, unique.Reset(soon(t), key)
	default:
		t.Fatalf("nobody does %s", step["do"])
	}
	return []outcome{outcomeOfCardinality(seen)}, err
}

func outcomeOfCardinality(seen keywright.Cardinality) outcome {
	exact := 0
	if seen.Exact {
		exact = 1
	}
	return outcome{kept: seen, yes: seen.Status == keywright.StatusOK, fields: map[string]string{
		"status":           name(seen.Status),
		"novelty":          name(seen.Novelty),
		"members":          fmt.Sprint(seen.Members),
		"exact":            fmt.Sprint(exact),
		"expires_after_us": us(seen.ExpiresAfter),
	}}
}
