package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const keyCount = 1000 // hits go round over so many keys

// What is measured: its name and versions, how many goroutines do it at once, and one caller's round until a moment.
type subject struct {
	name    string
	callers int
	round   func(caller int, until time.Duration, noted *samples)
}

// What one caller saw: how long each call took, and how many were refused.
type samples struct {
	took                []time.Duration
	operations, refused int
}

var began = time.Now()

func now() time.Duration { return time.Since(began) }

// note keeps a call, or a batch of so many, that began at start; it returns the time now.
func (s *samples) note(start time.Duration, operations int) time.Duration {
	end := now()
	s.took = append(s.took, end-start)
	s.operations += operations
	return end
}

// hits is a subject of so many callers that hit one key after the other, each beginning with another. `hit` is given the
// number of the key and says whether it was admitted.
func hits(name string, callers int, hit func(number int) bool) subject {
	return subject{name, callers, func(caller int, until time.Duration, noted *samples) {
		at := now()
		for number := caller * 37 % keyCount; at < until; number = (number + 1) % keyCount {
			if !hit(number) {
				noted.refused++
			}
			at = noted.note(at, 1)
		}
	}}
}

// batches is a subject that makes so many calls between two looks at the clock.
func batches(name string, count int, call func()) subject {
	return subject{name, 1, func(_ int, until time.Duration, noted *samples) {
		for at := now(); at < until; {
			for range count {
				call()
			}
			at = noted.note(at, count)
		}
	}}
}

// serve gets ready, says so, and measures as long as each line of the input says.
func serve(what subject) {
	answers := json.NewEncoder(os.Stdout)
	answers.Encode(map[string]any{"subject": what.name + ", " + runtime.Version()})
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		seconds := must(strconv.ParseFloat(orders.Text(), 64))
		runtime.GOMAXPROCS(cores())
		answers.Encode(measured(what, time.Duration(seconds*float64(time.Second))))
	}
}

func measured(what subject, span time.Duration) map[string]any {
	noted := make([]samples, what.callers)
	var group sync.WaitGroup
	busy, start := processorTime(), now()
	for caller := range noted {
		group.Add(1)
		go func() {
			defer group.Done()
			what.round(caller, start+span, &noted[caller])
		}()
	}
	group.Wait()
	seconds, busy := (now() - start).Seconds(), processorTime()-busy
	var all samples
	for _, one := range noted {
		all.took = append(all.took, one.took...)
		all.operations += one.operations
		all.refused += one.refused
	}
	slices.Sort(all.took)
	return map[string]any{
		"operations": all.operations, "seconds": seconds, "busy": busy.Seconds(), "refused": all.refused,
		"p50_us": all.percentile(0.50), "p99_us": all.percentile(0.99),
	}
}

func (s *samples) percentile(share float64) float64 {
	if len(s.took) == 0 {
		return 0
	}
	return float64(s.took[int(share*float64(len(s.took)-1))].Nanoseconds()) / 1e3
}

// processorTime is what the process has used, in the system too.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		die(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// version tells which version of a module is built in.
func version(module string) string {
	built, _ := debug.ReadBuildInfo()
	for _, one := range built.Deps {
		if one.Path == module {
			return strings.TrimPrefix(one.Version, "v")
		}
	}
	return "unknown"
}

// userKeys are the names of all keys, with what stands before and after.
func userKeys(before, after string) (keys [keyCount]string) {
	for number := range keys {
		keys[number] = fmt.Sprint(before, number, after)
	}
	return keys
}
