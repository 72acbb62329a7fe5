"""What a joint limiter's decision is beyond its fields, for both of its classes."""

from __future__ import annotations

from typing import Any

from ._generated.joint import JointDecisionFields
from ._generated.keywright import Status


class AnyJointDecision(JointDecisionFields):
    """A decision of a joint limiter: true when all of its limiters admitted. `decisions` has what each says; of a
    denial all of them are denials. A denied caller may come again after `retry_after` seconds, math.inf when the
    costs can never fit. A tuple, and pickled as one.
    """

    __slots__ = ()

    @property
    def allowed(self) -> bool:
        """Whether it was admitted."""
        return self.status == Status.OK

    def __repr__(self) -> str:
        return (
            f"JointDecision(allowed={self.allowed}, reason={self.reason.name}, denied_by={self._denier()}, "
            f"retry_after={self.retry_after}, decisions={self.decisions!r})"
        )

    def _denier(self) -> str | None:
        """The limiter that denied, by its name; its index where that is not known."""
        if self.denied_by < 0:
            return None
        return str(self.denied_by) if self.maker is None else repr(self.maker.limiters[self.denied_by].name)

    # As of a decision: who was asked is no part of what was decided.

    def __eq__(self, other: object) -> bool:
        return self[:-1] == other[:-1] if isinstance(other, AnyJointDecision) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return self[:-1] != other[:-1] if isinstance(other, AnyJointDecision) else NotImplemented

    def __hash__(self) -> int:
        return hash(self[:-1])

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (*self[:-1], None)
