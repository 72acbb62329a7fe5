//go:build cgo

package keywright

// Allowed is the answer: whether the hit was admitted.
func (d Decision) Allowed() bool { return d.Status == StatusOK }

// Allowed is the answer: whether all limiters admitted.
func (d JointDecision) Allowed() bool { return d.Status == StatusOK }
