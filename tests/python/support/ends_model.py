"""When the state of a unique counter or a top ends, and when the keys of both expire: whole numbers, nothing else.

Times are microseconds of the server's clock, but what names ms.
"""

from __future__ import annotations

from dataclasses import dataclass

NEVER = "never"


@dataclass
class Ends:
    """The key that says when a state ends, and the expiry of the key that holds the state."""

    at: int | None = None
    expires_ms: int | None = None  # of the key with the end
    live_expires_ms: int | None = None  # of the state

    def pass_to(self, now: int) -> bool:
        """The server drops what expired; True if the state is gone."""
        if self.expires_ms is not None and now // 1000 > self.expires_ms:
            self.at = self.expires_ms = None
        gone = self.live_expires_ms is not None and now // 1000 > self.live_expires_ms
        if gone:
            self.live_expires_ms = None
        return gone

    def over(self, now: int) -> bool:
        return self.at is not None and self.at <= now

    def left(self, now: int) -> int | str:
        return NEVER if self.at is None else self.at - now

    def write(self, now: int, ttl: int, sliding: bool) -> int | str:
        """What an add does to it, after the state was written. How long is left."""
        if ttl and (self.at is None or sliding or self.at - now > ttl):
            self.at, self.expires_ms = now + ttl, None
        if self.at is not None:
            life, moment = (self.at - now) // 1000 + 2, now // 1000
            if self.expires_ms is None:
                self.expires_ms = moment + life + 2
            if self.live_expires_ms is None or not life - 2 <= self.live_expires_ms - moment <= life:
                self.live_expires_ms = moment + life
        return self.left(now)
