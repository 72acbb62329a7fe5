"""Random reservations, the server's clock moved on and back, against a model in fractions."""

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keywright
from support.limiter_model import FixedWindow, Gcra
from support.reservation_model import Reserving

START = 1_767_225_600_000_000
EARLIEST = 1_100_000_000_000_000
SECOND = 1_000_000
UNITS = {"ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
THOROUGH = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
costs, names = st.integers(1, 12), st.sampled_from("abcd")
operations = st.lists(
    st.one_of(
        st.tuples(st.just("hit"), st.integers(0, 12)),
        st.tuples(st.just("peek"), st.integers(0, 12)),
        st.tuples(st.just("reserve"), costs, names, st.sampled_from([1000, SECOND, 60 * SECOND, 86_400 * SECOND])),
        st.tuples(st.just("reserve"), costs, names, st.sampled_from([1000, SECOND, 60 * SECOND])),
        st.tuples(st.just("commit"), names, st.integers(0, 20)),
        st.tuples(st.just("commit"), names, st.integers(0, 3)),
        st.tuples(st.just("cancel"), names),
        st.tuples(st.just("reset")),
        st.tuples(st.just("move"), st.one_of(st.integers(0, 10), st.integers(0, 3 * SECOND), st.integers(0, 10**10))),
        st.tuples(st.just("lapse"), names, st.integers(-1, 1)),  # to the end of a lease
        st.tuples(st.just("back"), st.one_of(st.integers(1, SECOND), st.integers(1, 10**13))),
    ),
    min_size=10,
    max_size=50,
)
limits = st.tuples(st.one_of(st.integers(1, 12), st.sampled_from([7, 997])), st.sampled_from(list(UNITS)))


class Run:
    def __init__(self, server, clock, limiter, model, key):
        self.server, self.clock, self.limiter, self.model, self.key = server, clock, limiter, model, key
        self.now, self.capacity = START, model.limit.peek(START, 0).limit
        server.command("FLUSHALL")
        clock.freeze(START)

    def move(self, by):
        self.now = max(EARLIEST, self.now + by)
        self.clock.freeze(self.now)
        for part in ("", ":refunds"):
            self.server.command("EXISTS", self.key + part)
        self.model.limit.pass_to(self.now)

    def do(self, kind, *args):
        if kind == "lapse":
            each = self.model.open.get(args[0])
            kind, args = "move", [max(0, each.lapses - self.now + args[1]) if each else 1]
        if kind in ("move", "back"):
            self.move(args[0] if kind == "move" else -args[0])
        elif kind == "reset":
            self.limiter.reset("k")
            self.model.reset()
        elif kind in ("hit", "peek"):
            told = getattr(self.limiter, kind)("k", args[0])
            if kind == "peek":
                self.model.lapse(self.now)
                expected = self.model.limit.peek(self.now, args[0])
            else:
                expected = self.model.hit(self.now, args[0])
            assert (told.status.name, told.amount, told.remaining) == (
                expected.status,
                expected.count,
                expected.remaining,
            )
        elif kind == "reserve":
            cost, name, lease = args
            cost = min(cost, self.capacity)
            told = self.limiter.reserve("k", cost, name, lease=lease / 1e6)
            assert told.status.name == self.model.reserve(self.now, cost, name, lease)
        else:
            self.settle(kind, *args)
        self.check()

    def settle(self, kind, name, *actual):
        entry = f"c {actual[0]}" if kind == "commit" else "x"
        expected = self.model.settle(self.now, name, entry, *(actual or [0]))
        if expected == "OK":
            told = getattr(self.limiter, kind)("k", name, *actual)
            assert told and told.amount == (actual[0] if actual else 0)
            return
        with pytest.raises({"NOT_FOUND": keywright.NotFound, "CONFLICT": keywright.Conflict}[expected]):
            getattr(self.limiter, kind)("k", name, *actual)

    def check(self):
        value = self.server.command("GET", self.key)
        assert (value and value.decode()) == self.model.limit.value
        for key in self.server.command("KEYS", "*"):
            assert self.server.command("PTTL", key) >= 0


@given(limit=limits, burst=st.integers(1, 20), done=operations)
@THOROUGH
def test_reservations_under_gcra_do_what_the_fractions_say(client, server, clock, limit, burst, done):
    count, unit = limit
    limiter = client.limiter("model", f"{count}/{unit} burst {burst}", reservations=True)
    model = Reserving(Gcra(count, UNITS[unit], burst))
    run = Run(server, clock, limiter, model, f"kw:limiter:{{model:k}}:tat:{UNITS[unit]}")
    for operation in done:
        run.do(*operation)


@given(limit=limits, done=operations)
@THOROUGH
def test_reservations_in_a_window_do_what_counting_says(client, server, clock, limit, done):
    count, unit = limit
    limiter = client.limiter("model", f"{count}/{unit}", algorithm="fixed_window", reservations=True)
    model = Reserving(FixedWindow(count, UNITS[unit]))
    run = Run(server, clock, limiter, model, f"kw:limiter:{{model:k}}:window:{UNITS[unit]}")
    for operation in done:
        run.do(*operation)


forward = st.lists(
    st.one_of(
        st.tuples(st.just("hit"), costs),
        st.tuples(st.just("reserve"), costs, names, st.sampled_from([1000, SECOND // 2, SECOND])),
        st.tuples(st.just("commit"), names, st.integers(0, 12)),
        st.tuples(st.just("cancel"), names),
        st.tuples(st.just("move"), st.one_of(st.integers(0, 1000), st.integers(0, 2 * SECOND))),
    ),
    max_size=60,
)


@given(count=st.integers(1, 20), burst=st.integers(1, 20), done=forward)
@THOROUGH
def test_what_stays_charged_in_any_span_of_time_is_within_burst_and_rate(client, server, clock, count, burst, done):
    """However reserved, settled and lapsed; no commit goes beyond what was reserved."""
    server.command("FLUSHALL")
    limiter, now, kept, open_ones = client.limiter("span", f"{count}/s burst {burst}", reservations=True), START, [], {}
    clock.freeze(START)
    for kind, *args in done:
        if kind == "move":
            now += args[0]
            clock.freeze(now)
        elif kind == "hit":
            if limiter.hit("k", args[0]):
                kept.append([now, args[0]])
        elif kind == "reserve":
            cost, name, lease = args
            known = name in open_ones and open_ones[name][1] > now
            if limiter.reserve("k", cost, name, lease=lease / 1e6) and not known:
                entry = [now, cost]
                kept.append(entry)
                open_ones[name] = (entry, now + lease)
        elif open_ones.get(args[0], (None, 0))[1] > now:
            entry, _ = open_ones.pop(args[0])
            entry[1] = min(args[1], entry[1]) if kind == "commit" else 0
            limiter.commit("k", args[0], entry[1]) if kind == "commit" else limiter.cancel("k", args[0])
        for entry, end in open_ones.values():
            if end <= now:
                entry[1] = 0  # it returns by itself
        for start in range(len(kept)):
            span = Fraction(now - kept[start][0], SECOND)
            assert sum(entry[1] for entry in kept[start:]) <= burst + count * span


@pytest.mark.parametrize("algorithm", ["sliding_log", "sliding_counter"])
@given(done=forward)
@settings(THOROUGH, max_examples=100)
def test_what_stays_charged_in_a_sliding_window_is_within_its_limit(client, server, clock, algorithm, done):
    server.command("FLUSHALL")
    limiter = client.limiter("span", "10/s", algorithm=algorithm, reservations=True)
    now, held = START, {}
    clock.freeze(START)
    for kind, *args in done:
        if kind == "move":
            now += args[0]
            clock.freeze(now)
        elif kind == "hit":
            limiter.hit("k", args[0])
        elif kind == "reserve":
            if limiter.reserve("k", args[0], args[1], lease=args[2] / 1e6):
                held[args[1]] = args[0]
        elif args[0] in held:
            with suppress(keywright.NotFound, keywright.Conflict):
                if kind == "commit":
                    limiter.commit("k", args[0], min(args[1], held[args[0]]))
                else:
                    limiter.cancel("k", args[0])
        seen = limiter.peek("k", 0)
        assert 0 <= seen.remaining <= 10
        for key in server.command("KEYS", "*"):
            assert server.command("PTTL", key) >= 0
