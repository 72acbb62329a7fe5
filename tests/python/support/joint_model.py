"""A joint limiter beside the models of its limiters: the same is done to both, and all that lies there is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .limits_model import Decision, Keys, Several, joint
from .limits_run import EARLIEST, START, Run, lies, seconds


@dataclass
class Member(joint.Part):
    """A limiter, its model, and the key that is hit."""

    limiter: Any
    key: str

    def name(self, part: str) -> str:
        return f"kw:limiter:{{{self.limiter.name}:{self.key}}}:{part}"


def member(limiter: Any, model: Several, key: str) -> Member:
    return Member(model, Keys(), limiter, key)


@dataclass
class JointRun:
    server: Any
    clock: Any
    joint: Any
    members: list[Member]
    made: list[tuple[Any, Decision, Member]] = field(default_factory=list)
    retry_after: int = 0

    def __post_init__(self) -> None:
        self.server.command("FLUSHALL")
        self.now = START
        self.clock.freeze(START)

    def move(self, by: int) -> None:
        self.now = max(EARLIEST, self.now + by)
        self.clock.freeze(self.now)
        for one in self.members:
            for part in one.model.parts:  # an expired key goes now, not at some other moment
                self.server.command("EXISTS", one.name(part))
            one.keys.pass_to(self.now)

    # ---- what is done

    def hits(self, costs: list[int]) -> list[tuple[str, int]]:
        return [(one.key, cost) for one, cost in zip(self.members, costs, strict=True)]

    def hit(self, costs: list[int]) -> None:
        answer = joint.hit(list(self.members), self.now, costs)
        told = self.joint.hit(self.hits(costs))
        self.same(told, answer)
        if told:
            self.made += zip(told.decisions, answer.decisions, self.members, strict=True)

    def peek(self, costs: list[int]) -> None:
        self.same(self.joint.peek(self.hits(costs)), joint.peek(list(self.members), self.now, costs))

    def refund(self, which: int, count: int) -> None:
        charged = [made for made in self.made if made[1].count > 0]
        if charged:
            decision, answer, one = charged[which % len(charged)]
            count = 1 + count % answer.count
            decision.refund(count)
            one.model.refund(one.keys, self.now, answer, count)

    def persist(self, which: int) -> None:
        places = [(one, part) for one in self.members for part in one.model.parts]
        one, part = places[which % len(places)]
        if one.keys.get(part) is not None:
            self.server.command("PERSIST", one.name(part))
            one.keys.persist(part)

    # ---- what must hold

    def same(self, told: Any, answer: joint.Answer) -> None:
        assert told.status.name == answer.status and bool(told) == (answer.status == "OK")
        assert told.denied_by == answer.denied_by
        assert told.retry_after == seconds(answer.retry_after_us)
        assert told.limiters == len(told.decisions) == len(self.members)
        self.retry_after = 0 if answer.retry_after_us == "never" else int(answer.retry_after_us)
        for decision, each in zip(told.decisions, answer.decisions, strict=True):
            Run.same(decision, each)

    def check(self) -> None:
        """Everything in the server is what the models say, to the byte and the millisecond."""
        for one in self.members:
            found = {part: lies(self.server, one.name(part), part) for part in one.model.parts}
            assert {part: held for part, held in found.items() if held is not None} == one.keys.held
        assert self.server.command("DBSIZE") == sum(len(one.keys.held) for one in self.members)
