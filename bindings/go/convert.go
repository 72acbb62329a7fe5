package keywright

// #include <stdlib.h>
// #include <string.h>
// #include <keywright.h>
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// microseconds rounds up, so that a duration below one microsecond does not become zero, which means the default.
func microseconds(d time.Duration) C.int64_t {
	switch {
	case d == math.MaxInt64:
		return math.MaxInt64
	case d > 0:
		return C.int64_t((d-1)/time.Microsecond + 1)
	default:
		return C.int64_t(d / time.Microsecond)
	}
}

func duration(us C.int64_t) time.Duration {
	if us > math.MaxInt64/1000 {
		return Never
	}
	return time.Duration(us) * time.Microsecond
}

// moment leaves what C says with 0, no moment, the zero Time.
func moment(us C.int64_t) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(us))
}

func unixMicro(t time.Time) C.int64_t {
	if t.IsZero() {
		return 0
	}
	return C.int64_t(t.UnixMicro())
}

// text reads a NUL-terminated array.
func text(chars []C.char) string {
	return C.GoStringN(&chars[0], C.int(C.strnlen(&chars[0], C.size_t(len(chars)))))
}

// data is where a string's bytes lie; C copies them before the call returns.
func data(s string) unsafe.Pointer {
	return unsafe.Pointer(unsafe.StringData(s))
}

// pinned keeps bytes of Go's where they are while C holds a pointer to them in memory that it was given.
func pinned(pinner *runtime.Pinner, at unsafe.Pointer) unsafe.Pointer {
	if at != nil {
		pinner.Pin(at)
	}
	return at
}

func flag(on bool) C.int64_t {
	if on {
		return 1
	}
	return 0
}

// texts makes C's NUL-terminated strings and frees them together.
type texts struct {
	made []*C.char
	err  error
}

// option is nil for an empty text, which means the default.
func (t *texts) option(name, s string) *C.char {
	if s == "" {
		return nil
	}
	return t.of(name, s)
}

func (t *texts) of(name, s string) *C.char {
	if at := strings.IndexByte(s, 0); at >= 0 && t.err == nil {
		t.err = &Error{Code: StatusInvalid, Position: at, Message: fmt.Sprintf("%s holds a NUL byte", name)}
	}
	made := C.CString(s)
	t.made = append(t.made, made)
	return made
}

func (t *texts) free() {
	for _, made := range t.made {
		C.free(unsafe.Pointer(made))
	}
}

// outside is the error of a number, or of a number of bytes, that lies outside of its range.
func outside(reason Reason, name string, value, least, most int64) *Error {
	if value >= least && value <= most {
		return nil
	}
	said := fmt.Sprint(value)
	if reason == ReasonKeyLength || reason == ReasonNameLength {
		said += " bytes long"
	}
	return &Error{
		Code:     StatusInvalid,
		Reason:   reason,
		Position: -1,
		Message:  fmt.Sprintf("%s is %s: it must lie between %d and %d", name, said, least, most),
	}
}

// optional is the one value of a variadic list that may be empty.
func optional[T any](name string, list []T) (*T, error) {
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return &list[0], nil
	default:
		return nil, &Error{Code: StatusInvalid, Position: -1, Message: fmt.Sprintf("%s may be given once", name)}
	}
}
