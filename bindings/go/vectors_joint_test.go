package keywright_test

import (
	"fmt"
	"testing"

	"keywright"
)

// jointVocabulary is what scenarios of joint limiters say. Of an answer the first is that of the whole, then come its
// limiters'.
var jointVocabulary = vocabulary{
	mustOpen: []string{"limiters", "limits", "algorithms"},
	operations: map[string]operation{
		"hit":    {arguments: []string{"items"}, answers: true, item: []string{"key", "cost"}},
		"peek":   {arguments: []string{"items"}, answers: true, item: []string{"key", "cost"}},
		"refund": {arguments: []string{"limiter", "key", "decision", "count"}},
	},
	fields: append([]string{"limiters"}, limiterVocabulary.fields...),
	record: "decision",
	open:   openJoint,
	call:   callJoint,
}

// A jointObject is a joint limiter, and its limiters for what they do alone.
type jointObject struct {
	joint    *keywright.Joint
	limiters []*keywright.Limiter
}

func (w words) texts(name string) (list []string) {
	items, _ := w[name].([]any)
	for _, item := range items {
		list = append(list, item.(string))
	}
	return list
}

func openJoint(client *keywright.Client, spec words) (any, error) {
	limits, algorithms := spec.texts("limits"), spec.texts("algorithms")
	made := jointObject{}
	for i, name := range spec.texts("limiters") {
		algorithm, err := called[keywright.Algorithm](words{"algorithm": algorithms[i]}, "algorithm")
		if err != nil {
			return nil, err
		}
		limiter, err := client.Limiter(name, limits[i], keywright.LimiterOptions{Algorithm: algorithm})
		if err != nil {
			return nil, err
		}
		made.limiters = append(made.limiters, limiter)
	}
	var err error
	made.joint, err = client.Joint(made.limiters)
	return made, err
}

func callJoint(t *testing.T, object any, step words, saved map[string]any) ([]outcome, error) {
	made := object.(jointObject)
	var items []keywright.LimiterHit
	for _, item := range step.list("items") {
		items = append(items, keywright.LimiterHit{Key: item.text("key"), Cost: item.number("cost")})
	}
	var told keywright.JointDecision
	var err error
	switch step.text("do") {
	case "hit":
		told, err = made.joint.Hit(soon(t), items)
	case "peek":
		told, err = made.joint.Peek(soon(t), items)
	case "refund":
		which := step.number("limiter")
		decision := saved[step.text("decision")].(keywright.JointDecision).Decisions[which]
		return nil, made.limiters[which].Refund(soon(t), step.text("key"), decision, step.number("count"))
	default:
		t.Fatalf("nobody does %s", step["do"])
	}
	if err != nil {
		return nil, err
	}
	answers := []outcome{{yes: told.Status == keywright.StatusOK, fields: map[string]string{
		"status":         name(told.Status),
		"reason":         name(told.Reason),
		"denied_by":      fmt.Sprint(told.DeniedBy),
		"limiters":       fmt.Sprint(told.Limiters),
		"retry_after_us": us(told.RetryAfter),
	}}}
	answers = append(answers, outcomesOf(told.Decisions, outcomeOf)...)
	for i := range answers {
		answers[i].kept = told
	}
	return answers, nil
}
