"""Limits of single keys: who sets one goes by it at once, from the state that is there."""

from __future__ import annotations

from .limiter import Limiter, Scenario, file, tell
from .scenario import SECOND

HOUR = 3600 * SECOND
LONG = 86_400 * SECOND


def owing(limits: str = "10/s", **more: object) -> Limiter:
    """One that takes overrides."""
    return Limiter(limits, overrides_us=HOUR, **more)  # type: ignore[arg-type]


def debt_goes_on(s: Scenario) -> None:
    """What was charged is a time that is owed, whatever the rate is now."""
    s.hit(5)
    s.state()
    s.set_override("100/s burst 100")
    assert s.peek(0).remaining == 50
    assert s.hit().limit == 100
    s.state()
    s.set_override("2/s")
    assert s.hit().retry_after_us == 10_000
    s.clock(by=10_000)
    assert s.hit().status == "OK"
    s.state()
    s.clear_override()
    assert s.hit().retry_after_us == 100_000
    s.clock(by=100_000)
    assert s.hit().status == "OK"
    s.state()


def beyond_the_burst(s: Scenario) -> None:
    """Who owes more than the new burst is denied until it has flowed back."""
    s.hit(10)
    s.set_override("100/s burst 20")
    assert s.hit().retry_after_us == 810_000
    s.state()
    s.clock(by=810_000)
    assert s.hit().status == "OK"
    assert s.hit().status == "DENIED"
    s.state()


def parts_of_a_us(s: Scenario) -> None:
    """7/s counts in parts of a microsecond, 10/s in whole ones: what is owed is rounded up."""
    s.hit(1)
    s.state()
    s.set_override("7/s")
    s.hit(1)
    s.state()
    s.clear_override()
    s.hit(1)
    s.state()


def count_stays(s: Scenario) -> None:
    s.hit(7)
    s.state()
    s.set_override("20/m")
    assert s.hit().remaining == 12
    s.set_override("5/m")
    assert s.hit().status == "DENIED"
    s.peek(0)
    s.state()
    s.clear_override()
    assert s.hit().remaining == 1
    s.state()


def factor(s: Scenario) -> None:
    s.set_override("10x")
    assert s.hit(150).remaining == 50
    assert s.hit(51).status == "DENIED"
    s.state()
    s.set_override("1x")
    assert s.peek(0).limit == 20
    assert s.hit(1, key="other").limit == 20
    s.overrides()
    s.command("HGET", "kw:limiter:{api:}:overrides", "=u", reply="0 1x")


def factor_of_each(s: Scenario) -> None:
    s.hit(10)
    assert s.hit().denied_by == 0
    s.set_override("3x")
    assert s.hit(20).remaining == 0
    assert s.hit().denied_by == 0
    s.clock(by=SECOND)
    s.hit(1)
    s.state()


def each_in_its_place(s: Scenario) -> None:
    s.hit(2, save="two")
    s.set_override("100/s; 3 concurrent")
    s.hit(1, save="one")
    assert s.hit().denied_by == 1
    s.state()
    s.release("two")
    s.release("one")
    s.clear_override()
    s.hit(1)
    s.state()


def labels(s: Scenario) -> None:
    """The state lies under the label of the limit that is overridden, though the period is another."""
    s.hit(1)
    s.state()
    s.set_override("100/m burst 5")
    s.hit(1)
    s.state()
    s.set_override("100/m burst 6 as own")
    s.hit(1)
    s.state()


def one_key(s: Scenario) -> None:
    s.set_override("3/s", key="a")
    s.set_override("4/s", key=b"\xff\x00")
    for key, limit in (("a", 3), (b"\xff\x00", 4), ("b", 10)):
        assert s.hit(1, key=key).limit == limit
    s.clear_override(key="a")
    assert s.hit(1, key="a").limit == 10
    assert s.hit(1, key=b"\xff\x00").limit == 4
    s.overrides()
    s.hit_many(("a", 1), ("b", 11))


def not_taken(s: Scenario) -> None:
    """A limiter without overrides_us sets them for others, and goes by its own limits."""
    s.set_override("5x", on="plain")
    assert s.hit(1, on="plain").limit == 10
    s.set_override("6x", on="takes")
    assert s.hit(1, on="takes").limit == 60
    assert s.hit(1, on="plain").limit == 10
    s.overrides(on="plain")
    s.clear_override(on="takes")
    assert s.hit(1, on="takes").limit == 10
    s.overrides(on="takes")
    s.state(on="plain")


def listed(s: Scenario) -> None:
    """In the order of their last changes; what has ended goes when another is changed."""
    s.overrides()
    s.clear_override()
    for key in ("a", "b", "c"):
        s.set_override("2x", key=key)
    s.set_override("3x", key="a", ttl_us=60 * SECOND)
    assert s.overrides() == [b"b", b"c", b"a"]
    assert s.overrides(count=1) == [b"b"]
    assert s.overrides(after=s.overridden[b"api"].kept[b"b"].version, count=1) == [b"c"]
    s.clock(by=SECOND)
    s.clear_override(key="c")
    s.clear_override(key="c")
    assert s.overrides() == [b"b", b"a"]
    s.clock(by=60 * SECOND)
    s.set_override("4x", key="d", ttl_us=1000)
    assert s.overrides() == [b"b", b"d"]


def refunded(s: Scenario) -> None:
    """Of a window what was charged before a change is given back after it."""
    s.hit(7, save="seven")
    s.set_override("20/m")
    s.hit(3, save="three")
    s.refund("seven", 5)
    s.state()
    s.clear_override()
    s.refund("three", 3)
    s.state()
    assert s.hit().remaining == 7


def bad_texts(s: Scenario) -> None:
    for limits, reason, position in [
        ("10 per parsec", "LIMIT_SYNTAX", 7),
        ("", "LIMIT_SYNTAX", 0),
        ("10/s burst", "LIMIT_SYNTAX", None),
        ("1.5x", "LIMIT_SYNTAX", 0),
        ("x10", "LIMIT_SYNTAX", 0),
        ("10X", "LIMIT_SYNTAX", 0),
        ("0x", "LIMIT_RANGE", 0),
        ("9999999999999999x", "LIMIT_RANGE", 0),
        ("0/s", "LIMIT_RANGE", 0),
        ("10/s; 5/m", "LIMIT_RANGE", None),
        ("3 concurrent", "LIMIT_RANGE", None),
        ("10/s as other", "LIMIT_RANGE", None),
    ]:
        s.refused("set_override", "INVALID", reason, position, limits=limits, ttl_us=0)
    s.refused("set_override", "INVALID", "LIMIT_SYNTAX", 4, limits_hex="31302f7300", ttl_us=0)
    s.refused("set_override", "INVALID", "RANGE", limits="1" * 1025, ttl_us=0)
    for ttl_us in (999, 3650 * LONG + 1):
        s.refused("set_override", "INVALID", "RANGE", limits="2x", ttl_us=ttl_us)
    s.fails("set_override", "INVALID", "KEY_LENGTH", key="k" * 1025, limits="2x", ttl_us=0)
    s.fails("clear_override", "INVALID", "KEY_LENGTH", key="k" * 1025)
    for after, count in ((-1, 1), (0, 0), (0, 1001)):
        s.fails("overrides", "INVALID", "RANGE", after=after, count=count)
    for overrides_us in (9_999, HOUR + 1):
        s.cannot_open("10/s", "INVALID", "OPTION", overrides_us=overrides_us)
    s.overrides()
    assert s.hit().limit == 10


file("overrides", "Limits of single keys.")
tell("the debt goes on", debt_goes_on, main=owing())
tell("more is owed than the new burst", beyond_the_burst, main=owing())
tell("parts of a microsecond", parts_of_a_us, main=owing())
tell("a window keeps its count", count_stays, main=owing("10/m", algorithm="fixed_window"))
tell("a sliding counter keeps its count", count_stays, main=owing("10/m", algorithm="sliding_counter"))
tell("a log keeps its hits", count_stays, main=owing("10/m", algorithm="sliding_log"))
tell("a factor", factor, main=owing("10/s burst 20"))
tell("a factor of each limit", factor_of_each, main=owing("10/s; 100/h"))
tell("each in its place", each_in_its_place, main=owing("4/s; 2 concurrent", lease_us=10 * SECOND))
tell("under the label", labels, main=owing("10/s as own"))
tell("of one key alone", one_key, main=owing())
tell("taken by who takes them", not_taken, plain=Limiter("10/s"), takes=owing())
tell("listed", listed)
tell("given back after a change", refunded, main=owing("10/m", algorithm="fixed_window"))
tell("bad texts", bad_texts, main=owing())
