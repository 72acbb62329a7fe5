# Made by bindings/generate.py from python/keywright/_aio/joint.py. Change that file and run ./dev gen.
"""Joint limiters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from .._convert import invalid, to_list, to_rows, wrong_type
from .._generated.joint_calls import JointCalls
from .._generated.keywright import Reason, Status
from .._generated.limiter import DecidedBy
from .decision import Decision
from .joint_decision import JointDecision
from .limiter import Limiter, Unlimited, with_cost

if TYPE_CHECKING:
    from .._convert import Duration, Key
    from .._objects import Ports


class Joint(JointCalls):
    """A joint limiter, made by client.joint(): several limiters, each with a key of its own, in one decision."""

    __slots__ = ("limiters",)

    #: The limiters, in the order in which hits name their keys.
    limiters: tuple[Limiter, ...]

    def each_of(self, asked: list[tuple[Key, int]]) -> list[tuple[type[Decision], Limiter, Key]]:
        """What the decision of each limiter is read with."""
        return [(Decision, limiter, key) for limiter, (key, _) in zip(self.limiters, asked, strict=True)]

    def hit(
        self,
        hits: Iterable[Key | tuple[Key, int]],
        cost: int = 1,
        *,
        timeout: Duration | None = None,
    ) -> JointDecision:
        """Asks every limiter, and charges all of them if all admit, else none.

        Args:
            hits: for each limiter, in their order, a key, or a pair of a key and its cost
            cost: what those without a cost of their own are charged
            timeout: deadline of this call; the joint limiter's when None

        A limiter whose cost is 0 is looked at, and neither denies nor is charged. Of a denial all `decisions` are
        denials: `denied_by` says whose, and `retry_after` when all would admit. What was charged is given back by
        each decision's refund().
        """
        return super().hit(with_cost(hits, cost, "hits"), timeout=timeout)

    def peek(
        self,
        hits: Iterable[Key | tuple[Key, int]],
        cost: int = 1,
        *,
        timeout: Duration | None = None,
    ) -> JointDecision:
        """Says whether a hit of those keys and costs would be admitted, and when, and charges nothing. Arguments as for
        hit.
        """
        return super().peek(with_cost(hits, cost, "hits"), timeout=timeout)

    def _submitting(self, ports: Ports) -> Any:
        twin: Any = super()._submitting(ports)
        twin.limiters = tuple(limiter._submitting(ports) for limiter in self.limiters)
        return twin


class UnlimitedJoint(Joint):
    """The joint limiter of KEYWRIGHT_LIMITS=off: admits all, sends nothing."""

    __slots__ = ()

    def _admit(self, hits: Iterable[Key | tuple[Key, int]], cost: int) -> JointDecision:
        rows = to_rows(with_cost(hits, cost, "hits"), ("key", "cost"), "hits")
        if len(rows) != len(self.limiters):
            raise invalid(f"{len(rows)} hits were given: give one for each limiter, in their order", Reason.RANGE)
        pairs = zip(self.limiters, rows, strict=True)
        decisions = tuple(cast(Unlimited, limiter)._admit(key, own) for limiter, (key, own) in pairs)
        return JointDecision(Status.OK, DecidedBy.SERVER, -1, len(decisions), 0.0, decisions, self)

    def hit(
        self,
        hits: Iterable[Key | tuple[Key, int]],
        cost: int = 1,
        *,
        timeout: Duration | None = None,
    ) -> JointDecision:
        return self._answered(self._admit(hits, cost))

    def peek(
        self,
        hits: Iterable[Key | tuple[Key, int]],
        cost: int = 1,
        *,
        timeout: Duration | None = None,
    ) -> JointDecision:
        return self._answered(self._admit(hits, cost))


def members(limiters: Iterable[Limiter]) -> tuple[Limiter, ...]:
    """The limiters that a joint limiter is made from."""
    listed = to_list(limiters, "limiters", "limiters")
    for place, each in enumerate(listed):
        if not isinstance(each, Limiter):
            raise wrong_type(f"limiters[{place}]", "a limiter of this kind of client", each)
    return tuple(listed)


def joint_kind(limiters: tuple[Limiter, ...]) -> type[Joint]:
    """What KEYWRIGHT_LIMITS asked for when the limiters were made."""
    return UnlimitedJoint if limiters and all(isinstance(each, Unlimited) for each in limiters) else Joint
