"""What a concurrent limit gave, held for as long as a block or a function runs.

A permit that was not given back comes back with the end of its lease. So nothing that goes wrong here is raised, for it
would take the place of what the block did: the logger "keywright" is told.

asyncio and logging are imported where they are needed: a program that holds nothing does without them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from struct import unpack_from
from typing import TYPE_CHECKING

from ._decision import AnyDecision
from ._error import Error
from ._generated.errors import Closed
from ._generated.limiter_calls import limits_parse

if TYPE_CHECKING:
    from ._aio.limiter import Limiter as AsyncLimiter
    from ._convert import Duration
    from ._sync.limiter import Limiter

#: How often a lease is renewed before it would end: twice may fail.
RENEWALS = 3


def concurrent(limits: str) -> int | None:
    """Which limit of the text is concurrent."""
    found = [index for index, limit in enumerate(limits_parse(limits)) if limit.concurrent]
    return found[0] if found else None


def lease_of(limits: str, decision: AnyDecision) -> float:
    """How long the decision's lease was when it was given, in seconds: the limiter's `lease`."""
    settles: int = unpack_from("=q", decision.rest, 8 * (concurrent(limits) or 0))[0]
    return (settles - decision.decided_at_us) / 1e6


@contextmanager
def held(limiter: Limiter, decision: AnyDecision, timeout: Duration | None) -> Iterator[None]:
    """Releases the permits at the end. Nobody renews them meanwhile: a blocking program has no thread but its own."""
    try:
        yield
    finally:
        try:
            limiter.release(decision, timeout=timeout)
        except Error as error:
            left(decision, error)


@asynccontextmanager
async def async_held(limiter: AsyncLimiter, decision: AnyDecision, timeout: Duration | None) -> AsyncIterator[None]:
    """Renews the permits in a task of the running loop, and releases them at the end."""
    from asyncio import create_task

    task = create_task(renewing(limiter, decision, lease_of(limiter._handle.about, decision) / RENEWALS))
    try:
        yield
    finally:
        task.cancel()
        try:
            await limiter.release(decision, timeout=timeout)
        except Error as error:
            left(decision, error)


async def renewing(limiter: AsyncLimiter, decision: AnyDecision, interval: float) -> None:
    """Until it is cancelled. A renewal that failed is tried again: the lease lasts still."""
    from asyncio import sleep

    while True:
        await sleep(interval)
        try:
            if not await limiter.renew(decision, timeout=interval):
                warn("the lease of %r ended before it was renewed: others may be at it too", decision.key)
                return
        except Closed:
            return
        except Error as error:
            warn("the lease of %r was not renewed: %s", decision.key, error)


def warn(text: str, *values: object) -> None:
    from logging import getLogger

    getLogger("keywright").warning(text, *values)


def left(decision: AnyDecision, error: Error) -> None:
    warn("a permit of %r was not given back, and comes back when its lease ends: %s", decision.key, error)
