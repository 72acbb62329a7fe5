// The subjects of the benchmark that are Go. Started by run.py, each in a process of its own:
//
//	subjects_go SOCKET crossing COUNT            COUNT calls of kw_version in a batch: the way into C and back
//	subjects_go SOCKET url COUNT                 COUNT calls of Client.URL in a batch: a generated call, nothing sent
//	subjects_go SOCKET keywright CALLERS LIMIT   CALLERS goroutines, one client
//	subjects_go SOCKET redis_rate CALLERS        the package redis_rate, with the same limit
//	subjects_go SOCKET go-redis CALLERS WORD...  its client alone, sending an EVALSHA; @ becomes the number of a key
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	if len(os.Args) < 4 {
		die("subjects_go SOCKET crossing|url|keywright|redis_rate|go-redis COUNT [ARGUMENT...]")
	}
	socket, how, arguments := os.Args[1], os.Args[2], os.Args[4:]
	count, err := strconv.Atoi(os.Args[3])
	if err != nil || count < 1 {
		die(os.Args[3], "is no count")
	}
	switch {
	case how == "crossing":
		serve(crossing(count))
	case how == "url":
		serve(url(socket, count))
	case how == "keywright" && len(arguments) == 1:
		serve(keywrightHits(socket, count, arguments[0]))
	case how == "redis_rate":
		serve(redisRateHits(socket, count))
	case how == "go-redis" && len(arguments) > 3:
		serve(goRedisHits(socket, count, arguments))
	default:
		die(how, "is not measured, or not with these arguments")
	}
}

func die(what ...any) {
	fmt.Fprintln(os.Stderr, what...)
	os.Exit(1)
}

func must[T any](value T, err error) T {
	if err != nil {
		die(err)
	}
	return value
}
