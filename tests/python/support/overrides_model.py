"""The overrides of one limiter's name, as the server keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Override:
    version: int
    ends_at_us: int
    limits: str


@dataclass
class Overrides:
    version: int = 0
    kept: dict[bytes, Override] = field(default_factory=dict)

    def _number(self, now: int) -> int:
        self.version = max(self.version + 1, now)
        return self.version

    def _sweep(self, now: int) -> None:
        """What has ended goes when anything is changed, a change for each."""
        for key in sorted(self.kept, key=lambda key: (self.kept[key].ends_at_us, key)):
            if 0 < self.kept[key].ends_at_us <= now:
                del self.kept[key]
                self._number(now)

    def set(self, now: int, key: bytes, limits: str, ttl_us: int) -> int:
        """When it ends."""
        self._sweep(now)
        ends = now + ttl_us if ttl_us else 0
        self.kept[key] = Override(self._number(now), ends, limits)
        return ends

    def clear(self, now: int, key: bytes) -> None:
        self._sweep(now)
        if self.kept.pop(key, None):
            self._number(now)

    def listed(self, after: int, count: int) -> list[tuple[bytes, Override]]:
        later = [(key, one) for key, one in self.kept.items() if one.version > after]
        return sorted(later, key=lambda item: item[1].version)[:count]
