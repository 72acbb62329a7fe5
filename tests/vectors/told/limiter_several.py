"""Several limits in one step, partial grants, and what a denial may do."""

from __future__ import annotations

from .limiter import Limiter, Scenario, file, tell
from .scenario import SECOND


def all_or_nothing(s: Scenario) -> None:
    assert s.hit(8).binding == 0
    s.clock(by=2 * SECOND)
    assert s.hit(5).binding == 1
    s.state()
    before = s.steps[-2:]
    denied = s.hit(5)
    assert denied.denied_by == 1 and isinstance(denied.retry_after_us, int)
    s.peek(5)
    s.peek(2)
    s.state()
    assert s.steps[-2:] == before
    s.clock(by=denied.retry_after_us - 1)
    assert s.hit(5).retry_after_us == 1
    s.clock(by=1)
    assert s.hit(5).status == "OK"
    s.state()
    assert s.hit(11).retry_after_us == "never"


def given_back_by_all(s: Scenario) -> None:
    s.hit(4, save="four")
    s.hit(3, save="three")
    s.clock(by=250_000)
    s.refund("four", 2)
    s.state()
    s.refund("three", 3)
    s.state()
    s.peek()
    s.reset()
    s.command("DBSIZE", reply="0")


def what_fits(s: Scenario) -> None:
    assert s.hit_up_to(4).count == 4
    rest = s.hit_up_to(100, save="rest")
    assert 0 < rest.count < 100
    denied = s.hit_up_to(100)
    assert denied.status == "DENIED" and isinstance(denied.retry_after_us, int)
    s.state()
    s.clock(by=denied.retry_after_us - 1)
    assert s.hit_up_to(100).retry_after_us == 1
    s.clock(by=1)
    assert s.hit_up_to(100).count >= 1
    s.hit_up_to(0)
    s.refund("rest", 2)
    s.state()


def shadows(s: Scenario) -> None:
    for _ in range(2):
        assert s.hit().reason == "SERVER"
    seen = s.hit(1, save="shadowed")
    assert seen.status == "OK" and seen.reason == "SHADOW" and seen.denied_by == 1
    s.state()
    s.refund("shadowed", 1)
    s.state()
    s.peek()
    s.hit_up_to(9)
    s.hit()
    s.state()


def charged(s: Scenario) -> None:
    s.hit(s.capacity)
    first, second = s.hit(), s.hit()
    assert first.status == second.status == "DENIED"
    s.state()
    s.hit_up_to(1_000_000)
    s.state()


def blocked(s: Scenario) -> None:
    s.hit(2)
    assert s.hit().reason == "BLOCK"
    s.state()
    s.clock(by=4 * SECOND)
    assert s.hit().retry_after_us == 6 * SECOND and s.peek(0).remaining == 0
    s.state()
    s.clock(by=6 * SECOND)
    s.hit(2)
    assert s.hit().retry_after_us == 20 * SECOND
    s.state()
    s.clock(by=-15 * SECOND)
    assert s.hit().retry_after_us == 30 * SECOND
    s.state()
    s.clock(by=60 * SECOND + 1)
    s.hit(2)
    assert s.hit().retry_after_us == 10 * SECOND
    s.reset()
    s.state()
    s.hit()


def cannot(s: Scenario) -> None:
    for limits in ("10/s; 20/s", "10/s as a; 20/m as a", "3 concurrent; 4 concurrent as b"):
        s.cannot_open(limits, "INVALID", "LIMIT_RANGE")
    for more in (
        {"align": "clock"},
        {"zone_offset": 60},
        {"algorithm": "fixed_window", "align": "clock", "zone_offset": 1081},
        {"algorithm": "concurrency"},
        {"shadow": 1, "charge_denials": 1},
        {"shadow": 1, "block_us": 1},
        {"block_max_us": 1},
        {"block_us": 2, "block_max_us": 1},
        {"block_us": 86_400_000_001},
        {"lease_us": 86_400_000_001},
    ):
        s.cannot_open("10/s", "INVALID", "OPTION", **more)
    s.cannot_open("1 concurrent shadow; 5/s", "INVALID", "OPTION", charge_denials=1)
    s.cannot_open("100001/s", "INVALID", "LIMIT_SIZE", algorithm="sliding_log")
    s.cannot_open("100001 concurrent", "INVALID", "LIMIT_SIZE")
    s.cannot_open("5/d; 7/s burst 9", "INVALID", "OPTION", algorithm="sliding_counter")
    s.hit(1, save="one")
    s.refused("renew", "INVALID", "DECISION", decision="one")
    s.refused("release", "INVALID", "DECISION", decision="one")
    s.refused("hit_up_to", "INVALID", "RANGE", cost=-1)
    s.peek()


WINDOWED = ("fixed_window", "sliding_counter", "sliding_log")

file("several", "Several limits in one step: all are charged, or none.")
tell("all or nothing", all_or_nothing, main=Limiter("10/s; 15/m"))
tell("with remainders", all_or_nothing, main=Limiter("7/s burst 10; 15/m"))
for algorithm in WINDOWED:
    tell(f"all or nothing, {algorithm}", all_or_nothing, main=Limiter("10/s; 15/m", algorithm))
tell("a refund goes to each", given_back_by_all, main=Limiter("7/s burst 9; 20/m as plan; 9 concurrent"))
for algorithm in WINDOWED:
    tell(f"a refund goes to each, {algorithm}", given_back_by_all, main=Limiter("7/s; 20/m; 9 concurrent", algorithm))
tell("a limit that only looks on", shadows, main=Limiter("10/s; 2/m as new shadow"))
for algorithm in WINDOWED:
    tell(f"a limit that only looks on, {algorithm}", shadows, main=Limiter("10/s; 2/m as new shadow", algorithm))
tell("a limiter that only looks on", shadows, main=Limiter("9/s; 2/m", shadow=True))
tell("what cannot be", cannot)

file("up_to", "As much as fits.")
tell("of one", what_fits, limit="10/s")
tell("with a remainder", what_fits, limit="7/s burst 10")
tell("of two", what_fits, main=Limiter("10/s; 7/m"))
for algorithm in WINDOWED:
    tell(f"of one, {algorithm}", what_fits, main=Limiter("10/s", algorithm))

file("denials", "What a denial may do: be charged, and block.")
tell("charged", charged, main=Limiter("4/s", charge_denials=True))
tell("charged to both", charged, main=Limiter("4/s; 9/m", charge_denials=True))
for algorithm in WINDOWED:
    tell(f"charged, {algorithm}", charged, main=Limiter("4/s", algorithm, charge_denials=True))
tell("blocks", blocked, main=Limiter("2/s", block_us=10 * SECOND, block_max_us=30 * SECOND))
tell("blocks of windows", blocked, main=Limiter("2/s", "fixed_window", block_us=10 * SECOND, block_max_us=30 * SECOND))
