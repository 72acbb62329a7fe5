"""The clock steps, charges are given back, callers wait."""

from __future__ import annotations

from .limiter import Limiter, Scenario, file, tell, window
from .scenario import SECOND, YEAR_2026, YEAR_2100


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
    s.refused("refund", "INVALID", "DECISION", decision="eight", count=9)
    s.refused("refund", "INVALID", "DECISION", decision="denied", count=1)
    s.refused("refund", "INVALID", "RANGE", decision="eight", count=0)
    s.state()


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

file("wait", "Waiting. The server's clock stands, while the caller lets the time pass that was booked.")
tell("booked ahead within patience, denied at once beyond", wait_under_gcra, limit="100/s burst 3")
tell("max_wait bounds patience", wait_is_bounded, main=Limiter("100/s burst 1", max_wait_us=25_000))
tell("a booking can be refunded", wait_is_refunded, limit="100/s burst 3")
tell("who would wait beyond patience for a window is denied at once", wait_for_a_window, main=window("10/s"))
