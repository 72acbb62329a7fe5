"""Fixed windows: from the first hit, by the clock, by the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

from .keys import Grant, Keys, Shape

EPOCH = datetime(1970, 1, 1)
#: The week that 1970 began in.
MONDAY = datetime(1969, 12, 29)
US = timedelta(microseconds=1)
DAY = 86_400_000_000
MONTH, YEAR = 30 * DAY, 360 * DAY
#: Charges of who was denied end here.
MOST = 2**52 - 1


class Window(Shape):
    name = "window"

    def __init__(
        self, label: str, limit: int, period_us: int, align: str = "first_hit", zone: int = 0, shadow: bool = False
    ) -> None:
        super().__init__(label, limit, shadow)
        self.period, self.align, self.zone = period_us, align, timedelta(minutes=zone)

    def edge(self, now: int) -> int:
        """Where a window that opens now ends."""
        if self.align == "first_hit":
            return now + self.period
        there = EPOCH + now * US + self.zone
        if self.align == "calendar" and self.period >= MONTH:
            months = self.period // YEAR * 12 if self.period % YEAR == 0 else self.period // MONTH
            index = ((there.year * 12 + there.month - 1) // months + 1) * months
            ends = datetime(index // 12, index % 12 + 1, 1)
        else:
            since = MONDAY if self.period % (7 * DAY) == 0 else EPOCH
            ends = since + ((there - since) // (self.period * US) + 1) * (self.period * US)
        return (ends - self.zone - EPOCH) // US

    def _read(self, keys: Keys, now: int) -> tuple[int, int]:
        """When the window that is open ends, and its count."""
        text = keys.get(self.part)
        if text is None or int(text[:16]) <= now:
            return self.edge(now), 0
        return min(int(text[:16]), self.edge(now)), int(text[16:])

    def fits(self, keys: Keys, now: int) -> int:
        return max(0, self.capacity - self._read(keys, now)[1])

    def opens(self, keys: Keys, now: int, cost: int) -> int:
        ends, count = self._read(keys, now)
        return ends - now if count + cost > self.capacity else 0

    def clears(self, keys: Keys, now: int) -> int:
        text = keys.get(self.part)
        return 0 if text is None or int(text[:16]) <= now else self._read(keys, now)[0] - now

    def amiss(self, keys: Keys, now: int) -> bool:
        text = keys.get(self.part)
        return text is not None and int(text[:16]) > self.edge(now)

    def _store(self, keys: Keys, now: int, ends: int, count: int) -> None:
        keys.put(self.part, f"{ends}{count}", now // 1000 + (ends - now) // 1000 + 2)

    def charge(self, keys: Keys, now: int, count: int) -> Grant:
        ends, counted = self._read(keys, now)
        self._store(keys, now, ends, min(counted + count, MOST))
        return Grant(Fraction(ends), now)

    def refund(self, keys: Keys, now: int, grant: Grant, count: int) -> None:
        text = keys.get(self.part)
        if text is None or not now < int(text[:16]) == grant.settles_at:
            return
        self._store(keys, now, int(text[:16]), max(0, int(text[16:]) - count))
