"""What a top promises, told with a dictionary that is sorted: no server, none of the library's arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field

from .ends_model import NEVER, Ends

BOUND = 2**53


@dataclass(frozen=True)
class Standing:
    status: str
    rank: int
    score: int
    size: int
    expires_after: int | str


@dataclass(frozen=True)
class Entry:
    rank: int
    score: int
    member: bytes


@dataclass
class Kept:
    """What lies in the server for one name and key."""

    scores: dict[bytes, int] = field(default_factory=dict)
    ends: Ends = field(default_factory=Ends)

    def forget(self) -> None:
        self.scores, self.ends = {}, Ends()

    def pass_to(self, now: int) -> None:
        if self.ends.pass_to(now):
            self.scores = {}

    def ranked(self) -> list[Entry]:
        order = sorted(self.scores, key=lambda member: (-self.scores[member], member))
        return [Entry(rank, self.scores[member], member) for rank, member in enumerate(order, 1)]

    def seen(self, now: int) -> list[Entry]:
        return [] if self.ends.over(now) else self.ranked()

    def remove(self, member: bytes) -> None:
        self.scores.pop(member, None)
        if not self.scores:
            self.ends.live_expires_ms = None  # a sorted set without members is no key


@dataclass(frozen=True)
class Top:
    keep: int = 1000
    ttl: int = 0
    sliding: bool = False

    def add(self, kept: Kept, now: int, member: bytes, delta: int) -> Standing:
        over = kept.ends.over(now)
        score = (0 if over else kept.scores.get(member, 0)) + delta
        if abs(score) >= BOUND:
            return Standing("OUT_OF_RANGE", 0, 0, len(kept.seen(now)), NEVER if over else kept.ends.left(now))
        if over:
            kept.forget()
        kept.scores[member] = score
        last_first = [each.member for each in reversed(kept.ranked()) if each.member != member]
        for dropped in last_first[: max(0, len(kept.scores) - self.keep)]:
            del kept.scores[dropped]
        return self._standing(kept, now, member, kept.ends.write(now, self.ttl, self.sliding))

    def standing(self, kept: Kept, now: int, member: bytes) -> Standing:
        size = len(kept.seen(now))
        left = kept.ends.left(now) if size else NEVER
        if not size or member not in kept.scores:
            return Standing("NOT_FOUND", 0, 0, size, left)
        return self._standing(kept, now, member, left)

    @staticmethod
    def _standing(kept: Kept, now: int, member: bytes, left: int | str) -> Standing:
        entry = next(each for each in kept.seen(now) if each.member == member)
        return Standing("OK", entry.rank, entry.score, len(kept.scores), left)

    @staticmethod
    def around(kept: Kept, now: int, member: bytes, count: int) -> list[Entry]:
        entries = kept.seen(now)
        at = next((entry.rank - 1 for entry in entries if entry.member == member), None)
        return [] if at is None else entries[max(0, at - count) : at + count + 1]
