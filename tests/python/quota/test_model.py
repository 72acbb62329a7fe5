"""Random operations, the server's clock moved on and back, against a model with Python's calendar."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keywright
from support.quota_model import DAY, SECOND, Quota

START = 1_767_225_600 * SECOND
LATE = round(datetime(2100, 2, 27, tzinfo=UTC).timestamp()) * SECOND
THOROUGH = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
costs, names = st.integers(0, 12), st.sampled_from("abc")
operations = st.lists(
    st.one_of(
        st.tuples(st.just("consume"), costs),
        st.tuples(st.just("peek"), costs),
        st.tuples(st.just("reserve"), st.integers(1, 8), names, st.sampled_from([1, 3600, 86_400, 7 * 86_400])),
        st.tuples(st.just("commit"), names, costs),
        st.tuples(st.just("cancel"), names),
        st.tuples(st.just("refund"), st.integers(1, 5), st.integers(0, 3)),
        st.tuples(st.just("reset")),
        st.tuples(st.just("move"), st.sampled_from([1, SECOND, 60 * SECOND, 550 * SECOND, 3600 * SECOND])),
        st.tuples(st.just("move"), st.sampled_from([DAY, 2 * DAY, 40 * DAY])),
        st.tuples(st.just("edge"), st.integers(-1, 1)),
        st.tuples(st.just("back"), st.integers(1, 3600 * SECOND)),
    ),
    min_size=20,
    max_size=60,
)


class Run:
    def __init__(self, server, clock, quota, model, start):
        self.server, self.clock, self.quota, self.model, self.now = server, clock, quota, model, start
        self.ends = []
        server.command("FLUSHALL")
        clock.freeze(start)

    def do(self, kind, *args):
        if kind in ("move", "back", "edge"):
            by = {"move": lambda n: n, "back": lambda n: -n, "edge": lambda n: max(0, self.model.ends - self.now) + n}
            self.now = max(START, self.now + by[kind](args[0]))
            self.clock.freeze(self.now)
            return
        if kind == "reset":
            self.quota.reset("k")
            self.model.forget()
            return
        if kind == "refund":
            if self.ends:
                ends = self.ends[args[1] % len(self.ends)]
                self.quota.refund("k", args[0], ends)
                self.model.refund(self.now, args[0], ends)
            return
        self.check(self.answered(kind, args))

    def answered(self, kind, args):
        if kind == "consume":
            expected, told = self.model.consume(self.now, args[0]), self.quota.consume("k", args[0])
        elif kind == "peek":
            expected, told = self.model.peek(self.now, args[0]), self.quota.peek("k", args[0])
        elif kind == "reserve":
            cost, name, lease = args
            expected = self.model.reserve(self.now, cost, name, lease * SECOND)
            told = self.quota.reserve("k", cost, name, lease=lease)
        else:
            entry, actual = (f"c {args[1]}", args[1]) if kind == "commit" else ("x", 0)
            expected = self.model.settle(self.now, args[0], entry, actual)
            if expected != "OK":
                wanted = {"NOT_FOUND": keywright.NotFound, "CONFLICT": keywright.Conflict}[expected]
                with pytest.raises(wanted):
                    getattr(self.quota, kind)("k", *args)
                return None
            told = getattr(self.quota, kind)("k", *args)
        assert told.status.name == expected
        return told

    def check(self, told):
        if told is None:
            return
        seen = self.model.seen(self.now)
        assert (told.used, told.resets_at_us) == (seen.charged, seen.ends)
        assert told.remaining == max(0, seen.limit - seen.charged)
        assert seen.ends > self.now
        self.ends.append(told.resets_at_us)
        for key in self.server.command("KEYS", "*"):
            assert self.server.command("PTTL", key) > 0


@given(
    limit=st.integers(1, 20),
    period=st.sampled_from(["day", "week", "month", "year"]),
    zone=st.integers(-840, 840),
    start=st.sampled_from([START, LATE]),
    done=operations,
)
@THOROUGH
def test_a_quota_does_what_the_calendar_says(client, server, clock, limit, period, zone, start, done):
    quota = client.quota("api", limit, period=period, zone_minutes=zone)
    run = Run(server, clock, quota, Quota(limit, period, zone), start)
    for operation in done:
        run.do(*operation)
