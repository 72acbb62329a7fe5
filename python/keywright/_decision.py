"""What a decision is beyond its fields, for both of its classes."""

from __future__ import annotations

import re
from math import inf
from typing import Any, TypeVar

from ._answers import raise_no
from ._generated.errors import Denied
from ._generated.keywright import Status
from ._generated.limiter import DecidedBy, DecisionFields, HttpStyle, HttpStyleName

DecisionT = TypeVar("DecisionT", bound="AnyDecision")


class AnyDecision(DecisionFields):
    """A decision of a limiter: true when admitted. `remaining` more would be admitted at once; a denied caller may come
    again after `retry_after` seconds, math.inf when the cost can never fit. A tuple, and pickled as one.
    """

    __slots__ = ()

    @property
    def allowed(self) -> bool:
        """Whether it was admitted."""
        return self.status == Status.OK

    def headers(
        self, style: HttpStyle | HttpStyleName = HttpStyle.DRAFT_11, *, partition: bytes = b""
    ) -> dict[str, str]:
        """Header fields for an HTTP response: RateLimit-Policy and RateLimit, and for a denial Retry-After (rounded up;
        left out when coming again is no use). The limiter's http_fields says what each number means.

        Args:
            style: which fields: "draft_11", "legacy" (X-RateLimit-Limit, -Remaining and -Reset) or "both"
            partition: the partition key (pk) that tells the client whose quota it is; up to 64 bytes
        """
        if self.maker is None:
            raise TypeError("a decision that was unpickled knows no limiter: use limiter.http_fields(decision, b'')")
        text = self.maker.http_fields(self, partition, style).decode("ascii")
        return dict(line.split(": ", 1) for line in text.splitlines())

    def __repr__(self) -> str:
        return (
            f"Decision(allowed={self.allowed}, reason={self.reason.name}, denied_by={self._denier()}, "
            f"remaining={self.remaining}, limit={self.limit}, retry_after={self.retry_after}, "
            f"reset_after={self.reset_after}, key={self.key!r})"
        )

    def _denier(self) -> str | None:
        """The limit that denied, or a shadow that would have, as its text has it; its index where that is not known."""
        if self.denied_by < 0:
            return None
        texts = [] if self.maker is None else split(self.maker._handle.about)
        return repr(texts[self.denied_by]) if self.denied_by < len(texts) else str(self.denied_by)

    # The limiter is no part of what was decided: not of equality, and not of a pickle.

    def __eq__(self, other: object) -> bool:
        return self[:-1] == other[:-1] if isinstance(other, AnyDecision) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return self[:-1] != other[:-1] if isinstance(other, AnyDecision) else NotImplemented

    def __hash__(self) -> int:
        return hash(self[:-1])

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (*self[:-1], None)


def admitted(kind: type[DecisionT], maker: object, key: Any, cost: int, limits: str) -> DecisionT:
    """A yes that nobody was asked for, of a key that is as if never hit."""
    from ._generated.limiter_calls import limits_parse

    bursts = [limit.burst for limit in limits_parse(limits)]
    least = min(bursts)
    return kind(
        status=Status.OK,
        reason=DecidedBy.SERVER,
        denied_by=-1,
        limits=len(bursts),
        binding=bursts.index(least),
        amount=cost,
        limit=least,
        remaining=least,
        retry_after=0.0,
        reset_after=0.0,
        delay=0.0,
        origin=0,
        decided_at_us=0,
        lease=0,
        rest=b"",
        key=key,
        maker=maker,
    )


def split(limits: str) -> list[str]:
    """The texts of the limits in one."""
    return [each.strip() for each in re.split("[;,|]", limits)]


def reserved(decision: AnyDecision) -> Any:
    """The key of a reservation that was made; one that was not raises."""
    if decision.status == Status.DENIED:
        raise denied(decision)
    if decision.status:
        from ._generated.limiter_calls import RESERVE_NOES

        raise_no(decision.status, RESERVE_NOES)
    return decision.key


def denied(decision: AnyDecision) -> Denied:
    """The exception for a decision that said no."""
    when = "never: the cost is above the limit" if decision.retry_after == inf else f"in {decision.retry_after:.3g} s"
    limiter = "" if decision.maker is None else f" by limiter {decision.maker.name!r}"
    error = Denied(f"{decision.key!r} was denied{limiter}; come again {when}")
    error.decision = decision
    return error
