"""What several limiters decide together: each by its own model, which knows nothing of the others. All or nothing is
added here.
"""

from __future__ import annotations

from dataclasses import dataclass

from .keys import Keys
from .several import Decision, Several, length


@dataclass
class Answer:
    status: str
    denied_by: int
    retry_after_us: int | str
    decisions: list[Decision]


@dataclass
class Part:
    """A limiter's model, and the keys of the key that it is asked about."""

    model: Several
    keys: Keys

    def mend(self, now: int) -> None:
        for shape in self.model.shapes:
            if shape.amiss(self.keys, now) or self.keys.lasts_forever(shape.part):
                shape.charge(self.keys, now, 0)


def peek(parts: list[Part], now: int, costs: list[int]) -> Answer:
    pairs = zip(parts, costs, strict=True)
    return whole([part.model.peek(part.keys, now, cost) for part, cost in pairs])


def hit(parts: list[Part], now: int, costs: list[int]) -> Answer:
    pairs = list(zip(parts, costs, strict=True))
    seen = peek(parts, now, costs)
    if not any(costs) or any(cost > part.model.capacity for part, cost in pairs):
        return seen  # nothing can be charged: looking suffices
    decisions = []
    for part, cost in pairs:
        if seen.status == "OK" and cost > 0:
            decisions.append(part.model.hit(part.keys, now, cost))
        else:
            part.mend(now)
            decisions.append(part.model.peek(part.keys, now, cost))
    return whole(decisions)


def whole(decisions: list[Decision]) -> Answer:
    late = [i for i, each in enumerate(decisions) if each.retry_after_us]
    if not late:
        return Answer("OK", -1, 0, decisions)
    by = max(late, key=lambda i: (length(decisions[i].retry_after_us), -i))
    for each in decisions:  # none may be taken for an admission
        each.status, each.count = "DENIED", 0
        if each.retry_after_us == 0:
            each.denied_by, each.reason = -1, "SERVER"
    return Answer("DENIED", by, decisions[by].retry_after_us, decisions)
