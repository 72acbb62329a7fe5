package httplimit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"keywright"
	"keywright/httplimit"
)

var client *keywright.Client

func TestMain(m *testing.M) {
	var err error
	if client, err = keywright.Open("embedded://"); err != nil {
		fmt.Fprintln(os.Stderr, "no private server:", err)
		os.Exit(1)
	}
	log.SetOutput(io.Discard)
	code := m.Run()
	client.Close()
	os.Exit(code)
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

// limited is hello behind a limiter that no other test knows.
func limited(t *testing.T, limits string, options httplimit.Options) http.Handler {
	t.Helper()
	return behind(t, client, limits, options)(hello)
}

func behind(t *testing.T, client *keywright.Client, limits string, options httplimit.Options) func(http.Handler) http.Handler {
	t.Helper()
	limiter, err := client.Limiter(t.Name()+limits, limits)
	if err != nil {
		t.Fatal(err)
	}
	if options.Key == nil {
		options.Key = httplimit.ClientAddress
	}
	return httplimit.New(limiter, options)
}

func get(handler http.Handler, fields ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestTheAdmittedAndTheRefusedAreTold(t *testing.T) {
	server := httptest.NewServer(limited(t, "2/h", httplimit.Options{}))
	defer server.Close()
	ask := func(method string) (*http.Response, string) {
		request, _ := http.NewRequest(method, server.URL, nil)
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response, string(body)
	}
	name := strconv.Quote(t.Name() + "2/h")
	first, body := ask("GET")
	same(t, "body", body, "hello")
	same(t, "policy", first.Header.Get("RateLimit-Policy"), name+";q=2;w=3600")
	same(t, "limit", first.Header.Get("RateLimit"), name+";r=1;t=1800")
	ask("GET")
	refused, body := ask("GET")
	same(t, "status", refused.StatusCode, 429)
	same(t, "type", refused.Header.Get("Content-Type"), "application/problem+json")
	if after, _ := strconv.Atoi(refused.Header.Get("Retry-After")); after < 1790 || after > 1800 {
		t.Errorf("Retry-After: %v", refused.Header)
	}
	var problem struct {
		Status   int
		Violated []string `json:"violated-policies"`
	}
	if err := json.Unmarshal([]byte(body), &problem); err != nil {
		t.Fatal(err)
	}
	same(t, "status of the problem", problem.Status, 429)
	same(t, "policy that denied", strings.Join(problem.Violated, " "), t.Name()+"2/h")
	refused, body = ask("HEAD")
	same(t, "status", refused.StatusCode, 429)
	same(t, "body of HEAD", body, "")
}

func TestKeysCostsAndExemptions(t *testing.T) {
	handler := limited(t, "10/h", httplimit.Options{
		Key: func(r *http.Request) (string, error) { return r.Header.Get("X-User"), nil },
		Cost: func(r *http.Request) int64 {
			cost, _ := strconv.ParseInt(r.Header.Get("X-Cost"), 10, 64)
			return cost
		},
		Exempt:    func(r *http.Request) bool { return r.Header.Get("X-Exempt") != "" },
		Partition: func(r *http.Request) []byte { return []byte(r.Header.Get("X-User")) },
		Style:     keywright.HTTPStyleBoth,
	})
	ann := get(handler, "X-User", "ann", "X-Cost", "7")
	same(t, "limit", strings.TrimPrefix(ann.Header().Get("RateLimit"), strconv.Quote(t.Name()+"10/h")), ";r=3;t=360;pk=:YW5u:")
	same(t, "legacy", ann.Header().Get("X-RateLimit-Remaining"), "3")
	same(t, "too much", get(handler, "X-User", "ann", "X-Cost", "4").Code, 429)
	same(t, "another", get(handler, "X-User", "bob", "X-Cost", "10").Code, 200)
	exempt := get(handler, "X-User", "ann", "X-Cost", "4", "X-Exempt", "1")
	same(t, "exempt", exempt.Code, 200)
	same(t, "untold", exempt.Header().Get("RateLimit"), "")
}

func TestSeveralAndARefund(t *testing.T) {
	var seen []httplimit.Hit
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = httplimit.Hits(r.Context())
		if err := seen[1].Refund(r.Context()); err != nil {
			t.Error(err)
		}
	})
	user := func(*http.Request) (string, error) { return "ann", nil }
	answer := get(behind(t, client, "7/h", httplimit.Options{})(behind(t, client, "5/h", httplimit.Options{Key: user})(handler)))
	same(t, "policies", len(answer.Header().Values("RateLimit-Policy")), 2)
	same(t, "hits", len(seen), 2)
	same(t, "outer", seen[0].Decision.Limit, 7)
	left, err := seen[1].Limiter.Peek(context.Background(), seen[1].Key)
	same(t, "given back", left.Remaining, 5)
	same(t, "error", err, nil)
	same(t, "hits of nobody", len(httplimit.Hits(context.Background())), 0)
	same(t, "nothing to give back", httplimit.Hit{}.Refund(context.Background()), nil)
}

func TestDenied(t *testing.T) {
	plain := limited(t, "1/h", httplimit.Options{Denied: httplimit.Plain, Style: keywright.HTTPStyleLegacy})
	get(plain)
	refused := get(plain)
	same(t, "body", refused.Body.String(), "Too many requests: the limit is reached.\n")
	same(t, "fields", refused.Header().Get("X-RateLimit-Limit"), "1")
	same(t, "no others", refused.Header().Get("RateLimit"), "")
}

func TestPatience(t *testing.T) {
	handler := limited(t, "20/s burst 1", httplimit.Options{Patience: 5 * time.Second})
	var group sync.WaitGroup
	for range 5 {
		group.Add(1)
		go func() {
			defer group.Done()
			same(t, "status", get(handler).Code, 200)
		}()
	}
	group.Wait()
	impatient := limited(t, "1/h", httplimit.Options{Patience: time.Millisecond * 500})
	get(impatient)
	same(t, "what takes too long", get(impatient).Code, 429)
}

func TestALimiterThatFails(t *testing.T) {
	gone, err := keywright.Open("redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	ask := func(failed func(http.ResponseWriter, *http.Request, http.Handler, error)) *httptest.ResponseRecorder {
		return get(behind(t, gone, "1/h", httplimit.Options{Timeout: time.Second / 2, Failed: failed})(hello))
	}
	denied := ask(nil)
	same(t, "status", denied.Code, 503)
	same(t, "type", denied.Header().Get("Content-Type"), "application/problem+json")
	same(t, "again", denied.Header().Get("Retry-After"), "1")
	allowed := ask(httplimit.Allow)
	same(t, "body", allowed.Body.String(), "hello")
	same(t, "untold", len(allowed.Header().Values("RateLimit")), 0)
	var told error
	ask(func(_ http.ResponseWriter, _ *http.Request, _ http.Handler, err error) { told = err })
	// The context may end first.
	if !errors.Is(told, keywright.ErrConnection) && !errors.Is(told, context.DeadlineExceeded) {
		t.Errorf("told %v", told)
	}
}

func TestAFailurePolicyOfTheLimiter(t *testing.T) {
	gone, err := keywright.Open("redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	ask := func(policy keywright.OnFailure, denied func(http.ResponseWriter, *http.Request, httplimit.Hit)) *httptest.ResponseRecorder {
		api, err := gone.Limiter("api", "10/s; 100/h", keywright.LimiterOptions{OnFailure: policy})
		if err != nil {
			t.Fatal(err)
		}
		return get(httplimit.New(api, httplimit.Options{Key: httplimit.ClientAddress, Denied: denied})(hello))
	}
	for kind, body := range map[string]func(http.ResponseWriter, *http.Request, httplimit.Hit){
		"application/problem+json": nil, "text/plain; charset=utf-8": httplimit.Plain,
	} {
		denied := ask(keywright.OnFailureDeny, body)
		same(t, "status", denied.Code, 503)
		same(t, "type", denied.Header().Get("Content-Type"), kind)
		same(t, "again", denied.Header().Get("Retry-After"), "1")
		same(t, "invented", denied.Header().Get("RateLimit"), "")
		same(t, "told", strings.Contains(denied.Body.String(), "he rate limiter cannot be asked at the moment"), true)
	}
	allowed := ask(keywright.OnFailureAllow, nil)
	same(t, "status", allowed.Code, 200)
	same(t, "invented", allowed.Header().Get("RateLimit"), "")
}

func TestKeysThatCannotBe(t *testing.T) {
	for status, key := range map[int]func(*http.Request) (string, error){
		400: func(*http.Request) (string, error) { return strings.Repeat("u", 1025), nil },
		500: func(*http.Request) (string, error) { return "", errors.New("nobody knows") },
	} {
		same(t, "status", get(limited(t, "9/h", httplimit.Options{Key: key, Failed: httplimit.Allow})).Code, status)
	}
	wrong := httplimit.Options{Cost: func(*http.Request) int64 { return -1 }, Failed: httplimit.Allow}
	same(t, "cost", get(limited(t, "9/h", wrong)).Code, 500)
	request := httptest.NewRequest("GET", "/", nil)
	request.RemoteAddr = "@"
	if _, err := httplimit.ClientAddress(request); err == nil {
		t.Error("an address of nobody")
	}
	request.RemoteAddr = "[2001:db8::1]:80"
	address, _ := httplimit.ClientAddress(request)
	same(t, "address", address, "2001:db8::1")
}

func TestOptionsAreLookedAtWhenTheProgramStarts(t *testing.T) {
	limiter, err := client.Limiter("api", "1/h")
	if err != nil {
		t.Fatal(err)
	}
	for what, options := range map[string]httplimit.Options{
		"no key": {},
		"style":  {Key: httplimit.ClientAddress, Style: 7},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			httplimit.New(limiter, options)
		}()
	}
}

func TestWhoLeavesIsNotWaitedFor(t *testing.T) {
	handler := limited(t, "1/h", httplimit.Options{Patience: 2 * time.Hour})
	get(handler)
	ctx, leave := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, leave)
	begun := time.Now()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	if time.Since(begun) > 5*time.Second {
		t.Error("it waited on")
	}
}

func TestAPermitIsHeldUntilTheHandlerReturns(t *testing.T) {
	limit := behind(t, client, "1 concurrent", httplimit.Options{})
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		same(t, "meanwhile", get(limit(hello)).Code, 429)
		if r.Header.Get("Panic") != "" {
			panic("own")
		}
		io.WriteString(w, "done")
	})
	for range 2 {
		same(t, "answer", get(limit(inner)).Code, 200)
	}
	func() {
		defer func() { same(t, "panic", recover(), any("own")) }()
		get(limit(inner), "Panic", "yes")
	}()
	gone, leave := context.WithCancel(context.Background())
	limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leave() })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(gone))
	same(t, "after a client that left", get(limit(hello)).Code, 200)
}
