"""Rate limiters: what a hit costs, alone, denied, in a step with others, and where many are in flight."""

from __future__ import annotations

import limiter_algorithms
import limiter_steps
from frame.make import Make
from frame.plan import Target, Work
from frame.server import Server
from limiter_algorithms import LIMIT

DEPTH = 64
MANY = 1000
# One key takes all hits of all rounds, and none is refused.
HOT_LIMIT = "1000/h burst 1000000000"


def works(server: Server) -> list[Work]:
    make = Make(server)
    return [*limiter_algorithms.works(make), *limiter_steps.works(make), *in_flight(make), *on_one_key(make)]


def in_flight(make: Make) -> list[Work]:
    gcra = make.sent_by(make.keywright("call", 1, LIMIT))
    return [
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


def on_one_key(make: Make) -> list[Work]:
    def work(name: str, how: str, placement: str) -> Work:
        return Work(
            name,
            [
                make.keywright(f"hot_{how}", DEPTH, HOT_LIMIT),
                make.keywright(f"coalesced_{how}", DEPTH, HOT_LIMIT, name="coalesced"),
            ],
            figure="ops_per_s",
            targets=[Target("coalesced", "keywright-c", "ops_per_s", at_least=3.0, placement=placement)],
            placements=(placement,),
        )

    return [
        work(f"{DEPTH} hits in flight on one hot key", "submit", "one"),
        work(f"hits of {DEPTH} threads on one hot key", "threads", "two"),
    ]
