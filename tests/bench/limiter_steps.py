"""Rate limiters: what more than one limit costs, what is held and given back, and what need not be asked."""

from __future__ import annotations

from frame.make import Make
from frame.plan import Target, Work
from limiter_algorithms import DENIED, HOUR_US

HIGH = "1000/h burst 1000000000"
#: Slow ones, for a state that expired before it was weighed would take no bytes; with keys of one length, which weigh
#: alike.
ONE, TWO = "10/m burst 100000 as a", "10/m burst 100000 as a; 1000/h burst 100000 as b"
INTERVAL_US, INTERVAL_TOO_US, BURST = 6_000_000, 3_600_000, 100_000
HOLDERS, PERMITS = 100, 1000


def works(make: Make) -> list[Work]:
    return [two_limits(make), permits(make), denial_cache(make), leased_hit(make)]


def two_limits(make: Make) -> Work:
    terms = (INTERVAL_US, BURST * INTERVAL_US, INTERVAL_TOO_US, BURST * INTERVAL_TOO_US)
    one, two = (make.sent_by(make.keywright("call", 1, limit)) for limit in (ONE, TWO))
    return Work(
        "two limits in one step",
        [
            make.floor("by hand, one", "call", 1, make.script("gcra", one, *terms[:2], prefix="bo"), answer=1),
            make.floor("by hand", "call", 1, make.script("gcra_two", two, *terms), answer=1),
            make.keywright("call", 1, ONE, name="keywright-c, one"),
            make.keywright("call", 1, TWO),
        ],
        targets=[
            Target("keywright-c", "keywright-c, one", "server_us", at_most=1.60),
            Target("keywright-c", "keywright-c, one", "p50_us", at_most=1.60),
        ],
    )


def permits(make: Make) -> Work:
    """An operation is a hit and its release, by a key of which others hold as many permits."""
    limit = f"{PERMITS} concurrent"
    subject = make.keywright("pair", 1, limit, "concurrency", prepared=HOLDERS)
    sent = make.sent_by(subject)
    take, fill = (make.script("acquire", sent, PERMITS, HOUR_US, count) for count in (1, HOLDERS))
    give = make.script("release", sent, "?")
    return Work(
        f"acquire and release at {HOLDERS} holders",
        [make.floor("by hand", "pair", 1, take, answer=1, first=fill, then=give), subject],
        targets=[Target("keywright-c", "by hand", "server_us", at_most=2.0)],
    )


def denial_cache(make: Make) -> Work:
    return Work(
        "denial cache",
        [
            make.keywright("deny", 1, DENIED, prepared=1, name="keywright-c, without"),
            make.keywright("remember", 1, DENIED, prepared=1),
        ],
        targets=[Target("keywright-c", "", "client_us", below=1.0)],
    )


def leased_hit(make: Make) -> Work:
    return Work(
        "leased hit",
        [make.keywright("call", 1, HIGH, name="keywright-c, without"), make.keywright("lease", 1, HIGH, prepared=1)],
        targets=[Target("keywright-c", "", "client_us", below=1.0)],
    )
