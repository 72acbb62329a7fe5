"""GCRA: the theoretical arrival time, exact."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from .keys import Grant, Keys, Shape

DAY = 86_400_000_000


class Tat(Shape):
    name = "tat"
    books_ahead = True

    def __init__(self, label: str, count: int, period_us: int, burst: int, shadow: bool = False) -> None:
        super().__init__(label, burst, shadow)
        self.interval = Fraction(period_us, count)
        if self.interval.denominator > 1000:
            self.interval = Fraction(ceil(self.interval * 1000), 1000)
            self.units = 1000
        else:
            self.units = self.interval.denominator
        self.whole = burst * self.interval
        self.ahead = ceil(self.whole) + DAY

    @property
    def parts(self) -> list[str]:
        return [self.part, f"{self.part}:refunds"]

    def _tat(self, keys: Keys) -> Fraction | None:
        """What another rate left is rounded up to whole us, or cut to the last part."""
        text = keys.get(self.part)
        if text is None:
            return None
        us, rest = int(text[:16]), int(text[16:] or 0)
        return Fraction(us + (rest > 0)) if self.units == 1 else us + Fraction(min(rest, self.units - 1), self.units)

    def _debt(self, keys: Keys, now: int) -> Fraction:
        tat = self._tat(keys)
        debt = Fraction(0) if tat is None else max(Fraction(0), tat - now)
        return Fraction(self.ahead) if floor(debt) > self.ahead else debt

    def fits(self, keys: Keys, now: int) -> int:
        return max(0, floor((self.whole - self._debt(keys, now)) / self.interval))

    def admits(self, keys: Keys, now: int, cost: int, patience_us: int) -> bool:
        return cost <= self.capacity and self._debt(keys, now) + cost * self.interval <= self.whole + patience_us

    def opens(self, keys: Keys, now: int, cost: int) -> int:
        return max(0, ceil(self._debt(keys, now) + cost * self.interval - self.whole))

    def clears(self, keys: Keys, now: int) -> int:
        return ceil(self._debt(keys, now))

    def amiss(self, keys: Keys, now: int) -> bool:
        tat = self._tat(keys)
        return tat is not None and floor(tat - now) > self.ahead

    def _store(self, keys: Keys, now: int, debt: Fraction) -> None:
        us = floor(debt)
        text = f"{now + us}" if self.units == 1 else f"{now + us}{int((debt - us) * self.units):03d}"
        keys.put(self.part, text, now // 1000 + us // 1000 + (2 if self.units == 1 else 3))

    def charge(self, keys: Keys, now: int, count: int) -> Grant:
        debt = self._debt(keys, now) + count * self.interval
        if count > 0 and floor(debt) > self.ahead:
            debt = Fraction(self.ahead)
        self._store(keys, now, debt)
        return Grant(now + debt, now, held=count, delay_us=max(0, ceil(debt - self.whole)))

    def refund(self, keys: Keys, now: int, grant: Grant, count: int) -> None:
        listed, tat = f"{self.part}:refunds", self._tat(keys)
        told = [tuple(map(int, text.split())) for text in keys.get(listed) or []]
        made, settles = grant.decided_at, floor(grant.settles_at)
        left = grant.settles_at - now
        for when, of, ends, credit in told:
            if when >= made and (of < made or (of == made and ends <= settles)):
                left -= credit
        if left <= 0 or tat is None:
            return
        raw = keys.get(self.part)
        same = int(raw[:16]) == settles and int(raw[16:] or 0) == (grant.settles_at - settles) * self.units
        last = same and count == grant.held
        debt = tat - now
        if floor(debt) > self.ahead:
            debt = Fraction(self.ahead)
        if debt > self.whole and debt != left:
            return  # others are booked behind it
        back = min(count * self.interval, left)
        before = max(floor(debt), 0)
        debt -= back
        if debt <= 0:
            keys.drop(self.part)
            if last:
                keys.drop(listed)  # nobody else's charge is left
                return
        else:
            self._store(keys, now, debt)
        if len(told) >= 100:
            one, two = told[:2]
            told[:2] = [(max(one[0], two[0]), min(one[1], two[1]), min(one[2], two[2]), one[3] + two[3])]
        told.append((max(now, made), made, settles, ceil(back)))
        # Redis removes a key at once whose time to live is not positive.
        expires = now // 1000 + before // 1000 + 3
        if keys.get(listed) is not None and not keys.lasts_forever(listed):
            expires = max(expires, keys.expires(listed) or 0)
        keys.put(listed, [" ".join(map(str, one)) for one in told] if expires > now // 1000 else [], expires)
