"""Who is admitted: bursts, exact rates, windows."""

from __future__ import annotations

from .limiter import Body, Limiter, Scenario, file, tell, window
from .scenario import SECOND, YEAR_2026, YEAR_2100


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
