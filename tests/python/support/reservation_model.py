"""What reservations of a limiter promise, on top of the model of its limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor

from .limiter_model import Answer, FixedWindow, Gcra

DAY = 86_400_000_000
REMEMBERED = 600_000_000


@dataclass
class Open:
    cost: int
    lapses: int
    told: Answer


class Reserving:
    """The state of one key. Operations answer a status."""

    def __init__(self, limit: Gcra | FixedWindow) -> None:
        self.limit = limit
        self.open: dict[str, Open] = {}
        self.settled: dict[str, tuple[str, int]] = {}

    def lapse(self, now: int) -> bool:
        """Gives back what lapsed; whether there was anything to see to."""
        over = sorted((each.lapses, name) for name, each in self.open.items() if each.lapses <= now)
        ahead = [each for each in self.open.values() if each.lapses > now + DAY]
        for _, name in over:
            each = self.open.pop(name)
            self.limit.refund(now, each.told, each.cost)
        for each in ahead:
            each.lapses = now + DAY
        return bool(over or ahead)

    def forget(self, now: int) -> None:
        self.settled = {name: entry for name, entry in self.settled.items() if entry[1] > now}

    def hit(self, now: int, cost: int) -> Answer:
        seen = self.limit.peek(now, cost)
        if cost == 0 or seen.retry_after_us == "never":
            self.lapse(now)
            return self.limit.peek(now, cost)
        if seen.status == "DENIED":
            self.lapse(now)
        return self.limit.hit(now, cost)

    def reserve(self, now: int, cost: int, name: str, lease: int) -> str:
        seen, saw = self.limit.peek(now, cost), False
        if name in self.open or name in self.settled or seen.status == "DENIED":
            saw = self.lapse(now)
        self.forget(now)
        if name in self.settled:
            return "GONE"
        if name in self.open:
            return "OK" if self.open[name].cost == cost else "CONFLICT"
        told = self.limit.hit(now, cost)
        if told.status == "OK":
            known = self.limit.since(now, floor(told.settles_at)) if saw else 0
            self.open[name] = Open(cost, now + lease, replace(told, known=known))
        return told.status

    def settle(self, now: int, name: str, entry: str, actual: int) -> str:
        self.lapse(now)
        self.forget(now)
        if name in self.settled:
            return "OK" if self.settled[name][0] == entry else "CONFLICT"
        if name not in self.open:
            return "NOT_FOUND"
        each = self.open.pop(name)
        if actual < each.cost:
            self.limit.refund(now, each.told, each.cost - actual)
        elif actual > each.cost:
            self.limit.charge(now, actual - each.cost)
        self.settled[name] = (entry, now + REMEMBERED)
        return "OK"

    def reset(self) -> None:
        self.limit.forget()
        self.open.clear()
        self.settled.clear()
