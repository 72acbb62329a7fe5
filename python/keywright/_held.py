"""What a concurrent limit gave, held for as long as a block or a function runs.

A permit that was not given back comes back with the end of its lease. So nothing that goes wrong here is raised, for it
would take the place of what the block did: the logger "keywright" is told.

Where it outlasts its lease all the same (the program stood still, the server was away) the logger is told too: others
may have been at it.

asyncio and logging are imported where they are needed: a program that holds nothing does without them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from struct import unpack_from
from time import monotonic
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
#: How long the thread that renews stays without anything to renew, in seconds.
IDLE = 10.0


def concurrent(limits: str) -> int | None:
    """Which limit of the text is concurrent."""
    found = [index for index, limit in enumerate(limits_parse(limits)) if limit.concurrent]
    return found[0] if found else None


def lease_of(limits: str, decision: AnyDecision) -> float:
    """How long the decision's lease was when it was given, in seconds: the limiter's `lease`."""
    settles: int = unpack_from("=q", decision.rest, 8 * (concurrent(limits) or 0))[0]
    return (settles - decision.decided_at_us) / 1e6


class Lease:
    """What is held, and when it ends by the clock of this process."""

    __slots__ = ("decision", "due", "interval", "length", "told", "until")

    def __init__(self, limits: str, decision: AnyDecision) -> None:
        self.decision = decision
        self.length = lease_of(limits, decision)
        self.interval = self.length / RENEWALS
        self.told = False
        self.renewed(monotonic())

    def renewed(self, sent: float) -> None:
        self.until, self.due = sent + self.length, sent + self.interval

    def lost(self) -> None:
        """Once, whoever finds it out."""
        if not self.told:
            self.told = True
            warn("the lease of %r ended before it was renewed: others may be at it too", self.decision.key)

    def end(self) -> None:
        """What was held is about to be released."""
        if monotonic() > self.until:
            self.lost()


class BlockingLease(Lease):
    """One that a thread renews, for its holder has other things to do."""

    __slots__ = ("limiter",)

    def __init__(self, limiter: Limiter, decision: AnyDecision) -> None:
        super().__init__(limiter._handle.about, decision)
        self.limiter = limiter


class Keeper:
    """Renews what the blocks of a process hold, in one thread of its own: it begins with the first block, ends when
    none has been there for a while, and keeps no program alive. A forked child renews what it comes to hold itself.
    """

    def __init__(self) -> None:
        self._held: set[BlockingLease] = set()
        self._changed = threading.Condition()
        self._running = False

    def add(self, lease: BlockingLease) -> None:
        with self._changed:
            self._held.add(lease)
            self._changed.notify()
            if self._running:
                return
            with suppress(RuntimeError):  # none can begin while the interpreter ends
                threading.Thread(target=self._run, name="keywright-leases", daemon=True).start()
                self._running = True

    def remove(self, lease: BlockingLease) -> None:
        with self._changed:
            self._held.discard(lease)

    def _run(self) -> None:
        while (found := self._next()) is not None:
            lease, patience = found
            sent = monotonic()
            lease.due = sent + lease.interval
            try:
                if lease.limiter.renew(lease.decision, timeout=patience):
                    lease.renewed(sent)
                    continue
            except Closed:
                pass
            except Error as error:
                warn("the lease of %r was not renewed: %s", lease.decision.key, error)
                continue
            else:
                if lease in self._held:  # or it was released meanwhile
                    lease.lost()
            self.remove(lease)

    def _next(self) -> tuple[BlockingLease, float] | None:
        """Waits for what is due next, and says how long its renewal may take for the others' sake."""
        with self._changed:
            while True:
                if not self._held and not self._changed.wait(IDLE) and not self._held:
                    self._running = False
                    return None
                if not self._held:
                    continue
                lease = min(self._held, key=lambda each: each.due)
                pause = lease.due - monotonic()
                if pause <= 0:
                    return lease, min(each.interval for each in self._held)
                self._changed.wait(pause)


def _forked() -> None:
    global _keeper
    _keeper = Keeper()


_keeper = Keeper()
os.register_at_fork(after_in_child=_forked)


@contextmanager
def releasing(limiter: Limiter, decision: AnyDecision, timeout: Duration | None) -> Iterator[None]:
    """Releases the permits at the end; whoever uses it renews them."""
    try:
        yield
    finally:
        try:
            limiter.release(decision, timeout=timeout)
        except Error as error:
            left(decision, error)


@contextmanager
def held(limiter: Limiter, decision: AnyDecision, timeout: Duration | None) -> Iterator[None]:
    """Renews the permits from a thread, and releases them at the end."""
    lease = BlockingLease(limiter, decision)
    with releasing(limiter, decision, timeout):
        _keeper.add(lease)
        try:
            yield
        finally:
            _keeper.remove(lease)
            lease.end()


@asynccontextmanager
async def async_held(limiter: AsyncLimiter, decision: AnyDecision, timeout: Duration | None) -> AsyncIterator[None]:
    """Renews the permits in a task of the running loop, and releases them at the end."""
    from asyncio import create_task

    lease = Lease(limiter._handle.about, decision)
    task = create_task(renewing(limiter, lease))
    try:
        yield
    finally:
        task.cancel()
        lease.end()
        try:
            await limiter.release(decision, timeout=timeout)
        except Error as error:
            left(decision, error)


async def renewing(limiter: AsyncLimiter, lease: Lease) -> None:
    """Until it is cancelled. A renewal that failed is tried again: the lease lasts still."""
    from asyncio import sleep

    while True:
        await sleep(lease.interval)
        sent = monotonic()
        try:
            if not await limiter.renew(lease.decision, timeout=lease.interval):
                lease.lost()
                return
            lease.renewed(sent)
        except Closed:
            return
        except Error as error:
            warn("the lease of %r was not renewed: %s", lease.decision.key, error)


def warn(text: str, *values: object) -> None:
    from logging import getLogger

    getLogger("keywright").warning(text, *values)


def left(decision: AnyDecision, error: Error) -> None:
    warn("a permit of %r was not given back, and comes back when its lease ends: %s", decision.key, error)
