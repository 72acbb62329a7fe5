package keywright_test

import (
	"fmt"
	"testing"
	"time"

	"keywright"
)

// quotaVocabulary is what scenarios of quotas say.
var quotaVocabulary = vocabulary{
	mustOpen: []string{"name", "limit"},
	mayOpen:  []string{"period", "zone_minutes"},
	operations: map[string]operation{
		"consume":      {arguments: []string{"key", "cost"}, answers: true},
		"peek":         {arguments: []string{"key", "cost"}, answers: true},
		"consume_many": {arguments: []string{"items"}, answers: true, item: []string{"key", "cost"}},
		"reserve":      {arguments: []string{"key", "cost", "id", "lease_us"}, answers: true},
		"commit":       {arguments: []string{"key", "id", "actual"}, answers: true},
		"cancel":       {arguments: []string{"key", "id"}, answers: true},
		"refund":       {arguments: []string{"key", "count", "resets_at_us"}},
		"reset":        {arguments: []string{"key"}},
	},
	fields: []string{
		"status", "period", "count", "limit", "used", "remaining", "retry_after_us", "reset_after_us", "resets_at_us",
	},
	record: "usage",
	open:   openQuota,
	call:   callQuota,
}

func openQuota(client *keywright.Client, spec words) (any, error) {
	period, err := called[keywright.Period](spec, "period")
	if err != nil {
		return nil, err
	}
	return client.Quota(spec.text("name"), spec.number("limit"), keywright.QuotaOptions{
		Period: period, ZoneMinutes: int(spec.number("zone_minutes")),
	})
}

func callQuota(t *testing.T, object any, step words, _ map[string]any) ([]outcome, error) {
	quota, key, cost, id := object.(*keywright.Quota), step.text("key"), step.number("cost"), step.text("id")
	var usage keywright.Usage
	var err error
	switch step.text("do") {
	case "consume":
		usage, err = quota.ConsumeN(soon(t), key, cost)
	case "peek":
		usage, err = quota.PeekN(soon(t), key, cost)
	case "consume_many":
		var items []keywright.QuotaConsume
		for _, item := range step.list("items") {
			items = append(items, keywright.QuotaConsume{Key: item.text("key"), Cost: item.number("cost")})
		}
		usages, err := quota.ConsumeMany(soon(t), items)
		return outcomesOf(usages, outcomeOfUsage), err
	case "reserve":
		usage, err = quota.Reserve(soon(t), key, cost, id, micros(step, "lease_us"))
	case "commit":
		usage, err = quota.Commit(soon(t), key, id, step.number("actual"))
	case "cancel":
		usage, err = quota.Cancel(soon(t), key, id)
	case "refund":
		return nil, quota.Refund(soon(t), key, step.number("count"), time.UnixMicro(step.number("resets_at_us")))
	case "reset":
		return nil, quota.Reset(soon(t), key)
	default:
		t.Fatalf("nobody does %s", step["do"])
	}
	return []outcome{outcomeOfUsage(usage)}, err
}

func outcomeOfUsage(usage keywright.Usage) outcome {
	return outcome{kept: usage, yes: usage.Status == keywright.StatusOK, fields: map[string]string{
		"status":         name(usage.Status),
		"period":         name(usage.Period),
		"count":          fmt.Sprint(usage.Count),
		"limit":          fmt.Sprint(usage.Limit),
		"used":           fmt.Sprint(usage.Used),
		"remaining":      fmt.Sprint(usage.Remaining),
		"retry_after_us": us(usage.RetryAfter),
		"reset_after_us": us(usage.ResetAfter),
		"resets_at_us":   fmt.Sprint(usage.ResetsAt.UnixMicro()),
	}}
}
