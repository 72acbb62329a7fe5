"""A joint limiter beside the models of its limiters, which know nothing of each other: all or nothing is added here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .limits_model import Decision, Keys, Several
from .limits_model.several import length
from .limits_run import START, Run, seconds


@dataclass
class Member:
    """A limiter, its model, and the keys of the one key that is hit."""

    limiter: Any
    model: Several
    key: str
    keys: Keys = field(default_factory=Keys)

    def name(self, part: str) -> str:
        return f"kw:limiter:{{{self.limiter.name}:{self.key}}}:{part}"

    def mend(self, now: int) -> None:
        for shape in self.model.shapes:
            if shape.amiss(self.keys, now) or self.keys.lasts_forever(shape.part):
                shape.charge(self.keys, now, 0)


class JointRun(Run):
    """The same is done to the joint limiter and to the models, and everything that lies in the server is compared."""

    def __init__(self, server: Any, clock: Any, joint: Any, members: list[Member]) -> None:
        self.joint, self.members = joint, members
        self.server, self.clock, self.now = server, clock, START
        self.made: list[tuple[Any, Decision, Member]] = []
        self.retry_after = 0
        server.command("FLUSHALL")
        clock.freeze(START)

    def move(self, by: int) -> None:
        self.now = max(1_100_000_000_000_000, self.now + by)
        self.clock.freeze(self.now)
        for member in self.members:
            for part in member.model.parts:  # an expired key goes now, not at some other moment
                self.server.command("EXISTS", member.name(part))
            member.keys.pass_to(self.now)

    def hit_all(self, costs: list[int]) -> Any:
        hits = [(member.key, cost) for member, cost in zip(self.members, costs, strict=True)]
        looks = not any(costs) or any(
            cost > member.model.capacity for member, cost in zip(self.members, costs, strict=True)
        )
        answers = [
            member.model.peek(member.keys, self.now, cost) for member, cost in zip(self.members, costs, strict=True)
        ]
        admitted = all(answer.status == "OK" for answer in answers)
        if not looks:
            for i, (member, cost) in enumerate(zip(self.members, costs, strict=True)):
                if admitted and cost > 0:
                    answers[i] = member.model.hit(member.keys, self.now, cost)
                else:
                    member.mend(self.now)
                    answers[i] = member.model.peek(member.keys, self.now, cost)
        decision = self.joint.hit(hits)
        self.compare(decision, answers, admitted)
        if admitted:
            self.made += list(zip(decision.decisions, answers, self.members, strict=True))
        return decision

    def peek_all(self, costs: list[int]) -> None:
        answers = [
            member.model.peek(member.keys, self.now, cost) for member, cost in zip(self.members, costs, strict=True)
        ]
        hits = [(member.key, cost) for member, cost in zip(self.members, costs, strict=True)]
        self.compare(self.joint.peek(hits), answers, all(answer.status == "OK" for answer in answers))

    def compare(self, decision: Any, answers: list[Decision], admitted: bool) -> None:
        late = [i for i, answer in enumerate(answers) if answer.retry_after_us]
        by = max(late, key=lambda i: (length(answers[i].retry_after_us), -i), default=-1)
        assert bool(decision) == admitted == (not late)
        assert decision.denied_by == by
        assert decision.retry_after == (0 if by < 0 else seconds(answers[by].retry_after_us))
        assert decision.limiters == len(decision.decisions) == len(self.members)
        self.retry_after = 0 if by < 0 or answers[by].retry_after_us == "never" else int(answers[by].retry_after_us)
        for each, answer in zip(decision.decisions, answers, strict=True):
            if not admitted:  # none may be taken for an admission
                answer.status, answer.count = "DENIED", 0
                if answer.retry_after_us == 0:
                    answer.denied_by, answer.reason = -1, "SERVER"
            self.same(each, answer)

    def refund_one(self, which: int, count: int) -> None:
        charged = [made for made in self.made if made[1].count > 0]
        if charged:
            decision, answer, member = charged[which % len(charged)]
            count = 1 + count % answer.count
            decision.refund(count)
            member.model.refund(member.keys, self.now, answer, count)

    def persist_one(self, which: int) -> None:
        places = [(member, part) for member in self.members for part in member.model.parts]
        member, part = places[which % len(places)]
        if member.keys.get(part) is not None:
            self.server.command("PERSIST", member.name(part))
            member.keys.persist(part)

    def check(self) -> None:
        for member in self.members:
            self.name = member.name  # type: ignore[method-assign]
            there = {part: self.lies(part) for part in member.model.parts}
            assert {part: held for part, held in there.items() if held is not None} == member.keys.held
        assert self.server.command("DBSIZE") == sum(len(member.keys.held) for member in self.members)
