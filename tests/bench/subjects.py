"""Subjects of the benchmark that are Python. Started by run.py, each in a process of its own:

    python subjects.py SOCKET SUBJECT [ARGUMENT...]

It gets ready, says so in a line of JSON, and measures for as many seconds as each line of its input names.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from itertools import cycle
from time import perf_counter_ns, process_time

KEYS = [f"user:{number}" for number in range(1000)]
RATE, MOST = 1000, 100_000  # an hour, and at once: nothing is ever refused

Samples = tuple[list[int], int, int]  # ns of each call or batch, operations, refused


def each(hit: Callable[[str], bool], seconds: float) -> Samples:
    """One hit after the other, round the keys. The loop does little besides: what it does counts as part of the hit."""
    took: list[int] = []
    note, clock, refused = took.append, perf_counter_ns, 0
    now = clock()
    until = now + int(seconds * 1e9)
    for key in cycle(KEYS):
        if not hit(key):
            refused += 1
        then = clock()
        note(then - now)
        now = then
        if now >= until:
            break
    return took, len(took), refused


async def together(hit: Callable[[str], Awaitable[bool]], seconds: float, callers: int = 64) -> Samples:
    """As many tasks at once, each one hit after the other."""
    took: list[int] = []
    note, clock, refused = took.append, perf_counter_ns, 0
    until = clock() + int(seconds * 1e9)

    async def caller(first: int) -> None:
        nonlocal refused
        now = clock()
        for key in cycle(KEYS[first:] + KEYS[:first]):
            if not await hit(key):
                refused += 1
            then = clock()
            note(then - now)
            now = then
            if now >= until:
                break

    await asyncio.gather(*(caller(number * 37 % 1000) for number in range(callers)))
    return took, len(took), refused


def ready(name: str) -> None:
    print(json.dumps({"subject": name}), flush=True)


def report(samples: Samples, seconds: float, busy: float) -> None:
    took, operations, refused = samples
    took.sort()
    p50, p99 = (took[int(share * (len(took) - 1))] / 1e3 if took else 0 for share in (0.50, 0.99))
    line = {"operations": operations, "seconds": seconds, "busy": busy, "p50_us": p50, "p99_us": p99}
    line["refused"] = refused
    print(json.dumps(line), flush=True)


def serve(name: str, measure: Callable[[float], Samples]) -> None:
    ready(name)
    for line in sys.stdin:
        start, busy = perf_counter_ns(), process_time()
        samples = measure(float(line))
        report(samples, (perf_counter_ns() - start) / 1e9, process_time() - busy)


async def serve_async(name: str, hit: Callable[[str], Awaitable[bool]]) -> None:
    """Orders are read while nothing runs, so that reading may block the loop."""
    ready(name)
    for line in sys.stdin:
        start, busy = perf_counter_ns(), process_time()
        samples = await together(hit, float(line))
        report(samples, (perf_counter_ns() - start) / 1e9, process_time() - busy)


def redis_version() -> str:
    try:
        return f"redis-py {version('redis')} with hiredis {version('hiredis')}"
    except Exception:
        return f"redis-py {version('redis')}"


# ---- keywright ------------------------------------------------------------------------------------------------------


def keywright_sync(socket: str, limit: str) -> None:
    import keywright

    hit = keywright.connect(f"unix://{socket}").limiter("bench", limit).hit
    serve(f"keywright {keywright.__version__}", lambda seconds: each(hit, seconds))


def keywright_many(socket: str, limit: str, count: str) -> None:
    import keywright

    hit_many = keywright.connect(f"unix://{socket}").limiter("bench", limit).hit_many
    keys = KEYS[: int(count)]

    def measure(seconds: float) -> Samples:
        took: list[int] = []
        refused = 0
        now = perf_counter_ns()
        until = now + int(seconds * 1e9)
        while now < until:
            refused += sum(not decision for decision in hit_many(keys))
            then = perf_counter_ns()
            took.append(then - now)
            now = then
        return took, len(took) * len(keys), refused

    serve(f"keywright {keywright.__version__}", measure)


def keywright_asyncio(socket: str, limit: str) -> None:
    import keywright
    import keywright.aio

    async def main() -> None:
        async with keywright.aio.connect(f"unix://{socket}") as client:
            await serve_async(f"keywright {keywright.__version__}", client.limiter("bench", limit).hit)

    asyncio.run(main())


# ---- the client that people use, sending keywright's own command -----------------------------------------------------


def redis_sync(socket: str, digest: str, _: str, key: str, *arguments: str) -> None:
    import redis

    evalsha = redis.Redis(unix_socket_path=socket).evalsha
    before, after = key.split("user%3A@")
    serve(
        redis_version(),
        lambda seconds: each(
            lambda name: bool(evalsha(digest, 1, f"{before}user%3A{name[5:]}{after}", *arguments)), seconds
        ),
    )


def redis_asyncio(socket: str, digest: str, _: str, key: str, *arguments: str) -> None:
    import redis.asyncio

    before, after = key.split("user%3A@")

    async def main() -> None:
        client = redis.asyncio.Redis(unix_socket_path=socket)

        async def hit(name: str) -> bool:
            return bool(await client.evalsha(digest, 1, f"{before}user%3A{name[5:]}{after}", *arguments))

        await serve_async(redis_version(), hit)
        await client.aclose()

    asyncio.run(main())


# ---- the limiters that people use ------------------------------------------------------------------------------------


def limits_strategy(socket: str, strategy: str) -> None:
    import limits
    import limits.strategies

    storage = limits.storage.storage_from_string(f"redis+unix://{socket}")
    hit = getattr(limits.strategies, strategy)(storage).hit
    item = limits.RateLimitItemPerHour(MOST)
    name = f"limits {version('limits')}, {redis_version()}"
    serve(name, lambda seconds: each(lambda key: hit(item, strategy, key), seconds))


def limits_fixed(socket: str) -> None:
    limits_strategy(socket, "FixedWindowRateLimiter")


def limits_sliding(socket: str) -> None:
    limits_strategy(socket, "SlidingWindowCounterRateLimiter")


def limits_moving(socket: str) -> None:
    limits_strategy(socket, "MovingWindowRateLimiter")


def throttled_gcra(socket: str) -> None:
    import throttled

    limiter = throttled.Throttled(
        using=throttled.RateLimiterType.GCRA.value,
        quota=throttled.per_hour(RATE, burst=MOST),
        store=throttled.RedisStore(server=f"unix://{socket}"),
    )
    limit = limiter.limit
    name = f"throttled-py {version('throttled-py')}, {redis_version()}"
    serve(name, lambda seconds: each(lambda key: not limit(key).limited, seconds))


SUBJECTS = {
    subject.__name__: subject
    for subject in (
        keywright_sync,
        keywright_many,
        keywright_asyncio,
        redis_sync,
        redis_asyncio,
        limits_fixed,
        limits_sliding,
        limits_moving,
        throttled_gcra,
    )
}

if __name__ == "__main__":
    SUBJECTS[sys.argv[2]](sys.argv[1], *sys.argv[3:])
