#!/usr/bin/env python3
"""Writes tests/vectors/limiter/*.json from the scenarios told here. With --check it only compares.

What is expected comes from the model in tests/python/support/limiter_model.py. What a scenario is about is asserted
here, so that a model that is wrong in that very point does not go unnoticed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scenario import SECOND, YEAR_2026, YEAR_2100, Limiter, Scenario, text_of  # noqa: E402

FOLDER = Path(__file__).resolve().parent / "limiter"
FILES: dict[str, tuple[str, list[Scenario]]] = {}
Body = Callable[[Scenario], None]


def file(name: str, about: str) -> None:
    FILES[name] = (about, [])


def tell(name: str, body: Body, start: int = YEAR_2026, limit: str = "10/s", **limiters: Limiter) -> None:
    """One scenario of the last file: of one GCRA limiter, or of those given."""
    scenario = Scenario(name, start, limiters or {"main": Limiter(limit)})
    body(scenario)
    list(FILES.values())[-1][1].append(scenario)


def window(limit: str, **more: object) -> Limiter:
    return Limiter(limit, "fixed_window", **more)  # type: ignore[arg-type]


# ---- what is done


def first_hit(s: Scenario) -> None:
    s.peek()
    assert s.hit().remaining == 9
    s.state()
    s.peek()


def exactly_the_burst(s: Scenario) -> None:
    s.hit(repeat=2000)
    assert s.steps[-1]["admitted"] == 100
    s.state()


def evenly(s: Scenario) -> None:
    s.hit(10)
    s.clock(by=99_999)
    assert s.hit().status == "DENIED"
    s.clock(by=1)
    assert s.hit().status == "OK"
    s.clock(by=250_000)
    s.hit(2)
    s.hit()
    s.clock(by=10 * SECOND)
    s.hit(10)


def exactly(cost: int) -> Body:
    """Sleeping exactly retry_after admits, one microsecond less denies."""

    def body(s: Scenario) -> None:
        s.hit(s.capacity)
        denied = s.hit(cost)
        assert isinstance(denied.retry_after_us, int) and denied.retry_after_us > 0
        s.clock(by=denied.retry_after_us - 1)
        assert s.hit(cost).retry_after_us == 1
        s.clock(by=1)
        assert s.hit(cost).status == "OK"
        s.state()

    return body


def denial(s: Scenario) -> None:
    s.hit(s.capacity)
    s.state()
    before = s.steps[-1]
    s.clock(by=12_345)
    s.hit()
    s.hit(3)
    s.peek(2)
    s.state()
    assert s.steps[-1] == before


def nothing(s: Scenario) -> None:
    s.hit(0)
    s.state()
    s.hit(2)
    s.hit(0)
    s.state()
    s.peek(0)


def never(s: Scenario) -> None:
    assert s.hit(s.capacity + 1).retry_after_us == "never"
    s.state()
    s.hit(1)
    s.hit(s.capacity + 1)
    s.peek(s.capacity + 1)
    s.state()


def forget(s: Scenario) -> None:
    s.hit(7)
    s.reset()
    s.state()
    s.hit(1)
    s.reset()
    s.reset("nobody")
    assert s.hit(10).status == "OK"


def seven_hundred(s: Scenario) -> None:
    answer = s.hit(repeat=700)
    assert s.steps[-1]["admitted"] == 700 and answer.reset_after_us == 100 * SECOND
    s.state()
    assert s.steps[-1]["value"] == f"{YEAR_2026 + 100 * SECOND}000"
    s.hit()


def some(s: Scenario) -> None:
    for _ in range(4):
        s.hit()
    s.state()
    s.hit(3)
    s.clock(by=400_001)
    s.hit(2)
    s.state()


def other_rates(s: Scenario) -> None:
    s.hit(5, on="tenths")
    s.state(on="tenths")
    s.peek(on="sevenths")
    for limiter, hits in [("sevenths", 1), ("sevenths", 5), ("elevenths", 1), ("elevenths", 3), ("sevenths", 1)]:
        s.hit(hits, on=limiter)
        s.state(on=limiter)
        s.peek(on="tenths")
    s.hit(1, on="tenths")
    s.state(on="tenths")


def lowered(s: Scenario) -> None:
    s.hit(s.capacity, on="high")
    s.state(on="high")
    assert s.hit(on="low").status == "DENIED"
    s.state(on="low")


def window_opens(s: Scenario) -> None:
    s.peek()
    s.hit()
    s.state()
    s.clock(by=300_000)
    s.hit(2)
    s.state()


def window_ends(s: Scenario) -> None:
    s.hit(10)
    s.clock(by=999_999)
    assert s.hit().retry_after_us == 1
    s.clock(by=1)
    s.peek()
    assert s.hit(10).status == "OK"
    s.hit()
    s.state()


def window_steps_back(s: Scenario) -> None:
    s.hit(7)
    s.clock(at=YEAR_2026)
    assert s.hit(4).retry_after_us == SECOND
    s.state()
    s.clock(by=SECOND - 1)
    s.hit(4)
    s.clock(by=1)
    assert s.hit(4).status == "OK"


def window_shortened(s: Scenario) -> None:
    s.hit(50, on="long")
    s.state(on="long")
    assert s.hit(1, on="short").retry_after_us == SECOND
    s.state(on="short")


def large_counts(s: Scenario) -> None:
    s.hit(123_456_789)
    s.state()
    s.hit(4_000_000_000)
    s.hit(4567)
    s.state()


def steps_back(s: Scenario) -> None:
    s.hit(s.capacity)
    s.state()
    s.clock(at=YEAR_2026)
    s.peek()
    denied = s.hit()
    assert isinstance(denied.retry_after_us, int) and denied.retry_after_us > 0
    s.state()
    s.clock(by=denied.retry_after_us - 1)
    assert s.hit().retry_after_us == 1
    s.clock(by=1)
    assert s.hit().status == "OK"
    s.state()


def steps_back_slightly(s: Scenario) -> None:
    s.hit(10)
    s.clock(by=-300_000)
    assert s.hit().retry_after_us == 400_000
    s.state()
    s.clock(by=400_000)
    assert s.hit().status == "OK"


def across_a_century(s: Scenario) -> None:
    for _ in range(3):
        s.hit()
        s.state()
        s.clock(by=SECOND)


def permanent(s: Scenario) -> None:
    s.hit(3)
    s.persist()
    s.state()
    s.hit(1)
    s.state()
    s.hit(s.capacity - 4)
    s.persist()
    assert s.hit(1).status == "DENIED"
    s.state()
    assert s.steps[-1]["expires_at_ms"] > 0


def passed(s: Scenario) -> None:
    before = s.hit(3)
    s.clock(by=before.reset_after_us + 1)
    s.peek()
    assert s.hit(3).remaining == before.remaining
    s.state()


def all_back(s: Scenario) -> None:
    s.hit(3, save="three")
    s.refund("three", 3)
    s.state()
    s.hit(1)
    s.state()
    before = s.steps[-1]
    s.hit(2, save="two")
    s.refund("two", 2)
    s.state()
    assert s.steps[-1] == before


def in_parts(s: Scenario) -> None:
    s.hit(8, save="eight")
    s.refund("eight", 3)
    assert s.peek().remaining == 5
    s.state()
    s.refund("eight", 5)
    assert s.peek().remaining == 10
    s.state()


def flowed_back(s: Scenario) -> None:
    s.hit(10, save="ten")
    s.clock(by=SECOND // 2)
    s.hit(repeat=10)
    s.refund("ten", 10)
    assert s.peek().remaining == 5
    s.state()
    s.hit(repeat=10)


def too_late(s: Scenario) -> None:
    old = s.hit(5, save="old")
    s.clock(by=old.reset_after_us)
    s.hit(s.capacity)
    s.state()
    before = s.steps[-1]
    s.refund("old", 5)
    s.state()
    assert s.steps[-1] == before


def never_twice(s: Scenario) -> None:
    first = s.hit(10, save="first")
    s.clock(by=first.reset_after_us)
    assert s.hit(10).status == "OK"
    s.refund("first", 10)
    s.hit(repeat=20)
    assert s.steps[-1]["admitted"] == 0


def end_of_a_seventh(s: Scenario) -> None:
    s.hit(1, save="first")
    s.hit(1)
    s.clock(by=142_857)
    s.refund("first", 1)
    s.state()
    assert s.steps[-1]["value"] == f"{YEAR_2026 + 285_714}001"
    s.clock(by=1)
    s.refund("first", 1)
    s.state()


def remainders_decide(s: Scenario) -> None:
    s.hit(6)
    s.hit(1, save="seventh")
    s.hit(1)
    s.clock(by=SECOND - 142_857)
    s.refund("seventh", 1)
    s.state()
    assert s.steps[-1]["value"] == f"{YEAR_2026 + SECOND}001"


def refund_after_a_step_back(s: Scenario) -> None:
    s.hit(5, save="five")
    s.clock(at=YEAR_2026)
    s.refund("five", 1)
    s.state()


def refund_from_another_rate(s: Scenario) -> None:
    s.hit(5, on="tenths", save="five")
    s.hit(1, on="sevenths")
    s.refund("five", 1, on="tenths")
    s.state(on="tenths")


def refused(s: Scenario) -> None:
    s.hit(8, save="eight")
    s.hit(8, save="denied")
    s.state()
    s.fails("refund", "INVALID", "DECISION", of="eight", count=9)
    s.fails("refund", "INVALID", "DECISION", of="denied", count=1)
    s.fails("refund", "INVALID", "RANGE", of="eight", count=0)
    s.state()


def keys_of_any_bytes(s: Scenario) -> None:
    for key in (b"", b"user:42", b"{a}", b"%", b"%25", b"a b", "\u00e9".encode(), b"\0", b"\xff\xfe", b"\r\n"):
        assert s.hit(key=key).status == "OK"
        s.state(key=key)
    for key in (b"", b"%", b"%25", b"\0"):
        s.hit(key=key)


def each_its_own(s: Scenario) -> None:
    for limiter in s.limiters:
        if limiter != "same":
            assert s.hit(on=limiter).status == "OK"
            s.state(on=limiter)


def labels(s: Scenario) -> None:
    each_its_own(s)
    assert s.hit(3, on="same").status == "DENIED"


FOREIGN = ["hello", "5", "1767225600", "abcdefghijklmnop", "1767225600.12345", "-767225600000000", "nan" + 13 * " "]
FOREIGN += ["inf" + 13 * " ", "1767225600000000nan", "1767225600000000-12", "abcdefghijklmnopqrs"]
#: To a window these are states.
FOREIGN_TO_GCRA = ["17672256000000001", "176722560000000012", "17672256000000001234"]


def foreign(key: str, values: list[str]) -> Body:
    def body(s: Scenario) -> None:
        for value in values:
            s.command("SET", key, value)
            s.fails("hit", "WRONG_TYPE", cost=1)
            s.fails("peek", "WRONG_TYPE", cost=1)
            s.steps.append({"do": "state", "key": key, "value": value, "expires_at_ms": -1})
        s.command("DEL", key)
        s.command("RPUSH", key, "a")
        s.fails("hit", "WRONG_TYPE", cost=1)
        s.fails("peek", "WRONG_TYPE", cost=0)
        s.reset()
        s.hit()

    return body


def wait_under_gcra(s: Scenario) -> None:
    s.wait(SECOND, 2)
    s.hit(1)
    assert s.wait(SECOND, 2).delay_us == 20_000
    s.state()
    before = s.steps[-1]
    assert s.wait(19_999, 1).status == "DENIED"
    s.state()
    assert s.steps[-1] == before
    s.hit(0)
    s.peek(1)
    s.wait(SECOND, 0)
    s.wait(SECOND, 4)


def wait_is_bounded(s: Scenario) -> None:
    s.hit(1)
    assert s.wait(10 * SECOND).status == "OK"
    assert s.wait(10 * SECOND).status == "OK"
    assert s.wait(10 * SECOND).status == "DENIED"
    s.state()


def wait_is_refunded(s: Scenario) -> None:
    s.hit(3)
    s.state()
    before = s.steps[-1]
    s.wait(SECOND, 2, save="booked")
    s.state()
    s.refund("booked", 2)
    s.state()
    assert s.steps[-1] == before


def wait_for_a_window(s: Scenario) -> None:
    s.wait(SECOND, 2)
    assert s.wait(SECOND - 1, 9).status == "DENIED"
    s.wait(SECOND, 0)
    s.wait(SECOND, 11)
    s.state()


# ---- the files

file("hit", "Who is admitted, what the decision says, and what lies in the server afterwards.")
tell("the first hit of 10/s leaves 9", first_hit)
tell("in the year 2100 too", first_hit, YEAR_2100)
tell("at an odd microsecond", first_hit, YEAR_2026 + 123_457)
tell("1000/s burst 100 admits exactly 100 of 2,000 while the clock stands", exactly_the_burst, limit="1000/s burst 100")
tell("what was taken comes back evenly", evenly)
tell("retry_after is exact: 10/s burst 20, cost 1", exactly(1), limit="10/s burst 20")
tell("retry_after is exact: 10/s burst 20, cost 13", exactly(13), limit="10/s burst 20")
tell("a denial leaves the state as it is, expiry and all", denial, limit="10/s burst 5")
tell("a cost of 0 looks", nothing)
tell("a cost above the capacity never fits", never, limit="10/s burst 5")
tell("reset forgets", forget, limit="10/m")

file(
    "rates",
    "Rates whose interval is no whole number of microseconds, and rates that change: 16 digits of state and 19.",
)
tell("700 hits at 7/s land exactly 100 s on", seven_hundred, limit="7/s burst 700")
tell("sevenths add up", some, limit="7/s")
tell("thirds of a second", some, limit="3/s burst 9")
tell("a prime above a thousand parts rounds up to 1/1000 us", some, limit="1009/s burst 9")
tell("more than one in a microsecond", some, limit="1500000/s burst 9")
tell("retry_after is exact: 7/s, cost 1", exactly(1), limit="7/s")
tell("retry_after is exact: 7/s, cost 5", exactly(5), limit="7/s")
tell("retry_after is exact: 1009/s, cost 7", exactly(7), limit="1009/s")
tell("a denial at 7/s leaves the state as it is", denial, limit="7/s")
tell(
    "another rate takes over the debt, off by a microsecond at most",
    other_rates,
    tenths=Limiter("10/s burst 100"),
    sevenths=Limiter("7/s burst 70"),
    elevenths=Limiter("11/s burst 100"),
)
tell("a lower limit cuts the debt to its clamp", lowered, high=Limiter("1/h burst 1000"), low=Limiter("10/h"))

file("window", "Fixed windows, which open with their first hit.")
tell("a window opens with its first hit", window_opens, YEAR_2026 + 400_000, main=window("10/s"))
tell("and ends one period later", window_ends, YEAR_2026 + 5, main=window("10/s"))
tell("100/s admits exactly 100 of 2,000 while the clock stands", exactly_the_burst, main=window("100/s"))
tell("a denial leaves the state as it is", denial, main=window("10/s"))
tell("a cost of 0 looks", nothing, main=window("10/s"))
tell("a cost above the limit never fits", never, main=window("10/s"))
tell("a clock that steps back locks no longer than one period", window_steps_back, YEAR_2100, main=window("10/s"))
tell(
    "a shorter period of the same label keeps the count",
    window_shortened,
    long=window("100/m as plan"),
    short=window("10/s as plan"),
)
tell("counts of many digits", large_counts, main=window("4000000000/h"))
tell("reset forgets", forget, main=window("10/m"))

file("clock", "The server's clock steps, and keys that time or somebody else got at.")
tell("after a step back of 74 years nothing is gifted, and the lock ends at the clamp", steps_back, YEAR_2100)
tell("the same at 7/s", steps_back, YEAR_2100, "7/s")
tell("whatever the longest wait", steps_back, YEAR_2100, main=Limiter("10/s", max_wait_us=2_500_000))
tell("a small step back is waited out", steps_back_slightly)
tell("across the end of 2099", across_a_century, YEAR_2100 - 1_500_000)
tell("a permanent key gets its expiry back, also by a denial", permanent)
tell("at 7/s", permanent, limit="7/s")
tell("and in a window", permanent, main=window("10/s"))
tell("a state that has passed counts for nothing", passed)
tell("at 7/s too", passed, limit="7/s")
tell("nor does a window that has ended", passed, main=window("10/s"))

file("refund", "What is given back, and that time which passed is not given twice.")
tell("at once, all of it", all_back, limit="10/s burst 5")
tell("at 7/s, to the last part of a microsecond", all_back, limit="7/s")
tell("at 1009/s", all_back, limit="1009/s burst 5")
tell("in a window", all_back, main=window("10/s"))
tell("a part, and then the rest", in_parts)
tell("a part in a window", in_parts, main=window("10/s"))
tell("what flowed back in half a second is not given again", flowed_back)
tell("after the end there is nothing to give", too_late)
tell("a window that ended is left alone", too_late, main=window("10/s"))
tell("20 are never admitted unrefunded at 10/s burst 10", never_twice)
tell("the end of a charge, at 7/s", end_of_a_seventh, limit="7/s")
tell("the remainders decide when the microseconds are equal", remainders_decide, limit="7/s burst 10")
tell("after a step back of the clock", refund_after_a_step_back, YEAR_2100)
tell(
    "from a state that another rate left",
    refund_from_another_rate,
    tenths=Limiter("10/s"),
    sevenths=Limiter("7/s burst 10"),
)
tell("more than was charged, and what charged nothing, is refused", refused)

file("keys", "Names of keys: any bytes, and each limit its own state.")
tell("keys of any bytes", keys_of_any_bytes, limit="1/h")
tell(
    "names of any bytes",
    each_its_own,
    plain=Limiter("1/h"),
    colon=Limiter("1/h", name=b"a:b"),
    braces=Limiter("1/h", name=b"{}"),
    percent=Limiter("1/h", name=b"100%"),
    zero=Limiter("1/h", name=b"\0\xff"),
)
tell(
    "the label is the period, unless one is given; the shape is part of it",
    labels,
    second=Limiter("1/s"),
    minute=Limiter("1/m"),
    named=Limiter("1/m as plan"),
    window=window("1/s"),
    same=Limiter("5/s burst 3"),
)

file("foreign", "A key of ours that holds what no limiter wrote is left alone; reset takes it away.")
TAT = "kw:limiter:{api:u}:tat:1000000"
tell("whole intervals", foreign(TAT, FOREIGN + FOREIGN_TO_GCRA))
tell("sevenths", foreign(TAT, FOREIGN + FOREIGN_TO_GCRA), limit="7/s")
tell("windows", foreign("kw:limiter:{api:u}:window:1000000", FOREIGN), main=window("10/s"))

file("wait", "Waiting. The server's clock stands, while the caller lets the time pass that was booked.")
tell("booked ahead within patience, denied at once beyond", wait_under_gcra, limit="100/s burst 3")
tell("max_wait bounds patience", wait_is_bounded, main=Limiter("100/s burst 1", max_wait_us=25_000))
tell("a booking can be refunded", wait_is_refunded, limit="100/s burst 3")
tell("who would wait beyond patience for a window is denied at once", wait_for_a_window, main=window("10/s"))


def main() -> int:
    stale = 0
    for name, (about, scenarios) in FILES.items():
        path, text = FOLDER / f"{name}.json", text_of(about, scenarios)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in sys.argv:
            print(f"{path} is not what the model says: run {Path(__file__).name}")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{path} written")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
