"""A limiter beside its model: the same is done to both, and everything that lies in the server is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any

from .limits_model import NEVER, Counter, Keys, Leases, Log, Several, Shape, Tat, Window

SECOND = 1_000_000
START = 1_767_225_600_000_000
EARLIEST = 1_100_000_000_000_000
LATEST = 4_200_000_000_000_000
UNITS = {
    "us": 1,
    "ms": 1000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
    "d": 86_400 * SECOND,
    "w": 7 * 86_400 * SECOND,
    "month": 30 * 86_400 * SECOND,
    "year": 360 * 86_400 * SECOND,
}


@dataclass(frozen=True)
class Limit:
    count: int
    multiple: int = 1
    unit: str = "s"
    burst: int | None = None
    label: str = ""
    shadow: bool = False
    concurrent: bool = False

    @property
    def period_us(self) -> int:
        return self.multiple * UNITS[self.unit]

    @property
    def text(self) -> str:
        rate = f"{self.count} concurrent" if self.concurrent else f"{self.count} per {self.multiple} {self.unit}"
        burst = "" if self.burst is None else f" burst {self.burst}"
        return rate + burst + (f" as {self.label}" if self.label else "") + (" shadow" if self.shadow else "")


@dataclass(frozen=True)
class Options:
    algorithm: str = "gcra"
    align: str = "first_hit"
    zone_offset: int = 0
    lease_us: int = 60 * SECOND
    charge_denials: bool = False
    block_us: int = 0
    block_max_us: int = 0
    shadow: bool = False

    def shape(self, limit: Limit) -> Shape:
        label = limit.label or ("concurrent" if limit.concurrent else str(limit.period_us))
        shadow = self.shadow or limit.shadow
        if limit.concurrent:
            return Leases(label, limit.count, self.lease_us, shadow)
        if self.algorithm == "fixed_window":
            return Window(label, limit.count, limit.period_us, self.align, self.zone_offset, shadow)
        if self.algorithm == "sliding_counter":
            return Counter(label, limit.count, limit.period_us, shadow)
        if self.algorithm == "sliding_log":
            return Log(label, limit.count, limit.period_us, shadow)
        return Tat(label, limit.count, limit.period_us, limit.burst or limit.count, shadow)

    def model(self, limits: list[Limit]) -> Several:
        shapes = [self.shape(limit) for limit in limits]
        return Several(shapes, self.charge_denials, self.block_us, self.block_max_us)

    def open(self, client: Any, name: str, limits: list[Limit]) -> Any:
        return client.limiter(
            name,
            "; ".join(limit.text for limit in limits),
            algorithm=self.algorithm,
            align=self.align,
            zone_offset=self.zone_offset,
            lease=self.lease_us / SECOND,
            charge_denials=self.charge_denials,
            block=self.block_us / SECOND,
            block_max=self.block_max_us / SECOND,
            shadow=self.shadow,
        )


def seconds(us: int | str) -> float:
    return inf if us == NEVER else int(us) / SECOND


def lies(server: Any, name: str, part: str) -> tuple[Any, int] | None:
    """What lies in the server under a name, of which this is the part, and when it expires."""
    kind = server.command("TYPE", name)
    if kind == b"none":
        return None
    value: Any
    if kind == b"string":
        value = server.command("GET", name).decode()
    elif kind == b"list":
        value = [word.decode() for word in server.command("LRANGE", name, 0, -1)]
        value = [int(word) for word in value] if part.startswith("log:") else value
    else:
        flat = server.command("ZRANGE", name, 0, -1, "WITHSCORES")
        value = {member.decode(): int(float(score)) for member, score in zip(flat[::2], flat[1::2], strict=True)}
    return value, server.command("PEXPIRETIME", name)


@dataclass
class Run:
    """One key. Several clients may share it, each with a limiter and a model of its own over the same keys."""

    server: Any
    clock: Any
    limiters: list[tuple[Any, Several]]
    start: int = START
    keys: Keys = field(default_factory=Keys)
    made: list[tuple[Any, Any, int]] = field(default_factory=list)
    retry_after: int = 0
    limits: list[list[Limit]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.command("FLUSHALL")
        self.now = self.start
        self.clock.freeze(self.now)
        self.parts = list(dict.fromkeys(part for _, model in self.limiters for part in model.parts))

    def move(self, by: int) -> None:
        self.now = min(LATEST, max(EARLIEST, self.now + by))
        self.clock.freeze(self.now)
        for part in self.parts:  # an expired key goes now, not at some other moment
            self.server.command("EXISTS", self.name(part))
        self.keys.pass_to(self.now)

    @staticmethod
    def name(part: str) -> str:
        return f"kw:limiter:{{model:k}}:{part}"

    # ---- what is done

    def hit(self, who: int, cost: int, up_to: bool = False) -> Any:
        limiter, model = self.limiters[who]
        answer = model.hit(self.keys, self.now, cost, up_to)
        decision = limiter.hit_up_to("k", cost) if up_to else limiter.hit("k", cost)
        self.same(decision, answer)
        self.made.append((decision, answer, who))
        self.retry_after = 0 if answer.retry_after_us == NEVER else int(answer.retry_after_us)
        return decision

    def peek(self, who: int, cost: int) -> None:
        limiter, model = self.limiters[who]
        self.same(limiter.peek("k", cost), model.peek(self.keys, self.now, cost))

    def refund(self, which: int, count: int) -> None:
        charged = [made for made in self.made if made[1].count > 0]
        if not charged:
            return
        decision, answer, who = charged[which % len(charged)]
        limiter, model = self.limiters[who]
        count = 1 + count % answer.count
        limiter.refund(decision, count)
        model.refund(self.keys, self.now, answer, count)

    def renew(self, which: int) -> None:
        leased = [made for made in self.made if made[1].count > 0 and made[1].lease]
        if not leased:
            return
        decision, answer, who = leased[which % len(leased)]
        limiter, model = self.limiters[who]
        assert limiter.renew(decision) == model.renew(self.keys, self.now, answer)

    def reset(self, who: int) -> None:
        limiter, model = self.limiters[who]
        limiter.reset("k")
        model.reset(self.keys)

    def persist(self, which: int) -> None:
        part = self.parts[which % len(self.parts)]
        if self.keys.get(part) is not None:
            self.server.command("PERSIST", self.name(part))
            self.keys.persist(part)

    def room(self, who: int) -> int:
        return int(self.limiters[who][1].peek(self.keys, self.now).remaining)

    # ---- what must hold

    @staticmethod
    def same(decision: Any, answer: Any) -> None:
        assert decision.status.name == answer.status
        assert decision.reason.name == answer.reason
        assert decision.amount == answer.count
        assert (decision.limit, decision.remaining) == (answer.limit, answer.remaining)
        assert (decision.denied_by, decision.binding) == (answer.denied_by, answer.binding)
        assert decision.retry_after == seconds(answer.retry_after_us)
        assert decision.reset_after == seconds(answer.reset_after_us)

    def lies(self, part: str) -> tuple[Any, int] | None:
        return lies(self.server, self.name(part), part)

    def check(self) -> None:
        """Everything in the server is what the model says, to the byte and the millisecond."""
        there = {part: self.lies(part) for part in self.parts}
        assert {part: held for part, held in there.items() if held is not None} == self.keys.held
        assert self.server.command("DBSIZE") == len(self.keys.held)

    def nothing_forever(self, who: int) -> None:
        """Of what a hit touches: the list of refunds is of refunds alone."""
        for part in self.limiters[who][1].parts:
            assert not self.keys.lasts_forever(part) or part.endswith(":refunds"), part
