"""Subjects of the benchmark that are Python. Started by run.py, each in a process of its own:

    python subjects.py SOCKET SUBJECT [ARGUMENT...]

What it then does stands in calls.py.
"""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter_ns

import peers
from calls import KEYS, Samples, Task, each, redis_version, serve, serve_async, serve_hits

# ---- keywright ------------------------------------------------------------------------------------------------------


def keywright_sync(socket: str, limit: str, algorithm: str = "gcra", prepared: str = "0", answer: str = "") -> None:
    """Under keys of its own where they are prepared; the name is as long as the others'."""
    import keywright

    task = Task(0, int(prepared), answer == "denied")
    limiter = keywright.connect(f"unix://{socket}").limiter(
        "snake" if task.prepared else "bench", limit, algorithm=algorithm
    )
    serve_hits(
        f"keywright {keywright.__version__}",
        limiter.hit,  # type: ignore[arg-type]  # a decision is true when it is a yes
        task,
        lambda key: limiter.hit(key, task.prepared),
    )


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


SUBJECTS = {
    subject.__name__: subject
    for subject in (
        keywright_sync,
        keywright_many,
        keywright_asyncio,
        redis_sync,
        redis_asyncio,
        peers.limits_fixed,
        peers.limits_sliding,
        peers.limits_moving,
        peers.throttled_gcra,
        peers.throttled_fixed,
        peers.throttled_sliding,
        peers.pyrate,
    )
}

if __name__ == "__main__":
    SUBJECTS[sys.argv[2]](sys.argv[1], *sys.argv[3:])
