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
		"reservations", "overrides_us", "token_lease", "token_ttl_us",
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

		"set_override":   {arguments: []string{"key", "limits", "ttl_us"}, answers: true},
		"clear_override": {arguments: []string{"key"}, answers: true},
		"overrides": {
			arguments: []string{"after", "count"}, answers: true, entry: []string{"key", "limits", "version", "ends_at_us"},
		},
	},
	fields: []string{
		"status", "reason", "denied_by", "limits", "binding", "decided_at_us", "lease", "count", "limit", "remaining",
		"retry_after_us", "reset_after_us", "delay_us", "version", "ends_at_us", "changed_at_us",
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
		Overrides:     micros(spec, "overrides_us"),
		TokenLease:    spec.number("token_lease"),
		TokenTTL:      micros(spec, "token_ttl_us"),
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
	case "set_override":
		change, err := limiter.SetOverride(soon(t), key, step.text("limits"), micros(step, "ttl_us"))
		return []outcome{outcomeOfChange(change)}, err
	case "clear_override":
		change, err := limiter.ClearOverride(soon(t), key)
		return []outcome{outcomeOfChange(change)}, err
	case "overrides":
		found, err := limiter.OverridesN(soon(t), step.number("after"), step.number("count"))
		return outcomesOf(found, outcomeOfOverride), err
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

func outcomeOfChange(change keywright.OverrideChange) outcome {
	return outcome{yes: change.Status == keywright.StatusOK, fields: map[string]string{
		"status":        name(change.Status),
		"version":       fmt.Sprint(change.Version),
		"ends_at_us":    moment(change.EndsAt),
		"changed_at_us": moment(change.ChangedAt),
	}}
}

func outcomeOfOverride(override keywright.Override) outcome {
	return outcome{fields: map[string]string{
		"key":        override.Key,
		"key_hex":    fmt.Sprintf("%x", override.Key),
		"limits":     override.Limits,
		"version":    fmt.Sprint(override.Version),
		"ends_at_us": moment(override.EndsAt),
	}}
}

// moment is Unix time in us, 0 for none.
func moment(at time.Time) string {
	if at.IsZero() {
		return "0"
	}
	return fmt.Sprint(at.UnixMicro())
}

func us(duration time.Duration) string {
	if duration == keywright.Never {
		return "never"
	}
	return fmt.Sprint(duration.Microseconds())
}
