"""Counters of each kind: what they answer, and what lies in the server."""

from __future__ import annotations

from .counter import DAY, HOUR, INT_MAX, INT_MIN, MINUTE, SECOND, YEAR_2100, Scenario, file, tell


def plain(s: Scenario) -> None:
    assert s.value() == 0
    s.add(0)
    s.state()
    for amount in (5, -7, INT_MAX, INT_MAX, 1, INT_MIN, INT_MIN):
        s.add(amount)
        s.state()
    s.set(INT_MIN)
    assert s.add(-1).status == "OUT_OF_RANGE"
    assert s.value() == INT_MIN
    s.take()
    s.state()
    s.add(3)
    s.reset()
    s.state()
    s.add_many(("a", 1), ("b", -5), ("c", 0))


def bounded(s: Scenario) -> None:
    for amount in (11, 10, 1, -15, -1, 5, INT_MIN, INT_MAX, 4):
        s.add(amount)
        s.state()
    s.refused("set", "INVALID", "RANGE", value=11)
    s.set(-5)
    assert s.take().value == -5


def saturated(s: Scenario) -> None:
    for amount in (7, 9, 1, -30, -1, INT_MAX, INT_MIN):
        s.add(amount)
    s.state()
    assert s.once("a", 100).applied == 15
    assert s.once("a", 100).duplicate
    s.ids()


def sizes(s: Scenario) -> None:
    """Where a number is cut in two, and where it ends."""
    for amount in (999_999_999_999_999, 1, -1, 10**18, -(10**18), 2**53, 1, INT_MAX, -INT_MAX, INT_MIN, -1, 10**9):
        s.add(amount)
        s.state()


def begins_and_ends(s: Scenario) -> None:
    s.add(3)
    s.state()
    s.clock(by=59 * SECOND)
    s.add(1)
    s.state()
    s.clock(by=SECOND - 1)
    s.add(0)
    s.clock(by=1)
    assert s.value() == 0
    s.add(0)
    s.add(2)
    s.state()
    s.clock(by=-HOUR)
    s.add(0)
    s.add(1)
    s.state()


def slides(s: Scenario) -> None:
    for _ in range(3):
        s.add(1)
        s.state()
        s.clock(by=50 * SECOND)
    s.add(0)
    s.clock(by=10 * SECOND)
    assert s.value() == 0


def calendar(s: Scenario) -> None:
    for unit in s.options:
        s.add(1, on=unit)
        s.state(on=unit)
    for by in (DAY - 1, 1, 3 * DAY, 27 * DAY, 28 * DAY, 305 * DAY, 1, -DAY, 400 * DAY):
        s.clock(by=by)
        for unit in s.options:
            s.add(1, on=unit)


def leap(s: Scenario) -> None:
    s.clock(by=58 * DAY)
    assert s.add(1).expires_after == DAY  # 28 February 2100
    s.clock(by=DAY)
    assert s.add(1).value == 1


def names(s: Scenario) -> None:
    for key in (b"", b"user:42", b"{a}", b"%25", b"\0", b"\xff\xfe"):
        s.add(1, key=key)
        s.state(key=key)
        s.value(key=key)


def foreign(s: Scenario) -> None:
    key = s.key_of("k", "").decode()
    for value in ("hello", "1.5", "9223372036854775808", "-", ""):
        s.command("SET", key, value)
        for do, fields in (("add", {"amount": 1}), ("value", {}), ("take", {}), ("take_once", {"once": "o"})):
            s.refused(do, "WRONG_TYPE", **fields)
        s.refused("add_once", "WRONG_TYPE", once="o", amount=1)
        s.steps.append({"do": "state", "key": key, "value": value, "expires_at_ms": -1})
    s.reset()
    s.state()


def windowed(s: Scenario) -> None:
    s.add(3)
    s.ring()
    for by, amount in ((MINUTE, -1), (4 * MINUTE - 1, 0), (1, 5), (5 * SECOND, 2), (2 * MINUTE, 0), (HOUR, 0), (0, 4)):
        s.clock(by=by)
        s.add(amount)
        s.value()
    s.ring()
    s.clock(by=-DAY)
    assert s.add(1).value == 5
    s.ring()
    s.clock(by=5 * MINUTE)
    assert s.value() == 0
    s.once("a", 2)
    assert s.once("a", 2).duplicate
    s.ids()
    s.add(2**53 - 3)
    assert s.add(1).status == "OUT_OF_RANGE"
    s.refused("add", "INVALID", "RANGE", amount=2**53)
    s.refused("take", "INVALID", "OPTION")
    s.refused("set", "INVALID", "OPTION", value=1)


def sharded(s: Scenario) -> None:
    for _ in range(9):
        s.add(2)
    assert s.value() == 18
    s.reset()
    assert s.value() == 0
    for number in range(6):
        s.once(f"id {number}", 10**number)
    for shard, count in enumerate(s.models[b"hits", b"k"].counts):
        key = f"kw:counter:{{hits:k:{shard}}}:shard:4"
        s.steps.append(
            {"do": "state", "key": key, "value": str(count) if count else None}
            | ({"expires_at_ms": -1} if count else {})
        )
    assert s.once("id 3", 1000).duplicate
    assert s.value() == 111_111
    s.refused("take", "INVALID", "OPTION")


def cannot_be(s: Scenario) -> None:
    s.add(1)
    s.state()
    s.cannot_open(bounds="min", min=1)
    s.cannot_open(max=5)
    s.cannot_open(on_bound="saturate")
    s.cannot_open(window_us=HOUR, shards=4)
    s.cannot_open(window_us=HOUR, bounds="max", max=5)
    s.cannot_open(shards=4, bounds="min", min=0)
    s.cannot_open(expiry="day", ttl_us=HOUR)
    s.cannot_open(expiry="sliding")
    s.cannot_open(buckets=5)
    s.cannot_open(shards=1)
    s.cannot_open(zone_minutes=60)
    s.cannot_open(remember_max=1_000_001)


file("exact", "Exact counts: all sizes, bounds that refuse or cut, and what lies in the server.")
tell("a permanent count of 64 bits never wraps", plain)
tell("a bound refuses what would pass it", bounded, hits={"bounds": "both", "min": -5, "max": 10})
tell(
    "a bound cuts what would pass it", saturated, hits={"bounds": "both", "min": -5, "max": 10, "on_bound": "saturate"}
)
tell("numbers of all sizes in the scripts", sizes, hits={"ttl_us": 3650 * DAY})
tell("names and keys of any bytes", names, hits={"name": b"a:{b}%\xff"})
tell("what no counter wrote is left alone", foreign)
tell("options that cannot be", cannot_be)

file("ends", "Counts that end: after a time, or with a day, week, month or year.")
tell("a minute after it began", begins_and_ends, hits={"ttl_us": MINUTE, "expiry": "on_create"})
tell("a minute after the last add", slides, hits={"ttl_us": MINUTE, "expiry": "sliding"})
tell(
    "with the calendar, in zones",
    calendar,
    day={"expiry": "day"},
    week={"expiry": "week", "zone_minutes": 60},
    month={"expiry": "month", "zone_minutes": -330},
    year={"expiry": "year", "zone_minutes": 840},
)
tell("2100 is no leap year", leap, YEAR_2100, hits={"expiry": "month"})

file("window", "Counts of the last five minutes: buckets of five seconds.")
tell("what is older is not counted", windowed, hits={"window_us": 5 * MINUTE})

file("shards", "Counts spread over shards.")
tell("the value is the sum; an id finds its shard", sharded, hits={"shards": 4})
