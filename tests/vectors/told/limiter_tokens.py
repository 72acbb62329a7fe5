"""Token leasing: which hits ask the server, what it is charged, what is spent without it.

A client keeps tokens by its own clock, which no scenario sets: they are leased for a minute, and none takes as long.
"""

from __future__ import annotations

from .limiter import Limiter, Scenario, file, tell
from .scenario import SECOND

MINUTE = 60 * SECOND


def leasing(limits: str, most: int = 8, **more: object) -> Limiter:
    return Limiter(limits, token_lease=most, token_ttl_us=MINUTE, **more)  # type: ignore[arg-type]


def reasons(s: Scenario, count: int, on: str = "", key: str = "u") -> str:
    """Who answered that many hits: S the server, T tokens."""
    return "".join(s.hit(on=on, key=key).reason[0] for _ in range(count))


def grows(s: Scenario) -> None:
    """One, two, four, eight, and no more: each lease is charged whole, when it is taken."""
    for taken in ("S", "ST", "STTT", "STTTTTTT", "STTTTTTT"):
        first = s.hit()
        s.state()
        assert first.reason[0] + reasons(s, len(taken) - 1) == taken
        s.state()
    assert s.peek(0).remaining == 100 - 23


def uneven(s: Scenario) -> None:
    """The most need be no power of two."""
    assert reasons(s, 12) == "SSTSTTTSTTTT"
    s.state()


def not_enough(s: Scenario) -> None:
    """The last lease is what is left; then the server denies, and nothing is charged."""
    assert reasons(s, 10) == "SSTSTTTSTT"
    s.state()
    denied = s.hit()
    assert denied.status == "DENIED" and denied.reason == "SERVER"
    assert s.hit(2).status == "DENIED"
    assert s.hit().status == "DENIED"
    s.state()


def costs(s: Scenario) -> None:
    """A cost is spent whole from what is held, else charged by the server whole, which leaves the tokens."""
    reasons(s, 4)
    assert s.hit(2).reason == "TOKEN_LEASE"
    s.state()
    assert s.hit(2).reason == "SERVER"
    s.state()
    assert s.hit(0).reason == "SERVER"
    assert s.hit().reason == "TOKEN_LEASE"
    s.peek()
    assert s.hit_up_to(3).reason == "SERVER"
    s.state()


def refunded(s: Scenario) -> None:
    """What was spent from a lease goes back to it."""
    reasons(s, 4)
    s.hit(2, save="two")
    s.state()
    s.refund("two", 2)
    s.state()
    assert reasons(s, 4) == "TTTS"
    s.state()


def forgotten(s: Scenario) -> None:
    reasons(s, 5)
    s.reset()
    s.state()
    assert s.hit().reason == "SERVER"
    s.state()


def two_clients(s: Scenario) -> None:
    """Each holds its own, and is told what the server had left when it took them."""
    assert reasons(s, 3, on="one") == "SST"
    assert reasons(s, 3, on="two") == "SST"
    assert reasons(s, 4, on="one") == "STTT"
    assert s.hit(on="none").remaining == 20 - 3 - 3 - 4 - 1
    assert reasons(s, 9, on="two") == "STTTSTTTS"
    s.state(on="none")
    assert s.hit(on="none").status == "DENIED"


def keys_apart(s: Scenario) -> None:
    for key in ("a", "b", "a", "b", "a"):
        s.hit(key=key)
    s.state(key="a")
    s.state(key="b")


def two_limits(s: Scenario) -> None:
    assert reasons(s, 20) == "SSTSTTTSTTTTTTTSTTTT"
    assert s.hit().denied_by == 1
    s.state()


def overridden(s: Scenario) -> None:
    """With a change of the key's limits what is held is gone."""
    reasons(s, 5)
    s.set_override("50/h")
    assert s.hit().reason == "SERVER"
    s.state()
    assert s.hit().reason == "TOKEN_LEASE"
    s.clear_override()
    assert s.hit().reason == "SERVER"
    s.state()


def cannot_be(s: Scenario) -> None:
    for options in (
        {"token_lease": 1},
        {"token_lease": 1_000_001},
        {"token_ttl_us": SECOND},
        {"token_lease": 2, "token_ttl_us": 9_999},
        {"token_lease": 2, "token_ttl_us": MINUTE + 1},
        {"token_lease": 2, "shadow": 1},
        {"token_lease": 2, "charge_denials": 1},
        {"token_lease": 2, "block_us": SECOND},
        {"token_lease": 2, "reservations": 1},
    ):
        s.cannot_open("10/s", "INVALID", "OPTION", **options)
    s.cannot_open("10/s; 2 concurrent", "INVALID", "OPTION", token_lease=2)
    s.cannot_open("10/s; 5/s as soft shadow", "INVALID", "OPTION", token_lease=2)


file("tokens", "Hits that a client answers from tokens that it took before.")
for algorithm in ("gcra", "fixed_window", "sliding_counter", "sliding_log"):
    tell(f"a lease grows, {algorithm}", grows, main=leasing("100/h", algorithm=algorithm))
    tell(f"less is left than is asked for, {algorithm}", not_enough, main=leasing("10/h", algorithm=algorithm))
tell("five at once", uneven, main=leasing("100/h", 5))
tell("costs", costs, main=leasing("100/h"))
tell("given back", refunded, main=leasing("100/h"))
tell("forgotten", forgotten, main=leasing("100/h"))
tell("two clients", two_clients, one=leasing("20/h"), two=leasing("20/h", 4), none=Limiter("20/h"))
tell("each key has its own", keys_apart, main=leasing("100/h"))
tell("two limits", two_limits, main=leasing("100/h; 20/d"))
tell("the limits change", overridden, main=leasing("100/h", overrides_us=3600 * SECOND))
tell("options that cannot be", cannot_be)
