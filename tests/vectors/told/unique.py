"""Scenarios of unique counters: each step is done to the model, and written down with what the model is certain of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .scenario import SECOND, YEAR_2026, Keyed, Step, Tale

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from support.unique_model import Cardinality, Kept, Unique  # noqa: E402

MINUTE = 60 * SECOND

#: The files of the folder `unique`: what each is about, and its scenarios.
FILES: dict[str, tuple[str, list[Tale]]] = {}


class Scenario(Keyed):
    def __init__(self, name: str, start: int, counters: dict[str, Step]) -> None:
        super().__init__("unique", name, start, counters)
        self.kept: dict[tuple[bytes, bytes], Kept] = {}

    def passed(self) -> None:
        for kept in self.kept.values():
            kept.pass_to(self.now)

    def add(self, member: str | bytes, key: str | bytes = "k", on: str = "") -> Cardinality:
        name = member if isinstance(member, bytes) else member.encode()
        step = self.step("add", key, on, member=name)
        return self._expect(step, self._model(on).add(self._kept(key, on), self.now, name))

    def count(self, key: str | bytes = "k", on: str = "") -> Cardinality:
        return self._expect(self.step("count", key, on), Unique.count(self._kept(key, on), self.now))

    def reset(self, on: str = "") -> None:
        self.step("reset", "k", on)
        self._kept("k", on).forget()

    def add_many(self, *items: tuple[str, str]) -> None:
        """Each item a key of its own: there is no order among them."""
        answers = [self._model("").add(self._kept(key, ""), self.now, member.encode()) for key, member in items]
        told = [{"key": key, "member": member} for key, member in items]
        self.steps.append({"do": "add_many", "items": told, "expect": [fields_of(answer) for answer in answers]})

    def count_many(self, *keys: str) -> None:
        answers = [Unique.count(self._kept(key, ""), self.now) for key in keys]
        told = [{"key": key} for key in keys]
        self.steps.append({"do": "count_many", "items": told, "expect": [fields_of(answer) for answer in answers]})

    def cannot_open(self, **options: Any) -> None:
        self.fails("open", "INVALID", "OPTION", name="seen", **options)

    def state(self, key: str | bytes = "k", on: str = "") -> None:
        """What lies in all three keys. Of the HyperLogLog only that there is one."""
        kept = self._kept(key, on)
        exact, sketch, ends = (self.server_key(key, on, part) for part in ("exact", "sketch", "ends"))
        members = [] if kept.promoted else sorted(kept.members)
        self.command("SCARD", exact.decode(), reply=str(len(members)))
        if members:
            names = [member.decode() for member in members]
            self.command("SMISMEMBER", exact.decode(), *names, reply=["1"] * len(members))
        self.command("EXISTS", sketch.decode(), reply=str(int(kept.promoted)))
        if kept.members:
            live = sketch if kept.promoted else exact
            expires = kept.ends.live_expires_ms
            self.command("PEXPIRETIME", live.decode(), reply=str(-1 if expires is None else expires))
        self.string(ends, None if kept.ends.at is None else str(kept.ends.at), kept.ends.expires_ms)

    # ---- how

    def _model(self, on: str) -> Unique:
        options = self.of(on)
        return Unique(options.get("exact_until", 256), options.get("ttl_us", 0), bool(options.get("sliding", 0)))

    def _kept(self, key: str | bytes, on: str) -> Kept:
        return self.kept.setdefault(self.place(key, on), Kept())

    def _expect(self, step: Step, answer: Cardinality) -> Cardinality:
        step["expect"] = fields_of(answer)
        return answer


def fields_of(answer: Cardinality) -> Step:
    fields: Step = {
        "status": answer.status,
        "novelty": answer.novelty,
        "members": answer.members,
        "exact": answer.exact,
        "expires_after_us": answer.expires_after,
    }
    return {name: value for name, value in fields.items() if value is not None}


def few(s: Scenario) -> None:
    assert s.count().members == 0
    s.state()
    assert s.add("ann").novelty == "NEW"
    assert s.add("bob").members == 2
    assert s.add("ann").novelty == "KNOWN"
    s.count()
    s.state()
    s.add_many(("k", "cid"), ("l", "ann"), ("m", "ann"))
    s.count_many("k", "l", "m", "n")
    s.reset()
    assert s.count().members == 0
    s.state()
    assert s.add("ann").novelty == "NEW"


def names(s: Scenario) -> None:
    for key in (b"", b"user:42", b"{a}", b"%25", b"\0", b"\xff\xfe"):
        for member in (b"", b"7", b"seven", b"\0", b"\xff"):
            assert s.add(member, key=key).novelty == "NEW"
        assert s.add(b"7", key=key).novelty == "KNOWN"
        assert s.count(key=key).members == 5


def promoted(s: Scenario) -> None:
    """The first that is one too many is certainly new; who was in the set is never new again."""
    for member in ("ann", "bob", "cid"):
        s.add(member)
    assert s.add("bob").exact == 1
    s.state()
    last = s.add("dan")
    assert (last.novelty, last.exact) == ("NEW", 0)
    s.state()
    for member in ("ann", "bob", "cid", "dan"):
        assert s.add(member).novelty == "UNTOLD"
    s.count()
    s.reset()
    s.state()
    assert s.add("ann").members == 1


def by_the_smaller(s: Scenario) -> None:
    """One name, two options: the first add that finds the key full promotes it, for all."""
    for member in ("ann", "bob", "cid"):
        assert s.add(member, on="large").exact == 1
    assert s.add("cid", on="small").exact == 1
    assert s.add("dan", on="small").exact == 0
    assert s.count(on="large").exact == 0
    assert s.add("ann", on="large").novelty == "UNTOLD"
    s.state(on="large")


def from_the_first(s: Scenario) -> None:
    s.clock(by=345)
    s.add("ann")
    s.state()
    s.clock(by=30 * SECOND)
    assert s.add("bob").expires_after == 30 * SECOND
    s.state()
    s.clock(by=30 * SECOND - 1)
    assert s.count().members == 2
    s.clock(by=1)
    assert s.count().members == 0
    assert s.add("bob").novelty == "NEW"
    s.state()
    s.clock(by=2 * MINUTE)
    s.state()
    s.count()


def from_the_last(s: Scenario) -> None:
    for member in ("ann", "bob", "ann"):
        s.add(member)
        s.state()
        s.clock(by=59 * SECOND + 999_999)
        assert s.count().expires_after == 1
    s.clock(by=1)
    assert s.count().members == 0


def promoted_with_an_end(s: Scenario) -> None:
    """The sketch ends when the set would have."""
    s.add("ann")
    s.clock(by=20 * SECOND)
    s.add("bob")
    assert s.add("cid").expires_after == 40 * SECOND
    s.state()
    s.clock(by=40 * SECOND)
    assert s.count().members == 0
    assert s.add("cid").exact == 1
    s.state()


def set_back(s: Scenario) -> None:
    """An end further ahead than the time to live comes of another clock: cut, by an add."""
    s.add("ann")
    s.clock(by=-3600 * SECOND)
    assert s.count().expires_after == 3660 * SECOND
    assert s.add("ann").expires_after == 60 * SECOND
    s.state()


def of_two_times(s: Scenario) -> None:
    s.add("ann", on="ever")
    s.state(on="ever")
    assert s.add("bob", on="minute").expires_after == MINUTE
    s.state(on="ever")
    s.clock(by=SECOND)
    assert s.add("cid", on="hour").expires_after == 59 * SECOND
    assert s.add("dan", on="ever").expires_after == 59 * SECOND
    assert s.add("dan", on="second").expires_after == SECOND
    s.state(on="ever")


def foreign(s: Scenario) -> None:
    exact, sketch, ends = (s.server_key("k", "", part) for part in ("exact", "sketch", "ends"))
    for key in (exact, sketch):
        s.command("FLUSHALL")
        s.command("RPUSH", key.decode(), "ann")
        s.refused("add", "WRONG_TYPE", member="bob")
        s.refused("count", "WRONG_TYPE")
        s.command("LRANGE", key.decode(), "0", "-1", reply=["ann"])
    for value in ("soon", "1767225600000000 ", "0767225600000000"):
        s.command("FLUSHALL")
        s.command("SET", ends.decode(), value)
        s.refused("add", "WRONG_TYPE", member="bob")
        s.refused("count", "WRONG_TYPE")
        s.string(ends, value, None)
        s.command("EXISTS", exact.decode(), sketch.decode(), reply="0")
    s.reset()
    s.state()
    s.add("ann")


def cannot_be(s: Scenario) -> None:
    s.count()
    s.cannot_open(exact_until=-1)
    s.cannot_open(exact_until=10_001)
    s.cannot_open(sliding=1)
    s.cannot_open(ttl_us=315_360_000_000_001)


def file(name: str, about: str) -> None:
    FILES[name] = (about, [])


def tell(name: str, body: Callable[[Scenario], None], **counters: Step) -> None:
    tale = Scenario(name, YEAR_2026, counters or {"seen": {}})
    body(tale)
    list(FILES.values())[-1][1].append(tale)


file("exact", "Members that are few: each is known or new, and the count is exact.")
tell("known or new", few)
tell("members and keys of any bytes", names)
tell("what no unique counter wrote is left alone", foreign)
tell("options that cannot be", cannot_be)

file("promotion", "A set that is full becomes a HyperLogLog, in the step that adds one more.")
tell("one more than three", promoted, seen={"exact_until": 3})
shared = {"name": b"seen"}
tell("by the smaller of two", by_the_smaller, small=shared | {"exact_until": 3}, large=shared | {"exact_until": 10_000})
tell("with an end", promoted_with_an_end, seen={"exact_until": 2, "ttl_us": MINUTE})

file("ends", "Counts that begin from nothing after a time.")
tell("a minute after the first", from_the_first, seen={"ttl_us": MINUTE})
tell("a minute after the last", from_the_last, seen={"ttl_us": MINUTE, "sliding": 1})
tell("the clock is set back", set_back, seen={"ttl_us": MINUTE})
tell(
    "one name, several times",
    of_two_times,
    ever=shared,
    second=shared | {"ttl_us": SECOND},
    minute=shared | {"ttl_us": MINUTE},
    hour=shared | {"ttl_us": 3600 * SECOND},
)
