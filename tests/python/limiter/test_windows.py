"""Sliding windows, aligned windows, concurrency."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from keywright import Align

START = 1_767_225_600_000_000
SECOND = 1_000_000


@pytest.fixture
def frozen(clock):
    clock.freeze(START)
    return clock


def test_the_counter_weighs_the_window_before(client, server, frozen):
    api = client.limiter("api", "10/s", algorithm="sliding_counter")
    assert api.hit("u", 10).remaining == 0
    denied = api.hit("u")
    assert not denied and denied.retry_after == 1.1
    frozen.advance(1_100_000 - 1)
    assert not api.hit("u")
    frozen.advance(1)
    assert api.hit("u")
    assert server.command("GET", "kw:limiter:{api:u}:counter:1000000") == b"17672256010000001/10"
    assert api.peek("u", 0).reset_after == 1.9


def test_a_counter_of_many_in_long(client, frozen):
    api = client.limiter("api", "1000000/day", algorithm="sliding_counter")
    assert api.hit("u", 1_000_000)
    wait = api.hit("u").retry_after
    frozen.advance(round(wait * 1e6) - 1)
    assert not api.hit("u")
    frozen.advance(1)
    assert api.hit("u")
    assert 86_400 < wait < 86_400.2


def test_the_log_is_exact(client, server, frozen):
    api = client.limiter("api", "3/s", algorithm="sliding_log")
    for _ in range(3):
        assert api.hit("u")
        frozen.advance(100_000)
    denied = api.hit("u")
    assert not denied and denied.retry_after == 0.7
    assert api.peek("u", 2).retry_after == 0.8
    assert api.peek("u", 4).retry_after == inf
    frozen.advance(700_000 - 1)
    assert not api.hit("u")
    frozen.advance(1)
    admitted = api.hit("u")
    assert admitted and admitted.remaining == 0
    admitted.refund()
    assert api.peek("u").remaining == 1
    assert server.command("LLEN", "kw:limiter:{api:u}:log:1000000") == 2


def test_the_log_takes_large_costs(client, server, frozen):
    api = client.limiter("api", "100000/s", algorithm="sliding_log")
    assert api.hit("u", 99_999).remaining == 1
    assert server.command("LLEN", "kw:limiter:{api:u}:log:1000000") == 99_999
    assert api.hit("u").remaining == 0
    assert api.hit("u", 99_999).retry_after == 1


def test_a_clock_that_steps_back_neither_gives_nor_locks(client, server, frozen):
    for algorithm in ("sliding_counter", "sliding_log", "fixed_window"):
        api = client.limiter(algorithm, "3/s", algorithm=algorithm)
        frozen.freeze(START)
        assert api.hit("u", 3)
        frozen.advance(-3600 * SECOND)
        denied = api.hit("u")
        assert not denied and denied.retry_after <= 2
        frozen.advance(round(denied.retry_after * 1e6))
        assert api.hit("u")


def moments(now):
    return {
        "hour": now.replace(minute=0, second=0) + timedelta(hours=1),
        "day": now.replace(hour=0, minute=0, second=0) + timedelta(days=1),
        "week": now.replace(hour=0, minute=0, second=0) + timedelta(days=7 - now.weekday()),
        "month": (now.replace(day=1, hour=0, minute=0, second=0) + timedelta(days=32)).replace(day=1),
        "2 months": datetime(now.year + (now.month > 10), (now.month - 1) // 2 * 2 % 12 + 3, 1, tzinfo=UTC)
        if now.month < 11
        else datetime(now.year + 1, 1, 1, tzinfo=UTC),
        "year": datetime(now.year + 1, 1, 1, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 24, 13, 14, 15, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC),
        datetime(2028, 2, 29, 1, tzinfo=UTC),
        datetime(2100, 2, 28, 12, tzinfo=UTC),
        datetime(2100, 3, 1, tzinfo=UTC),
        datetime(2099, 12, 31, 23, tzinfo=UTC),
        datetime(2004, 2, 29, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize("zone", [0, 330, -480])
def test_windows_end_where_the_calendar_says(client, clock, now, zone):
    shift = timedelta(minutes=zone)
    clock.freeze(round((now - shift).timestamp()) * SECOND)
    for period, ends in moments(now).items():
        api = client.limiter("api", f"5 per {period}", algorithm="fixed_window", align=Align.CALENDAR, zone_offset=zone)
        seen = api.hit("u")
        assert seen.reset_after == (ends - now).total_seconds(), period
        assert api.hit("u", 5).retry_after == seen.reset_after
        api.reset("u")


def test_windows_by_the_clock(client, clock):
    clock.freeze(START + 7 * SECOND)
    api = client.limiter("api", "5 per 10s", algorithm="fixed_window", align="clock")
    assert api.hit("u").reset_after == 3
    clock.advance(3 * SECOND - 1)
    assert api.hit("u", 4) and not api.hit("u")
    clock.advance(1)
    assert api.hit("u", 5).reset_after == 10


def test_as_many_at_once_as_there_are_permits(client, server, frozen):
    api = client.limiter("gpu", "3 concurrent", lease=10)
    held = [api.hit("u") for _ in range(3)]
    assert all(held) and len({each.lease for each in held}) == 3
    denied = api.hit("u")
    assert not denied and denied.retry_after == 10 and denied.remaining == 0
    held[0].refund()
    fourth = api.hit("u")
    assert fourth
    frozen.advance(9 * SECOND)
    assert api.renew(fourth)
    frozen.advance(SECOND)
    assert api.peek("u").remaining == 2  # the other two were never given back: their leases ended
    assert not api.renew(held[1])
    frozen.advance(9 * SECOND)
    assert not api.renew(fourth)
    assert api.peek("u", 3)


def test_several_permits_at_once(client, server, frozen):
    api = client.limiter("gpu", "5 concurrent")
    both = api.hit("u", 2)
    assert api.hit("u", 3) and not api.hit("u")
    api.refund(both, 1)
    assert api.peek("u").remaining == 1
    api.refund(both, 1)
    assert api.peek("u").remaining == 2
    api.refund(both, 1)
    assert api.peek("u").remaining == 2
    assert api.hit_up_to("u", 10).amount == 2


def test_a_wait_for_a_permit(client, server):
    api = client.limiter("gpu", "1 concurrent", lease=0.2)
    assert api.hit("u")
    assert api.hit("u", wait=2)


def test_leases_of_a_clock_that_stepped_back_end(client, frozen):
    api = client.limiter("gpu", "1 concurrent", lease=10)
    assert api.hit("u")
    frozen.advance(-7 * 86400 * SECOND)
    denied = api.hit("u")
    assert not denied and denied.retry_after == 86_410
    assert api.hit("u").retry_after == 86_410
    frozen.advance(86_410 * SECOND)
    assert api.hit("u")
