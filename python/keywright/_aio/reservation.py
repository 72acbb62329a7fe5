"""A reservation, inside its block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decision import Decision

if TYPE_CHECKING:
    from .._convert import Duration, Key
    from .._loop import Operation
    from .limiter import Limiter


class Reservation:
    """What limiter.reservation() holds: a cost that is charged, until commit() says how much was used."""

    __slots__ = ("_limiter", "_settled", "_timeout", "cost", "decision", "id", "key")

    def __init__(
        self, limiter: Limiter, decision: Decision, cost: int, id: Key, key: Key, timeout: Duration | None
    ) -> None:
        self._limiter = limiter
        self._settled = False
        self._timeout = timeout
        #: How the key stood when it was reserved.
        self.decision = decision
        #: How much is reserved.
        self.cost = cost
        #: The id by which limiter.commit and limiter.cancel know it.
        self.id = id
        #: The key that it is charged to.
        self.key = key

    def commit(self, actual: int) -> Operation[Decision]:
        """Settles it with what was used: the rest is given back, and what was used beyond it charged."""
        settling = self._limiter.commit(self.key, self.id, actual, timeout=self._timeout)
        self._settled = True
        return settling

    def cancel(self) -> Operation[Decision]:
        """Gives it back whole."""
        settling = self._limiter.cancel(self.key, self.id, timeout=self._timeout)
        self._settled = True
        return settling

    async def leave(self, used: int) -> None:
        """Settles it if nobody has: what the block does when it ends."""
        if self._settled:
            return
        if used:
            await self.commit(used)
        else:
            await self.cancel()

    def __repr__(self) -> str:
        state = "settled" if self._settled else "open"
        return f"Reservation({self.key!r}, cost={self.cost}, id={self.id!r}, {state})"
