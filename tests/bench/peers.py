"""The limiters that people use, as subjects of the benchmark. Their task is LIMIT [PREPARED [admitted|denied]]."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from calls import KEYS, Task, redis_version, serve_hits

RATE, BURST = 1000, 100_000  # of GCRA where nothing may be refused: the one an hour, the other at once


def limits_strategy(socket: str, strategy: str, task: Task) -> None:
    import limits
    import limits.strategies

    storage = limits.storage.storage_from_string(f"redis+unix://{socket}")
    hit = getattr(limits.strategies, strategy)(storage).hit
    item = limits.RateLimitItemPerHour(task.limit)
    serve_hits(
        f"limits {version('limits')}, {redis_version()}",
        lambda key: hit(item, strategy, key),
        task,
        lambda key: hit(item, strategy, key, cost=task.prepared),
    )


def limits_fixed(socket: str, *task: str) -> None:
    limits_strategy(socket, "FixedWindowRateLimiter", Task.read(*task))


def limits_sliding(socket: str, *task: str) -> None:
    limits_strategy(socket, "SlidingWindowCounterRateLimiter", Task.read(*task))


def limits_moving(socket: str, *task: str) -> None:
    limits_strategy(socket, "MovingWindowRateLimiter", Task.read(*task))


def throttled(socket: str, algorithm: str, task: Task) -> None:
    import throttled

    gcra = algorithm == throttled.RateLimiterType.GCRA.value
    rate, burst = (RATE, BURST) if gcra and not task.denied else (task.limit, task.limit)
    limit = throttled.Throttled(
        using=algorithm,
        quota=throttled.per_hour(rate, burst=burst),
        store=throttled.RedisStore(server=f"unix://{socket}"),
    ).limit
    serve_hits(
        f"throttled-py {version('throttled-py')}, {redis_version()}",
        lambda key: not limit(key).limited,
        task,
        lambda key: limit(key, task.prepared),
    )


def throttled_gcra(socket: str, *task: str) -> None:
    throttled(socket, "gcra", Task.read(*task))


def throttled_fixed(socket: str, *task: str) -> None:
    throttled(socket, "fixed_window", Task.read(*task))


def throttled_sliding(socket: str, *task: str) -> None:
    throttled(socket, "sliding_window", Task.read(*task))


def pyrate(socket: str, *words: str) -> None:
    """A bucket, a limiter and a key in the server for each user. Nothing is leaked meanwhile: it would cost more."""
    import redis
    from pyrate_limiter import Duration, Limiter, Rate, RedisBucket
    from pyrate_limiter.limiter import SingleBucketFactory

    task = Task.read(*words)
    client = redis.Redis(unix_socket_path=socket)

    def limiter(key: str) -> Any:
        bucket = RedisBucket.init([Rate(task.limit, Duration.HOUR)], client, f"pyrate:{key}")
        return Limiter(SingleBucketFactory(bucket, schedule_leak=False)).try_acquire

    acquire = {key: limiter(key) for key in KEYS}
    serve_hits(
        f"pyrate-limiter {version('pyrate-limiter')}, {redis_version()}",
        lambda key: acquire[key](key, blocking=False),
        task,
        lambda key: acquire[key](key, task.prepared, blocking=False),
    )
