"""What one client leases of one key while no time passes for it: how many tokens it asks for, and what it spends."""

from __future__ import annotations

from dataclasses import replace

from .limits_model import Decision, Keys, Several


class Tokens:
    def __init__(self, most: int) -> None:
        self.most = most
        self.size = self.granted = self.left = 0
        self.quiet = False
        self.told: Decision | None = None

    def spend(self, cost: int) -> Decision | None:
        """An answer without the server; what it says of the time until a reset is told by no clock here."""
        if self.told is None or not 0 < cost <= self.left:
            return None
        self.left -= cost
        remaining = self.told.remaining + self.left
        return replace(self.told, count=cost, remaining=remaining, reason="TOKEN_LEASE", grants=[])

    def hit(self, model: Several, keys: Keys, now: int, cost: int) -> Decision:
        """What nobody has a token for: the server's answer, of tokens beside the one that was asked for."""
        if cost != 1 or self.left > 0 or self.quiet:
            return model.hit(keys, now, cost)
        self.size = min(self.most, 2 * self.size) or 1
        if self.size == 1:
            return model.hit(keys, now)
        answer = model.hit(keys, now, self.size, up_to=True)
        if answer.status != "OK":
            self.size //= 2
            self.quiet = True
            return answer
        self.told, self.granted, self.left = answer, answer.count, answer.count - 1
        return replace(answer, count=1, remaining=answer.remaining + self.left)

    def give_back(self, count: int) -> None:
        """Of what was spent, while the lease lasts; one token was for the hit that asked."""
        if count < self.granted - self.left:
            self.left += count

    def forget(self) -> None:
        self.granted = self.left = 0
        self.quiet = False
