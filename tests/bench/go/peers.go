package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// As the benchmark's other subjects have it: so high that nothing is ever refused.
var limit = redis_rate.Limit{Rate: 1000, Burst: 100_000, Period: time.Hour}

// connect has a connection for each caller, so that none waits for another's.
func connect(socket string, callers int) *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: socket, PoolSize: callers})
}

func goRedisName() string { return "go-redis " + redis.Version() }

func redisRateHits(socket string, callers int) subject {
	limiter := redis_rate.NewLimiter(connect(socket, callers))
	keys, ctx := userKeys("user:", ""), context.Background()
	name := fmt.Sprintf("redis_rate %s, %s", version("github.com/go-redis/redis_rate/v10"), goRedisName())
	return hits(name, callers, func(number int) bool {
		return must(limiter.Allow(ctx, keys[number], limit)).Allowed > 0
	})
}

// goRedisHits sends EVALSHA, digest, 1, key and arguments. Any answer is a yes.
func goRedisHits(socket string, callers int, words []string) subject {
	client, digest, ctx := connect(socket, callers), words[1], context.Background()
	before, after, _ := strings.Cut(words[3], "@")
	keys := userKeys(before, after)
	var arguments []any
	for _, word := range words[4:] {
		arguments = append(arguments, word)
	}
	return hits(goRedisName(), callers, func(number int) bool {
		must(client.EvalSha(ctx, digest, []string{keys[number]}, arguments...).Result())
		return true
	})
}
