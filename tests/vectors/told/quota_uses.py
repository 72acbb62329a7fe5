"""Quotas: what is consumed, the periods of the calendar, reservations."""

from __future__ import annotations

from .quota import DAY, HOUR, MINUTE, SECOND, Scenario, file, tell
from .scenario import YEAR_2026, YEAR_2100

MOST = 2**52 - 1


def all_or_nothing(s: Scenario) -> None:
    s.clock(by=9 * HOUR + 345)
    assert s.peek() == "OK"
    s.state()
    assert s.consume(7) == "OK"
    s.state()
    s.clock(by=1_001)
    assert s.consume(4) == "DENIED"
    assert s.consume(11) == "DENIED"
    assert s.consume(0) == "OK"
    assert s.peek(3) == "OK"
    assert s.peek(4) == "DENIED"
    s.state()
    assert s.consume(3) == "OK"
    assert s.consume() == "DENIED"
    s.state()
    s.consume_many(("k", 1), ("l", 10), ("m", 11), ("n", 0))
    s.reset()
    s.state()
    assert s.consume(10) == "OK"


def exactly(s: Scenario) -> None:
    """The end of the period admits, one microsecond less denies."""
    s.clock(by=7 * HOUR + 345_678)
    assert s.consume(10) == "OK"
    s.clock(at=YEAR_2026 + DAY - 1)
    assert s.consume() == "DENIED"
    s.clock(by=1)
    assert s.peek() == "OK"
    s.state()
    assert s.consume() == "OK"
    s.state()
    s.clock(by=3 * DAY)
    s.state()
    assert s.consume(2) == "OK"


def sizes(s: Scenario) -> None:
    assert s.consume(MOST) == "OK"
    s.state()
    assert s.consume() == "DENIED"
    s.reset()
    assert s.reserve(MOST, "a") == "OK"
    assert s.commit("a", MOST) == "OK"
    s.state()
    s.refused("consume", "INVALID", "RANGE", cost=MOST + 1)


def names(s: Scenario) -> None:
    for key in (b"", b"user:42", b"{a}", b"%25", b"\0", b"\xff\xfe"):
        assert s.consume(3, key=key) == "OK"
        s.state(key=key)
        assert s.peek(8, key=key) == "DENIED"


def zones(s: Scenario) -> None:
    """Both sides of the edge of each."""
    for on in s.options:
        s.consume(on=on)
        s.state(on=on)
    for ends, on in sorted((s.model("k", on).ends, on) for on in s.options):
        s.clock(at=ends - 1)
        assert s.consume(10, on=on) == "DENIED"
        s.clock(at=ends)
        assert s.consume(10, on=on) == "OK"
        s.state(on=on)


def leap(s: Scenario) -> None:
    """Days of February, in a year that has 29 and in one that a century takes the day from."""
    for year_begin, days in ((YEAR_2026 + 730 * DAY, 29), (YEAR_2100, 28)):
        s.clock(at=year_begin + 31 * DAY)
        s.consume(3)
        assert s.model("k", "").ends == year_begin + (31 + days) * DAY
        s.clock(at=year_begin + (31 + days) * DAY - 1)
        assert s.consume(8) == "DENIED"
        s.clock(by=1)
        assert s.consume(8) == "OK"
        s.state()


def changed(s: Scenario) -> None:
    """The limit and the zone of another of the same name: the count and the end stay."""
    s.consume(6, on="wide")
    s.clock(by=HOUR)
    assert s.consume(on="narrow") == "DENIED"
    assert s.peek(0, on="narrow") == "OK"
    assert s.consume(2, on="east") == "OK"
    s.state(on="wide")
    s.clock(at=YEAR_2026 + DAY)
    assert s.consume(on="east") == "OK"
    s.state(on="east")


def set_back(s: Scenario) -> None:
    """An end further ahead than two days comes of another clock, a nearer one may not."""
    s.consume(6)
    s.clock(by=-DAY)
    s.consume(2)
    s.state()
    s.clock(by=-10 * DAY)
    assert s.peek(3) == "DENIED"
    s.state()
    assert s.consume(3) == "DENIED"
    s.state()
    assert s.consume(2) == "OK"


def forever(s: Scenario) -> None:
    s.consume(10)
    s.persist()
    assert s.consume() == "DENIED"
    s.state()


def given_back(s: Scenario) -> None:
    s.consume(7)
    first = s.model("k", "").ends
    s.refund(3, first)
    s.state()
    s.refund(9, first)
    assert s.peek(10) == "OK"
    s.consume(5)
    s.refund(5, first + DAY)
    s.clock(by=DAY)
    s.refund(5, first)
    s.consume(2)
    s.refund(2, first)
    s.state()
    s.refused("refund", "INVALID", "RANGE", count=0, resets_at_us=first)


def settled(s: Scenario) -> None:
    s.clock(by=9 * HOUR + 345)
    assert s.reserve(6, "a") == "OK"
    s.state()
    assert s.consume(5) == "DENIED"
    s.clock(by=1_500)
    assert s.reserve(4, "b", 7 * DAY) == "OK"
    s.state()
    assert s.reserve(1, "c") == "DENIED"
    assert s.commit("a", 2) == "OK"
    s.state()
    assert s.cancel("b") == "OK"
    s.state()
    assert s.peek(8) == "OK"


def again(s: Scenario) -> None:
    """The same is answered as the first time, another is a conflict."""
    assert s.reserve(6, "a") == "OK"
    assert s.reserve(6, "a") == "OK"
    assert s.reserve(5, "a") == "CONFLICT"
    s.state()
    assert s.commit("a", 2) == "OK"
    assert s.commit("a", 2) == "OK"
    assert s.commit("a", 3) == "CONFLICT"
    assert s.cancel("a") == "CONFLICT"
    assert s.reserve(6, "a") == "GONE"
    assert s.reserve(3, "b") == "OK"
    assert s.cancel("b") == "OK"
    assert s.cancel("b") == "OK"
    assert s.commit("b", 3) == "CONFLICT"
    assert s.commit("nobody", 1) == "NOT_FOUND"
    assert s.cancel("nobody") == "NOT_FOUND"
    s.state()
    s.clock(by=600 * SECOND - 1)
    assert s.reserve(6, "a") == "GONE"
    s.clock(by=1)
    assert s.reserve(6, "a") == "OK"
    s.state()


def beyond(s: Scenario) -> None:
    """What was used was used."""
    s.reserve(6, "a")
    assert s.commit("a", 25) == "OK"
    s.state()
    assert s.consume() == "DENIED"
    assert s.reserve(1, "b") == "DENIED"
    s.clock(by=DAY)
    assert s.consume() == "OK"


def lapsed(s: Scenario) -> None:
    """A reservation that is never settled returns when its lease ends."""
    s.reserve(6, "a", 10 * SECOND)
    s.reserve(4, "b", 20 * SECOND)
    s.clock(by=10 * SECOND - 1)
    assert s.consume(6) == "DENIED"
    s.clock(by=1)
    assert s.peek(6) == "OK"
    s.state()
    assert s.consume(6) == "OK"
    s.state()
    assert s.commit("a", 6) == "NOT_FOUND"
    assert s.commit("b", 4) == "OK"
    s.reserve(1, "c", 1_000)
    s.refused("reserve", "INVALID", "RANGE", cost=1, id="d", lease_us=999)
    s.refused("reserve", "INVALID", "RANGE", cost=1, id="d", lease_us=7 * DAY + 1)
    s.refused("reserve", "INVALID", "RANGE", cost=0, id="d", lease_us=HOUR)


def over_midnight(s: Scenario) -> None:
    """A reservation belongs to the period that it was made in."""
    s.clock(at=YEAR_2026 + DAY - MINUTE)
    s.reserve(6, "a")
    s.reserve(2, "b")
    s.clock(by=2 * MINUTE)
    assert s.consume(9) == "OK"
    s.state()
    assert s.commit("a", 6) == "OK"
    assert s.cancel("b") == "OK"
    assert s.peek() == "OK"
    s.state()
    assert s.reserve(1, "c") == "OK"
    s.state()


def reset_whole(s: Scenario) -> None:
    s.reserve(6, "a")
    s.reserve(1, "b")
    s.commit("b", 1)
    s.reset()
    s.state()
    assert s.commit("a", 6) == "NOT_FOUND"
    assert s.reserve(10, "b") == "OK"


def leases_of_the_future(s: Scenario) -> None:
    """A lease that ends more than 8 days ahead comes of another clock."""
    s.reserve(9, "a", 60 * SECOND)
    s.clock(by=-9 * DAY)
    assert s.peek(4) == "OK"
    assert s.consume(4) == "OK"
    s.state()


def foreign(s: Scenario) -> None:
    key = s.server_key("k", "", "day")
    for value in ("hello", "1767225600000000", "17672256000000001.5", "1767312000000000-1", ""):
        s.command("SET", key.decode(), value)
        for do, fields in (
            ("consume", {"cost": 1}),
            ("peek", {"cost": 1}),
            ("reserve", {"cost": 1, "id": "a", "lease_us": HOUR}),
            ("commit", {"id": "a", "actual": 1}),
            ("cancel", {"id": "a"}),
            ("refund", {"count": 1, "resets_at_us": YEAR_2026 + DAY}),
        ):
            s.refused(do, "WRONG_TYPE", **fields)
        s.string(key, value, None)
    s.reset()
    s.state()
    s.command("RPUSH", key.decode() + ":reservations", "a")
    s.refused("reserve", "WRONG_TYPE", cost=1, id="a", lease_us=HOUR)
    s.command("EXISTS", key.decode(), reply="0")


def cannot_be(s: Scenario) -> None:
    s.peek()
    s.cannot_open("RANGE", limit=0)
    s.cannot_open("RANGE", limit=MOST + 1)
    s.cannot_open(zone_minutes=841)
    s.cannot_open(zone_minutes=-841)


file("uses", "What is consumed of a day: all or nothing, given back, and what lies in the server.")
tell("all or nothing", all_or_nothing)
tell("midnight exactly", exactly)
tell("numbers up to 2^52", sizes, api={"limit": MOST})
tell("keys of any bytes", names)
tell("given back, in its own period", given_back)
tell("a key without expiry gets one", forever)
tell("what no quota wrote is left alone", foreign)
tell("options that cannot be", cannot_be)

file("periods", "The calendar: days, weeks, months and years, in zones; the clock set back.")
tell(
    "both sides of each edge",
    zones,
    YEAR_2026 + 40 * DAY + 23 * HOUR + 345_678,
    utc={"limit": 10},
    half={"limit": 10, "zone_minutes": 330},
    week={"limit": 10, "period": "week"},
    west={"limit": 10, "period": "week", "zone_minutes": -840},
    month={"limit": 10, "period": "month", "zone_minutes": -300},
    east={"limit": 10, "period": "month", "zone_minutes": 840},
    year={"limit": 10, "period": "year", "zone_minutes": 60},
)
tell("the last of February", leap, api={"limit": 10, "period": "month"})
shared = {"name": b"api"}
tell(
    "one name, other limits and zones",
    changed,
    YEAR_2026 + 3 * HOUR,
    wide=shared | {"limit": 10},
    narrow=shared | {"limit": 5},
    east=shared | {"limit": 10, "zone_minutes": 60},
)
tell("the clock is set back", set_back, YEAR_2026 + 30 * DAY + HOUR)

file("reservations", "Reservations: committed, cancelled, told again, and given back when their lease ends.")
tell("committed and cancelled", settled)
tell("the same again", again)
tell("a commit of more", beyond)
tell("a lease that ends", lapsed)
tell("over the end of a period", over_midnight)
tell("a reset forgets them", reset_whole)
tell(
    "the clock is set back under a lease",
    leases_of_the_future,
    YEAR_2026 + 30 * DAY,
    api={"limit": 9, "period": "month"},
)
