"""Operation ids: done once, told again, forgotten in time, bounded in number."""

from __future__ import annotations

from .counter import DAY, MINUTE, SECOND, Scenario, file, tell


def once(s: Scenario) -> None:
    s.once("payment:77", 5)
    s.add(10)
    assert s.once("payment:77", 5).value == 5
    s.once("payment:78", -3)
    s.ids()
    assert s.take_once("payment:77").value == 12
    s.add(4)
    assert s.take_once("payment:77").duplicate
    s.ids()
    s.reset()
    assert s.once("payment:77", 5).duplicate
    s.state()


def refused(s: Scenario) -> None:
    s.add(8)
    assert s.once("a", 5).status == "OUT_OF_RANGE"
    s.ids()
    s.add(-8)
    assert s.once("a", 5).status == "OK"


def forgotten(s: Scenario) -> None:
    s.once("a")
    s.clock(by=MINUTE - 1)
    s.once("b")
    assert s.once("a").duplicate
    s.clock(by=1)
    s.once("c")
    assert s.once("a").duplicate
    s.ids()
    s.clock(by=MINUTE)
    s.once("d")
    assert not s.once("a").duplicate
    s.ids()
    s.clock(by=-DAY)
    assert s.once("d").duplicate
    s.once("e")
    s.ids()


def full(s: Scenario) -> None:
    for name in "abc":
        s.once(name)
    assert s.once("d").status == "EXHAUSTED"
    assert s.take_once("t").status == "EXHAUSTED"
    assert s.once("a").duplicate
    s.ids()
    s.clock(by=MINUTE)
    assert s.once("d").status == "OK"
    s.ids()


def ends(s: Scenario) -> None:
    s.once("a", 7)
    s.clock(by=30 * SECOND)
    s.once("a", 7)
    s.clock(by=31 * SECOND)
    assert s.once("a", 7).expires_after == 0  # the count that it was told of has ended; the id has not
    assert s.value() == 0


file("once", "Adds and takes with an operation id.")
tell("an id counts once, and a take is told again", once)
tell("a refused add may be asked again", refused, hits={"bounds": "max", "max": 10})
tell("an id is forgotten between once and twice its time", forgotten, hits={"remember_us": MINUTE})
tell("more ids than there is room for are refused", full, hits={"remember_us": MINUTE, "remember_max": 3})
tell("an id outlives the count", ends, hits={"ttl_us": MINUTE})
