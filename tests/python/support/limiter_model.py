"""What a limiter promises, computed in fractions: no rounding, no server, and none of the library's arithmetic.

A model holds the state of one key. Times are microseconds of the server's clock. `value` and `expires_ms` are what must
lie in the server.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

NEVER = "never"


@dataclass(frozen=True)
class Answer:
    """The part of a decision that follows from the state."""

    status: str
    count: int
    limit: int
    remaining: int
    retry_after_us: int | str
    reset_after_us: int
    delay_us: int = 0
    settles_at: Fraction = Fraction(0)
    decided_at: int = 0
    #: Refunds made in the step of a reservation, before it.
    known: int = 0

    @property
    def denied_by(self) -> int:
        return 0 if self.status == "DENIED" else -1


class Gcra:
    """The theoretical arrival time, exact."""

    def __init__(self, count: int, period_us: int, burst: int, slack_us: int = 86_400_000_000) -> None:
        self.interval = Fraction(period_us, count)
        if self.interval.denominator > 1000:
            self.interval = Fraction(ceil(self.interval * 1000), 1000)
        self.parts = self.interval.denominator if Fraction(period_us, count).denominator <= 1000 else 1000
        self.burst = burst
        self.ahead = ceil(burst * self.interval) + slack_us
        self.tat: Fraction | None = None
        self.expires_ms: int | None = None
        #: Of each refund: when it was made, when its charge was, up to when that one counted, how much in whole us.
        self.refunds: list[tuple[int, int, int, int]] = []
        self.refunds_expire_ms = 0

    @property
    def value(self) -> str | None:
        if self.tat is None:
            return None
        us = floor(self.tat)
        return str(us) if self.parts == 1 else f"{us}{int((self.tat - us) * self.parts):03d}"

    def pass_to(self, now: int) -> None:
        """The clock has come to `now`, and somebody looked: an expired key is gone."""
        if self.expires_ms is not None and now // 1000 > self.expires_ms:
            self.tat = self.expires_ms = None
        if now // 1000 > self.refunds_expire_ms:
            self.refunds.clear()

    def forget(self) -> None:
        self.tat = self.expires_ms = None
        self.refunds.clear()

    def _debt(self, now: int) -> Fraction:
        debt = Fraction(0) if self.tat is None else max(Fraction(0), self.tat - now)
        return Fraction(self.ahead) if floor(debt) > self.ahead else debt

    def _store(self, now: int, debt: Fraction) -> None:
        self.tat = now + debt
        self.expires_ms = now // 1000 + floor(debt) // 1000 + (2 if self.parts == 1 else 3)

    def _answer(self, debt: Fraction, cost: int) -> Answer:
        capacity = self.burst * self.interval
        over = debt + cost * self.interval - capacity
        answer = Answer(
            status="OK",
            count=0,
            limit=self.burst,
            remaining=max(0, floor((capacity - debt) / self.interval)),
            retry_after_us=0,
            reset_after_us=ceil(debt),
        )
        if cost > self.burst:
            return replace(answer, status="DENIED", retry_after_us=NEVER)
        if cost > 0 and over > 0:
            return replace(answer, status="DENIED", retry_after_us=ceil(over))
        return answer

    def peek(self, now: int, cost: int = 1) -> Answer:
        return self._answer(self._debt(now), cost)

    def hit(self, now: int, cost: int = 1, patience_us: int = 0) -> Answer:
        debt = self._debt(now)
        seen = self._answer(debt, cost)
        if cost == 0 or cost > self.burst:
            return seen
        over = debt + cost * self.interval - self.burst * self.interval
        if over > patience_us:
            if self.tat is not None and (floor(self.tat - now) > self.ahead or self.expires_ms is None):
                self._store(now, debt)
            return seen
        debt += cost * self.interval
        self._store(now, debt)
        assert self.tat is not None
        return replace(
            self._answer(debt, 0),
            count=cost,
            delay_us=max(0, ceil(over)),
            settles_at=self.tat,
            decided_at=now,
        )

    def since(self, made: int, settles: int) -> int:
        """What was refunded since, of charges that flow back before."""
        return sum(
            credit
            for when, of, ends, credit in self.refunds
            if when >= made and (of < made or (of == made and ends <= settles))
        )

    def charge(self, now: int, count: int) -> None:
        """Whether it fits or not."""
        self._store(now, min(self._debt(now) + count * self.interval, Fraction(self.ahead)))

    def refund(self, now: int, decision: Answer, count: int) -> None:
        made, settles = decision.decided_at, floor(decision.settles_at)
        left = decision.settles_at - now - max(0, self.since(made, settles) - decision.known)
        if left <= 0 or self.tat is None:
            return
        debt = self.tat - now
        if floor(debt) > self.ahead:
            debt = Fraction(self.ahead)
        if debt > self.burst * self.interval and debt != left:
            return  # others are booked behind it
        back = min(count * self.interval, left)
        if count == decision.count and self.tat == decision.settles_at and debt <= back:
            self.forget()  # nobody else's charge is left
            return
        if len(self.refunds) >= 100:
            one, two = self.refunds[:2]
            joined = max(one[0], two[0]), min(one[1], two[1]), min(one[2], two[2]), one[3] + two[3]
            self.refunds[:2] = [joined]
        self.refunds.append((max(now, made), made, settles, ceil(back)))
        expires_ms = now // 1000 + max(floor(debt), 0) // 1000 + 3
        self.refunds_expire_ms = max(expires_ms, self.refunds_expire_ms if len(self.refunds) > 1 else 0)
        debt -= back
        if debt <= 0:
            self.tat = self.expires_ms = None
        else:
            self._store(now, debt)

    def persist(self) -> None:
        self.expires_ms = None


class FixedWindow:
    """A count, and the end of the window."""

    def __init__(self, limit: int, period_us: int) -> None:
        self.limit = limit
        self.period = period_us
        self.interval = Fraction(period_us)
        self.refunds: list[object] = []  # a window needs none
        self.ends: int | None = None
        self.count = 0
        self.expires_ms: int | None = None

    @property
    def value(self) -> str | None:
        return None if self.ends is None else f"{self.ends}{self.count}"

    def pass_to(self, now: int) -> None:
        if self.expires_ms is not None and now // 1000 > self.expires_ms:
            self.forget()

    def forget(self) -> None:
        self.ends = self.expires_ms = None
        self.count = 0

    def _open(self, now: int) -> tuple[int, int]:
        """How long the window is open still, and its count; a window that is not open has neither."""
        if self.ends is None or self.ends <= now:
            return 0, 0
        return min(self.ends - now, self.period), self.count

    def _store(self, now: int, left: int, count: int) -> None:
        self.ends, self.count = now + left, count
        self.expires_ms = now // 1000 + left // 1000 + 2

    def peek(self, now: int, cost: int = 1) -> Answer:
        left, count = self._open(now)
        answer = Answer(
            status="OK",
            count=0,
            limit=self.limit,
            remaining=max(0, self.limit - count),
            retry_after_us=0,
            reset_after_us=left,
        )
        if cost > self.limit:
            return replace(answer, status="DENIED", retry_after_us=NEVER)
        if cost > 0 and count + cost > self.limit:
            return replace(answer, status="DENIED", retry_after_us=left)
        return answer

    def hit(self, now: int, cost: int = 1) -> Answer:
        seen = self.peek(now, cost)
        if cost == 0 or cost > self.limit:
            return seen
        left, count = self._open(now)
        if seen.status == "DENIED":
            if self.ends is not None and (self.ends - now > self.period or self.expires_ms is None):
                self._store(now, left, count)
            return seen
        self._store(now, left or self.period, count + cost)
        assert self.ends is not None
        return replace(self.peek(now, 0), count=cost, settles_at=Fraction(self.ends))

    def since(self, made: int, settles: int) -> int:
        return 0

    def charge(self, now: int, count: int) -> None:
        """Whether it fits or not."""
        left, counted = self._open(now)
        self._store(now, left or self.period, counted + count)

    def refund(self, now: int, decision: Answer, count: int) -> None:
        if self.ends is None or self.ends <= now or self.ends != decision.settles_at:
            return
        self._store(now, self.ends - now, self.count - min(self.count, count))

    def persist(self) -> None:
        self.expires_ms = None
