// Package httplimit puts a rate limit in front of a handler of net/http.
//
//	limit := httplimit.New(api, httplimit.Options{Key: httplimit.ClientAddress})
//	http.ListenAndServe(":8080", limit(mux))
//
// Admitted requests go on to the handler, others are answered 429; both are told how much is left, in the fields that
// [keywright.Limiter.HTTPFields] writes. Several may be put around each other, as one by address around one by user. What a
// concurrent limit gave is held until the handler returns, and not renewed meanwhile: its lease should be longer than that takes.
package httplimit

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"keywright"
)

// Options say how requests are limited. Only Key must be given.
type Options struct {
	Key       func(*http.Request) (string, error) // whose state; an error is logged and answered 500
	Cost      func(*http.Request) int64           // how much is charged; nil charges 1
	Exempt    func(*http.Request) bool            // of which requests nobody is asked
	Partition func(*http.Request) []byte          // the partition key that clients are told
	Style     keywright.HTTPStyle                 // which fields; those of draft 11 by default
	Timeout   time.Duration                       // deadline of a decision; the client's when 0
	Patience  time.Duration                       // how long a request waits to be admitted, in place of Timeout; 0 for not at all

	// Denied writes the answer to a denied request. The fields are set already. [Problem] when nil; see also [Plain].
	Denied func(http.ResponseWriter, *http.Request, Hit)
	// Failed is called when the limiter fails, which one with a failure policy of its own never does. [Unavailable] when nil; [Allow] rather serves too many than nobody.
	Failed func(w http.ResponseWriter, r *http.Request, next http.Handler, err error)
}

// Hit is a decision, and what it takes to give it back.
type Hit struct {
	Limiter  *keywright.Limiter
	Key      string
	Decision keywright.Decision
}

// Refund gives back all that the hit was charged.
func (h Hit) Refund(ctx context.Context) error {
	if h.Decision.Count == 0 {
		return nil
	}
	return h.Limiter.Refund(ctx, h.Key, h.Decision, h.Decision.Count)
}

type hits struct{}

// Hits gives the handler what its request was charged, by the outermost middleware first.
func Hits(ctx context.Context) []Hit {
	found, _ := ctx.Value(hits{}).([]Hit)
	return found
}

// New makes the middleware. It panics on options that cannot be, for a program finds that out when it starts.
func New(limiter *keywright.Limiter, options Options) func(http.Handler) http.Handler {
	if limiter == nil || options.Key == nil {
		panic("httplimit: a limiter and Options.Key must be given")
	}
	var wrong *keywright.Error
	_, err := limiter.HTTPFields(keywright.Decision{}, nil, options.Style)
	if errors.As(err, &wrong) && wrong.Reason == keywright.ReasonOption {
		panic("httplimit: Options.Style: " + wrong.Message)
	}
	if options.Denied == nil {
		options.Denied = Problem
	}
	if options.Failed == nil {
		options.Failed = Unavailable
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if options.Exempt != nil && options.Exempt(r) {
				next.ServeHTTP(w, r)
				return
			}
			options.serve(w, r, next, limiter)
		})
	}
}

func (o *Options) serve(w http.ResponseWriter, r *http.Request, next http.Handler, limiter *keywright.Limiter) {
	key, err := o.Key(r)
	if err != nil {
		broken(w, r, err)
		return
	}
	hit := Hit{Limiter: limiter, Key: key}
	hit.Decision, err = o.ask(r, limiter, key)
	if err == nil {
		err = o.tell(w, r, hit)
	}
	var wrong *keywright.Error
	switch {
	case errors.As(err, &wrong) && wrong.Reason == keywright.ReasonKeyLength:
		http.Error(w, "What this request is limited by is too long.", http.StatusBadRequest)
	case errors.Is(err, keywright.ErrInvalid):
		broken(w, r, err)
	case err != nil:
		o.Failed(w, r, next, err)
	case !hit.Decision.Allowed():
		o.Denied(w, r, hit)
	default:
		if hit.Decision.Lease != 0 {
			defer release(r, hit)
		}
		all := append(slices.Clip(Hits(r.Context())), hit)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), hits{}, all)))
	}
}

// release gives back what a concurrent limit gave, also when the client has gone and the handler has panicked. What cannot
// be given back comes back with the end of its lease.
func release(r *http.Request, hit Hit) {
	if err := hit.Limiter.Release(context.WithoutCancel(r.Context()), hit.Key, hit.Decision); err != nil {
		logger(r).Printf("httplimit: a permit comes back when its lease ends: %v", err)
	}
}

func (o *Options) ask(r *http.Request, limiter *keywright.Limiter, key string) (keywright.Decision, error) {
	ctx, cost := r.Context(), int64(1)
	if o.Cost != nil {
		cost = o.Cost(r)
	}
	limit := o.Timeout
	if o.Patience > 0 {
		limit = o.Patience
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	if o.Patience > 0 {
		return limiter.WaitN(ctx, key, cost)
	}
	return limiter.HitN(ctx, key, cost)
}

// tell adds the fields to the answer's. They are lists, so those of several limits stand beside each other.
func (o *Options) tell(w http.ResponseWriter, r *http.Request, hit Hit) error {
	var partition []byte
	if o.Partition != nil {
		partition = o.Partition(r)
	}
	fields, err := hit.Limiter.HTTPFields(hit.Decision, partition, o.Style)
	for line := range strings.SplitSeq(fields, "\r\n") {
		if name, value, found := strings.Cut(line, ": "); found {
			w.Header().Add(name, value)
		}
	}
	return err
}

// ClientAddress is the address of whoever connected. Behind a proxy that is the proxy: take what it says instead, if
// nobody else can say it.
func ClientAddress(r *http.Request) (string, error) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "", fmt.Errorf("no address of this client is known (%q): take another key", r.RemoteAddr)
	}
	return host, nil
}

// Problem answers a denied request 429 with a problem of RFC 9457: quota-exceeded. Where the limiter's own failure policy
// denies (OnFailureDeny) it is 503.
func Problem(w http.ResponseWriter, r *http.Request, hit Hit) {
	problem, err := hit.Limiter.HTTPProblem(hit.Decision)
	if err != nil {
		broken(w, r, err)
		return
	}
	write(w, status(hit), problem)
}

// status is that of a denial: nobody has exceeded a quota where the limiter's own failure policy denies.
func status(hit Hit) int {
	if hit.Decision.Reason == keywright.DecidedByFailClosed {
		return http.StatusServiceUnavailable
	}
	return http.StatusTooManyRequests
}

// Plain answers a denied request with a line of text, of the status that Problem has.
func Plain(w http.ResponseWriter, _ *http.Request, hit Hit) {
	text := "Too many requests: the limit is reached."
	if status(hit) != http.StatusTooManyRequests {
		text = "The rate limiter cannot be asked at the moment."
	}
	http.Error(w, text, status(hit))
}

// Unavailable answers a request 503 when the limiter fails: nobody is admitted unasked.
func Unavailable(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ error) {
	w.Header().Set("Retry-After", "1")
	write(w, http.StatusServiceUnavailable,
		`{"type":"about:blank","title":"The rate limiter cannot be asked at the moment","status":503}`)
}

// Allow serves a request untold when the limiter fails.
func Allow(w http.ResponseWriter, r *http.Request, next http.Handler, _ error) {
	next.ServeHTTP(w, r)
}

func write(w http.ResponseWriter, status int, problem string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Length", fmt.Sprint(len(problem)))
	w.WriteHeader(status)
	w.Write([]byte(problem))
}

// broken is for what the program must put right.
func broken(w http.ResponseWriter, r *http.Request, err error) {
	logger(r).Printf("httplimit: %s %s: %v", r.Method, r.URL.Path, err)
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// logger is the one that the server of a request logs its own errors to.
func logger(r *http.Request) *log.Logger {
	if server, _ := r.Context().Value(http.ServerContextKey).(*http.Server); server != nil && server.ErrorLog != nil {
		return server.ErrorLog
	}
	return log.Default()
}
