package keywright

/*
#include <poll.h>
#include <stdlib.h>
#include <keywright.h>

// One crossing for a turn of the loop: do the work, take the records, ask how long there is nothing to do. Returns how
// many records were taken; when there were none, the status of step if that was a failure. A step does bounded work and
// leaves the descriptor readable for the rest, but Go's poller tells only of what is new: so *timeout_ms is 0, turn
// again, while it is readable.
static int64_t kw_go_turn(kw_completions *completions, kw_record *records, int64_t capacity, int32_t *timeout_ms) {
	int64_t waiting = kw_completions_step(completions, NULL);
	int64_t taken = kw_completions_drain(completions, records, capacity, sizeof *records, NULL);
	*timeout_ms = kw_completions_timeout_ms(completions);
	if (taken > 0) return taken;
	if (waiting < 0) return waiting;
	struct pollfd watched = {.fd = kw_completions_fd(completions), .events = POLLIN};
	if (poll(&watched, 1, 0) > 0) *timeout_ms = 0;
	return 0;
}

// The work alone; returns how long there is nothing to do.
static int32_t kw_go_step(kw_completions *completions) {
	kw_completions_step(completions, NULL);
	return kw_completions_timeout_ms(completions);
}
*/
import "C"

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// nestedPolling says whether the runtime's poller can watch a descriptor that is itself a poller: a kqueue inside a
// kqueue is not reliable.
var nestedPolling = runtime.GOOS == "linux"

// batch is how many answers are taken in one turn.
const batch = 256

// A loop carries the calls of one client: goroutines submit them, one goroutine collects the answers. It does not
// refer to the client, so that a forgotten client can be collected.
type loop struct {
	client      *C.kw_client
	completions *C.kw_completions
	patience    time.Duration // for room, where the context has no deadline
	ended       chan struct{}

	work sync.Mutex // a step under way: a second would return at once, and its caller would ask again and again

	mu    sync.Mutex
	calls map[C.uint64_t]*call
	last  C.uint64_t

	crowded atomic.Int32  // callers that found no room
	room    chan struct{} // one may try again

	began   time.Time
	alarm   atomic.Int64 // when the collector wakes by itself, in ns since it began; 0: never
	hurried atomic.Bool  // something became due before that
	file    *os.File     // a duplicate of the completions' descriptor, in the runtime's poller; nil without

	// Of the collecting goroutine alone.
	records *C.kw_record
	found   [batch]*call
}

// A call is one submitted operation. Its memory is used again.
type call struct {
	completions *C.kw_completions
	tag         C.uint64_t
	timeout     C.int64_t
	patience    C.int64_t // of an operation that waits: until the context ends
	failure     C.kw_error
	status      C.kw_status
	answer      []uint64 // the result record
	done        chan struct{}
}

var pool = sync.Pool{New: func() any { return &call{done: make(chan struct{}, 1)} }}

func startLoop(client *C.kw_client, options *ClientOptions) (*loop, error) {
	l := &loop{
		client:   client,
		began:    time.Now(),
		patience: 5 * time.Second,
		ended:    make(chan struct{}),
		calls:    make(map[C.uint64_t]*call),
		room:     make(chan struct{}, 1),
	}
	if options != nil && options.Timeout > 0 {
		l.patience = options.Timeout
	}
	var failure C.kw_error
	if status := C.kw_completions_open(client, &l.completions, &failure); status != C.KW_OK {
		return nil, errorOf(status, &failure)
	}
	l.records = (*C.kw_record)(C.calloc(batch, C.sizeof_kw_record))
	collect := l.collectByThread
	if nestedPolling && l.watch() == nil {
		collect = l.collectByPoller
	}
	go func() {
		defer close(l.ended)
		collect()
	}()
	return l, nil
}

// watch gives the runtime's poller a descriptor of its own for what the completions' descriptor stands for.
func (l *loop) watch() error {
	syscall.ForkLock.RLock()
	fd, err := syscall.Dup(int(C.kw_completions_fd(l.completions)))
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return err
	}
	l.file = os.NewFile(uintptr(fd), "keywright")
	if err := l.file.SetReadDeadline(time.Time{}); err != nil {
		l.file.Close()
		l.file = nil
		return err
	}
	return nil
}

// collectByPoller turns until the client is closed, and sleeps in the runtime's poller. The work is done inside Read,
// for only what arrives after Read has begun is sure to wake it.
func (l *loop) collectByPoller() {
	defer l.file.Close()
	raw, err := l.file.SyscallConn()
	if err != nil {
		l.collectByThread()
		return
	}
	open := true
	for open {
		err := raw.Read(func(uintptr) bool {
			l.hurried.Store(false)
			count, timeout := l.turn()
			open = count >= 0
			if count != 0 || timeout == 0 {
				return true
			}
			l.setAlarm(timeout)
			return l.hurried.Load() // its deadline may have been set before the alarm's
		})
		if err != nil {
			l.alarm.Store(0)
			l.file.SetReadDeadline(time.Time{})
		}
	}
}

// setAlarm makes Read return in time. An alarm that comes too early does no harm and is left standing.
func (l *loop) setAlarm(milliseconds int) {
	if milliseconds < 0 {
		return
	}
	at := l.after(milliseconds)
	if planned := l.alarm.Load(); planned == 0 || at < planned {
		l.alarm.Store(at)
		l.file.SetReadDeadline(l.began.Add(time.Duration(at)))
	}
}

func (l *loop) after(milliseconds int) int64 {
	return int64(time.Since(l.began) + time.Duration(milliseconds)*time.Millisecond)
}

// step does the work in the caller's goroutine. It may read a reply that books a moment, of which the descriptor tells
// the collector nothing: one that would sleep past it is woken.
func (l *loop) step() {
	if !l.work.TryLock() {
		return
	}
	milliseconds := int(C.kw_go_step(l.completions))
	l.work.Unlock()
	if milliseconds < 0 || l.file == nil {
		return
	}
	if planned := l.alarm.Load(); planned == 0 || l.after(milliseconds) < planned {
		l.hurried.Store(true)
		l.file.SetReadDeadline(l.began)
	}
}

// collectByThread turns until the client is closed, and sleeps in C, which takes one thread.
func (l *loop) collectByThread() {
	for {
		C.kw_completions_wait(l.completions, C.KW_FOREVER, nil)
		if count, _ := l.turn(); count < 0 {
			return
		}
	}
}

// turn hands out what has been answered. It returns how many answers there were, negative when there will be no more,
// and after how many milliseconds to turn again, negative for never.
func (l *loop) turn() (count, milliseconds int) {
	var timeout C.int32_t
	l.work.Lock()
	count = int(C.kw_go_turn(l.completions, l.records, batch, &timeout))
	l.work.Unlock()
	if count <= 0 {
		return count, int(timeout)
	}
	records := unsafe.Slice(l.records, count)
	l.mu.Lock()
	for i := range records {
		l.found[i] = l.calls[records[i].tag]
		delete(l.calls, records[i].tag)
	}
	l.mu.Unlock()
	for i := range records {
		if c := l.found[i]; c != nil {
			c.take(&records[i])
			c.done <- struct{}{}
		}
	}
	if l.crowded.Load() > 0 {
		l.letIn()
	}
	return count, int(timeout)
}

// take copies the answer, whose memory ends with the next drain.
func (c *call) take(record *C.kw_record) {
	c.status, c.answer = record.status, c.answer[:0]
	if record.data == nil {
		return
	}
	if c.status < 0 {
		c.failure = *(*C.kw_error)(record.data)
		return
	}
	words := (int(record.length) + 7) / 8
	if cap(c.answer) < words {
		c.answer = make([]uint64, words)
	}
	c.answer = c.answer[:words]
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c.answer))), record.length),
		unsafe.Slice((*byte)(record.data), record.length))
}

// submit sends a call on its way. What it returns must be waited for.
func (l *loop) submit(ctx context.Context, send func(*call) C.kw_status) (*call, error) {
	c := pool.Get().(*call)
	c.completions = l.completions
	l.mu.Lock()
	l.last++
	c.tag = l.last
	l.calls[c.tag] = c
	alone := len(l.calls) == 1
	l.mu.Unlock()
	err := l.send(ctx, c, send)
	if err == nil && alone {
		// Written at once: with nobody else to share the write there is nothing to wake the collector for.
		l.step()
	}
	if err != nil {
		l.mu.Lock()
		delete(l.calls, c.tag)
		l.mu.Unlock()
		pool.Put(c)
		return nil, err
	}
	return c, nil
}

// send waits for room where too many calls are in flight: what is in flight ends by its own deadline and makes room.
func (l *loop) send(ctx context.Context, c *call, send func(*call) C.kw_status) error {
	if err := c.limit(ctx); err != nil {
		return err
	}
	status := send(c)
	if status == C.KW_OK {
		return nil
	}
	if status != C.KW_OVERLOADED {
		return errorOf(status, &c.failure)
	}
	l.crowded.Add(1)
	defer func() {
		l.crowded.Add(-1)
		l.letIn()
	}()
	patience := time.NewTimer(l.patience)
	defer patience.Stop()
	for {
		if err := c.limit(ctx); err != nil {
			return err
		}
		// Asked again after saying that we wait: an answer that came in between woke nobody.
		if status = send(c); status != C.KW_OVERLOADED {
			if status == C.KW_OK {
				return nil
			}
			return errorOf(status, &c.failure)
		}
		if _, limited := ctx.Deadline(); limited {
			patience.Stop()
		}
		select {
		case <-l.room:
		case <-ctx.Done():
			return ended(ctx)
		case <-patience.C:
			return errorOf(status, &c.failure)
		}
	}
}

// letIn lets one caller try again, and that one the next.
func (l *loop) letIn() {
	select {
	case l.room <- struct{}{}:
	default:
	}
}

// limit gives the call the time that its context has left.
func (c *call) limit(ctx context.Context) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	c.timeout, c.patience = C.KW_DEFAULT_TIMEOUT, C.KW_FOREVER
	if deadline, limited := ctx.Deadline(); limited {
		left := time.Until(deadline)
		if left <= 0 {
			return &Error{Code: StatusTimeout, Position: -1, Message: begun, cause: context.DeadlineExceeded}
		}
		c.timeout = microseconds(left)
		c.patience = c.timeout
	}
	return nil
}

// wait returns when the call was answered or its context ended. An answer that came first counts.
func (l *loop) wait(ctx context.Context, c *call) error {
	select {
	case <-c.done:
	case <-ctx.Done():
		C.kw_completions_cancel(l.completions, c.tag, nil)
		<-c.done
	}
	if c.status >= 0 {
		return nil
	}
	err := errorOf(c.status, &c.failure)
	if err.Code == StatusTimeout || err.Code == StatusCancelled {
		err.cause = ctx.Err()
		if _, limited := ctx.Deadline(); limited && err.cause == nil {
			err.cause = context.DeadlineExceeded
		}
	}
	return err
}

// release gives everything back, after the last that could call has become unreachable.
func (l *loop) release() {
	C.kw_client_close(l.client, C.KW_DEFAULT_TIMEOUT, nil)
	<-l.ended
	C.kw_completions_free(l.completions)
	C.kw_client_free(l.client)
	C.free(unsafe.Pointer(l.records))
}

// refuse is the error of a call that cannot begin: nobody made what it is about, or it has no context.
func refuse(ctx context.Context, client *Client) *Error {
	switch {
	case client == nil || client.loop == nil:
		return &Error{Code: StatusInvalid, Reason: ReasonNullHandle, Position: -1,
			Message: "nobody made this: a client comes from Open, and all else from a method of a client"}
	case ctx == nil:
		return &Error{Code: StatusInvalid, Reason: ReasonNullArgument, Position: -1,
			Message: "the context is nil: pass context.Background() where there is none"}
	default:
		return nil
	}
}

// ask runs an operation that asks: a no is an answer, told by the status.
func ask[T any](ctx context.Context, client *Client, read func(unsafe.Pointer) T,
	send func(*call) C.kw_status) (result T, status Status, err error) {
	defer runtime.KeepAlive(client)
	if err := refuse(ctx, client); err != nil {
		return result, err.Code, err
	}
	c, err := client.loop.submit(ctx, send)
	if err != nil {
		return result, err.(*Error).Code, err
	}
	return finish(ctx, client.loop, c, read)
}

// finish waits for a submitted call, reads its result and keeps its memory for the next one.
func finish[T any](ctx context.Context, l *loop, c *call, read func(unsafe.Pointer) T) (result T, status Status, err error) {
	err = l.wait(ctx, c)
	if err == nil && len(c.answer) > 0 {
		result = read(unsafe.Pointer(unsafe.SliceData(c.answer)))
	}
	status = Status(c.status)
	pool.Put(c)
	return result, status, err
}

// do runs an operation that does something: a no is an error.
func do(ctx context.Context, client *Client, send func(*call) C.kw_status) error {
	_, status, err := ask(ctx, client, func(unsafe.Pointer) struct{} { return struct{}{} }, send)
	return refused(status, err, nil)
}

// told runs an operation that asks and has no more to say than yes or no.
func told(ctx context.Context, client *Client, send func(*call) C.kw_status) (bool, error) {
	_, status, err := ask(ctx, client, func(unsafe.Pointer) struct{} { return struct{}{} }, send)
	return err == nil && status == StatusOK, err
}

// refused makes an error of a no. What it means of the operation is said by noes, where they say it.
func refused(status Status, err error, noes map[Status]string) error {
	if err != nil || status == StatusOK {
		return err
	}
	message, found := noes[status]
	if !found {
		message = status.Text()
	}
	return &Error{Code: status, Position: -1, Message: message}
}

// askMany submits all before it waits for the first, so that they share their writes. Each result has a status; the
// error is that of the first failure.
func askMany[T any](ctx context.Context, client *Client, count int, read func(unsafe.Pointer) T,
	send func(*call, int) C.kw_status) ([]T, []Status, error) {
	defer runtime.KeepAlive(client)
	if err := refuse(ctx, client); err != nil {
		return nil, nil, err
	}
	results, statuses := make([]T, count), make([]Status, count)
	calls := make([]*call, count)
	var first error
	for i := range calls {
		c, err := client.loop.submit(ctx, func(c *call) C.kw_status { return send(c, i) })
		if err != nil {
			statuses[i] = err.(*Error).Code
			if first == nil {
				first = err
			}
		}
		calls[i] = c
	}
	for i, c := range calls {
		if c == nil {
			continue
		}
		var err error
		if results[i], statuses[i], err = finish(ctx, client.loop, c, read); err != nil && first == nil {
			first = err
		}
	}
	return results, statuses, first
}
