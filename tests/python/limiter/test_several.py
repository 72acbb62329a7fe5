"""Several limits of one limiter: all or nothing, in one step."""

from math import inf

import pytest

import keywright
from keywright import DecidedBy

START = 1_767_225_600_000_000
SECOND = 1_000_000


def values(server, *parts):
    return [server.command("GET", f"kw:limiter:{{api:u}}:{part}") for part in parts]


@pytest.fixture
def frozen(clock):
    clock.freeze(START)
    return clock


def test_both_are_charged_and_the_tighter_one_is_told(client, server, frozen):
    api = client.limiter("api", "10/s; 15/m")
    first = api.hit("u", 8)
    assert (first.remaining, first.limit, first.binding, first.limits) == (2, 10, 0, 2)
    frozen.advance(SECOND)
    second = api.hit("u", 7)
    assert second and (second.remaining, second.limit, second.binding) == (0, 15, 1)
    assert values(server, "tat:1000000", "tat:60000000") == [b"1767225601700000", b"1767225660000000"]


def test_a_limit_that_denies_leaves_the_others_untouched(client, server, frozen):
    api = client.limiter("api", "10/s; 15/m")
    api.hit("u", 10)
    frozen.advance(SECOND)
    before = values(server, "tat:1000000", "tat:60000000")
    denied = api.hit("u", 6)
    assert not denied and denied.denied_by == 1 and denied.limit == 15 and denied.amount == 0
    assert values(server, "tat:1000000", "tat:60000000") == before
    assert denied.retry_after == 3.0
    frozen.advance(3 * SECOND - 1)
    assert not api.hit("u", 6)
    frozen.advance(1)
    assert api.hit("u", 6)


def test_of_two_that_deny_the_longer_wait_is_told(client, frozen):
    api = client.limiter("api", "10/s; 10/m")
    api.hit("u", 10)
    denied = api.hit("u")
    assert denied.denied_by == 1 and denied.retry_after == 6.0


def test_a_cost_that_one_of_them_never_admits(client, server, frozen):
    api = client.limiter("api", "10/s; 100/m")
    denied = api.hit("u", 11)
    assert not denied and denied.retry_after == inf and denied.denied_by == 0
    assert server.keys() == []


def test_a_peek_says_what_a_hit_would(client, frozen):
    api = client.limiter("api", "10/s; 15/m")
    api.hit("u", 8)
    assert api.peek("u", 2) and not api.peek("u", 3)
    assert api.peek("u", 3).retry_after == 0.1
    assert api.peek("u").remaining == 2


@pytest.mark.parametrize("algorithm", ["gcra", "fixed_window", "sliding_counter", "sliding_log"])
def test_a_refund_goes_to_each(client, server, frozen, algorithm):
    api = client.limiter("api", "10/s; 20/m as plan; 3 concurrent", algorithm=algorithm)
    decision = api.hit("u", 3)
    assert decision and not api.hit("u")
    api.refund(decision, 1)
    assert api.peek("u").remaining == 1
    decision.refund(2)
    seen = api.peek("u")
    assert seen.remaining == 3 and seen.binding == 2


def test_a_wait_is_booked_in_all_of_them(client, server, frozen):
    api = client.limiter("api", "1000/s burst 1; 1000/m burst 1")
    frozen.run()
    assert api.hit("u")
    waited = api.hit("u", wait=1)
    assert waited and 0.03 < waited.delay <= 0.06


def test_reset_forgets_all(client, server):
    api = client.limiter("api", "10/s; 20/m; 2 concurrent", block=60)
    for _ in range(3):
        api.hit("u")
    assert len(server.keys()) == 4
    api.reset("u")
    assert server.keys() == []


def test_every_key_has_an_expiry(client, server):
    for algorithm in ("gcra", "fixed_window", "sliding_counter", "sliding_log"):
        api = client.limiter(algorithm, "2/s; 20/m; 2 concurrent", algorithm=algorithm, block=60)
        for _ in range(3):
            api.hit("u")
    assert len(server.keys()) == 4 * 4
    for key in list(server.keys()):
        assert server.command("PTTL", key) > 0, key
        server.command("PERSIST", key)
    for algorithm in ("gcra", "fixed_window", "sliding_counter", "sliding_log"):
        assert not client.limiter(algorithm, "2/s; 20/m; 2 concurrent", algorithm=algorithm, block=60).hit("u", 2)
    for key in list(server.keys()):
        assert server.command("PTTL", key) > 0, key


def test_a_key_of_another_kind_is_seen_before_anything_is_written(client, server, frozen):
    api = client.limiter("api", "10/s; 20/m; 2 concurrent")
    server.command("SET", "kw:limiter:{api:u}:leases:concurrent", "x")
    with pytest.raises(keywright.WrongType):
        api.hit("u")
    assert server.keys() == [b"kw:limiter:{api:u}:leases:concurrent"]


def test_a_shadow_limit_never_denies(client, server, frozen):
    api = client.limiter("api", "10/s; 3/m as new shadow")
    for left in (9, 8, 7):
        seen = api.hit("u")
        assert seen and seen.reason is DecidedBy.SERVER and seen.remaining == left
    seen = api.hit("u")
    assert seen and seen.reason is DecidedBy.SHADOW and seen.denied_by == 1 and seen.remaining == 6
    assert values(server, "tat:new") == [b"1767225660000000"]
    seen.refund()
    assert values(server, "tat:new", "tat:1000000") == [b"1767225660000000", b"1767225600300000"]


def test_a_shadow_limiter_denies_nobody(client, frozen):
    api = client.limiter("api", "1/s", shadow=True)
    assert api.hit("u").reason is DecidedBy.SERVER
    seen = api.hit("u")
    assert seen and seen.reason is DecidedBy.SHADOW and seen.denied_by == 0 and seen.amount == 1
    assert api.hit("u", 2).reason is DecidedBy.SHADOW


def test_up_to_grants_what_fits(client, server, frozen):
    api = client.limiter("api", "10/s; 15/m")
    first = api.hit_up_to("u", 100)
    assert first and first.amount == 10 and first.remaining == 0
    frozen.advance(SECOND)
    second = api.hit_up_to("u", 100)
    assert second.amount == 5
    third = api.hit_up_to("u", 100)
    assert not third and third.amount == 0 and third.denied_by == 1 and third.retry_after == 3.0
    frozen.advance(3 * SECOND)
    assert api.hit_up_to("u", 100).amount == 1
    second.refund()


@pytest.mark.parametrize("algorithm", ["gcra", "fixed_window", "sliding_counter", "sliding_log"])
def test_up_to_never_takes_more_than_it_says(client, frozen, algorithm):
    api = client.limiter("api", "7/s", algorithm=algorithm)
    assert api.hit_up_to("u", 3).amount == 3
    assert api.hit_up_to("u", 9).amount == 4
    assert not api.hit_up_to("u", 1)
    assert api.hit_up_to("u", 0)


def test_denials_can_be_charged(client, server, frozen):
    api = client.limiter("api", "2/s", charge_denials=True)
    assert api.hit("u", 2)
    assert api.hit("u").retry_after == 1.0  # half a second of its own on top
    assert api.hit("u").retry_after == 1.5


def test_a_denial_can_block(client, server, frozen):
    api = client.limiter("api", "2/s", block=10, block_max=30)
    assert api.hit("u", 2)
    seen = api.hit("u")
    assert not seen and seen.reason is DecidedBy.BLOCK and seen.retry_after == 10
    frozen.advance(9 * SECOND)
    assert api.hit("u").retry_after == 1  # who asks meanwhile is not blocked for longer
    assert not api.peek("u")
    frozen.advance(SECOND)
    assert api.hit("u", 2)
    assert api.hit("u").retry_after == 20  # the second in a row
    frozen.advance(20 * SECOND)
    assert api.hit("u", 2)
    assert api.hit("u").retry_after == 30
    frozen.advance(30 * SECOND + 30 * SECOND + 1)
    assert api.hit("u", 2)
    assert api.hit("u").retry_after == 10  # long enough ago
    api.reset("u")
    assert api.hit("u")
