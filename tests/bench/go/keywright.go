package main

// #cgo pkg-config: --static keywright
// #include <keywright.h>
import "C"

import (
	"context"

	"keywright"
)

const keywrightName = "keywright " + keywright.Version

func crossing(count int) subject {
	return batches(keywrightName, count, func() { C.kw_version() })
}

func url(socket string, count int) subject {
	client := must(keywright.Open("unix://" + socket))
	return batches(keywrightName, count, func() { client.URL() })
}

func keywrightHits(socket string, callers int, limit string) subject {
	limiter := must(must(keywright.Open("unix://"+socket)).Limiter("bench", limit))
	keys, ctx := userKeys("user:", ""), context.Background()
	return hits(keywrightName, callers, func(number int) bool {
		decision := must(limiter.Hit(ctx, keys[number]))
		return decision.Allowed()
	})
}
