"""What a quota promises, told with Python's own calendar: no server, none of the library's arithmetic."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
DAY = 86_400 * SECOND
LEASES = 8 * DAY  # one that ends further ahead comes of a clock that was set back
SPANS = {"day": 2 * DAY, "week": 14 * DAY, "month": 62 * DAY, "year": 732 * DAY}


def end_of(now: int, period: str, zone_minutes: int) -> int:
    """The end of the calendar period that a moment lies in."""
    zone = timedelta(minutes=zone_minutes)
    local = datetime.fromtimestamp(now // SECOND, UTC) + zone
    midnight = local.replace(hour=0, minute=0, second=0)
    if period == "day":
        end = midnight + timedelta(days=1)
    elif period == "week":
        end = midnight + timedelta(days=7 - local.weekday())
    elif period == "month":
        end = midnight.replace(year=local.year + local.month // 12, month=local.month % 12 + 1, day=1)
    else:
        end = midnight.replace(year=local.year + 1, month=1, day=1)
    return round((end - zone).timestamp()) * SECOND


@dataclass
class Open:
    cost: int
    ends: int
    lapses: int


class Quota:
    """The state of one key. Operations answer their status, and what is used.

    It changes only where an operation writes: what a look finds ended is still there when the clock steps back.
    """

    def __init__(self, limit: int, period: str, zone_minutes: int) -> None:
        self.limit, self.period, self.zone = limit, period, zone_minutes
        self.forget()

    def forget(self) -> None:
        self.forget_state()
        self.forget_reservations()

    def forget_state(self) -> None:
        """Its key expired."""
        self.ends = self.charged = 0
        self.expects = False  # open reservations, whose lapse any operation gives back
        self.mended = False  # what the last operation found had to be written back
        self.expires_ms: int | None = None  # of the state's key

    def forget_reservations(self) -> None:
        """Their keys expired."""
        self.open: dict[str, Open] = {}
        self.settled: dict[str, tuple[str, int]] = {}
        self.kept_ms: int | None = None  # when their keys expire

    def pass_to(self, now: int) -> None:
        """The server drops what expired."""
        if self.expires_ms is not None and now // 1000 > self.expires_ms:
            self.forget_state()
        if self.kept_ms is not None and now // 1000 > self.kept_ms:
            self.forget_reservations()

    @property
    def stored(self) -> str | None:
        """What the state's key holds."""
        if self.expires_ms is None:
            return None
        due = f":{min(each.lapses for each in self.open.values())}" if self.expects else ""
        return f"{self.ends}{self.charged}{due}"

    def _write(self, now: int) -> None:
        self.expires_ms = now // 1000 + (self.ends - now) // 1000 + 2

    def _keep(self, now: int, life_ms: int) -> None:
        self.kept_ms = max(now // 1000 + life_ms, self.kept_ms or 0)

    def needed(self, now: int) -> bool:
        """Whether anything is still running or remembered of reservations."""
        return any(each.lapses > now for each in self.open.values()) or any(
            until > now for _, until in self.settled.values()
        )

    def over(self, now: int) -> list[str]:
        return [name for name, each in self.open.items() if not now < each.lapses <= now + LEASES]

    def turn(self, now: int, settles: bool = False) -> bool:
        """What time has done. An operation that settles finds each lapse, the others those of the present period; True
        if the period is still the one that was there."""
        stored, backward = self.ends, self.ends - now > SPANS[self.period]
        if stored <= now:
            self.ends, self.charged, self.expects = end_of(now, self.period, self.zone), 0, False
        elif backward:
            self.ends = end_of(now, self.period, self.zone)
        first = min((each.lapses for each in self.open.values()), default=0)
        self.mended = backward
        if settles or self.expects and (backward or not now < first <= now + LEASES):
            for name in self.over(now):
                each = self.open.pop(name)
                if each.ends == stored:
                    self.charged = max(0, self.charged - each.cost)
            self.expects, self.mended = bool(self.open), True
        if settles:
            self.settled = {name: entry for name, entry in self.settled.items() if entry[1] > now}
        if not self.open and not self.settled:
            self.kept_ms = None
        return self.ends == stored

    def seen(self, now: int) -> Quota:
        """As somebody sees it who only looks, and writes nothing."""
        copied = deepcopy(self)
        copied.turn(now)
        return copied

    def peek(self, now: int, cost: int) -> str:
        return "OK" if cost == 0 or self.seen(now).charged + cost <= self.limit else "DENIED"

    def consume(self, now: int, cost: int) -> str:
        if cost == 0 or cost > self.limit:
            return self.peek(now, cost)
        self.turn(now)
        fits = self.charged + cost <= self.limit
        self.charged += cost if fits else 0
        if fits or self.mended:
            self._write(now)
        return "OK" if fits else "DENIED"

    def reserve(self, now: int, cost: int, name: str, lease: int) -> str:
        self.turn(now, settles=True)
        self._write(now)
        if name in self.open:
            return "OK" if self.open[name].cost == cost else "CONFLICT"
        if name in self.settled:
            return "GONE"
        if self.charged + cost > self.limit:
            return "DENIED"
        self.charged += cost
        self.expects = True
        self.open[name] = Open(cost, self.ends, now + lease)
        self._keep(now, max(lease, self.ends - now) // 1000 + 3)
        return "OK"

    def settle(self, now: int, name: str, entry: str, actual: int) -> str:
        same = self.turn(now, settles=True)
        self._write(now)
        self.counted = actual  # what the answer tells as charged
        if name in self.settled:
            return "OK" if self.settled[name][0] == entry else "CONFLICT"
        if name not in self.open:
            return "NOT_FOUND"
        each = self.open.pop(name)
        self.expects = bool(self.open)
        if same and each.ends == self.ends:
            self.charged = max(0, self.charged - each.cost) + actual
        else:
            self.counted = 0
        self.settled[name] = (entry, now + 600 * SECOND)
        self._keep(now, 600_003)
        return "OK"

    def refund(self, now: int, count: int, ends: int) -> None:
        if ends == self.ends and self.seen(now).ends == ends:
            self.turn(now)
            self.charged = max(0, self.charged - count)
            self._write(now)
