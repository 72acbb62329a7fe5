"""Rate limiters: what a hit costs."""

from __future__ import annotations

from frame.make import Make
from frame.plan import Target, Work
from frame.server import Server

# So high that nothing is ever refused, and so slow that keys live on from round to round.
LIMIT = "1000/h burst 100000"
INTERVAL_US = 3_600_000
EXACT_LIMIT = "700/h burst 100000"  # 5,142,857 1/7 us
WINDOW_LIMIT = "100000/h"
MOST = 100_000
HOUR_US = 3_600_000_000

DEPTH = 64
MANY = 1000


def works(server: Server) -> list[Work]:
    make = Make(server)
    gcra = make.sent_by(make.keywright("call", 1, LIMIT))
    exact = make.sent_by(make.keywright("call", 1, EXACT_LIMIT))
    window = make.sent_by(make.keywright("call", 1, WINDOW_LIMIT, "fixed_window"))
    by_hand = make.script("gcra", gcra[3], INTERVAL_US, MOST * INTERVAL_US)
    exact_by_hand = make.script("gcra_exact", exact[3], 5_142_857, 1, 7, MOST * HOUR_US // 700)
    window_by_hand = make.script("window", window[3], MOST, HOUR_US)
    window_by_ttl = make.script("window_ttl", window[3], MOST, HOUR_US // 1000, prefix="bt")
    return [
        Work(
            "gcra hit",
            [
                make.floor("floor", "call", 1, gcra),
                make.floor("by hand", "call", 1, by_hand, yes=0),
                make.keywright("call", 1, LIMIT),
                make.python("keywright-python", "keywright_sync", LIMIT),
                make.python("redis-py", "redis_sync", *gcra[1:], needs="redis"),
                make.python("limits fixed window", "limits_fixed", needs="limits"),
                make.python("limits sliding window", "limits_sliding", needs="limits"),
                make.python("limits moving window", "limits_moving", needs="limits"),
                make.python("throttled-py gcra", "throttled_gcra", needs="throttled-py"),
            ],
            targets=[
                Target("keywright-c", "floor", "p50_us", at_most=1.10),
                Target("keywright-c", "by hand", "server_us", at_most=1.10),
                Target("keywright-c", "by hand", "bytes_per_item", at_most=1.0),
                Target("keywright-python", "keywright-c", "p50_us", at_most_above=3.0),
                Target("keywright-python", "limits sliding window", "ops_per_s", at_least=1.8),
                Target("keywright-python", "throttled-py gcra", "ops_per_s", at_least=2.5),
            ],
        ),
        Work(
            "gcra hit, interval with a remainder",
            [
                make.floor("floor", "call", 1, exact),
                make.floor("by hand", "call", 1, exact_by_hand, yes=0),
                make.keywright("call", 1, EXACT_LIMIT),
            ],
            targets=[
                Target("keywright-c", "by hand", "server_us", at_most=1.10),
                Target("keywright-c", "by hand", "bytes_per_item", at_most=1.0),
            ],
        ),
        Work(
            "fixed window hit",
            [
                make.floor("floor", "call", 1, window),
                make.floor("by hand", "call", 1, window_by_hand, yes=0),
                make.floor("by hand, end in the TTL", "call", 1, window_by_ttl, yes=0),
                make.keywright("call", 1, WINDOW_LIMIT, "fixed_window"),
            ],
            targets=[Target("keywright-c", "by hand", "server_us", at_most=1.10)],
        ),
        Work(
            f"{DEPTH} gcra hits in one write",
            [
                make.floor("floor", "pipeline", DEPTH, gcra),
                make.keywright("submit", DEPTH, LIMIT),
            ],
            figure="ops_per_s",
            targets=[Target("keywright-c", "floor", "ops_per_s", at_least=0.90)],
        ),
        Work(
            f"{MANY:,} gcra hits in one write",
            [
                make.floor("floor", "pipeline", MANY, gcra),
                make.keywright("many", MANY, LIMIT),
                make.python("keywright-python", "keywright_many", LIMIT, str(MANY)),
            ],
            figure="ops_per_s",
            targets=[Target("keywright-python", "floor", "ops_per_s", at_least=0.70)],
        ),
        Work(
            "gcra hits of 64 tasks",
            [
                make.python("redis-py asyncio", "redis_asyncio", *gcra[1:], needs="redis", callers=64),
                make.python("keywright-asyncio", "keywright_asyncio", LIMIT, callers=64),
            ],
            figure="ops_per_s",
            targets=[Target("keywright-asyncio", "redis-py asyncio", "ops_per_s", at_least=5.0)],
        ),
        Work(
            "gcra hits of 64 threads",
            [
                make.floor("floor", "threads", 64, gcra),
                make.keywright("threads", 64, LIMIT),
            ],
            figure="ops_per_s",
            targets=[Target("keywright-c", "floor", "ops_per_s", at_least=1.8, placement="two")],
            placements=("two",),
        ),
        Work(
            "gcra hits of 64 goroutines",
            [
                make.go("redis_rate", "redis_rate", 64, callers=64),
                make.go("go-redis", "go-redis", 64, *gcra, callers=64),
                make.go("keywright-go", "keywright", 64, LIMIT, callers=64),
            ],
            figure="ops_per_s",
            placements=("two", "free"),
        ),
    ]
