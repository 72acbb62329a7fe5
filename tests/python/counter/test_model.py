"""Random operations, the server's clock moved about, against a model with whole numbers and Python's calendar."""

from math import inf

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.counter_model import INT_MAX, INT_MIN, NEVER, Exact, Window

START = 1_767_225_600_000_000
YEAR_2100 = 4_102_444_800_000_000
EARLIEST = 1_100_000_000_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND
THOROUGH = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

#: Whole numbers of all sizes, and those at which arithmetic breaks.
EDGES = [0, 9, 10**9 - 1, 10**9, 10**9 + 1, 2**53 - 1, 2**53, 2**53 + 1, 10**18, INT_MAX - 1, INT_MAX]
sized = st.one_of(st.integers(0, 20), st.sampled_from(EDGES), st.integers(0, INT_MAX))
amounts = st.tuples(sized, st.booleans()).map(lambda pair: -pair[0] if pair[1] else pair[0])
names = st.sampled_from("pqrst")
moves = [
    st.tuples(st.just("advance"), st.one_of(st.integers(0, 10), st.integers(0, 3 * SECOND), st.integers(0, 10**12))),
    st.tuples(st.just("settle"), st.integers(-1, 1)),  # until the count has ended
    st.tuples(st.just("back"), st.one_of(st.integers(1, SECOND), st.integers(1, 10**14))),
]


def us(seconds):
    return NEVER if seconds == inf else round(seconds * SECOND)


class Run:
    """One counter and its model side by side."""

    def __init__(self, server, clock, counter, model, part, start=START):
        self.server, self.clock, self.counter, self.model = server, clock, counter, model
        self.key = f"kw:counter:{{model:k}}:{part}"
        self.now = start
        server.command("FLUSHALL")
        clock.freeze(start)

    def move(self, by):
        self.now = max(EARLIEST, self.now + by)
        # In the millisecond of its expiry a key may be there or not: a command leaves it, the server's cron takes it.
        ids = self.model.ids
        while self.now // 1000 in (self.model.expires_ms, ids.fresh_expires, ids.older_expires):
            self.now += 1000
        self.clock.freeze(self.now)
        for suffix in ("", ":once", ":once:older"):
            self.server.command("TYPE", self.key + suffix)  # an expired key goes now, not at some other moment
        self.model.pass_to(self.now)

    def same(self, count, answer):
        assert count.status.name == answer.status
        assert count.value == answer.value
        assert count.applied == answer.applied
        assert count.duplicate == answer.duplicate
        if answer.expires_after == NEVER or answer.expires_after < 2**40:
            assert us(count.expires_after) == answer.expires_after
        assert bool(count) == (answer.status == "OK")

    def do(self, operation):
        kind, *args = operation
        if kind == "add":
            self.same(self.counter.add("k", args[0]), self.model.add(self.now, args[0]))
        elif kind == "once":
            self.same(self.counter.add("k", args[0], once=args[1]), self.model.add(self.now, args[0], args[1]))
        elif kind == "take":
            self.same(self.counter.take("k"), self.model.take(self.now))
        elif kind == "take once":
            self.same(self.counter.take("k", once=args[0]), self.model.take(self.now, args[0]))
        elif kind == "set":
            value = max(self.model.least, min(self.model.most, args[0]))
            self.counter.set("k", value)
            self.model.set(self.now, value)
        elif kind == "reset":
            self.counter.reset("k")
            self.model.forget()
        elif kind == "persist":
            self.server.command("PERSIST", self.key)
            self.model.persist()
        elif kind == "advance":
            self.move(args[0])
        elif kind == "settle":
            left = self.model.value(self.now).expires_after
            self.move(max(0, (0 if left == NEVER else left) + args[0]))
        else:
            self.move(-args[0])
        assert self.counter.value("k") == self.model.value(self.now).value
        self.check()

    def check(self):
        stored = self.server.command("GET", self.key)
        assert (stored and stored.decode()) == self.model.stored
        self.check_expiry("", self.model.expires_ms if stored is not None else "none")
        self.check_ids()

    def check_ids(self):
        ids = self.model.ids
        for suffix, held, begun, expires in (
            (":once", ids.fresh, ids.begun, ids.fresh_expires),
            (":once:older", ids.older, ids.older_begun, ids.older_expires),
        ):
            reply = self.server.command("HGETALL", self.key + suffix)
            found = dict(zip(reply[::2], reply[1::2], strict=True))
            wanted = {
                name.encode(): b"%d %d %d" % (was.value - was.applied, was.value, was.expires_after)
                for name, was in held.items()
            }
            if held:
                wanted[b""] = b"%d" % begun
            assert found == wanted
            self.check_expiry(suffix, expires if held else "none")

    def check_expiry(self, suffix, expected):
        found = self.server.command("PEXPIRETIME", self.key + suffix)
        assert found == {"none": -2, None: -1}.get(expected, expected)


class WindowRun(Run):
    def check(self):
        reply = self.server.command("HGETALL", self.key)
        found = {name: int(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}
        if self.model.at is None:
            assert found == {}
        else:
            assert found.pop(b"at") == self.model.at
            assert found.pop(b"sum") == sum(self.model.counts)
            pos, size = found.pop(b"pos"), self.model.size
            ring = [found.pop(b"%d" % ((pos + 1 + step) % size), 0) for step in range(size)]
            assert ring == self.model.counts
            assert found == {}
        self.check_expiry("", self.model.expires_ms if self.model.at is not None else "none")
        self.check_ids()


exact = [
    st.tuples(st.just("add"), amounts),
    st.tuples(st.just("add"), amounts),
    st.tuples(st.just("once"), amounts, names),
    st.tuples(st.just("once"), amounts, names),
    st.tuples(st.just("take")),
    st.tuples(st.just("take once"), names),
    st.tuples(st.just("set"), amounts),
    st.tuples(st.just("reset")),
    st.tuples(st.just("persist")),
]
bounds = st.tuples(st.one_of(st.none(), sized.map(lambda number: -number)), st.one_of(st.none(), sized))
kinds = st.one_of(
    st.just({}),
    st.builds(
        lambda expiry, ttl: {"expiry": expiry, "ttl": ttl},
        st.sampled_from(["on_create", "sliding"]),
        st.one_of(st.integers(1, 3000), st.integers(1, 100 * DAY)),
    ),
    st.builds(
        lambda expiry, zone: {"expiry": expiry, "zone_minutes": zone},
        st.sampled_from(["day", "week", "month", "year"]),
        st.integers(-840, 840),
    ),
)


@given(
    limits=bounds,
    saturates=st.booleans(),
    kind=kinds,
    most=st.integers(1, 3),
    start=st.sampled_from([START, START + 59 * DAY - 1, YEAR_2100, YEAR_2100 + 58 * DAY]),
    done=st.lists(st.one_of([*exact, *moves]), min_size=5, max_size=40),
)
@THOROUGH
def test_an_exact_counter_does_what_counting_says(client, server, clock, limits, saturates, kind, most, start, done):
    least, greatest = limits
    saturates = saturates and limits != (None, None)
    counter = client.counter(
        "model",
        min=least,
        max=greatest,
        on_bound="saturate" if saturates else "reject",
        expiry=kind.get("expiry"),
        ttl=kind["ttl"] / SECOND if "ttl" in kind else None,
        zone_minutes=kind.get("zone_minutes"),
        remember=DAY / SECOND,
        remember_max=most,
    )
    model = Exact(
        INT_MIN if least is None else least,
        INT_MAX if greatest is None else greatest,
        saturates,
        kind.get("expiry", ""),
        kind.get("ttl", 0),
        kind.get("zone_minutes", 0),
    )
    model.ids.most = most
    part = {"": "total", "on_create": "timed", "sliding": "timed"}.get(model.expiry, model.expiry)
    run = Run(server, clock, counter, model, part, start)
    for operation in done:
        if operation[0] == "set" and not model.least <= operation[1] <= model.most:
            operation = ("set", 0)
        run.do(operation)


counted = st.one_of(amounts.filter(lambda amount: abs(amount) < 2**53), st.integers(-9, 9))
windowed = [
    st.tuples(st.just("add"), counted),
    st.tuples(st.just("add"), counted),
    st.tuples(st.just("once"), counted, names),
    st.tuples(st.just("reset")),
]


@given(
    width=st.one_of(st.integers(1, 20), st.integers(1, 100 * SECOND)),
    buckets=st.one_of(st.integers(1, 5), st.just(120)),
    most=st.integers(1, 3),
    done=st.lists(
        st.one_of([*windowed, *moves, st.tuples(st.just("buckets"), st.integers(0, 130), st.integers(-1, 1))]),
        min_size=5,
        max_size=40,
    ),
)
@THOROUGH
def test_a_window_does_what_counting_says(client, server, clock, width, buckets, most, done):
    counter = client.counter("model", window=width * buckets / SECOND, buckets=buckets, remember_max=most)
    model = Window(width, buckets)
    model.ids.most = most
    run = WindowRun(server, clock, counter, model, f"window:{width}x{buckets}")
    for operation in done:
        if operation[0] == "buckets":
            run.move(max(0, operation[1] * width + operation[2]))
        else:
            run.do(operation)


@given(
    width=st.integers(1, 1000),
    buckets=st.integers(1, 8),
    done=st.lists(
        st.one_of(st.tuples(st.just("add"), st.integers(1, 9)), st.tuples(st.just("pass"), st.integers(0, 3000))),
        max_size=60,
    ),
)
@THOROUGH
def test_a_window_is_wrong_by_no_more_than_one_bucket(client, server, clock, width, buckets, done):
    """What is older than the window is not counted, and what is younger than the window less one bucket is."""
    server.command("FLUSHALL")
    counter, now, adds = client.counter("span", window=width * buckets / SECOND, buckets=buckets), START, []
    clock.freeze(now)
    for kind, amount in done:
        if kind == "pass":
            now += amount
            clock.freeze(now)
        else:
            counter.add("k", amount)
            adds.append((now, amount))
        surely = sum(amount for at, amount in adds if now - at <= width * (buckets - 1))
        at_most = sum(amount for at, amount in adds if now - at < width * buckets)
        assert surely <= counter.value("k") <= at_most
