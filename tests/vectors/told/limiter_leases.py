"""Concurrency: leases that are renewed, released, lost."""

from __future__ import annotations

from .limiter import Limiter, Scenario, file, tell
from .scenario import SECOND


def held(s: Scenario) -> None:
    s.hit(2, save="two")
    s.clock(by=300_000)
    s.hit(1, save="one")
    s.state()
    denied = s.hit()
    assert denied.retry_after_us == 700_000
    assert s.renew("two")
    s.state()
    s.clock(by=999_999)
    assert s.hit().retry_after_us == 1  # what was renewed ends when the other does
    s.refund("two", 1)
    s.state()
    assert s.renew("two")
    s.clock(by=400_000)
    assert not s.renew("one")
    s.hit(2)
    s.state()
    s.release("two")
    s.release("one")
    s.state()
    s.peek()


def same_moment(s: Scenario) -> None:
    for name in ("a", "b", "c"):
        s.hit(1, save=name)
    s.release("b")
    s.state()
    s.hit(1, save="d")
    s.state()
    s.reset()
    s.state()


def beside(s: Scenario) -> None:
    s.hit(1, save="one")
    s.hit(1, save="two")
    assert s.hit().denied_by == 1
    s.release("one")
    s.state()
    s.hit(1)
    s.refund("two", 1)
    s.state()
    s.clock(by=SECOND)
    s.hit(1)
    s.state()


def to_the_last(s: Scenario) -> None:
    """A renewal one microsecond before the end keeps the permit, one at the end has lost it."""
    s.hit(1, save="one")
    for _ in range(3):
        s.clock(by=SECOND - 1)
        assert s.hit(3).status == "DENIED"
        assert s.renew("one")
        s.state()
    s.clock(by=SECOND)
    assert not s.renew("one")
    assert s.hit(3, save="three").status == "OK"
    assert not s.renew("one")
    s.release("one")
    s.state()
    assert s.renew("three")


def given_back(s: Scenario) -> None:
    """Who has released has nothing to renew, and nothing more to release."""
    s.hit(2, save="two")
    s.hit(1, save="one")
    s.release("two")
    assert not s.renew("two")
    s.release("two")
    s.state()
    s.clock(by=1)  # at the very same moment it would get the lease that was just released
    assert s.hit(2, save="again").status == "OK"
    s.release("two")
    assert s.hit().status == "DENIED"
    assert s.renew("again")
    s.state()
    s.release("one")
    s.release("again")
    s.state()


def forgotten(s: Scenario) -> None:
    s.hit(2, save="two")
    s.reset()
    assert not s.renew("two")
    s.release("two")
    s.state()
    s.clock(by=1)
    s.hit(3, save="three")
    assert not s.renew("two")
    assert s.renew("three")


def denied(s: Scenario) -> None:
    """A denial holds nothing: to renew or release it is a mistake."""
    s.hit(3, save="three")
    assert s.hit(1, save="none").status == "DENIED"
    s.refused("renew", "INVALID", "DECISION", decision="none")
    s.refused("release", "INVALID", "DECISION", decision="none")
    s.state()
    assert s.renew("three")


def set_back(s: Scenario) -> None:
    """By a clock that was set back a lease is held longer, and a renewal ends it as any other."""
    s.hit(1, save="one")
    s.hit(1, save="two")
    s.clock(by=-3600 * SECOND)
    assert s.renew("one")
    s.state()
    s.clock(by=SECOND)
    assert not s.renew("one")
    assert s.renew("two")
    assert s.hit(2).status == "OK"
    s.state()


def longer(s: Scenario) -> None:
    """The lease is that of the limiter that renews: another of its name may have another."""
    s.hit(1, on="short", save="one")
    s.clock(by=SECOND - 1)
    assert s.renew("one", on="long")
    s.state(on="long")
    s.clock(by=SECOND)
    assert s.renew("one", on="short")
    s.state(on="short")
    s.clock(by=SECOND)
    assert not s.renew("one", on="long")


file("leases", "How many are at it at once.")
tell("held, renewed, given back", held, main=Limiter("3 concurrent", "concurrency", lease_us=SECOND))
tell("of one microsecond", same_moment, main=Limiter("3 concurrent", "concurrency"))
tell("beside a rate", beside, main=Limiter("4/s; 2 concurrent", lease_us=10 * SECOND))
tell("beside a log", beside, main=Limiter("4/s; 2 concurrent", "sliding_log", lease_us=10 * SECOND))
tell("renewed to the last", to_the_last, main=Limiter("3 concurrent", "concurrency", lease_us=SECOND))
tell("released twice", given_back, main=Limiter("3 concurrent", "concurrency", lease_us=SECOND))
tell("forgotten", forgotten, main=Limiter("3 concurrent", "concurrency"))
tell("denied", denied, main=Limiter("3 concurrent", "concurrency"))
tell("the clock is set back", set_back, main=Limiter("3 concurrent", "concurrency", lease_us=SECOND))
tell(
    "one name, two leases",
    longer,
    short=Limiter("3 concurrent", "concurrency", lease_us=SECOND),
    long=Limiter("3 concurrent", "concurrency", lease_us=60 * SECOND),
)
