"""Scenarios of tops: each step is done to the model, and written down with what the model answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .scenario import SECOND, YEAR_2026, Keyed, Step, Tale, put

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from support.top_model import BOUND, Entry, Kept, Standing, Top  # noqa: E402

MINUTE = 60 * SECOND

#: The files of the folder `top`: what each is about, and its scenarios.
FILES: dict[str, tuple[str, list[Tale]]] = {}


class Scenario(Keyed):
    def __init__(self, name: str, start: int, tops: dict[str, Step]) -> None:
        super().__init__("top", name, start, tops)
        self.kept: dict[tuple[bytes, bytes], Kept] = {}

    def passed(self) -> None:
        for kept in self.kept.values():
            kept.pass_to(self.now)

    def add(self, member: str | bytes, delta: int = 1, key: str | bytes = "k", on: str = "") -> Standing:
        name = bytes_of(member)
        step = self.step("add", key, on, member=name, delta=delta)
        return self._expect(step, self._model(on).add(self._kept(key, on), self.now, name, delta))

    def standing(self, member: str | bytes, key: str | bytes = "k", on: str = "") -> Standing:
        name = bytes_of(member)
        step = self.step("standing", key, on, member=name)
        return self._expect(step, self._model(on).standing(self._kept(key, on), self.now, name))

    def best(self, count: int = 10, key: str | bytes = "k", on: str = "") -> list[bytes]:
        return self._lists(self.step("best", key, on, count=count), self._kept(key, on).seen(self.now)[:count])

    def around(self, member: str | bytes, count: int, on: str = "") -> list[bytes]:
        name = bytes_of(member)
        step = self.step("around", "k", on, member=name, count=count)
        return self._lists(step, Top.around(self._kept("k", on), self.now, name, count))

    def remove(self, member: str, on: str = "") -> None:
        self.step("remove", "k", on, member=member.encode())
        self._kept("k", on).remove(member.encode())

    def reset(self, on: str = "") -> None:
        self.step("reset", "k", on)
        self._kept("k", on).forget()

    def add_many(self, *items: tuple[str, str, int]) -> None:
        """Each item a key of its own: there is no order among them."""
        model = self._model("")
        answers = [model.add(self._kept(key, ""), self.now, member.encode(), delta) for key, member, delta in items]
        told = [{"key": key, "member": member, "delta": delta} for key, member, delta in items]
        self.steps.append({"do": "add_many", "items": told, "expect": [fields_of(answer) for answer in answers]})

    def standing_many(self, *items: tuple[str, str]) -> None:
        model = self._model("")
        answers = [model.standing(self._kept(key, ""), self.now, member.encode()) for key, member in items]
        told = [{"key": key, "member": member} for key, member in items]
        self.steps.append({"do": "standing_many", "items": told, "expect": [fields_of(answer) for answer in answers]})

    def cannot_open(self, **options: Any) -> None:
        self.fails("open", "INVALID", "OPTION", name="games", **options)

    def state(self, key: str | bytes = "k", on: str = "") -> None:
        """What lies in both keys: the set in its own order, which is that of the ranks."""
        kept = self._kept(key, on)
        scores, ends = self.server_key(key, on, "scores").decode(), self.server_key(key, on, "ends")
        flat = [word for entry in kept.ranked() for word in (entry.member.decode(), str(-entry.score))]
        self.command("ZRANGE", scores, "0", "-1", "WITHSCORES", reply=flat)
        if flat:
            expires = kept.ends.live_expires_ms
            self.command("PEXPIRETIME", scores, reply=str(-1 if expires is None else expires))
        self.string(ends, None if kept.ends.at is None else str(kept.ends.at), kept.ends.expires_ms)

    # ---- how

    def _model(self, on: str) -> Top:
        options = self.of(on)
        return Top(options.get("keep", 1000), options.get("ttl_us", 0), bool(options.get("sliding", 0)))

    def _kept(self, key: str | bytes, on: str) -> Kept:
        return self.kept.setdefault(self.place(key, on), Kept())

    def _expect(self, step: Step, answer: Standing) -> Standing:
        step["expect"] = fields_of(answer)
        return answer

    def _lists(self, step: Step, entries: list[Entry]) -> list[bytes]:
        step["expect"] = []
        for entry in entries:
            told: Step = {"rank": entry.rank, "score": entry.score}
            put(told, "member", entry.member)
            step["expect"].append(told)
        return [entry.member for entry in entries]


def bytes_of(member: str | bytes) -> bytes:
    return member if isinstance(member, bytes) else member.encode()


def fields_of(answer: Standing) -> Step:
    return {
        "status": answer.status,
        "rank": answer.rank,
        "score": answer.score,
        "size": answer.size,
        "expires_after_us": answer.expires_after,
    }


def ranked(s: Scenario) -> None:
    assert s.best() == []
    assert s.standing("ann").status == "NOT_FOUND"
    for member, delta in (("ann", 5), ("bob", 7), ("cid", -3), ("ann", 1), ("dan", 0)):
        s.add(member, delta)
    assert s.best() == [b"bob", b"ann", b"dan", b"cid"]
    assert s.best(2) == [b"bob", b"ann"]
    assert s.standing("cid").rank == 4
    assert s.standing("eve").size == 4
    s.state()
    s.add_many(("k", "ann", 9), ("l", "ann", 1), ("m", "bob", -1))
    s.standing_many(("k", "ann"), ("l", "ann"), ("m", "ann"), ("n", "ann"))
    s.remove("bob")
    s.remove("bob")
    assert s.best() == [b"ann", b"dan", b"cid"]
    s.reset()
    assert s.best() == []
    s.state()


def ties(s: Scenario) -> None:
    """Of equal scores the first in bytes, whoever came first."""
    for member in (b"bob", b"Bob", b"", b"\xc3\xa9", b"b", b"\xff", b"bo\0", b"ann"):
        s.add(member, 3)
    assert s.best() == [b"", b"Bob", b"ann", b"b", b"bo\0", b"bob", b"\xc3\xa9", b"\xff"]
    assert s.add(b"Bob", -6).rank == 8
    assert s.add(b"zoe", -3).rank == 9
    assert s.add(b"Zoe", -3).rank == 9
    assert s.around(b"bob", 1) == [b"bo\0", b"bob", b"\xc3\xa9"]
    assert s.standing(b"\xff").rank == 7


def neighbours(s: Scenario) -> None:
    for place in range(9):
        s.add(f"m{place}", 100 - place)
    assert s.around("m4", 0) == [b"m4"]
    assert s.around("m4", 2) == [b"m2", b"m3", b"m4", b"m5", b"m6"]
    assert s.around("m0", 2) == [b"m0", b"m1", b"m2"]
    assert s.around("m8", 3) == [b"m5", b"m6", b"m7", b"m8"]
    assert len(s.around("m4", 500)) == 9
    assert s.around("nobody", 5) == []
    s.refused("around", "INVALID", "RANGE", member="m4", count=501)
    s.refused("best", "INVALID", "RANGE", count=0)
    s.refused("best", "INVALID", "RANGE", count=1001)


def dropped(s: Scenario) -> None:
    """Who is added stays, whatever its score; the last of the others goes, and begins again from nothing."""
    for place in range(10):
        s.add(f"m{place}", 100 - place)
    s.state()
    assert s.add("low", 1).rank == 10
    assert s.standing("m9").status == "NOT_FOUND"
    assert s.add("high", 1000).rank == 1
    assert s.standing("low").status == "NOT_FOUND"
    assert s.add("m9", 1).score == 1
    s.state()
    assert s.add("m0", -1000).rank == 10
    assert s.add("m8", 0).rank == 10
    assert s.standing("m0").status == "NOT_FOUND"
    s.state()
    s.remove("m8")
    assert s.add("last", -5).rank == 10


def lowered(s: Scenario) -> None:
    """One name, two options: an add drops what is beyond its own keep."""
    for place in range(13):
        s.add(f"m{place:02}", place, on="large")
    assert s.add("m00", 0, on="small").size == 10
    s.state(on="large")
    s.add("m12", -12, on="large")
    assert s.best(on="large")[-2:] == [b"m00", b"m12"]


def bounds(s: Scenario) -> None:
    most = BOUND - 1
    assert s.add("ann", most).score == most
    assert s.add("ann", 1).status == "OUT_OF_RANGE"
    assert s.add("ann", -most).score == 0
    assert s.add("ann", -most).score == -most
    assert s.add("ann", -1).status == "OUT_OF_RANGE"
    s.state()
    s.refused("add", "INVALID", "RANGE", member="ann", delta=BOUND)
    assert s.add("ann", most - 1).score == -1


def from_the_first(s: Scenario) -> None:
    s.clock(by=345)
    s.add("ann", 3)
    s.state()
    s.clock(by=30 * SECOND)
    assert s.add("bob", 4).expires_after == 30 * SECOND
    s.remove("ann")
    s.remove("bob")
    s.state()
    assert s.standing("bob").expires_after == "never"
    assert s.add("ann", 1).expires_after == 30 * SECOND
    s.state()
    s.clock(by=30 * SECOND - 1)
    assert s.best() == [b"ann"]
    assert s.add("ann", BOUND - 1).status == "OUT_OF_RANGE"
    s.clock(by=1)
    assert s.best() == []
    assert s.around("ann", 1) == []
    assert s.standing("ann").status == "NOT_FOUND"
    assert s.add("ann", 2).score == 2
    s.state()
    s.clock(by=2 * MINUTE)
    s.state()
    s.best()


def from_the_last(s: Scenario) -> None:
    for delta in (1, 2, -1):
        s.add("ann", delta)
        s.state()
        s.clock(by=59 * SECOND + 999_999)
        assert s.standing("ann").expires_after == 1
    s.clock(by=1)
    assert s.best() == []


def set_back(s: Scenario) -> None:
    """An end further ahead than the time to live comes of another clock: cut, by an add."""
    s.add("ann")
    s.clock(by=-3600 * SECOND)
    assert s.standing("ann").expires_after == 3660 * SECOND
    assert s.add("ann").expires_after == 60 * SECOND
    s.state()


def of_two_times(s: Scenario) -> None:
    s.add("ann", on="ever")
    s.state(on="ever")
    assert s.add("bob", on="minute").expires_after == MINUTE
    s.clock(by=SECOND)
    assert s.add("cid", on="hour").expires_after == 59 * SECOND
    assert s.add("dan", on="ever").expires_after == 59 * SECOND
    assert s.add("dan", on="second").expires_after == SECOND
    s.state(on="ever")


def names(s: Scenario) -> None:
    for key in (b"", b"user:42", b"{a}", b"%25", b"\0", b"\xff\xfe"):
        s.add("ann", 2, key=key)
        s.state(key=key) if key.isascii() and key != b"\0" else s.best(key=key)


def foreign(s: Scenario) -> None:
    scores, ends = s.server_key("k", "", "scores").decode(), s.server_key("k", "", "ends")

    def all_refused() -> None:
        s.refused("add", "WRONG_TYPE", member="ann", delta=1)
        s.refused("standing", "WRONG_TYPE", member="ann")
        s.refused("best", "WRONG_TYPE", count=10)
        s.refused("around", "WRONG_TYPE", member="ann", count=5)

    s.command("RPUSH", scores, "ann")
    all_refused()
    s.refused("remove", "WRONG_TYPE", member="ann")
    s.command("LRANGE", scores, "0", "-1", reply=["ann"])
    s.command("FLUSHALL")
    s.command("SET", ends.decode(), "soon")
    all_refused()
    s.string(ends, "soon", None)
    s.command("EXISTS", scores, reply="0")
    s.command("FLUSHALL")
    s.command("ZADD", scores, "0.5", "ann")
    s.refused("add", "WRONG_TYPE", member="ann", delta=1)
    s.command("ZRANGE", scores, "0", "-1", "WITHSCORES", reply=["ann", "0.5"])
    s.reset()
    s.add("ann", 1)
    s.state()


def cannot_be(s: Scenario) -> None:
    s.best()
    s.cannot_open(keep=9)
    s.cannot_open(keep=-1)
    s.cannot_open(keep=100_001)
    s.cannot_open(sliding=1)
    s.cannot_open(ttl_us=315_360_000_000_001)


def file(name: str, about: str) -> None:
    FILES[name] = (about, [])


def tell(name: str, body: Callable[[Scenario], None], **tops: Step) -> None:
    tale = Scenario(name, YEAR_2026, tops or {"games": {}})
    body(tale)
    list(FILES.values())[-1][1].append(tale)


shared = {"name": b"games"}
file("ranks", "Scores and ranks, ties, neighbours, and who is dropped.")
tell("the highest first", ranked)
tell("equal scores by bytes", ties)
tell("a member and its neighbours", neighbours)
tell("beyond ten", dropped, games={"keep": 10})
tell("one name, two sizes", lowered, large=shared | {"keep": 20}, small=shared | {"keep": 10})
tell("scores are below 2^53", bounds)
tell("keys of any bytes", names)
tell("what no top wrote is left alone", foreign)
tell("options that cannot be", cannot_be)

file("ends", "Tops that begin from nothing after a time.")
tell("a minute after the first", from_the_first, games={"ttl_us": MINUTE})
tell("a minute after the last", from_the_last, games={"ttl_us": MINUTE, "sliding": 1})
tell("the clock is set back", set_back, games={"ttl_us": MINUTE})
tell(
    "one name, several times",
    of_two_times,
    ever=shared,
    second=shared | {"ttl_us": SECOND},
    minute=shared | {"ttl_us": MINUTE},
    hour=shared | {"ttl_us": 3600 * SECOND},
)
