"""Rate limiters."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from .._convert import checked, in_item, to_bytes, to_list, to_rows, whole
from .._decision import AnyDecision, admitted, denied
from .._decorate import limited
from .._generated.limiter_calls import LimiterSubmits, limits_parse
from .._held import async_held
from .decision import Decision

if TYPE_CHECKING:
    from .._convert import Duration, Key
    from .._loop import Operation

P = ParamSpec("P")
R = TypeVar("R")


def with_cost(items: Iterable[Key | tuple[Key, int]], cost: int) -> list[tuple[Key, int]]:
    """Gives each key that comes without a cost the common one."""
    each = to_list(items, "keys, or pairs of a key and its cost")
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

        What a concurrent limit gave is released at the end, however the block ends; rates beside it stay charged. In
        asyncio a task renews it while the block runs. In a blocking program nobody does: give the limiter a lease that
        is longer than the block takes, or call limiter.renew(decision) within.
        """
        decision = await self.hit(key, cost, wait=wait, timeout=timeout)
        if not decision:
            raise denied(decision)
        if decision.lease:
            async with async_held(self, decision, timeout):
                yield decision
        else:
            yield decision

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
    """The limiter of KEYWRIGHT_LIMITS=off, for tests of programs that use limiters: admits all, sends nothing."""

    __slots__ = ()

    def _admit(self, key: Key, cost: int) -> Decision:
        to_bytes(key, "key")
        return admitted(Decision, self, key, whole(cost, "cost"), limits_parse(self._handle.about)[0].burst)

    def hit(
        self,
        key: Key,
        cost: int = 1,
        *,
        wait: Duration | None = None,
        timeout: Duration | None = None,
    ) -> Operation[Decision]:
        return self._answered(self._admit(key, cost))

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
                answers.append(self._admit(key, own))
        except (TypeError, ValueError) as error:
            raise in_item(len(answers), error) from None
        return self._answered(answers)

    def peek(self, key: Key, cost: int = 1, *, timeout: Duration | None = None) -> Operation[Decision]:
        return self._answered(self._admit(key, cost))

    def wait(
        self,
        key: Key,
        cost: int = 1,
        *,
        wait: Duration,
        timeout: Duration | None = None,
    ) -> Operation[Decision]:
        return self._answered(self._admit(key, cost))

    def hit_up_to(self, key: Key, cost: int, *, timeout: Duration | None = None) -> Operation[Decision]:
        return self._answered(self._admit(key, cost))

    def renew(self, decision: AnyDecision, *, timeout: Duration | None = None) -> Operation[bool]:
        return self._answered(True)

    def release(self, decision: AnyDecision, *, timeout: Duration | None = None) -> Operation[None]:
        return self._answered(None)

    def reset(self, key: Key, *, timeout: Duration | None = None) -> Operation[None]:
        return self._answered(None)

    def refund(
        self,
        decision: AnyDecision,
        count: int | None = None,
        *,
        timeout: Duration | None = None,
    ) -> Operation[None]:
        return self._answered(None)


def limiter_kind() -> type[Limiter]:
    """What KEYWRIGHT_LIMITS asks for, when a limiter is made."""
    return Unlimited if os.environ.get("KEYWRIGHT_LIMITS", "").lower() == "off" else Limiter
