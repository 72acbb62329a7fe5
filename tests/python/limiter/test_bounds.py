"""What each algorithm promises, looked at from outside: how much was admitted and kept in any span of time.

Time is what passed: a step back of the server's clock takes no time, and gives nothing.
"""

import os
from fractions import Fraction
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SECOND = 1_000_000
START = 1_767_225_600_000_000
THOROUGH = settings(
    max_examples=int(os.environ.get("KEYWRIGHT_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
forward = [
    st.tuples(st.just("hit"), st.integers(1, 12)),
    st.tuples(st.just("hit"), st.integers(1, 3)),
    st.tuples(st.just("up_to"), st.integers(1, 12)),
    st.tuples(st.just("refund"), st.integers(0, 20), st.integers(1, 12)),
    st.tuples(st.just("advance"), st.one_of(st.integers(0, 1000), st.integers(0, 2 * SECOND))),
]
back = st.tuples(st.just("back"), st.one_of(st.integers(1, 2 * SECOND), st.integers(1, 10**12)))
onward = st.lists(st.one_of(forward), max_size=60)
anyhow = st.lists(st.one_of([*forward, back]), max_size=60)


class Ledger:
    """A key under a limiter: when how much was admitted and not refunded."""

    def __init__(self, server, clock, limiter):
        server.command("FLUSHALL")
        self.clock, self.limiter, self.now, self.passed = clock, limiter, START, 0
        self.entries = []
        self.refunded = 0
        clock.freeze(START)

    def do(self, kind, *args):
        kept = [entry for entry in self.entries if entry[1] > 0]
        if kind in ("advance", "back"):
            by = args[0] if kind == "advance" else -args[0]
            self.now += by
            self.passed += max(0, by)
            self.clock.freeze(self.now)
        elif kind == "refund":
            if kept:
                entry = kept[args[0] % len(kept)]
                taken = min(args[1], entry[1])
                self.limiter.refund(entry[2], taken)
                entry[1] -= taken
                self.refunded += taken
        else:
            decision = self.limiter.hit("k", *args) if kind == "hit" else self.limiter.hit_up_to("k", *args)
            if decision:
                self.entries.append([self.passed, decision.amount, decision])

    def most_within(self, span):
        """The most that was kept in any span shorter than this."""
        return max(
            (
                sum(amount for at, amount, _ in self.entries[first:] if at < self.entries[first][0] + span)
                for first in range(len(self.entries))
            ),
            default=0,
        )

    def beyond_rate(self, burst, rate):
        """By how much any span until now holds more than the burst and the rate."""
        return max(
            (
                sum(amount for _, amount, _ in self.entries[first:])
                - burst
                - rate * Fraction(self.passed - self.entries[first][0], SECOND)
                for first in range(len(self.entries))
            ),
            default=0,
        )


def follow(ledger, done, holds):
    for operation in done:
        ledger.do(*operation)
        assert holds(ledger)


@given(count=st.integers(1, 20), burst=st.integers(1, 20), done=onward)
@THOROUGH
def test_gcra_admits_the_burst_and_the_rate(client, server, clock, count, burst, done):
    limiter = client.limiter("bound", f"{count}/s burst {burst}")
    follow(Ledger(server, clock, limiter), done, lambda ledger: ledger.beyond_rate(burst, count) <= 0)


@given(count=st.integers(1, 20), burst=st.integers(1, 20), done=anyhow)
@THOROUGH
def test_a_step_back_gives_gcra_no_more(client, server, clock, count, burst, done):
    limiter = client.limiter("bound", f"{count}/s burst {burst}")
    done = [operation for operation in done if operation[0] != "refund"]
    follow(Ledger(server, clock, limiter), done, lambda ledger: ledger.beyond_rate(burst, count) <= 0)


@given(count=st.integers(1, 20), burst=st.integers(1, 20), done=anyhow)
@THOROUGH
def test_refunds_around_a_step_back_give_no_more_than_was_refunded(client, server, clock, count, burst, done):
    """Which of two came first the clock cannot tell then; what is given too much is bounded by what was given back."""
    limiter = client.limiter("bound", f"{count}/s burst {burst}")
    follow(Ledger(server, clock, limiter), done, lambda ledger: ledger.beyond_rate(burst, count) <= ledger.refunded)


@given(done=onward)
@THOROUGH
def test_several_limits_each_keep_their_bound(client, server, clock, done):
    limiter = client.limiter("bound", "7/s burst 10; 12 per 3 s burst 15")

    def holds(ledger):
        return ledger.beyond_rate(10, 7) <= 0 and ledger.beyond_rate(15, 4) <= 0

    follow(Ledger(server, clock, limiter), done, holds)


@given(limit=st.integers(1, 12), done=anyhow)
@THOROUGH
def test_the_log_never_admits_more_in_any_period(client, server, clock, limit, done):
    limiter = client.limiter("bound", f"{limit}/s", algorithm="sliding_log")
    follow(Ledger(server, clock, limiter), done, lambda ledger: ledger.most_within(SECOND) <= limit)


@given(limit=st.integers(1, 12), done=anyhow)
@THOROUGH
def test_the_counter_admits_less_than_twice_in_any_period(client, server, clock, limit, done):
    """A period meets two windows at most, and what the one before still weighs is 1 at least."""
    limiter = client.limiter("bound", f"{limit}/s", algorithm="sliding_counter")
    follow(Ledger(server, clock, limiter), done, lambda ledger: ledger.most_within(SECOND) <= max(limit, 2 * limit - 1))


@pytest.mark.parametrize("align", ["first_hit", "clock"])
@given(limit=st.integers(1, 12), done=onward)
@THOROUGH
def test_windows_admit_twice_at_an_edge_and_no_more(client, server, clock, align, limit, done):
    limiter = client.limiter("bound", f"{limit}/s", algorithm="fixed_window", align=align)
    follow(Ledger(server, clock, limiter), done, lambda ledger: ledger.most_within(SECOND) <= 2 * limit)


@given(limit=st.integers(1, 12), done=anyhow)
@THOROUGH
def test_a_step_back_gives_a_window_no_more(client, server, clock, limit, done):
    limiter = client.limiter("bound", f"{limit}/s", algorithm="fixed_window")
    follow(Ledger(server, clock, limiter), done, lambda ledger: ledger.most_within(SECOND) <= 2 * limit)


@given(limit=st.integers(1, 12), done=anyhow)
@THOROUGH
def test_never_are_more_leases_held(client, server, clock, limit, done):
    limiter = client.limiter("bound", f"{limit} concurrent", algorithm="concurrency", lease=1)

    def holds(ledger):
        return sum(amount for at, amount, _ in ledger.entries if ledger.passed < at + SECOND) <= limit

    follow(Ledger(server, clock, limiter), done, holds)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("text", ["500/s", "700/s burst 500; 800 per 2 s burst 600"])
def test_hundreds_of_refunds_in_any_order_give_nothing_twice(client, server, clock, text, seed):
    random = Random(seed)
    ledger = Ledger(server, clock, client.limiter("bound", text))
    for _ in range(1500):
        kind = random.choice(["hit", "hit", "refund", "refund", "refund", "advance"])
        if kind == "hit":
            ledger.do("hit", random.randint(1, 4))
        elif kind == "refund":
            ledger.do("refund", random.randrange(1000), random.randint(1, 3))
        else:
            ledger.do("advance", random.choice([0, 1, 1000, 20_000]))
    ledger.do("up_to", 600)
    if text == "500/s":
        assert ledger.beyond_rate(500, 500) <= 0
    else:
        assert ledger.beyond_rate(500, 700) <= 0 and ledger.beyond_rate(600, 400) <= 0


def test_a_refund_after_a_step_back_is_remembered(client, server, clock):
    ledger = Ledger(server, clock, client.limiter("bound", "1/s burst 20"))
    for operation in [
        ("hit", 5),
        ("hit", 5),
        ("back", 5 * SECOND),
        ("refund", 0, 5),
        ("advance", 10 * SECOND),  # the second has flowed back, for the first was taken back
        ("hit", 20),
        ("refund", 0, 5),
        ("up_to", 20),
    ]:
        ledger.do(*operation)
        assert ledger.beyond_rate(20, 1) <= 0


@pytest.mark.parametrize("text", ["10/s", "7/s burst 10"])
def test_time_that_has_passed_is_not_given_back_again(client, clock, text):
    """Ten hits, ten more when those have flowed back, and the first are refunded: nothing is admitted for that."""
    clock.freeze(START)
    limiter = client.limiter("example", text)
    first = limiter.hit("k", 10)
    clock.advance(round(first.reset_after * SECOND))
    assert sum(bool(limiter.hit("k")) for _ in range(20)) == 10
    limiter.refund(first, 10)
    assert sum(bool(limiter.hit("k")) for _ in range(20)) == 0
