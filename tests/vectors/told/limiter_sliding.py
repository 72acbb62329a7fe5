"""Sliding windows, and windows that the clock and the calendar end."""

from __future__ import annotations

from .limiter import Body, Limiter, Scenario, file, tell
from .scenario import SECOND, YEAR_2026, YEAR_2100

DAY = 86_400 * SECOND
NEAR_THE_END = YEAR_2100 - 3 * DAY


def exactly(s: Scenario) -> None:
    """Sleeping exactly retry_after admits, one microsecond less denies."""
    s.hit(s.capacity - 1)
    s.clock(by=345_678)
    s.hit()
    s.state()
    for cost in (1, s.capacity):
        denied = s.hit(cost)
        assert isinstance(denied.retry_after_us, int) and denied.retry_after_us > 0
        s.clock(by=denied.retry_after_us - 1)
        assert s.hit(cost).retry_after_us == 1
        s.clock(by=1)
        assert s.hit(cost).status == "OK"
        s.state()


def steady(s: Scenario) -> None:
    for step in range(25):
        s.hit(1 + step % 3)
        s.clock(by=133_333)
    s.state()
    s.peek(0)


def cuts(s: Scenario) -> None:
    """The clock steps back: nothing is gifted, and nobody locked out for longer than from now on."""
    s.hit(s.capacity)
    s.clock(by=-5 * SECOND)
    denied = s.hit()
    assert denied.status == "DENIED" and isinstance(denied.retry_after_us, int)
    s.state()
    s.clock(by=denied.retry_after_us)
    assert s.hit().status == "OK"


def given_back(s: Scenario) -> None:
    s.hit(3, save="three")
    s.clock(by=400_000)
    s.hit(4, save="four")
    s.refund("three", 1)
    s.state()
    s.clock(by=700_000)
    s.refund("three", 2)
    s.refund("four", 3)
    s.state()
    s.peek()


def forever(s: Scenario) -> None:
    s.hit(s.capacity)
    s.persist()
    assert s.hit().status == "DENIED"
    s.state()


def changed(s: Scenario) -> None:
    s.hit(5, on="wide")
    s.clock(by=100_000)
    s.hit(2, on="narrow")
    s.peek(on="wide")
    s.hit(2, on="wide")
    s.state(on="wide")
    s.clock(by=2 * SECOND)
    s.hit(3, on="narrow")
    s.state(on="narrow")


def edges(*starts: int) -> Body:
    def body(s: Scenario) -> None:
        for start in starts:
            s.clock(at=start)
            s.hit()
            s.state()
            denied = s.hit(s.capacity)
            assert isinstance(denied.retry_after_us, int)
            s.clock(by=denied.retry_after_us - 1)
            s.hit(s.capacity)
            s.clock(by=1)
            assert s.hit(s.capacity).status == "OK"
            s.state()
            s.reset()

    return body


def stepped_back(s: Scenario) -> None:
    s.hit(2)
    s.clock(by=-40 * DAY)
    assert s.peek().retry_after_us == s.hit().retry_after_us
    s.state()


for algorithm, about in (
    ("sliding_counter", "Two windows, of which the one before weighs as much as the last period overlaps it."),
    ("sliding_log", "The moment of every hit: never over the limit in any period."),
):
    file(algorithm, about)
    tell("as long as it says", exactly, main=Limiter("10/s", algorithm))
    tell("as long as it says, in 2100", exactly, start=YEAR_2100, main=Limiter("7/s", algorithm))
    tell("steadily", steady, main=Limiter("10/s", algorithm))
    tell("a step back", cuts, main=Limiter("5/s", algorithm))
    tell("refunds", given_back, main=Limiter("10/s", algorithm))
    tell("a key without expiry gets one", forever, main=Limiter("4/s", algorithm))
    tell(
        "a limit changes while it is used",
        changed,
        wide=Limiter("8/m as plan", algorithm),
        narrow=Limiter("3/s as plan", algorithm),
    )

file("aligned", "Windows that end with the clock and with the calendar, in zones.")
tell("by the minute", edges(YEAR_2026 + 1, YEAR_2026 + 59 * SECOND), main=Limiter("3/m", "fixed_window", align="clock"))
tell(
    "weeks begin on Monday, where the clock is ahead",
    edges(YEAR_2026, YEAR_2026 + 4 * DAY - 345 * 60 * SECOND),
    main=Limiter("3/w", "fixed_window", align="clock", zone_offset=345),
)
tell(
    "months, at the edges of years and of February",
    edges(YEAR_2026, YEAR_2026 + 31 * DAY, YEAR_2026 + 40 * DAY, NEAR_THE_END),
    main=Limiter("3/month", "fixed_window", align="calendar"),
)
tell(
    "years, where the clock is behind",
    edges(YEAR_2026, YEAR_2026 + 5 * 3600 * SECOND, NEAR_THE_END),
    main=Limiter("3/year", "fixed_window", align="calendar", zone_offset=-300),
)
tell("a step back over an edge", stepped_back, main=Limiter("2/month", "fixed_window", align="calendar"))
tell("and by the clock", stepped_back, main=Limiter("2/w", "fixed_window", align="clock"))
