"""Where limits, options and the clock meet: what random operations found, each by itself."""

import pytest

import keywright
from keywright import DecidedBy

START = 1_767_225_600_000_000
SECOND = 1_000_000
WEEK = 7 * 86_400 * SECOND


@pytest.fixture
def frozen(clock):
    clock.freeze(START)
    return clock


def test_while_a_block_lasts_nothing_remains(client, frozen):
    api = client.limiter("api", "2/s", block=10)
    assert api.hit("u", 2) and not api.hit("u")
    frozen.advance(5 * SECOND)
    seen = api.peek("u", 0)
    assert seen and seen.remaining == 0 and seen.reset_after == 5


def test_the_limit_told_is_of_the_one_that_denied(client, frozen):
    denied = client.limiter("api", "2/s; 1/m").hit("u", 3)
    assert (denied.denied_by, denied.binding, denied.limit) == (0, 0, 2)


def test_of_two_shadows_the_longer_is_told(client, frozen):
    api = client.limiter("api", "9/s; 1/m shadow; 2/s as b shadow")
    api.hit("u")
    seen = api.hit("u", 2)
    assert seen and seen.reason is DecidedBy.SHADOW and seen.denied_by == 1


def test_a_shadow_that_would_have_granted_less_is_told(client, server, frozen):
    api = client.limiter("api", "9/s; 5/m shadow")
    seen = api.hit_up_to("u", 9)
    assert seen.amount == 9 and seen.reason is DecidedBy.SHADOW and seen.denied_by == 1
    assert server.keys() == [b"kw:limiter:{api:u}:tat:1000000"]


def test_a_denial_up_to_much_charges_no_more_than_fits(client, frozen):
    api = client.limiter("api", "2/s", charge_denials=True)
    api.hit("u", 2)
    assert api.hit_up_to("u", 1_000_000).retry_after == 1.5


def test_what_was_given_back_in_part_can_be_renewed(client, server, frozen):
    api = client.limiter("api", "3 concurrent", lease=10)
    lease = api.hit("u", 3)
    lease.refund(1)
    frozen.advance(9 * SECOND)
    assert api.renew(lease)
    frozen.advance(9 * SECOND)
    assert api.peek("u").remaining == 1
    lease.refund(2)
    assert not api.renew(lease) and server.keys() == []


@pytest.mark.parametrize("value", ["hello", "1767225600000000", "17672256000000001 x", "1" * 25])
def test_a_block_that_no_limiter_wrote(client, server, value):
    api = client.limiter("api", "2/s", block=10)
    server.command("SET", "kw:limiter:{api:u}:block", value)
    for ask in (api.hit, api.peek):
        with pytest.raises(keywright.WrongType):
            ask("u")
    assert server.keys() == [b"kw:limiter:{api:u}:block"]


def test_a_peek_knows_the_edge_after_the_clock_stepped_back(client, frozen):
    api = client.limiter("api", "1/week", algorithm="fixed_window", align="clock")
    assert api.hit("u")
    frozen.advance(-5 * WEEK)
    seen = api.peek("u").retry_after
    assert seen == api.hit("u").retry_after and seen < WEEK / SECOND


def test_a_block_that_is_over_has_an_expiry_after_an_admission(client, server, frozen):
    api, key = client.limiter("api", "2/s", block=10), "kw:limiter:{api:u}:block"
    assert api.hit("u", 2) and not api.hit("u")
    server.command("PERSIST", key)
    frozen.advance(11 * SECOND)
    assert api.hit("u") and server.command("PTTL", key) > 0


def test_leases_that_ended_have_an_expiry_after_a_denial(client, server, frozen):
    api, key = client.limiter("api", "1/m; 2 concurrent", lease=1), "kw:limiter:{api:u}:leases:concurrent"
    api.hit("u")
    server.command("PERSIST", key)
    frozen.advance(2 * SECOND)
    assert not api.hit("u") and server.command("EXISTS", key) == 0


@pytest.mark.parametrize("limits, algorithm", [("3 concurrent", "concurrency"), ("3/s", "sliding_log")])
def test_a_refund_gives_an_expiry_to_what_has_none(client, server, frozen, limits, algorithm):
    api = client.limiter("api", limits, algorithm=algorithm)
    hit = api.hit("u", 2)
    (key,) = server.keys()
    server.command("PERSIST", key)
    hit.refund(1)
    assert server.command("PTTL", key) > 0


def test_a_lease_charged_to_who_was_denied_is_refused(client):
    with pytest.raises(keywright.Invalid, match="charge_denials"):
        client.limiter("api", "2/s; 1 concurrent shadow", charge_denials=True)
