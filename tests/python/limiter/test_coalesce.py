"""Hits that go together are answered as if they had come one after another, whatever the rate."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keywright
import keywright.aio

START = 1_767_225_600_000_000
SECOND = 1_000_000
UNITS = {"us": 1, "ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
THOROUGH = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

rates = st.tuples(
    st.one_of(st.integers(1, 12), st.sampled_from([7, 60, 997, 1000, 1009, 99_991])),
    st.integers(1, 3),
    st.sampled_from(list(UNITS)),
    st.one_of(st.none(), st.integers(1, 20), st.integers(1, 300)),
).filter(lambda rate: rate[0] <= 1000 * rate[1] * UNITS[rate[2]])
turns = st.lists(
    st.tuples(
        st.integers(1, 100),  # hits
        st.one_of(st.integers(1, 3), st.integers(1, 300)),  # of this cost each
        st.one_of(st.none(), st.integers(0, 99)),  # which of them is refunded
        st.one_of(st.integers(0, 10), st.integers(0, 3 * SECOND), st.just("retry")),  # what passes then
    ),
    min_size=1,
    max_size=12,
)
algorithms = st.sampled_from(["gcra", "fixed_window", "sliding_counter", "sliding_log"])


@pytest.fixture
def in_a_row(server):
    with keywright.connect(f"{server.url}?database=1") as client:
        yield client


def told(decision):
    return (
        decision.status,
        decision.amount,
        decision.limit,
        decision.remaining,
        decision.retry_after,
        decision.reset_after,
        decision.denied_by,
    )


def state(server, database):
    server.command("SELECT", database)
    found = {}
    for key in sorted(server.command("KEYS", "*")):
        read = ("LRANGE", key, 0, -1) if server.command("TYPE", key) in (b"list", "list") else ("GET", key)
        found[key] = server.command(*read), server.command("PEXPIRETIME", key)
    server.command("SELECT", 0)
    return found


def text(rate, algorithm):
    count, multiple, unit, burst = rate
    return f"{count} per {multiple} {unit}" + (f" burst {burst}" if burst and algorithm == "gcra" else "")


@given(algorithm=algorithms, first=rates, second=st.one_of(st.none(), rates), turns=turns)
@THOROUGH
def test_every_rate_and_algorithm(client, in_a_row, server, clock, algorithm, first, second, turns):
    limits = text(first, algorithm) + ("" if second is None else f"; {text(second, algorithm)} as other")
    now = START
    clock.freeze(now)
    together = client.limiter("api", limits, algorithm=algorithm, coalesce=True)
    serial = in_a_row.limiter("api", limits, algorithm=algorithm)
    together.hit_many(["warm", "warm"])  # the server knows the script: the first to come is the first to be counted
    server.command("FLUSHALL")
    for hits, cost, refunded, passes in turns:
        ones = together.hit_many(["k"] * hits, cost)
        others = [serial.hit("k", cost) for _ in range(hits)]
        assert [told(one) for one in ones] == [told(other) for other in others]
        assert state(server, 0) == state(server, 1)
        if refunded is not None and ones[refunded % hits].amount > 0:
            ones[refunded % hits].refund()
            others[refunded % hits].refund()
            assert state(server, 0) == state(server, 1)
        if passes == "retry":
            passes = min(round(ones[-1].retry_after * SECOND), 10 * SECOND) if ones[-1].retry_after < 10 else 10
        now += passes
        clock.freeze(now)


def test_tasks_of_one_loop_share_commands(server, clock):
    clock.freeze(START)

    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "50/h", coalesce=True)
            await api.hit("warm")
            server.command("CONFIG", "RESETSTAT")
            decisions = await asyncio.gather(*(api.hit("k") for _ in range(64)))
            assert sorted(decision.remaining for decision in decisions if decision.allowed) == list(range(50))
            assert sum(not decision.allowed for decision in decisions) == 14

    asyncio.run(main())
    stats = server.command("INFO", "commandstats")
    stats = stats.decode() if isinstance(stats, bytes) else stats
    calls = [int(line.split("calls=")[1].split(",")[0]) for line in stats.splitlines() if "cmdstat_eval" in line]
    assert sum(calls) <= 4


def test_one_that_is_cancelled_takes_none_with_it(server, clock):
    clock.freeze(START)

    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "50/h", coalesce=True)
            await api.hit("warm")
            calls = [api.hit("k") for _ in range(20)]
            for gone in (0, 5, 19):
                assert calls[gone].cancel()
            assert all([await call for call in calls if not call.cancelled()])
            assert (await api.peek("k")).remaining in range(30, 34)

    asyncio.run(main())


def test_what_it_cannot_stand_beside_is_named(client):
    for word, options, limits in (
        ("shadow", {"shadow": True}, "1/s"),
        ("charge_denials", {"charge_denials": True}, "1/s"),
        ("block_us", {"block": 1}, "1/s"),
        ("reservations", {"reservations": True}, "1/s"),
        ("concurrent", {}, "1/s; 2 concurrent"),
    ):
        with pytest.raises(keywright.Invalid, match=f"coalesce is 1 and must be 0 with .*{word}"):
            client.limiter("api", limits, coalesce=True, **options)
