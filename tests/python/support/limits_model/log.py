"""The sliding window log: the moment of every hit."""

from __future__ import annotations

from fractions import Fraction

from .keys import Grant, Keys, Shape


class Log(Shape):
    name = "log"

    def __init__(self, label: str, limit: int, period_us: int, shadow: bool = False) -> None:
        super().__init__(label, limit, shadow)
        self.period = period_us

    def _moments(self, keys: Keys, now: int) -> list[int]:
        """Those that count, oldest first; what lies ahead was written before the clock stepped back."""
        return [min(at, now) for at in keys.get(self.part) or [] if at + self.period > now]

    def fits(self, keys: Keys, now: int) -> int:
        return max(0, self.capacity - len(self._moments(keys, now)))

    def opens(self, keys: Keys, now: int, cost: int) -> int:
        moments = self._moments(keys, now)
        too_many = len(moments) + cost - self.capacity
        return 0 if too_many <= 0 else moments[too_many - 1] + self.period - now

    def clears(self, keys: Keys, now: int) -> int:
        moments = self._moments(keys, now)
        return moments[-1] + self.period - now if moments else 0

    def amiss(self, keys: Keys, now: int) -> bool:
        return any(at > now for at in keys.get(self.part) or [])

    def _store(self, keys: Keys, now: int, moments: list[int]) -> None:
        ends = moments[-1] + self.period if moments else 0
        keys.put(self.part, moments, now // 1000 + max(0, ends - now) // 1000 + 2)

    def charge(self, keys: Keys, now: int, count: int) -> Grant:
        moments = self._moments(keys, now) + [now] * min(count, self.capacity)
        # What is mended only is not cut to a limit that was lowered.
        self._store(keys, now, moments[-self.capacity :] if count > 0 else moments)
        return Grant(Fraction(now + self.period), now)

    def refund(self, keys: Keys, now: int, grant: Grant, count: int) -> None:
        moments = list(keys.get(self.part) or [])
        moment = int(grant.settles_at) - self.period
        for _ in range(min(count, moments.count(moment))):
            moments.remove(moment)
        if keys.lasts_forever(self.part) and moments:
            self._store(keys, now, moments)
        else:
            keys.put(self.part, moments, keys.expires(self.part) or 0)
