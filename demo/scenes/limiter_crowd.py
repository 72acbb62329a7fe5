"""2,000 calls at once from four processes: how many are admitted, by the server's own clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from stage import Stage, milliseconds

import keywright.aio

TITLE = "A crowd: 2,000 calls at once from four processes, 1,000 a second and 100 at once allowed"
ORDER = 20

RATE, BURST, PROCESSES, CALLS = 1000, 100, 4, 500
LIMIT = f"{RATE}/s burst {BURST}"


class Outcome(NamedTuple):
    admitted: int
    calls: int
    seconds: float


def rush(url: str, ready: Callable[[], None]) -> Outcome:
    """One process: all its calls are in flight together."""

    async def main() -> Outcome:
        async with keywright.aio.connect(url) as client:
            limiter = client.limiter("tickets", LIMIT)
            ready()
            start = time.monotonic()
            decisions = await asyncio.gather(*(limiter.hit("front row") for _ in range(CALLS)))
            seconds = time.monotonic() - start
            return Outcome(sum(decision.allowed for decision in decisions), len(decisions), seconds)

    return asyncio.run(main())


def play(stage: Stage) -> None:
    outcomes, elapsed = stage.together(rush, [()] * PROCESSES)
    stage.table(
        ("process", "calls", "admitted", "all answered in"),
        [(number, one.calls, one.admitted, milliseconds(one.seconds)) for number, one in enumerate(outcomes, 1)],
    )
    calls, admitted = sum(one.calls for one in outcomes), sum(one.admitted for one in outcomes)
    most = BURST + RATE * elapsed
    stage.say(
        f"""By the server's clock {elapsed * 1e3:.1f} ms went by: {BURST} at once and {RATE * elapsed:.1f} that came
        back meanwhile may be admitted, {most:.1f} at most. No process knows of the others; they share one integer in
        Redis."""
    )
    stage.check(calls == PROCESSES * CALLS, f"every one of {calls:,} calls was answered")
    stage.check(BURST <= admitted <= most, f"{admitted} were admitted: no fewer than {BURST}, no more than {most:.1f}")
