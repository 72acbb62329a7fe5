"""What the limits of one limiter decide together, with its options."""

from __future__ import annotations

from dataclasses import dataclass, field

from .keys import NEVER, Grant, Keys, Shape, View
from .leases import Leases

BLOCK = "block"


@dataclass
class Decision:
    status: str
    count: int
    limit: int
    remaining: int
    retry_after_us: int | str
    reset_after_us: int
    denied_by: int
    binding: int
    reason: str = "SERVER"
    delay_us: int = 0
    grants: list[Grant | None] = field(default_factory=list)

    @property
    def lease(self) -> int:
        return max((grant.lease for grant in self.grants if grant is not None), default=0)


def length(retry: int | str) -> float:
    return float("inf") if retry == NEVER else float(retry)


class Several:
    def __init__(
        self, shapes: list[Shape], charge_denials: bool = False, block_us: int = 0, block_max_us: int = 0
    ) -> None:
        self.shapes, self.charge_denials = shapes, charge_denials
        self.block, self.block_max = block_us, block_max_us or block_us
        real = [shape for shape in shapes if not shape.shadow]
        self.capacity = min((shape.capacity for shape in real), default=2**63 - 1)
        self.real = real

    @property
    def parts(self) -> list[str]:
        return [part for shape in self.shapes for part in shape.parts] + ([BLOCK] if self.block else [])

    # ---- blocks

    def _blocked(self, keys: Keys, now: int) -> int:
        text = keys.get(BLOCK) if self.block else None
        return max(0, int(text[:16]) - now) if text else 0

    def _put_block(self, keys: Keys, now: int, until: int, level: int) -> None:
        keys.put(BLOCK, f"{until}{level}", now // 1000 + (until - now + self.block_max) // 1000 + 2)

    def _begin_block(self, keys: Keys, now: int) -> None:
        text = keys.get(BLOCK)
        until, level = (int(text[:16]), int(text[16:])) if text else (0, 0)
        if until > now:
            if until - now > self.block_max:  # the clock stepped back
                self._put_block(keys, now, now + self.block_max, level)
            elif keys.lasts_forever(BLOCK):
                self._put_block(keys, now, until, level)
            return
        if now - until > self.block_max:
            level = 0
        self._put_block(keys, now, now + min(self.block_max, self.block * 2**level), level + 1)

    def _mend_block(self, keys: Keys, now: int) -> None:
        """Of a hit that was admitted: what is left of one is remembered no longer than it matters."""
        if self.block and keys.lasts_forever(BLOCK):
            until = int(keys.get(BLOCK)[:16])
            lasts = max(0, until - now + self.block_max) // 1000 + 2
            keys.put(BLOCK, keys.get(BLOCK), now // 1000 + lasts)

    # ---- what is asked

    def peek(self, keys: Keys, now: int, cost: int = 1) -> Decision:
        decision = self._judge(keys, now, cost, [None] * len(self.shapes), admitted=False)
        decision.status = "OK" if decision.retry_after_us == 0 else "DENIED"
        return decision

    def hit(self, keys: Keys, now: int, cost: int = 1, up_to: bool = False, patience_us: int = 0) -> Decision:
        if cost == 0 or (cost > self.capacity and not up_to):
            return self.peek(keys, now, cost)
        cost = min(cost, self.capacity)
        if not all(shape.books_ahead for shape in self.shapes):
            patience_us = 0
        blocked = self._blocked(keys, now)
        granted = cost
        if up_to:
            granted = min([cost] + [shape.fits(keys, now) for shape in self.real])
        admitted = not blocked and granted > 0
        if not up_to:
            admitted = admitted and all(shape.admits(keys, now, cost, patience_us) for shape in self.real)
        grants: list[Grant | None] = []
        over = [False] * len(self.shapes)
        for i, shape in enumerate(self.shapes):
            if admitted and shape.admits(keys, now, granted, patience_us):
                grants.append(shape.charge(keys, now, granted))
                continue
            grants.append(None)
            over[i] = admitted
            if not admitted and self.charge_denials and not blocked:
                shape.charge(keys, now, cost if up_to else self._charged(shape, cost))
            elif shape.amiss(keys, now) or keys.lasts_forever(shape.part):
                shape.charge(keys, now, 0)
        if self.block and not admitted:
            self._begin_block(keys, now)
        elif self.block:
            self._mend_block(keys, now)
        decision = self._judge(keys, now, 1 if up_to else cost, grants, admitted, over)
        decision.grants = grants
        if admitted:
            decision.count, decision.retry_after_us = granted, 0
        else:
            assert decision.retry_after_us != 0
            decision.status = "DENIED"
        return decision

    @staticmethod
    def _charged(shape: Shape, cost: int) -> int:
        """What a shadow limit never admits is not charged to it where costs are times."""
        return 0 if shape.books_ahead and cost > shape.capacity else cost

    def _judge(
        self,
        keys: Keys,
        now: int,
        cost: int,
        grants: list[Grant | None],
        admitted: bool,
        over: list[bool] | None = None,
    ) -> Decision:
        views: list[View] = [
            shape.view(keys, now, 0 if grant else cost) for shape, grant in zip(self.shapes, grants, strict=True)
        ]
        seen = Decision("OK", 0, 0, 0, 0, 0, -1, -1)
        shown = [i for i, shape in enumerate(self.shapes) if not shape.shadow or len(self.shapes) == 1]
        if shown:
            seen.binding = min(shown, key=lambda i: views[i].remaining)
            seen.limit, seen.remaining = self.shapes[seen.binding].capacity, views[seen.binding].remaining
        else:
            seen.binding, seen.limit, seen.remaining = 0, self.shapes[0].capacity, self.shapes[0].capacity
        seen.reset_after_us = max(view.reset_after_us for view in views)
        seen.delay_us = max(grant.delay_us if grant else 0 for grant in grants)
        late = [i for i, view in enumerate(views) if cost and view.retry_after_us and not self.shapes[i].shadow]
        if late:
            by = max(late, key=lambda i: (length(views[i].retry_after_us), -i))
            seen.denied_by = seen.binding = by
            seen.limit, seen.retry_after_us = self.shapes[by].capacity, views[by].retry_after_us
        blocked = self._blocked(keys, now)
        if blocked:
            seen.remaining, seen.reset_after_us = 0, max(seen.reset_after_us, blocked)
            if cost and blocked > length(seen.retry_after_us):
                seen.retry_after_us, seen.reason = blocked, "BLOCK"
        shadows = [
            i
            for i, shape in enumerate(self.shapes)
            if shape.shadow and cost and ((over and over[i]) or (not grants[i] and views[i].retry_after_us))
        ]
        if seen.retry_after_us == 0 and shadows:
            seen.denied_by = max(shadows, key=lambda i: (length(views[i].retry_after_us), -i))
            seen.reason = "SHADOW"
        return seen

    def refund(self, keys: Keys, now: int, decision: Decision, count: int) -> None:
        for shape, grant in zip(self.shapes, decision.grants, strict=True):
            if grant is not None:
                shape.refund(keys, now, grant, count)

    def release(self, keys: Keys, now: int, decision: Decision) -> None:
        for shape, grant in zip(self.shapes, decision.grants, strict=True):
            if isinstance(shape, Leases) and grant is not None:
                shape.refund(keys, now, grant, grant.held)

    def renew(self, keys: Keys, now: int, decision: Decision) -> bool:
        for shape, grant in zip(self.shapes, decision.grants, strict=True):
            if isinstance(shape, Leases):
                return grant is not None and shape.renew(keys, now, grant)
        raise ValueError("no limit is concurrent")

    def reset(self, keys: Keys) -> None:
        for part in self.parts:
            keys.drop(part)
