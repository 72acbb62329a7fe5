"""Concurrency: one member for each permit, scored by when its lease ends."""

from __future__ import annotations

from fractions import Fraction

from .keys import Grant, Keys, Shape

DAY = 86_400_000_000


class Leases(Shape):
    name = "leases"

    def __init__(self, label: str, limit: int, lease_us: int, shadow: bool = False) -> None:
        super().__init__(label, limit, shadow)
        self.lease = lease_us

    def _held(self, keys: Keys, now: int) -> dict[str, int]:
        """Those that last; one further ahead than a day and its length was left by a clock that stepped back."""
        most = now + self.lease + DAY
        return {member: min(ends, most) for member, ends in (keys.get(self.part) or {}).items() if ends > now}

    def fits(self, keys: Keys, now: int) -> int:
        return max(0, self.capacity - len(self._held(keys, now)))

    def opens(self, keys: Keys, now: int, cost: int) -> int:
        ends = sorted(self._held(keys, now).values())
        too_many = len(ends) + cost - self.capacity
        return 0 if too_many <= 0 else ends[too_many - 1] - now

    def clears(self, keys: Keys, now: int) -> int:
        return max(self._held(keys, now).values(), default=now) - now

    def amiss(self, keys: Keys, now: int) -> bool:
        return any(ends > now + self.lease + DAY for ends in (keys.get(self.part) or {}).values())

    def _store(self, keys: Keys, now: int, held: dict[str, int]) -> None:
        latest = max(held.values(), default=now)
        keys.put(self.part, held, now // 1000 + max(0, latest - now) // 1000 + 2)

    def charge(self, keys: Keys, now: int, count: int) -> Grant:
        held, lease = self._held(keys, now), 0
        if count > 0:
            lease = now
            while f"{lease}:1" in held:
                lease += 1
            held |= {f"{lease}:{number}": now + self.lease for number in range(1, count + 1)}
        self._store(keys, now, held)
        return Grant(Fraction(now + self.lease), now, lease, count)

    def refund(self, keys: Keys, now: int, grant: Grant, count: int) -> None:
        held = dict(keys.get(self.part) or {})
        for number in range(grant.held, 0, -1):
            if count > 0 and held.pop(f"{grant.lease}:{number}", None) is not None:
                count -= 1
        if keys.lasts_forever(self.part) and held:
            self._store(keys, now, held)
        else:
            keys.put(self.part, held, keys.expires(self.part) or 0)

    def renew(self, keys: Keys, now: int, grant: Grant) -> bool:
        """Keeps what is still held of it."""
        held = dict(keys.get(self.part) or {})
        if held.get(f"{grant.lease}:1", 0) <= now:
            return False
        for number in range(1, grant.held + 1):
            if f"{grant.lease}:{number}" in held:
                held[f"{grant.lease}:{number}"] = now + self.lease
        self._store(keys, now, held)
        return True
