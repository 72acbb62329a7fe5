package keywright

// #include <keywright.h>
import "C"

import (
	"context"
	"strings"
)

// Error is the failure of a call. Use errors.Is with the Err values to ask which one it is, and errors.As for the rest.
type Error struct {
	Code         Status
	Reason       Reason // tells failures of one status apart
	Retryable    bool   // trying the same call again can help and cannot do harm
	MaybeApplied bool   // the server may have done what was asked
	Position     int    // offset of the offending byte of a text, -1 when there is none
	Message      string // what happened and what to do
	Server       string // what the server said, if it said anything

	cause error // the context's, where the context ended the call
}

func (e *Error) Error() string {
	message := e.Message
	if message == "" {
		message = e.Code.Text()
	}
	if e.Server != "" && !strings.Contains(message, e.Server) {
		message += ": " + e.Server
	}
	return "keywright: " + message
}

// Is matches the Err value of the error's status.
func (e *Error) Is(target error) bool {
	kind, ok := target.(kind)
	return ok && Status(kind) == e.Code
}

// Unwrap gives context.Canceled or context.DeadlineExceeded when the call's context ended it.
func (e *Error) Unwrap() error { return e.cause }

// Timeout says whether the call ran out of time.
func (e *Error) Timeout() bool { return e.Code == StatusTimeout || e.cause == context.DeadlineExceeded }

// kind is what the Err values are made of.
type kind Status

func (k kind) Error() string { return "keywright: " + Status(k).Text() }

func errorOf(status C.kw_status, from *C.kw_error) *Error {
	if from.code == 0 {
		return &Error{Code: Status(status), Position: -1, Message: Status(status).Text()}
	}
	return &Error{
		Code:         Status(from.code),
		Reason:       Reason(from.reason),
		Retryable:    from.retryable != 0,
		MaybeApplied: from.maybe_applied != 0,
		Position:     int(from.position),
		Message:      text(from.message[:]),
		Server:       text(from.server[:]),
	}
}

const begun = "the context ended before the call began"

// ended is the error of a call whose context was over before anything was sent.
func ended(ctx context.Context) *Error {
	code := StatusCancelled
	if ctx.Err() == context.DeadlineExceeded {
		code = StatusTimeout
	}
	return &Error{Code: code, Position: -1, Message: begun, cause: ctx.Err()}
}
