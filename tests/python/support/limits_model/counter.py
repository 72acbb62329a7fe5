"""The sliding window counter: two windows, of which the one before weighs as much as the last period overlaps it."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from .keys import Grant, Keys, Shape

MOST = 2**52 - 1


class Counter(Shape):
    name = "counter"

    def __init__(self, label: str, limit: int, period_us: int, shadow: bool = False) -> None:
        super().__init__(label, limit, shadow)
        self.period = period_us
        # The overlap is told in units so long that the limit times those of a period stays below 2^52.
        self.unit = ceil(Fraction(period_us, (2**52 - 1) // limit))
        self.units = ceil(Fraction(period_us, self.unit))

    def _read(self, keys: Keys, now: int) -> tuple[int, int, int]:
        """Start and count of the window that now lies in, and the count of the one before."""
        text = keys.get(self.part)
        if text is None:
            return now, 0, 0
        current, before = text[16:].split("/")
        start = min(int(text[:16]), now)  # the clock may have stepped back
        windows = (now - start) // self.period
        if windows == 0:
            return start, int(current), int(before)
        if windows == 1:
            return start + self.period, 0, int(current)
        return now, 0, 0

    def _used(self, keys: Keys, now: int) -> int:
        start, current, before = self._read(keys, now)
        overlap = Fraction(ceil(Fraction(start + self.period - now, self.unit)), self.units)
        return current + ceil(before * overlap)

    def fits(self, keys: Keys, now: int) -> int:
        return max(0, self.capacity - self._used(keys, now))

    def opens(self, keys: Keys, now: int, cost: int) -> int:
        """By trying: what is used never grows with time, and is nothing after two periods."""
        if cost <= self.fits(keys, now):
            return 0
        start = self._read(keys, now)[0]
        if keys.get(self.part) and int(keys.get(self.part)[:16]) > now:
            keys = self._as_mended(keys, now)
        no, yes = now, start + 2 * self.period
        while yes - no > 1:
            middle = (no + yes) // 2
            no, yes = (no, middle) if cost <= self.fits(keys, middle) else (middle, yes)
        return yes - now

    def _as_mended(self, keys: Keys, now: int) -> Keys:
        mended = Keys()
        mended.held = dict(keys.held)
        self.charge(mended, now, 0)
        return mended

    def clears(self, keys: Keys, now: int) -> int:
        start, current, before = self._read(keys, now)
        windows = 2 if current else 1 if before else 0
        return start + windows * self.period - now if windows else 0

    def amiss(self, keys: Keys, now: int) -> bool:
        text = keys.get(self.part)
        return text is not None and int(text[:16]) > now

    def _store(self, keys: Keys, now: int, start: int, current: int, before: int) -> None:
        ends = start + 2 * self.period
        keys.put(self.part, f"{start}{current}/{before}", now // 1000 + max(0, (ends - now) // 1000) + 2)

    def charge(self, keys: Keys, now: int, count: int) -> Grant:
        start, current, before = self._read(keys, now)
        self._store(keys, now, start, min(current + count, MOST), before)
        return Grant(Fraction(start + 2 * self.period), now)

    def refund(self, keys: Keys, now: int, grant: Grant, count: int) -> None:
        text, charged = keys.get(self.part), int(grant.settles_at) - 2 * self.period
        if text is None or grant.settles_at <= now:
            return
        start = int(text[:16])
        current, before = map(int, text[16:].split("/"))
        if start == charged:
            self._store(keys, now, start, max(0, current - count), before)
        elif start == charged + self.period:
            self._store(keys, now, start, current, max(0, before - count))
