package keywright_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"keywright"
)

// counterVocabulary is what scenarios of counters say.
var counterVocabulary = vocabulary{
	mustOpen: []string{"name"},
	mayOpen: []string{
		"bounds", "on_bound", "min", "max", "expiry", "zone_minutes", "ttl_us", "window_us", "buckets", "shards",
		"remember_us", "remember_max",
	},
	operations: map[string]operation{
		"add":       {arguments: []string{"key", "amount"}, answers: true},
		"add_once":  {arguments: []string{"key", "once", "amount"}, answers: true},
		"value":     {arguments: []string{"key"}, answers: true},
		"take":      {arguments: []string{"key"}, answers: true},
		"take_once": {arguments: []string{"key", "once"}, answers: true},
		"add_many":  {arguments: []string{"items"}, answers: true, item: []string{"key", "amount"}},
		"set":       {arguments: []string{"key", "value"}},
		"reset":     {arguments: []string{"key"}},
	},
	fields: []string{"status", "value", "applied", "expires_after_us", "duplicate"},
	record: "count",
	open:   openCounter,
	call:   callCounter,
}

func openCounter(client *keywright.Client, spec words) (any, error) {
	options := keywright.CounterOptions{
		Min: spec.number("min"), Max: spec.number("max"), ZoneMinutes: spec.number("zone_minutes"),
		TTL: micros(spec, "ttl_us"), Window: micros(spec, "window_us"), Buckets: spec.number("buckets"),
		Shards: spec.number("shards"), Remember: micros(spec, "remember_us"), RememberMax: spec.number("remember_max"),
	}
	var err error
	if options.Bounds, err = called[keywright.Bounds](spec, "bounds"); err != nil {
		return nil, err
	}
	if options.OnBound, err = called[keywright.OnBound](spec, "on_bound"); err != nil {
		return nil, err
	}
	if options.Expiry, err = called[keywright.Expiry](spec, "expiry"); err != nil {
		return nil, err
	}
	return client.Counter(spec.text("name"), options)
}

func micros(spec words, field string) time.Duration {
	return time.Duration(spec.number(field)) * time.Microsecond
}

// called is the value of an enum by its name in small letters; 0 where the field is missing.
func called[E interface {
	~int32
	fmt.Stringer
}](spec words, field string) (E, error) {
	if !spec.has(field) {
		return 0, nil
	}
	for each := E(0); each < 64; each++ {
		if strings.ToLower(name(each)) == spec.text(field) {
			return each, nil
		}
	}
	return 0, fmt.Errorf("there is no %s %s", field, spec.text(field))
}

func callCounter(t *testing.T, object any, step words, _ map[string]any) ([]outcome, error) {
	counter, key := object.(*keywright.Counter), step.text("key")
	var count keywright.Count
	var err error
	switch step.text("do") {
	case "add":
		count, err = counter.AddN(soon(t), key, step.number("amount"))
	case "add_once":
		count, err = counter.AddOnceN(soon(t), key, step.text("once"), step.number("amount"))
	case "value":
		count, err = counter.Value(soon(t), key)
	case "take":
		count, err = counter.Take(soon(t), key)
	case "take_once":
		count, err = counter.TakeOnce(soon(t), key, step.text("once"))
	case "add_many":
		var items []keywright.CounterAdd
		for _, item := range step.list("items") {
			items = append(items, keywright.CounterAdd{Key: item.text("key"), Amount: item.number("amount")})
		}
		counts, err := counter.AddMany(soon(t), items)
		return outcomesOf(counts, outcomeOfCount), err
	case "set":
		return nil, counter.Set(soon(t), key, step.number("value"))
	case "reset":
		return nil, counter.Reset(soon(t), key)
	default:
		t.Fatalf("nobody does %s", step["do"])
	}
	return []outcome{outcomeOfCount(count)}, err
}

func outcomeOfCount(count keywright.Count) outcome {
	duplicate := 0
	if count.Duplicate {
		duplicate = 1
	}
	return outcome{kept: count, yes: count.Status == keywright.StatusOK, fields: map[string]string{
		"status":           name(count.Status),
		"value":            fmt.Sprint(count.Value),
		"applied":          fmt.Sprint(count.Applied),
		"expires_after_us": us(count.ExpiresAfter),
		"duplicate":        fmt.Sprint(duplicate),
	}}
}
