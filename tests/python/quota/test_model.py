"""Random operations, the server's clock moved on and back, against a model with Python's calendar."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import keywright
from support.quota_model import DAY, SECOND, Quota

START = 1_767_225_600 * SECOND
LATE = round(datetime(2100, 2, 27, tzinfo=UTC).timestamp()) * SECOND
STATE = ["", ":reservations", ":leases", ":settled"]
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
        st.tuples(st.just("back"), st.sampled_from([DAY, 3 * DAY, 9 * DAY, 100 * DAY, 800 * DAY])),
    ),
    min_size=20,
    max_size=60,
)

# A clock that steps back over what had ended, but was not written since.
LAPSED_UNSEEN = [
    *[("consume", 1), ("edge", -1), ("reserve", 1, "b", 1), ("move", SECOND)],
    *[("consume", 1), ("back", 1), ("cancel", "b")],
]
REFUNDED_LATE = [("consume", 1), ("move", DAY), ("refund", 1, 0), ("back", 1), ("consume", 1)]
EXPIRED = [("consume", 1), ("move", DAY + SECOND), ("consume", 0), ("back", SECOND + 1), ("consume", 0)]
# What was wrong in the server.
LAPSED_BESIDE_A_SETTLED = [
    *[("consume", 1), ("edge", -1), ("reserve", 5, "a", 1), ("reserve", 1, "b", 1), ("commit", "b", 1)],
    *[("move", 60 * SECOND), ("reserve", 5, "a", 1)],
]
LAPSED_AFTER_A_SETTLED = [
    *[("reserve", 1, "a", 86_400), ("commit", "a", 0), ("reserve", 1, "c", 1)],
    *[("move", DAY), ("reserve", 1, "c", 1)],
]
HEALED_BY_A_COMMIT = [("reserve", 3, "a", 3600), ("consume", 2), ("back", 3 * DAY), ("commit", "a", 1)]
LEASE_OF_THE_FUTURE = [("reserve", 9, "a", 1), ("back", 9 * DAY), ("peek", 4), ("consume", 4)]


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
            self.expire()
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

    def expire(self):
        """Has the server drop what expired now, not at a moment of its own; the model is told, if it may be dropped."""
        state, *parts = (f"kw:quota:{{api:k}}:{self.model.period}{part}" for part in STATE)
        if not self.server.command("EXISTS", state):
            assert self.model.ends <= self.now
            self.model.forget_state()
        elif self.model.ends:
            assert self.now <= self.model.ends + 2000
        if not self.server.command("EXISTS", *parts):
            assert not self.model.needed(self.now)
            self.model.forget_reservations()

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
@example(limit=2, period="day", zone=0, start=START, done=LAPSED_UNSEEN)
@example(limit=1, period="day", zone=0, start=START, done=REFUNDED_LATE)
@example(limit=1, period="day", zone=0, start=START, done=EXPIRED)
@example(limit=9, period="day", zone=0, start=START, done=LAPSED_BESIDE_A_SETTLED)
@example(limit=1, period="day", zone=1, start=START, done=LAPSED_AFTER_A_SETTLED)
@example(limit=9, period="day", zone=0, start=LATE, done=HEALED_BY_A_COMMIT)
@example(limit=9, period="month", zone=0, start=LATE, done=LEASE_OF_THE_FUTURE)
@THOROUGH
def test_a_quota_does_what_the_calendar_says(client, server, clock, limit, period, zone, start, done):
    quota = client.quota("api", limit, period=period, zone_minutes=zone)
    run = Run(server, clock, quota, Quota(limit, period, zone), start)
    for operation in done:
        run.do(*operation)
