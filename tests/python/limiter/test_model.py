"""Random operations, the server's clock moved about, against what the promise says in fractions."""

from fractions import Fraction
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.limiter_model import NEVER, FixedWindow, Gcra

START = 1_767_225_600_000_000
EARLIEST = 1_100_000_000_000_000
SECOND = 1_000_000
UNITS = {"us": 1, "ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
THOROUGH = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

nudges = st.integers(-1, 1)
costs = st.one_of(st.integers(1, 3), st.integers(0, 1200))
steps = [
    st.tuples(st.just("hit"), costs),
    st.tuples(st.just("hit"), costs),
    st.tuples(st.just("fill"), nudges),  # as much as there is, or one more or less
    st.tuples(st.just("peek"), costs),
    st.tuples(st.just("refund"), st.integers(0, 3), st.integers(1, 1200)),
    st.tuples(st.just("refund"), st.integers(0, 3), st.integers(1, 1200)),
    st.tuples(st.just("reset")),
    st.tuples(st.just("persist")),
    st.tuples(st.just("advance"), st.one_of(st.integers(0, 10), st.integers(0, 3 * SECOND), st.integers(0, 10**12))),
    st.tuples(st.just("interval"), st.integers(1, 5), nudges),  # the time of some hits
    st.tuples(st.just("retry"), nudges),  # as long as the last denial said
    st.tuples(st.just("settle"), nudges),  # until the state has passed
    st.tuples(st.just("back"), st.one_of(st.integers(1, SECOND), st.integers(1, 10**14))),
]
operations = st.lists(st.one_of(steps), min_size=5, max_size=50)
#: Rates whose interval is whole, has a remainder, and is rounded.
limits = st.tuples(
    st.one_of(st.integers(1, 12), st.sampled_from([7, 60, 997, 1000, 1009, 100_003])),
    st.one_of(st.sampled_from(["ms", "s"]), st.sampled_from(list(UNITS))),
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(1, 20), st.integers(1, 1100)),
).filter(lambda limit: limit[0] <= 1000 * UNITS[limit[1]])


def us(seconds):
    return NEVER if seconds == inf else round(seconds * SECOND)


def same(decision, answer):
    assert decision.status.name == answer.status
    assert decision.amount == answer.count
    assert decision.limit == answer.limit
    assert decision.remaining == answer.remaining
    assert decision.denied_by == answer.denied_by
    if answer.retry_after_us == NEVER or answer.retry_after_us < 2**40:
        assert us(decision.retry_after) == answer.retry_after_us
        assert us(decision.reset_after) == answer.reset_after_us


class Run:
    """One limiter and its model side by side."""

    def __init__(self, server, clock, limiter, model, part):
        self.server, self.clock, self.limiter, self.model = server, clock, limiter, model
        self.now = START
        self.made = []
        self.retry_after = 0
        self.key = f"kw:limiter:{{model:k}}:{part}"
        server.command("FLUSHALL")
        clock.freeze(START)

    def move(self, by):
        self.now = max(EARLIEST, self.now + by)
        self.clock.freeze(self.now)
        for key in (self.key, f"{self.key}:refunds"):  # an expired key goes now, not at some other moment
            self.server.command("EXISTS", key)
        self.model.pass_to(self.now)

    def do(self, operation):
        kind, *args = operation
        if kind == "fill":
            kind, args = "hit", [max(0, self.model.peek(self.now).remaining + args[0])]
        if kind == "hit":
            decision, answer = self.limiter.hit("k", args[0]), self.model.hit(self.now, args[0])
            same(decision, answer)
            self.made.append((decision, answer, self.now))
            self.retry_after = 0 if answer.retry_after_us == NEVER else answer.retry_after_us
        elif kind == "peek":
            same(self.limiter.peek("k", args[0]), self.model.peek(self.now, args[0]))
        elif kind == "refund":
            charged = [made for made in self.made if made[1].count > 0]
            if charged:
                decision, answer, _ = charged[args[0] % len(charged)]
                count = 1 + args[1] % answer.count
                self.limiter.refund(decision, count)
                self.model.refund(self.now, answer, count)
        elif kind == "reset":
            self.limiter.reset("k")
            self.model.forget()
        elif kind == "persist":
            if self.model.value is not None:
                self.server.command("PERSIST", self.key)
                self.model.persist()
        elif kind == "advance":
            self.move(args[0])
        elif kind == "interval":
            self.move(args[0] * self.model.interval.__floor__() + args[1])
        elif kind == "retry":
            self.move(max(0, self.retry_after + args[0]))
        elif kind == "settle":
            self.move(max(0, self.model.peek(self.now).reset_after_us + args[0]))
        else:
            self.move(-args[0])
        self.check(kind)

    def check(self, kind):
        value = self.server.command("GET", self.key)
        assert (value and value.decode()) == self.model.value
        assert self.server.command("DBSIZE") == (value is not None) + bool(self.model.refunds)
        if value is None:
            return
        expires = self.server.command("PEXPIRETIME", self.key)
        assert expires == (-1 if self.model.expires_ms is None else self.model.expires_ms)
        assert expires > 0 or kind != "hit" or self.made[-1][1].count == 0


@given(limit=limits, done=operations)
@THOROUGH
def test_gcra_does_what_the_fractions_say(client, server, clock, limit, done):
    count, unit, multiple, burst = limit
    text = f"{count} per {multiple} {unit}" + ("" if burst is None else f" burst {burst}")
    model = Gcra(count, multiple * UNITS[unit], burst or count)
    run = Run(server, clock, client.limiter("model", text), model, f"tat:{multiple * UNITS[unit]}")
    for operation in done:
        run.do(operation)


@given(limit=limits, done=operations)
@THOROUGH
def test_a_fixed_window_does_what_counting_says(client, server, clock, limit, done):
    count, unit, multiple, _ = limit
    model = FixedWindow(count, multiple * UNITS[unit])
    limiter = client.limiter("model", f"{count} per {multiple} {unit}", algorithm="fixed_window")
    run = Run(server, clock, limiter, model, f"window:{multiple * UNITS[unit]}")
    for operation in done:
        run.do(operation)


forward = st.lists(
    st.one_of(
        st.tuples(st.just("hit"), st.integers(1, 12)),
        st.tuples(st.just("refund"), st.integers(0, 20), st.integers(1, 12)),
        st.tuples(st.just("advance"), st.one_of(st.integers(0, 1000), st.integers(0, 2 * SECOND))),
    ),
    max_size=60,
)


@given(count=st.integers(1, 20), burst=st.integers(1, 20), done=forward)
@THOROUGH
def test_in_no_span_of_time_is_more_admitted_than_burst_and_rate(client, server, clock, count, burst, done):
    """Those admitted and not refunded are no more than burst + rate x time, from any moment on."""
    server.command("FLUSHALL")
    limiter, now, admitted = client.limiter("span", f"{count}/s burst {burst}"), START, []
    clock.freeze(START)
    for kind, *args in done:
        kept = [entry for entry in admitted if entry[1] > 0]
        if kind == "advance":
            now += args[0]
            clock.freeze(now)
        elif kind == "hit":
            decision = limiter.hit("k", args[0])
            if decision:
                admitted.append([now, args[0], decision])
        elif kept:
            entry = kept[args[0] % len(kept)]
            taken = min(args[1], entry[1])
            limiter.refund(entry[2], taken)
            entry[1] -= taken
        for start in range(len(admitted)):
            span = Fraction(now - admitted[start][0], SECOND)
            assert sum(entry[1] for entry in admitted[start:]) <= burst + count * span


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
