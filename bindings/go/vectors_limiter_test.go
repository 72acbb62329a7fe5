package keywright_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"keywright"
)

// limiterVocabulary is what scenarios of limiters say.
var limiterVocabulary = vocabulary{
	mustOpen: []string{"name", "limits"},
	mayOpen: []string{
		"algorithm", "max_wait_us", "align", "zone_offset", "shadow", "charge_denials", "block_us", "block_max_us", "lease_us",
		"reservations",
	},
	operations: map[string]operation{
		"hit":       {arguments: []string{"key", "cost"}, answers: true},
		"hit_up_to": {arguments: []string{"key", "cost"}, answers: true},
		"peek":      {arguments: []string{"key", "cost"}, answers: true},
		"wait":      {arguments: []string{"key", "cost", "wait_us"}, answers: true},
		"hit_many":  {arguments: []string{"items"}, answers: true, item: []string{"key", "cost"}},
		"renew":     {arguments: []string{"key", "decision"}, answers: true},
		"release":   {arguments: []string{"key", "decision"}},
		"refund":    {arguments: []string{"key", "decision", "count"}},
		"reset":     {arguments: []string{"key"}},
		"reserve":   {arguments: []string{"key", "cost", "id", "lease_us"}, answers: true},
		"commit":    {arguments: []string{"key", "id", "actual"}, answers: true},
		"cancel":    {arguments: []string{"key", "id"}, answers: true},
	},
	fields: []string{
		"status", "reason", "denied_by", "limits", "binding", "decided_at_us", "lease", "count", "limit", "remaining",
		"retry_after_us", "reset_after_us", "delay_us",
	},
	unlessTold: words{"delay_us": 0},
	record:     "decision",
	open:       openLimiter,
	call:       callLimiter,
}

func openLimiter(client *keywright.Client, spec words) (any, error) {
	options := keywright.LimiterOptions{
		MaxWait:       micros(spec, "max_wait_us"),
		ZoneOffset:    int(spec.number("zone_offset")),
		Shadow:        spec.number("shadow") == 1,
		ChargeDenials: spec.number("charge_denials") == 1,
		Block:         micros(spec, "block_us"),
		BlockMax:      micros(spec, "block_max_us"),
		Lease:         micros(spec, "lease_us"),
		Reservations:  spec.number("reservations") == 1,
	}
	var err error
	if options.Algorithm, err = called[keywright.Algorithm](spec, "algorithm"); err != nil {
		return nil, err
	}
	if options.Align, err = called[keywright.Align](spec, "align"); err != nil {
		return nil, err
	}
	return client.Limiter(spec.text("name"), spec.text("limits"), options)
}

func callLimiter(t *testing.T, object any, step words, saved map[string]any) ([]outcome, error) {
	limiter, key, cost := object.(*keywright.Limiter), step.text("key"), step.number("cost")
	var decision keywright.Decision
	var err error
	switch step.text("do") {
	case "hit":
		decision, err = limiter.HitN(soon(t), key, cost)
	case "hit_up_to":
		decision, err = limiter.HitUpTo(soon(t), key, cost)
	case "peek":
		decision, err = limiter.PeekN(soon(t), key, cost)
	case "wait": // its patience is what the context has left
		ctx, cancel := context.WithTimeout(soon(t), time.Duration(step.number("wait_us"))*time.Microsecond)
		defer cancel()
		decision, err = limiter.WaitN(ctx, key, cost)
	case "reserve":
		lease := time.Duration(step.number("lease_us")) * time.Microsecond
		decision, err = limiter.Reserve(soon(t), key, cost, step.text("id"), lease)
	case "commit":
		decision, err = limiter.Commit(soon(t), key, step.text("id"), step.number("actual"))
	case "cancel":
		decision, err = limiter.Cancel(soon(t), key, step.text("id"))
	case "hit_many":
		var items []keywright.LimiterHit
		for _, item := range step.list("items") {
			items = append(items, keywright.LimiterHit{Key: item.text("key"), Cost: item.number("cost")})
		}
		decisions, err := limiter.HitMany(soon(t), items)
		return outcomesOf(decisions, outcomeOf), err
	case "renew":
		held, err := limiter.Renew(soon(t), key, saved[step.text("decision")].(keywright.Decision))
		status := keywright.StatusOK
		if !held {
			status = keywright.StatusLost
		}
		return []outcome{{yes: held, fields: map[string]string{"status": name(status), "delay_us": "0"}}}, err
	case "release":
		return nil, limiter.Release(soon(t), key, saved[step.text("decision")].(keywright.Decision))
	case "refund":
		decision := saved[step.text("decision")].(keywright.Decision)
		return nil, limiter.Refund(soon(t), key, decision, step.number("count"))
	case "reset":
		return nil, limiter.Reset(soon(t), key)
	default:
		t.Fatalf("nobody does %s", step["do"])
	}
	return []outcome{outcomeOf(decision)}, err
}

func outcomeOf(decision keywright.Decision) outcome {
	return outcome{kept: decision, yes: decision.Allowed(), fields: map[string]string{
		"status":         name(decision.Status),
		"reason":         name(decision.Reason),
		"denied_by":      fmt.Sprint(decision.DeniedBy),
		"limits":         fmt.Sprint(decision.Limits),
		"binding":        fmt.Sprint(decision.Binding),
		"decided_at_us":  fmt.Sprint(decision.DecidedAt.UnixMicro()),
		"lease":          fmt.Sprint(decision.Lease),
		"count":          fmt.Sprint(decision.Count),
		"limit":          fmt.Sprint(decision.Limit),
		"remaining":      fmt.Sprint(decision.Remaining),
		"retry_after_us": us(decision.RetryAfter),
		"reset_after_us": us(decision.ResetAfter),
		"delay_us":       us(decision.Delay),
	}}
}

func us(duration time.Duration) string {
	if duration == keywright.Never {
		return "never"
	}
	return fmt.Sprint(duration.Microseconds())
}
