"""Rate limiters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from secrets import token_hex
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from .._convert import checked, in_item, to_list, to_rows, whole, within
from .._decision import AnyDecision, admitted, denied, reserved
from .._decorate import limited
from .._error import Error
from .._generated.keywright import FOREVER, Reason, Status
from .._generated.limiter import OverrideChange
from .._generated.limiter_calls import LimiterSubmits
from .._held import async_held
from .._off import DAY, limits_off, see_id, see_key, see_number, see_override, see_span, see_times
from .decision import Decision
from .reservation import Reservation

if TYPE_CHECKING:
    from .._convert import Duration, Key
    from .._generated.limiter import Override
    from .._loop import Operation

P = ParamSpec("P")
R = TypeVar("R")


def with_cost(items: Iterable[Key | tuple[Key, int]], cost: int, name: str = "items") -> list[tuple[Key, int]]:
    """Gives each key that comes without a cost the common one."""
    each = to_list(items, "keys, or pairs of a key and its cost", name)
    return [item if isinstance(item, tuple) else (item, cost) for item in each]


class Limiter(LimiterSubmits):
    """A rate limiter, made by client.limiter(): how many hits each key may make in a time, by the server's clock."""

    __slots__ = ()

    def hit_many(
        self,
        items: Iterable[Key | tuple[Key, int]],
        cost: int = 1,
        *,
        timeout: Duration | None = None,
    ) -> Operation[list[Decision]]:
        """A hit for each of many keys, sent together and answered together, in any order.

        Args:
            items: keys, or pairs of a key and its cost
            cost: what those without a cost of their own are charged
            timeout: deadline of this call; the client's when None

        The decisions come in the order of the items. If one failed, its failure is raised, and `answers` of the
        exception has the decisions of the others.

        While it blocks no signal handler runs, nor does Ctrl-C end it, before its answers or its deadline: a batch of
        hits can be interrupted.
        """
        return super().hit_many(with_cost(items, cost), timeout=timeout)

    def refund(
        self,
        decision: AnyDecision,
        count: int | None = None,
        *,
        timeout: Duration | None = None,
    ) -> Operation[None]:
        """Gives back what a hit was charged; never more than time has left of it, so that what has flowed back is not
        given again.

        Args:
            decision: the decision of that hit
            count: how much to give back; all of it when None
            timeout: deadline of this call; the client's when None
        """
        if count is None:
            checked(decision, AnyDecision, "decision")
            count = decision.amount
            if count == 0:
                return self._answered(None)
        return super().refund(decision, count, timeout=timeout)

    @asynccontextmanager
    async def guard(
        self,
        key: Key,
        cost: int = 1,
        *,
        wait: Duration | None = None,
        timeout: Duration | None = None,
    ) -> AsyncIterator[Decision]:
        """`async with api.guard("user:42"):` enters when admitted, and raises Denied when not. Arguments as for hit.

        What a concurrent limit gave is released at the end, however the block ends; rates beside it stay charged. It
        is renewed while the block runs, in asyncio by a task, else by a thread. What goes wrong with that, as a lease
        that ended because the program stood still, is told to the logger "keywright".
        """
        decision = await self.hit(key, cost, wait=wait, timeout=timeout)
        if not decision:
            raise denied(decision)
        if decision.lease:
            async with async_held(self, decision, timeout):
                yield decision
        else:
            yield decision

    @asynccontextmanager
    async def reservation(
        self,
        key: Key,
        cost: int,
        *,
        lease: Duration | None = None,
        id: Key | None = None,
        timeout: Duration | None = None,
    ) -> AsyncIterator[Reservation]:
        """`async with api.reservation("user:42", 1000) as reservation:` enters when the cost could be reserved, and
        raises Denied when not, or Exhausted when too many of the key are open. Within, reservation.commit(312) settles
        it with what was used.

        A block that ends without having settled it has used the cost: it is committed. One that ends by an exception
        has used nothing: it is cancelled, and the exception goes on, whatever becomes of that. A reservation whose
        lease has ended was given back: then commit raises NotFound, also at the end of the block. So take a lease that
        is longer than the work.

        Args:
            key: whose state
            cost: how much is reserved
            lease: how long it stays open at most, 1 ms to a day; the limiter's lease when None
            id: an id of one's own, unique inside the key, as that of the job; a random one when None
            timeout: deadline of each call; the client's when None
        """
        id = token_hex(16) if id is None else id
        decision = await self.reserve(key, cost, id, lease=lease, timeout=timeout)
        reservation = Reservation(self, decision, cost, id, reserved(decision), timeout)
        try:
            yield reservation
        except BaseException:
            with suppress(Error):
                await reservation.leave(0)
            raise
        await reservation.leave(cost)

    def limit(
        self,
        *,
        key: Key | Callable[..., Key],
        cost: int | Callable[..., int] = 1,
        wait: Duration | None = None,
        timeout: Duration | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """A decorator: each call of the function is a hit, and raises Denied when it was not admitted. What a
        concurrent limit gave is held as guard() holds it, until the function returns.

        Args:
            key: whose state, or a function that finds it from the call's arguments
            cost: how much is charged, or a function that finds it from the call's arguments
            wait: patience, as for hit
            timeout: deadline, as for hit
        """
        return limited(self, key, cost, wait, timeout)


class Unlimited(Limiter):
    """The limiter of KEYWRIGHT_LIMITS=off, for tests of programs that use limiters: admits all, sends nothing. What no
    limiter would take it refuses too.
    """

    __slots__ = ()

    def _admit(
        self,
        key: Key,
        cost: int,
        timeout: Duration | None = None,
        wait: Duration | None = None,
        *,
        least: int = 0,
        name: str = "cost",
    ) -> Decision:
        see_key(key)
        see_times(timeout, wait)
        return admitted(Decision, self, key, see_number(cost, least, name), self._handle.about)

    def hit(
        self,
        key: Key,
        cost: int = 1,
        *,
        wait: Duration | None = None,
        timeout: Duration | None = None,
    ) -> Operation[Decision]:
        return self._answered(self._admit(key, cost, timeout, wait))

    def hit_many(
        self,
        items: Iterable[Key | tuple[Key, int]],
        cost: int = 1,
        *,
        timeout: Duration | None = None,
    ) -> Operation[list[Decision]]:
        answers: list[Decision] = []
        pairs = to_rows(with_cost(items, cost), ("key", "cost"))
        try:
            for key, own in pairs:
                answers.append(self._admit(key, own, timeout))
        except (TypeError, ValueError) as error:
            raise in_item(len(answers), error) from None
        return self._answered(answers)

    def peek(self, key: Key, cost: int = 1, *, timeout: Duration | None = None) -> Operation[Decision]:
        return self._answered(self._admit(key, cost, timeout))

    def wait(
        self,
        key: Key,
        cost: int = 1,
        *,
        wait: Duration,
        timeout: Duration | None = None,
    ) -> Operation[Decision]:
        return self._answered(self._admit(key, cost, timeout, wait))

    def hit_up_to(self, key: Key, cost: int, *, timeout: Duration | None = None) -> Operation[Decision]:
        return self._answered(self._admit(key, cost, timeout))

    def renew(self, decision: AnyDecision, *, timeout: Duration | None = None) -> Operation[bool]:
        checked(decision, AnyDecision, "decision")
        see_times(timeout)
        return self._answered(True)

    def release(self, decision: AnyDecision, *, timeout: Duration | None = None) -> Operation[None]:
        checked(decision, AnyDecision, "decision")
        see_times(timeout)
        return self._answered(None)

    def reserve(
        self,
        key: Key,
        cost: int,
        id: Key,
        *,
        lease: Duration | None = None,
        timeout: Duration | None = None,
    ) -> Operation[Decision]:
        see_id(id)
        see_span(lease, DAY, "lease")
        return self._answered(self._admit(key, cost, timeout, lease, least=1))

    def commit(self, key: Key, id: Key, actual: int, *, timeout: Duration | None = None) -> Operation[Decision]:
        see_id(id)
        return self._answered(self._admit(key, actual, timeout, name="actual"))

    def cancel(self, key: Key, id: Key, *, timeout: Duration | None = None) -> Operation[Decision]:
        see_id(id)
        return self._answered(self._admit(key, 0, timeout))

    def reset(self, key: Key, *, timeout: Duration | None = None) -> Operation[None]:
        see_key(key)
        see_times(timeout)
        return self._answered(None)

    def set_override(
        self, key: Key, limits: str, *, ttl: Duration | None = None, timeout: Duration | None = None
    ) -> Operation[OverrideChange]:
        see_key(key)
        see_times(timeout, ttl)
        see_span(ttl, 3650 * DAY, "ttl")
        see_override(limits, self._handle.about)
        return self._answered(OverrideChange(Status.OK, 0, 0, 0))

    def clear_override(self, key: Key, *, timeout: Duration | None = None) -> Operation[OverrideChange]:
        see_key(key)
        see_times(timeout)
        return self._answered(OverrideChange(Status.OK, 0, 0, 0))

    def overrides(
        self,
        after: int = 0,
        count: int = 100,
        *,
        timeout: Duration | None = None,
    ) -> Operation[list[Override]]:
        within(whole(after, "after"), 0, FOREVER, "after", Reason.RANGE)
        within(whole(count, "count"), 1, 1000, "count", Reason.RANGE)
        see_times(timeout)
        return self._answered([])

    def refund(
        self,
        decision: AnyDecision,
        count: int | None = None,
        *,
        timeout: Duration | None = None,
    ) -> Operation[None]:
        checked(decision, AnyDecision, "decision")
        see_times(timeout)
        if count is not None:
            see_number(count, 1, "count")
        return self._answered(None)


def limiter_kind() -> type[Limiter]:
    """What KEYWRIGHT_LIMITS asks for, when a limiter is made."""
    return Unlimited if limits_off() else Limiter
