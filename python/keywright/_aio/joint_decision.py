"""A joint limiter's decision, with decisions that can be refunded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._joint_decision import AnyJointDecision

if TYPE_CHECKING:
    from .decision import Decision
    from .joint import Joint


class JointDecision(AnyJointDecision):
    """A decision of a joint limiter: true when all of its limiters admitted."""

    __slots__ = ()

    #: What each limiter says, in their order.
    decisions: tuple[Decision, ...]
    #: The joint limiter that was asked; None in a decision that was unpickled.
    maker: Joint | None
