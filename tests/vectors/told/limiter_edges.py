"""Edges of windows, of rates and of time, and limits that change while they are in use."""

from __future__ import annotations

from .limiter import Limiter, Scenario, file, tell, window
from .scenario import SECOND, YEAR_2026, YEAR_2100

YEAR_2250 = 8_835_955_200_000_000
DAY = 86_400 * SECOND


def both_sides(s: Scenario) -> None:
    """The last microsecond of one window and the first of the next: twice the limit, as fixed windows do."""
    s.hit()
    s.clock(by=SECOND - 1)
    s.hit(9)
    assert s.hit().retry_after_us == 1
    s.clock(by=1)
    s.hit(repeat=11)
    assert s.steps[-1]["admitted"] == 10
    s.state()


def opened_by_the_next(s: Scenario) -> None:
    """A window that nobody used opens nothing: the next begins with the next hit."""
    s.hit(3)
    s.clock(by=5 * SECOND // 2)
    s.peek()
    s.hit(2)
    s.state()
    s.clock(by=SECOND - 1)
    s.hit(1)
    s.state()


def expiry(s: Scenario) -> None:
    """Whatever the microsecond, the key outlives its state."""
    for step in (0, 1, 498, 1, 499, 1):
        s.clock(by=step)
        s.hit(1)
        s.state()


def whole_periods(s: Scenario) -> None:
    """After so many hits as the rate has in a period, exactly a period."""
    for period in range(3):
        s.hit(s.limiters["main"].count)
        s.clock(by=s.limiters["main"].period)
        assert s.peek().reset_after_us == 0
        if period == 1:
            s.clock(by=-1)
            s.hit(0)
            s.clock(by=1)
    assert s.hit(s.limiters["main"].count).status == "OK"
    assert s.hit().status == "DENIED"
    s.state()


def one_by_one(s: Scenario) -> None:
    """A caller who comes whenever one fits is admitted each time, and a microsecond before it never."""
    s.hit(s.capacity)
    for _ in range(7):
        wait = s.hit().retry_after_us
        assert isinstance(wait, int)
        s.clock(by=wait - 1)
        assert s.hit().retry_after_us == 1
        s.clock(by=1)
        assert s.hit().status == "OK"
    s.state()


def far_ahead(s: Scenario) -> None:
    s.hit(s.capacity - 1)
    s.state()
    s.clock(by=1_234_567)
    s.hit(1)
    s.hit(s.capacity)
    s.state()


def raised(s: Scenario) -> None:
    s.hit(10, on="low")
    assert s.hit(on="low").status == "DENIED"
    assert s.hit(1, on="high").remaining > 0
    s.state(on="high")
    s.peek(on="low")
    s.clock(by=3 * SECOND)
    s.hit(1, on="low")
    s.state(on="low")


def lowered_again(s: Scenario) -> None:
    s.hit(15, on="high")
    s.state(on="high")
    assert s.hit(1, on="low").status == "DENIED"
    s.peek(1, on="low")
    s.clock(by=SECOND // 2)
    s.hit(1, on="low")
    s.hit(1, on="high")
    s.state(on="low")


def to_and_fro(s: Scenario) -> None:
    for _ in range(3):
        s.hit(3, on="exact")
        s.hit(3, on="inexact")
        s.clock(by=123_457)
        s.state(on="exact")
    s.peek(4, on="exact")
    s.peek(4, on="inexact")


def count_in_a_window(s: Scenario) -> None:
    s.hit(8, on="low")
    s.hit(8, on="high")
    assert s.hit(1, on="low").status == "DENIED"
    s.state(on="low")
    s.hit(4, on="high")
    assert s.hit(1, on="high").status == "DENIED"
    s.peek(0, on="low")
    s.clock(by=SECOND)
    s.hit(10, on="low")
    s.state(on="high")


def refund_after_a_change(s: Scenario) -> None:
    s.hit(6, on="before", save="six")
    s.hit(2, on="after")
    s.refund("six", 4, on="after")
    s.state(on="after")
    s.peek(on="after")


def other_algorithm(s: Scenario) -> None:
    s.hit(10, on="gcra")
    assert s.hit(10, on="window").status == "OK"
    assert s.hit(1, on="gcra").status == "DENIED"
    s.reset(on="window")
    s.state(on="gcra")
    s.state(on="window")


def reset_is_of_one_limit(s: Scenario) -> None:
    s.hit(1, on="second")
    s.hit(1, on="minute")
    s.hit(1, key="other", on="minute")
    s.reset(on="minute")
    s.reset(on="minute")
    s.state(on="second")
    s.state(on="minute")
    s.state(key="other", on="minute")


def back_and_forth(s: Scenario) -> None:
    """Steps of the clock within what is charged: what was charged stays."""
    for by in (100_000, -250_000, 50_000, -1, 1, 900_000, -900_000):
        s.hit(2)
        s.clock(by=by)
        s.peek()
        s.state()


def back_over_the_end(s: Scenario) -> None:
    """Forward past the end, where others are admitted, and back again: nobody is admitted twice."""
    s.hit(10)
    s.clock(by=2 * SECOND)
    s.hit(10)
    s.state()
    s.clock(by=-2 * SECOND)
    assert s.hit(1).status == "DENIED"
    s.state()
    s.clock(by=2 * SECOND)
    s.hit(1)
    s.state()


def refund_and_reset(s: Scenario) -> None:
    s.hit(4, save="four")
    s.reset()
    s.refund("four", 4)
    s.state()
    s.hit(2)
    s.refund("four", 1)
    s.state()


def refund_of_one_of_several(s: Scenario) -> None:
    s.hit(2, save="first")
    s.clock(by=100)
    s.hit(3, save="second")
    s.clock(by=100)
    s.hit(4, save="third")
    for name, count in (("second", 3), ("first", 1), ("third", 4), ("first", 1)):
        s.refund(name, count)
        s.state()
        s.peek(5)


def refund_makes_room(s: Scenario) -> None:
    s.hit(10, save="all")
    assert s.hit(3).status == "DENIED"
    s.refund("all", 3)
    assert s.hit(3).status == "OK"
    assert s.hit(1).status == "DENIED"
    s.state()


def in_turn(s: Scenario) -> None:
    """Each is booked behind the one before; the last booking alone can be taken back."""
    s.hit(1)
    for number in range(4):
        s.wait(SECOND, 1, save=f"turn {number}")
    s.state()
    before = s.steps[-1]
    s.refund("turn 1", 1)
    s.state()
    assert s.steps[-1] == before
    s.refund("turn 3", 1)
    s.state()
    s.wait(SECOND, 1)


def wait_for_too_much(s: Scenario) -> None:
    s.hit(1)
    assert s.wait(SECOND, s.capacity + 1).retry_after_us == "never"
    s.state()


def wait_after_a_step_back(s: Scenario) -> None:
    s.hit(3)
    s.clock(at=YEAR_2026)
    assert s.wait(SECOND, 1).status == "DENIED"
    s.state()


file("edges", "The last microsecond and the first, exact rates, and years far ahead.")
tell("both sides of a window's end", both_sides, YEAR_2026 + 7, main=window("10/s"))
tell("a window opens with the next hit, whenever that is", opened_by_the_next, YEAR_2026 + 999_999, main=window("10/s"))
tell("expiry of a window is rounded up", expiry, main=window("10/s"))
tell("expiry is rounded up", expiry, limit="10/s")
tell("expiry is rounded up at 7/s", expiry, limit="7/s")
for rate in ("3/s", "7/s", "13/m", "999/s", "1000/h", "86400/d"):
    tell(f"{rate}: whole periods", whole_periods, limit=rate)
for rate in ("3/s", "7/m burst 2", "1000/s burst 3", "1001/s burst 3", "997/h burst 1", "1/d"):
    tell(f"{rate}: one by one", one_by_one, limit=rate)
for year, start in (("2100", YEAR_2100 - 1), ("2250", YEAR_2250)):
    tell(f"in {year}", far_ahead, start, "10/s burst 20")
    tell(f"in {year} at 7/s", far_ahead, start, "7/s burst 20")
    tell(f"in {year} in a window", far_ahead, start, main=window("20/s"))
    tell(f"in {year} one by one, at 7/d", one_by_one, start, "7/d")

file("change", "Limits that change while they are in use: under GCRA the debt in time stays, in windows the count.")
tell("a raised burst leaves room at once", raised, low=Limiter("10/s"), high=Limiter("10/s burst 20"))
tell("a raised rate", raised, low=Limiter("10/s burst 10"), high=Limiter("20/s burst 40"))
tell("a raised rate, inexact", raised, low=Limiter("7/s burst 10"), high=Limiter("13/s burst 40"))
tell("a lowered burst", lowered_again, high=Limiter("10/s burst 20"), low=Limiter("10/s burst 5"))
tell("a lowered rate", lowered_again, high=Limiter("20/s"), low=Limiter("3/s"))
tell("from exact to inexact and back", to_and_fro, exact=Limiter("10/s burst 30"), inexact=Limiter("13/s burst 30"))
tell("of two inexact rates", to_and_fro, exact=Limiter("7/s burst 30"), inexact=Limiter("1009/s burst 3000"))
tell("a window's limit, raised and lowered", count_in_a_window, low=window("10/s"), high=window("20/s"))
tell("a refund after a change", refund_after_a_change, before=Limiter("10/s"), after=Limiter("10/s burst 20"))
tell("a refund after a change of a window", refund_after_a_change, before=window("10/s"), after=window("20/s"))
tell("another algorithm has a state of its own", other_algorithm, gcra=Limiter("10/s"), window=window("10/s"))
tell("reset is of one limit and one key", reset_is_of_one_limit, second=Limiter("5/s"), minute=Limiter("5/m"))
tell("in windows", reset_is_of_one_limit, second=window("5/s"), minute=window("5/m"))

file("steps", "Small steps of the clock, back and forth, and what is given back meanwhile.")
tell("within what was charged", back_and_forth, limit="10/s burst 20")
tell("within what was charged at 7/s", back_and_forth, limit="7/s burst 20")
tell("within what was charged in a window", back_and_forth, main=window("20/s"))
tell("over the end and back", back_over_the_end)
tell("of a window too", back_over_the_end, main=window("10/s"))
tell("a refund after a reset", refund_and_reset)
tell("a refund after a reset at 7/s", refund_and_reset, limit="7/s")
tell("a refund after a reset of a window", refund_and_reset, main=window("10/s"))
tell("refunds in another order", refund_of_one_of_several)
tell("refunds in another order at 7/s", refund_of_one_of_several, limit="7/s burst 10")
tell("refunds in another order in a window", refund_of_one_of_several, main=window("10/s"))
tell("a refund makes room", refund_makes_room)
tell("a refund makes room in a window", refund_makes_room, main=window("10/s"))

file("turns", "Waiting in turn: bookings, one behind the other.")
tell("each behind the one before", in_turn, limit="200/s burst 1")
tell("at 210/s", in_turn, limit="210/s burst 1")
tell("what can never fit is denied at once", wait_for_too_much, limit="10/s burst 3")
tell("in a window", wait_for_too_much, main=window("10/s"))
tell("after a step back of the clock nobody waits for the clamp", wait_after_a_step_back, YEAR_2100, "100/s burst 3")
