"""The keys of one object in the server, and what every shape can do with its own."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

NEVER = "never"
FOREVER = -1


class Keys:
    """What lies there: by part of the name a text, a list, or a sorted set as a dict, and when it expires (ms)."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Any, int]] = {}

    def get(self, part: str) -> Any:
        return self.held[part][0] if part in self.held else None

    def expires(self, part: str) -> int | None:
        return self.held[part][1] if part in self.held else None

    def lasts_forever(self, part: str) -> bool:
        return self.expires(part) == FOREVER

    def put(self, part: str, value: Any, expires_ms: int) -> None:
        """An empty list or set is no key."""
        if value in ([], {}):
            self.held.pop(part, None)
        else:
            self.held[part] = value, expires_ms

    def drop(self, part: str) -> None:
        self.held.pop(part, None)

    def persist(self, part: str) -> None:
        if part in self.held:
            self.held[part] = self.held[part][0], FOREVER

    def pass_to(self, now: int) -> None:
        """The clock has come to `now`, and somebody looked: what has expired is gone."""
        for part, (_, expires) in list(self.held.items()):
            if expires != FOREVER and now // 1000 > expires:
                del self.held[part]


@dataclass(frozen=True)
class View:
    """What a limit says about a cost."""

    remaining: int
    retry_after_us: int | str
    reset_after_us: int


@dataclass(frozen=True)
class Grant:
    """What a limit gave, for a refund."""

    settles_at: Fraction
    decided_at: int
    lease: int = 0
    held: int = 0
    delay_us: int = 0


class Shape:
    """One limit. What reads writes nothing; `charge` of 0 mends what it finds."""

    name = ""
    books_ahead = False

    def __init__(self, label: str, capacity: int, shadow: bool = False) -> None:
        self.part, self.capacity, self.shadow = f"{self.name}:{label}", capacity, shadow

    @property
    def parts(self) -> list[str]:
        return [self.part]

    def fits(self, keys: Keys, now: int) -> int:
        """How many would be admitted at once."""
        raise NotImplementedError

    def admits(self, keys: Keys, now: int, cost: int, patience_us: int) -> bool:
        return cost <= self.fits(keys, now)

    def opens(self, keys: Keys, now: int, cost: int) -> int:
        """How long until the cost, which is no more than the capacity, fits."""
        raise NotImplementedError

    def clears(self, keys: Keys, now: int) -> int:
        """How long until it is as if never hit."""
        raise NotImplementedError

    def amiss(self, keys: Keys, now: int) -> bool:
        """There is something that no honest clock and no hit under this limit left."""
        raise NotImplementedError

    def charge(self, keys: Keys, now: int, count: int) -> Grant:
        raise NotImplementedError

    def refund(self, keys: Keys, now: int, grant: Grant, count: int) -> None:
        raise NotImplementedError

    def view(self, keys: Keys, now: int, cost: int) -> View:
        retry: int | str = 0
        if cost > self.capacity:
            retry = NEVER
        elif cost > 0:
            retry = self.opens(keys, now, cost)
        return View(self.fits(keys, now), retry, self.clears(keys, now))
