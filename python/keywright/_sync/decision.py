# Made by bindings/generate.py from python/keywright/_aio/decision.py. Change that file and run ./dev gen.
"""A decision that can be refunded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._convert import Duration
from .._decision import AnyDecision

if TYPE_CHECKING:
    from .limiter import Limiter


class Decision(AnyDecision):
    """A decision of a limiter: true when admitted. What it was charged can be given back."""

    __slots__ = ()

    #: The limiter that was asked; None in a decision that was unpickled.
    maker: Limiter | None

    def refund(self, count: int | None = None, *, timeout: Duration | None = None) -> None:
        """Gives back `count` of what was charged, all of it by default; never more than time has left of it."""
        if self.maker is None:
            raise TypeError("a decision that was unpickled knows no limiter: use limiter.refund(decision)")
        return self.maker.refund(self, count, timeout=timeout)
