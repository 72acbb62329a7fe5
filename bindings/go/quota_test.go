package keywright_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"keywright"
)

func TestQuota(t *testing.T) {
	client := open(t, url)
	options := keywright.QuotaOptions{Period: keywright.PeriodMonth, ZoneMinutes: 60}
	quota := must[*keywright.Quota](t)(client.Quota(fmt.Sprint(t.Name(), made.Add(1)), 100, options))
	decide := must[keywright.Usage](t)

	used := decide(quota.ConsumeN(soon(t), "key", 30))
	same(t, "status", used.Status, keywright.StatusOK)
	same(t, "remaining", used.Remaining, int64(70))
	same(t, "period", used.Period, keywright.PeriodMonth)
	if left := time.Until(used.ResetsAt); left <= 0 || left > 31*24*time.Hour {
		t.Errorf("resets in %v", left)
	}
	same(t, "denied", decide(quota.ConsumeN(soon(t), "key", 71)).Status, keywright.StatusDenied)

	same(t, "reserved", decide(quota.Reserve(soon(t), "key", 60, "a", time.Hour)).Remaining, int64(10))
	same(t, "again", decide(quota.Reserve(soon(t), "key", 60, "a", time.Hour)).Remaining, int64(10))
	same(t, "committed", decide(quota.Commit(soon(t), "key", "a", 5)).Used, int64(35))
	same(t, "gone", decide(quota.Reserve(soon(t), "key", 60, "a", time.Hour)).Status, keywright.StatusGone)
	var failure *keywright.Error
	if _, err := quota.Commit(soon(t), "key", "b", 5); !errors.As(err, &failure) || failure.Code != keywright.StatusNotFound {
		t.Errorf("a commit of nothing: %v", err)
	} else if !strings.Contains(failure.Message, "charge what was used by consume") {
		t.Errorf("a commit of nothing says %q", failure.Message)
	}
	if _, err := quota.Cancel(soon(t), "key", "a"); !errors.As(err, &failure) || failure.Code != keywright.StatusConflict {
		t.Errorf("a cancel of what was committed: %v", err)
	}
	if err := quota.Refund(soon(t), "key", 30, used.ResetsAt); err != nil {
		t.Error(err)
	}
	same(t, "refunded", decide(quota.Peek(soon(t), "key")).Used, int64(5))
	many, err := quota.ConsumeMany(soon(t), []keywright.QuotaConsume{{Key: "key", Cost: 1}, {Key: "key", Cost: 96}})
	if err != nil || many[0].Remaining != 94 || many[1].Status != keywright.StatusDenied {
		t.Errorf("many: %v %v", many, err)
	}
	if err := quota.Reset(soon(t), "key"); err != nil {
		t.Error(err)
	}
}
