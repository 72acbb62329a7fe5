"""What the subjects in Python have in common: they get ready, say so in a line of JSON, and measure for as many seconds
as each line of their input names. The line "prepare" has them bring their keys into the state that the work needs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle
from time import perf_counter_ns, process_time

KEYS = [f"user:{number}" for number in range(1000)]


@dataclass
class Task:
    """What is asked of a limiter, as it stands on the command line."""

    limit: int  # in an hour
    prepared: int = 0  # the cost of the hit that prepares a key
    denied: bool = False

    @classmethod
    def read(cls, limit: str, prepared: str = "0", answer: str = "admitted") -> Task:
        return cls(int(limit), int(prepared), answer == "denied")


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


def serve(name: str, measure: Callable[[float], Samples], prepare: Callable[[str], object] | None = None) -> None:
    ready(name)
    for line in sys.stdin:
        if line == "prepare\n":
            for key in KEYS if prepare else ():
                prepare(key)
            print("{}", flush=True)
            continue
        start, busy = perf_counter_ns(), process_time()
        samples = measure(float(line))
        report(samples, (perf_counter_ns() - start) / 1e9, process_time() - busy)


def serve_hits(name: str, hit: Callable[[str], bool], task: Task, prepare: Callable[[str], object]) -> None:
    """Hits of which all have to be admitted, or all denied."""

    def measure(seconds: float) -> Samples:
        took, operations, refused = each(hit, seconds)
        return took, operations, operations - refused if task.denied else refused

    serve(name, measure, prepare if task.prepared else None)


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
