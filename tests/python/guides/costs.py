"""Measures what the guide to rate limiting says of costs, on a real server, and prints it as rows of its tables.

    python tests/python/guides/costs.py

Bytes are MEMORY USAGE of everything that lies in the server for one user, exact for a version of the server;
tests/python/guides/test_figures.py holds the guide to them. Microseconds are what the server says that it spent
(INFO commandstats), the median of rounds: they are of one machine. No clock of tests is put under the server then, for
it answers slower than the system's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROUNDS, CALLS = 9, 1000
USER = "user:42"


@dataclass(frozen=True)
class Case:
    """A limiter in the state that is measured: `used` of its limit are charged before."""

    title: str
    limits: str
    used: int
    options: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[Any, Any], None] | None = None


WINDOW, COUNTER, LOG = ({"algorithm": name} for name in ("fixed_window", "sliding_counter", "sliding_log"))


def both_windows(server: Any, limiter: Any) -> None:
    """A counter that has a window before the present one: as if an hour had passed."""
    (key,) = server.keys()
    value = server.command("GET", key)
    server.command("SET", key, b"%d%b" % (int(value[:16]) - 3_600_000_000, value[16:]))
    limiter.hit(USER, 10)


CASES = [
    Case("GCRA, 1000/h", "1000/h", 500),
    Case("GCRA, 700/h (a rate with a remainder)", "700/h", 350),
    Case("fixed window, 1000/h, from the first hit", "1000/h", 500, WINDOW),
    Case("fixed window, 1000/h, by the clock", "1000/h", 500, {**WINDOW, "align": "clock"}),
    Case("sliding window counter, 1000/h", "1000/h", 500, COUNTER, both_windows),
    Case("sliding window log, 10 entries", "20/h", 10, LOG),
    Case("sliding window log, 100 entries", "200/h", 100, LOG),
    Case("sliding window log, 1,000 entries", "2000/h", 1000, LOG),
    Case("sliding window log, 10,000 entries", "20000/h", 10000, LOG),
    Case("concurrency, 10 held", "20 concurrent", 10),
    Case("concurrency, 100 held", "200 concurrent", 100),
    Case("concurrency, 1,000 held", "2000 concurrent", 1000),
    Case("two limits by GCRA, 1000/m; 10000/h", "1000/m; 10000/h", 500),
    Case("GCRA, 1000/h, block=60, blocked", "1000/h", 1000, {"block": 60}, lambda _, limiter: limiter.hit(USER)),
]


def fill(server: Any, client: Any, case: Case) -> Any:
    server.command("FLUSHDB")
    limiter = client.limiter("api", case.limits, **case.options)
    if "log" in case.title or "concurr" in case.title:
        limiter.hit_many([USER] * case.used)  # one entry each, at moments of their own
    else:
        limiter.hit(USER, case.used)
    if case.prepare is not None:
        case.prepare(server, limiter)
    return limiter


def bytes_of(server: Any, client: Any, case: Case) -> int:
    """Of all keys of the user."""
    fill(server, client, case)
    keys = server.keys()
    return sum(server.command("MEMORY", "USAGE", key, "SAMPLES", 0) for key in keys)


def spent(server: Any, ask: Callable[[], Any]) -> float:
    """Microseconds of the server for one script, the median of rounds."""
    told = []
    for _ in range(ROUNDS):
        server.command("CONFIG", "RESETSTAT")
        for _ in range(CALLS):
            ask()
        stats = server.command("INFO", "commandstats").decode()
        (line,) = (line for line in stats.splitlines() if line.startswith("cmdstat_evalsha:"))
        told.append(float(line.split("usec_per_call=")[1].split(",")[0]))
    return median(told)


def times_of(server: Any, client: Any, case: Case) -> tuple[float, float]:
    """Of an admission, and of a denial. The limit is raised for the former, so that the state alone makes the cost."""
    count, unit = case.limits.split(";")[0].replace("/", " ").split(" ", 1)
    raised = case.limits.replace(count, str(int(count) + ROUNDS * CALLS + 1), 1).replace("10000/h", "100000/h")
    limiter = client.limiter("api", raised, **case.options)
    fill(server, client, case)
    server.command("DEL", f"kw:limiter:{{api:{USER.replace(':', '%3A')}}}:block")
    admission = spent(server, lambda: limiter.hit(USER))
    limiter = fill(server, client, case)
    limiter.hit_up_to(USER, 1 << 40)
    denial = spent(server, lambda: limiter.hit(USER))
    return admission, denial


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import keywright
    from support.server import Server

    server = Server()
    try:
        with keywright.connect(server.url) as client:
            for case in CASES:
                admission, denial = times_of(server, client, case)
                size = bytes_of(server, client, case)
                print(f"| {case.title} | {size:,} | {admission:.1f} | {denial:.1f} |", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
