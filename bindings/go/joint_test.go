package keywright_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keywright"
)

func jointOf(t *testing.T, client *keywright.Client, limits ...string) (*keywright.Joint, []*keywright.Limiter) {
	t.Helper()
	var limiters []*keywright.Limiter
	for i, limit := range limits {
		name := fmt.Sprint(t.Name(), i, " ", made.Add(1))
		limiters = append(limiters, must[*keywright.Limiter](t)(client.Limiter(name, limit)))
	}
	return must[*keywright.Joint](t)(client.Joint(limiters)), limiters
}

func TestJoint(t *testing.T) {
	joint, limiters := jointOf(t, open(t, url), "10/h", "5/h")
	decide := must[keywright.JointDecision](t)
	hits := func(user string, first int64, address string, second int64) []keywright.LimiterHit {
		return []keywright.LimiterHit{{Key: user, Cost: first}, {Key: address, Cost: second}}
	}
	yes := decide(joint.Hit(soon(t), hits("ann", 2, "\x00\xff", 5)))
	same(t, "status", yes.Status, keywright.StatusOK)
	same(t, "allowed", yes.Allowed(), true)
	same(t, "a failure that nobody looks at admits", keywright.JointDecision{Status: keywright.StatusTimeout}.Allowed(), false)
	same(t, "limiters", len(yes.Decisions), 2)
	same(t, "charged", yes.Decisions[0].Count, int64(2))
	same(t, "remaining", yes.Decisions[1].Remaining, int64(0))
	no := decide(joint.Hit(soon(t), hits("ann", 1, "\x00\xff", 1)))
	same(t, "status", no.Status, keywright.StatusDenied)
	same(t, "denied by", no.DeniedBy, 1)
	if no.RetryAfter <= 0 || no.RetryAfter > 12*time.Minute || no.Decisions[1].RetryAfter != no.RetryAfter {
		t.Errorf("retry after %v, %v", no.RetryAfter, no.Decisions[1].RetryAfter)
	}
	same(t, "of the other", no.Decisions[0].Status, keywright.StatusDenied)
	same(t, "charged nothing", no.Decisions[0].Count, int64(0))
	same(t, "left", decide(joint.Peek(soon(t), hits("ann", 1, "", 0))).Decisions[0].Remaining, int64(8))
	if err := limiters[1].Refund(soon(t), "\x00\xff", yes.Decisions[1], 5); err != nil {
		t.Error(err)
	}
	same(t, "refunded", decide(joint.Hit(soon(t), hits("ann", 8, "\x00\xff", 1))).Status, keywright.StatusOK)
	never := decide(joint.Hit(soon(t), hits("ann", 11, "", 1)))
	same(t, "never", never.RetryAfter, keywright.Never)
}

func TestJointRefuses(t *testing.T) {
	client := open(t, url)
	joint, limiters := jointOf(t, client, "10/h", "5/h")
	refused := func(reason keywright.Reason, err error) {
		t.Helper()
		var failure *keywright.Error
		if !errors.As(err, &failure) || failure.Code != keywright.StatusInvalid || failure.Reason != reason {
			t.Errorf("refused by %v", err)
		}
	}
	_, err := joint.Hit(soon(t), []keywright.LimiterHit{{Key: "a", Cost: 1}})
	refused(keywright.ReasonRange, err)
	_, err = joint.Hit(soon(t), nil)
	refused(keywright.ReasonRange, err)
	_, err = joint.Hit(soon(t), []keywright.LimiterHit{{Key: "a", Cost: 1}, {Key: strings.Repeat("x", 1025), Cost: 1}})
	refused(keywright.ReasonKeyLength, err)
	_, err = joint.Peek(soon(t), []keywright.LimiterHit{{Key: "a", Cost: 1}, {Key: "b", Cost: -1}})
	refused(keywright.ReasonRange, err)
	_, err = client.Joint(nil)
	refused(keywright.ReasonRange, err)
	_, err = client.Joint([]*keywright.Limiter{limiters[0], nil})
	refused(keywright.ReasonNullHandle, err)
	_, err = open(t, url).Joint(limiters)
	refused(keywright.ReasonForeignClient, err)
	_, err = client.Joint(limiters, keywright.JointOptions{OnFailure: keywright.OnFailureLocal})
	refused(keywright.ReasonOption, err)
}

func TestJointHoldsItsLimiters(t *testing.T) {
	joint, _ := jointOf(t, open(t, url), "1000/h", "50/h")
	for i := 0; i < 3; i++ {
		runtime.GC() // the limiters are gone but for the joint limiter
	}
	var admitted atomic.Int64
	var all sync.WaitGroup
	for i := 0; i < 20; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := 0; j < 10; j++ {
				user := fmt.Sprint("user ", i)
				answer, err := joint.Hit(soon(t), []keywright.LimiterHit{{Key: user, Cost: 1}, {Key: "all", Cost: 1}})
				if err != nil {
					t.Error(err)
				} else if answer.Status == keywright.StatusOK {
					admitted.Add(1)
				}
			}
		}()
	}
	all.Wait()
	same(t, "admitted", admitted.Load(), int64(50))
}

func TestJointPolicy(t *testing.T) {
	client := must[*keywright.Client](t)(keywright.Open("redis://127.0.0.1:1"))
	defer client.Close()
	limiter := must[*keywright.Limiter](t)(client.Limiter("api", "10/h"))
	joint := must[*keywright.Joint](t)(client.Joint([]*keywright.Limiter{limiter},
		keywright.JointOptions{OnFailure: keywright.OnFailureAllow}))
	answer := must[keywright.JointDecision](t)(joint.Hit(soon(t), []keywright.LimiterHit{{Key: "a", Cost: 1}}))
	same(t, "reason", answer.Reason, keywright.DecidedByFailOpen)
	same(t, "status", answer.Status, keywright.StatusOK)
}
