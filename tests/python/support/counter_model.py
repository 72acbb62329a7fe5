"""What a counter promises, computed with whole numbers and the calendar of Python: none of the library's arithmetic.

A model holds what must lie in the server for one key. Times are microseconds of the server's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

NEVER = "never"
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
DAY = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    status: str
    value: int | None
    applied: int
    expires_after: int | str
    duplicate: bool = False


def calendar_end(now: int, unit: str, zone_minutes: int) -> int:
    """The next edge of a day, week, month or year, as Python's calendar has it."""
    zone = timedelta(minutes=zone_minutes)
    local = EPOCH + timedelta(microseconds=now) + zone
    begin = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "day":
        end = begin + timedelta(days=1)
    elif unit == "week":
        end = begin + timedelta(days=7 - begin.weekday())
    elif unit == "year":
        end = begin.replace(year=begin.year + 1, month=1, day=1)
    else:
        end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1, day=1)
    return (end - zone - EPOCH) // timedelta(microseconds=1)


@dataclass
class Ids:
    """The operation ids that a key remembers: two hashes, the second of those that were written longer ago."""

    remember: int = DAY
    most: int = 10_000
    begun: int = 0
    fresh: dict[str, Answer] = field(default_factory=dict)
    older: dict[str, Answer] = field(default_factory=dict)
    older_begun: int = 0
    fresh_expires: int | None = None
    older_expires: int | None = None

    def pass_to(self, now: int) -> None:
        if self.fresh_expires is not None and now // 1000 > self.fresh_expires:
            self.fresh, self.begun, self.fresh_expires = {}, 0, None
        if self.older_expires is not None and now // 1000 > self.older_expires:
            self.older, self.older_begun, self.older_expires = {}, 0, None

    def find(self, name: str) -> Answer | None:
        return self.fresh.get(name) or self.older.get(name)

    def turns(self, now: int) -> bool:
        return self.begun > 0 and now - self.begun >= self.remember

    def is_full(self, now: int) -> bool:
        return not self.turns(now) and len(self.fresh) >= self.most

    def keep(self, now: int, name: str, answer: Answer) -> None:
        lasts = now // 1000 + self.remember // 1000 + 2
        if self.turns(now):
            self.older, self.older_begun, self.older_expires = self.fresh, self.begun, lasts
            self.fresh, self.begun = {}, 0
        if self.begun == 0 or self.begun > now:
            self.begun = now
        self.fresh[name] = answer
        self.fresh_expires = lasts


class Exact:
    """A whole number within bounds, with an end or without one. expiry: "", "on_create", "sliding", "day" ..."""

    def __init__(
        self,
        least: int = INT_MIN,
        most: int = INT_MAX,
        saturates: bool = False,
        expiry: str = "",
        ttl: int = 0,
        zone_minutes: int = 0,
    ) -> None:
        self.least, self.most, self.saturates = least, most, saturates
        self.expiry, self.ttl, self.zone = expiry, ttl, zone_minutes
        self.native = not expiry and (least, most) == (INT_MIN, INT_MAX)
        self.ids = Ids()
        self.forget()

    def forget(self) -> None:
        self.count: int | None = None
        self.ends = 0
        self.expires_ms: int | None = None

    @property
    def stored(self) -> str | None:
        if self.count is None:
            return None
        return f"{self.ends}{self.count}" if self.expiry else str(self.count)

    def pass_to(self, now: int) -> None:
        if self.expires_ms is not None and now // 1000 > self.expires_ms:
            self.forget()
        self.ids.pass_to(now)

    def persist(self) -> None:
        self.expires_ms = None

    def latest(self, now: int) -> int:
        if not self.expiry:
            return 0
        if self.ttl:
            return now + self.ttl
        return calendar_end(now, self.expiry, self.zone)

    def live(self, now: int) -> bool:
        return self.count is not None and (not self.expiry or self.ends > now)

    def _left(self, now: int, ends: int) -> int | str:
        return ends - now if ends else NEVER

    def value(self, now: int) -> Answer:
        if not self.live(now):
            return Answer("OK", 0, 0, NEVER)
        left = self._left(now, self.ends)
        return Answer("OK", self.count, 0, min(left, self.ttl) if self.ttl else left)

    def add(self, now: int, amount: int, once: str = "") -> Answer:
        if once:
            return self._once(now, amount, once)
        if amount == 0:
            return self.value(now)
        answer = self._add(now, amount)
        if self.native and answer.status != "OK":
            return replace(answer, value=0)  # INCRBY's refusal does not tell it
        return answer

    def _once(self, now: int, amount: int, once: str) -> Answer:
        known = self.ids.find("a" + once)
        if known is not None:
            left = max(0, known.expires_after - now) if known.expires_after else NEVER
            return Answer("OK", known.value, known.applied, left, duplicate=True)
        if self.ids.is_full(now):
            old = self.count if self.live(now) else 0
            ends = min(self.ends, self.latest(now)) if self.live(now) and self.expiry else 0
            return Answer("EXHAUSTED", old, 0, self._left(now, ends))
        answer = self._add(now, amount)
        if answer.status == "OK":
            self.ids.keep(now, "a" + once, Answer("OK", answer.value, answer.applied, self.ends))
        return answer

    def _add(self, now: int, amount: int) -> Answer:
        live, latest = self.live(now), self.latest(now)
        old, ends = (self.count, self.ends) if live else (0, 0)
        heal = live and ends > latest > 0
        if heal:
            ends = latest
        new, refused = old + amount, False
        if (amount > 0 and new > self.most) or (amount < 0 and new < self.least):
            refused = not self.saturates
            edge = self.most if amount > 0 else self.least
            beyond = old > edge if amount > 0 else old < edge
            new = old if refused or beyond else edge
        if refused:
            if live and self.expiry and (heal or self.expires_ms is None):
                self._store(now, old, ends)
            return Answer("OUT_OF_RANGE", old, 0, self._left(now, ends))
        if ends == 0 or self.expiry == "sliding":
            ends = latest
        self._store(now, new, ends)
        return Answer("OK", new, new - old, self._left(now, ends))

    def _store(self, now: int, count: int, ends: int) -> None:
        self.count, self.ends = count, ends
        self.expires_ms = now // 1000 + (ends - now) // 1000 + 2 if self.expiry else None

    def take(self, now: int, once: str = "") -> Answer:
        known = self.ids.find("t" + once) if once else None
        if known is not None:
            return Answer("OK", known.value, 0, NEVER, duplicate=True)
        taken = self.count if self.live(now) else 0
        if once and self.ids.is_full(now):
            return Answer("EXHAUSTED", taken, 0, self._left(now, self.ends if self.live(now) else 0))
        if once:
            self.ids.keep(now, "t" + once, Answer("OK", taken, 0, 0))
        self.forget()
        return Answer("OK", taken, 0, NEVER)

    def set(self, now: int, value: int) -> None:
        self._store(now, value, self.latest(now))


class Window:
    """A ring of buckets, kept as a list of (bucket number, count), the newest last."""

    LIMIT = 2**53

    def __init__(self, width: int, buckets: int) -> None:
        self.width, self.size = width, buckets
        self.ids = Ids()
        self.forget()

    def forget(self) -> None:
        self.at: int | None = None
        self.counts: list[int] = []  # of the window, the running one last
        self.expires_ms: int | None = None

    def pass_to(self, now: int) -> None:
        if self.expires_ms is not None and now // 1000 > self.expires_ms:
            self.forget()
        self.ids.pass_to(now)

    def _turned(self, now: int) -> tuple[int, list[int]]:
        at = now // self.width
        if self.at is None:
            return at, [0] * self.size
        steps = min(self.size, max(0, at - self.at))
        return at, self.counts[steps:] + [0] * steps

    def _ends(self, at: int) -> int:
        return (at + self.size) * self.width

    def value(self, now: int) -> Answer:
        at, counts = self._turned(now)
        return Answer("OK", sum(counts), 0, NEVER if self.at is None else self._ends(at) - now)

    def add(self, now: int, amount: int, once: str = "") -> Answer:
        if amount == 0 and not once:
            return self.value(now)
        known = self.ids.find("a" + once) if once else None
        if known is not None:
            left = max(0, known.expires_after - now)
            return Answer("OK", known.value, known.applied, left, duplicate=True)
        at, counts = self._turned(now)
        old = sum(counts)
        left = NEVER if self.at is None else self._ends(at) - now
        if abs(old + amount) >= self.LIMIT or abs(counts[-1] + amount) >= self.LIMIT:
            return Answer("OUT_OF_RANGE", old, 0, left)
        if once and self.ids.is_full(now):
            return Answer("EXHAUSTED", old, 0, left)
        counts[-1] += amount
        self.at, self.counts = at, counts
        self.expires_ms = now // 1000 + (self._ends(at) - now) // 1000 + 2
        if once:
            self.ids.keep(now, "a" + once, Answer("OK", old + amount, amount, self._ends(at)))
        return Answer("OK", old + amount, amount, self._ends(at) - now)


class Shards:
    """Counts whose sum is the value. Where an add without an id goes is not said: its value is None."""

    def __init__(self, shards: int) -> None:
        self.ids = Ids()  # all together: which hash an id lies in does not matter to what is answered
        self.counts = [0] * shards
        self.elsewhere = 0

    def forget(self) -> None:
        self.counts = [0] * len(self.counts)
        self.elsewhere = 0

    def pass_to(self, now: int) -> None:
        self.ids.pass_to(now)

    def value(self, now: int) -> Answer:
        return Answer("OK", sum(self.counts) + self.elsewhere, 0, NEVER)

    def add(self, now: int, amount: int, once: str = "") -> Answer:
        if not once:
            if amount == 0:
                return self.value(now)
            self.elsewhere += amount
            return Answer("OK", None, amount, NEVER)
        known = self.ids.find("a" + once)
        if known is not None:
            return Answer("OK", known.value, known.applied, NEVER, duplicate=True)
        mixed = 0x811C9DC5
        for byte in once.encode():
            mixed = (mixed ^ byte) * 0x01000193 % 2**32
        shard = mixed % len(self.counts)
        self.counts[shard] += amount
        self.ids.keep(now, "a" + once, Answer("OK", self.counts[shard], amount, 0))
        return Answer("OK", self.counts[shard], amount, NEVER)
