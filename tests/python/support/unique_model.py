"""What a unique counter promises, told with sets: no server, none of the library's arithmetic.

Beyond exact counting it tells only what is certain: what is None may be anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .ends_model import NEVER, Ends


@dataclass(frozen=True)
class Cardinality:
    novelty: str | None
    members: int | None
    exact: int
    expires_after: int | str
    status: str = "OK"


@dataclass
class Kept:
    """What lies in the server for one name and key."""

    members: set[bytes] = field(default_factory=set)
    promoted: bool = False
    ends: Ends = field(default_factory=Ends)

    def forget(self) -> None:
        self.members, self.promoted, self.ends = set(), False, Ends()

    def pass_to(self, now: int) -> None:
        if self.ends.pass_to(now):
            self.members, self.promoted = set(), False


@dataclass(frozen=True)
class Unique:
    exact_until: int = 256
    ttl: int = 0
    sliding: bool = False

    def add(self, kept: Kept, now: int, member: bytes) -> Cardinality:
        if kept.ends.over(now):
            kept.forget()
        known = member in kept.members
        promotes = not kept.promoted and not known and len(kept.members) >= self.exact_until
        kept.members.add(member)
        if promotes:
            kept.promoted, kept.ends.live_expires_ms = True, None  # another key
        left = kept.ends.write(now, self.ttl, self.sliding)
        if not kept.promoted:
            return Cardinality("KNOWN" if known else "NEW", len(kept.members), 1, left)
        return Cardinality("UNTOLD" if known else "NEW" if promotes else None, None, 0, left)

    @staticmethod
    def count(kept: Kept, now: int) -> Cardinality:
        if kept.ends.over(now) or not kept.members:
            return Cardinality("UNTOLD", 0, 1, NEVER)
        left = kept.ends.left(now)
        return Cardinality("UNTOLD", None if kept.promoted else len(kept.members), int(not kept.promoted), left)
