"""What a limiter decides by itself: remembered denials, failure policies, counts."""

import time
from math import inf

import pytest

import keywright
from keywright import DecidedBy, Reason

START = 1_767_225_600_000_000
SECOND = 1_000_000


@pytest.fixture
def lost():
    """A client whose server is not there. It is not entered: that would ask."""
    client = keywright.connect("redis://127.0.0.1:1")
    yield client
    client.close()


def test_a_denial_is_remembered(client, server, clock):
    clock.freeze(START)
    api = client.limiter("api", "10/m", denial_cache=100)
    api.hit("u", 8)
    first = api.hit("u", 5)
    assert not first and first.reason is DecidedBy.SERVER
    before = server.calls()
    again = api.hit("u", 5)
    assert not again and again.reason is DecidedBy.DENIAL_CACHE
    assert (again.limit, again.remaining, again.denied_by, again.amount) == (10, 2, 0, 0)
    assert 0 < again.retry_after <= first.retry_after
    assert not api.hit("u", 7)
    assert server.calls() == before + 1  # the question itself
    assert api.hit("u", 2)  # less was not denied
    assert not api.hit("other", 11) and not api.hit("other", 12)
    assert api.hit("another")


def test_what_was_denied_for_ever_is_told_so(client, server):
    api = client.limiter("api", "10/m", denial_cache=100)
    assert api.hit("u", 11).retry_after == inf
    assert api.hit("u", 11).retry_after == inf
    assert api.hit("u", 11).reason is DecidedBy.DENIAL_CACHE


@pytest.mark.parametrize(
    ("limits", "options", "told"),
    [
        ("2/h", {}, True),
        ("7/h", {}, False),  # its moments are rounded, and would not add up
        ("2/h", {"algorithm": "fixed_window"}, True),
        ("2/h", {"algorithm": "sliding_counter"}, False),
        ("2/h", {"algorithm": "sliding_log"}, False),
        ("2/h; 5/d", {}, False),
        ("2/h", {"block": 60}, False),
        ("2 concurrent", {}, False),
    ],
)
def test_a_larger_cost_is_told_its_own_moment(client, server, clock, limits, options, told):
    """From memory where that is exact, else by the server; either way sleeping retry_after is what it says."""
    clock.freeze(START)
    most = int(limits[0])
    api = client.limiter("api", limits, denial_cache=100, **options)
    plain = client.limiter("api", limits, **options)
    assert api.hit("u", most)
    assert not api.hit("u", 1)
    more = api.hit("u", 2)
    assert not more and (more.reason is DecidedBy.DENIAL_CACHE) == told
    wanted = plain.peek("u", 2).retry_after
    assert wanted - 1 < more.retry_after <= wanted
    assert api.hit("u", 50).retry_after == inf
    assert api.hit("u", 1).reason is DecidedBy.DENIAL_CACHE


def test_a_larger_cost_takes_the_place_of_what_is_over(client):
    api = client.limiter("api", "20/s burst 2", denial_cache=100)
    assert api.hit("u", 2) and not api.hit("u", 1)
    time.sleep(0.06)
    assert api.hit("u", 2).reason is DecidedBy.SERVER
    assert api.hit("u", 2).reason is DecidedBy.DENIAL_CACHE


def test_it_is_forgotten_in_time(client, server):
    api = client.limiter("api", "20/s burst 1", denial_cache=100)
    assert api.hit("u") and not api.hit("u")
    time.sleep(0.06)
    assert api.hit("u")
    slow = client.limiter("slow", "1/h", denial_cache=100, denial_ttl=0.05)
    assert slow.hit("u") and not slow.hit("u")
    assert slow.hit("u").reason is DecidedBy.DENIAL_CACHE
    time.sleep(0.06)
    assert slow.hit("u").reason is DecidedBy.SERVER


def test_a_refund_or_a_reset_forgets_it(client, server, clock):
    clock.freeze(START)
    api = client.limiter("api", "10/m", denial_cache=100)
    first = api.hit("u", 10)
    assert not api.hit("u")
    first.refund(1)
    assert api.hit("u") and not api.hit("u")
    api.reset("u")
    assert api.hit("u")


def test_a_release_forgets_it(client, server):
    gpu = client.limiter("gpu", "1 concurrent", denial_cache=100)
    held = gpu.hit("u")
    assert held and not gpu.hit("u")
    gpu.release(held)
    assert gpu.hit("u")


def test_a_settled_reservation_forgets_it(client, server):
    api = client.limiter("api", "10/h", denial_cache=100, reservations=True)
    api.reserve("u", 10, "a", lease=10)
    assert not api.hit("u")
    api.commit("u", "a", 3)
    assert api.hit("u") and not api.hit("u", 10)
    api.reset("u")
    api.reserve("u", 10, "b", lease=10)
    assert not api.hit("u")
    api.cancel("u", "b")
    assert api.hit("u")


def test_many_ask_only_for_what_is_not_known(client, server, clock):
    clock.freeze(START)
    api = client.limiter("api", "1/m", denial_cache=100)
    assert all(api.hit_many(["a", "b", "c"]))
    assert not any(api.hit_many(["a", "b"]))
    answers = api.hit_many(["a", "b", "c", "d"])
    assert [bool(answer) for answer in answers] == [False, False, False, True]
    assert [answer.reason.name for answer in answers] == ["DENIAL_CACHE", "DENIAL_CACHE", "SERVER", "SERVER"]


def test_its_memory_is_bounded(client, server, clock):
    clock.freeze(START)
    api = client.limiter("api", "1/m", denial_cache=4)
    keys = [str(index) for index in range(50)]
    assert all(api.hit_many(keys)) and not any(api.hit_many(keys))
    answers = api.hit_many(keys)
    assert not any(answers)
    assert sum(answer.reason is DecidedBy.DENIAL_CACHE for answer in answers) == 4


def test_without_a_policy_the_failure_is_raised(lost):
    api = lost.limiter("api", "10/s")
    with pytest.raises(keywright.ConnectionFailed):
        api.hit("u")
    assert api.stats().failed == 1


@pytest.mark.parametrize(
    ("policy", "allowed", "reason"),
    [("allow", True, DecidedBy.FAIL_OPEN), ("deny", False, DecidedBy.FAIL_CLOSED), ("local", True, DecidedBy.FALLBACK)],
)
def test_a_policy_answers(lost, policy, allowed, reason):
    api = lost.limiter("api", "10/s; 5 concurrent", on_failure=policy)
    for decision in (api.hit("u"), api.hit_up_to("u", 3), api.hit("u", wait=0.01), *api.hit_many(["u", "v"])):
        assert bool(decision) is allowed and decision.reason is reason
    assert api.hit("u").retry_after == (0 if allowed else 1)
    counts = api.stats()
    assert counts.failed == 6 and counts.admitted == (6 if allowed else 0) and counts.denied == 6 - counts.admitted


def test_a_silent_server_costs_fifty_milliseconds(server):
    with keywright.connect(server.url) as client:
        api = client.limiter("api", "10/s", on_failure="allow")
        assert api.hit("u").reason is DecidedBy.SERVER
        with server.silent():
            begun = time.monotonic()
            decision = api.hit("u")
            took = time.monotonic() - begun
        assert decision and decision.reason is DecidedBy.FAIL_OPEN
        assert 0.045 < took < 0.5
        quick = client.limiter("api", "10/s", on_failure="deny", timeout=0.01)
        with server.silent():
            begun = time.monotonic()
            assert not quick.hit("u")
            assert time.monotonic() - begun < 0.3


def test_a_share_of_the_limits(lost):
    api = lost.limiter("api", "100/h; 40/d", on_failure="local", local_share=25)
    answers = [api.hit("u") for _ in range(30)]
    assert sum(map(bool, answers)) == 10
    denied = answers[-1]
    assert denied.denied_by == 1 and denied.limit == 10 and denied.remaining == 0
    assert 8600 < denied.retry_after <= 8640 and denied.reset_after > 86_300
    assert api.hit("v")
    rest = lost.limiter("api", "100/h", on_failure="local", local_share=25)
    assert rest.hit_up_to("u", 1000).amount == 25
    assert not rest.hit("u", 26) and rest.hit("u", 26).retry_after == inf
    rare = lost.limiter("api", "1/h", on_failure="local", local_share=25)
    assert rare.hit("u") and 4 * 3600 - 10 < rare.hit("u").retry_after <= 4 * 3600


def test_of_two_shares_that_deny_the_longer_wait_is_told(lost):
    api = lost.limiter("api", "10/m; 10/d", on_failure="local")
    assert api.hit("u", 10)
    denied = api.hit("u")
    assert not denied and denied.denied_by == 1 and denied.retry_after > 8000


def test_what_no_server_charged_is_not_refunded_there(lost):
    lost.limiter("api", "10/s", on_failure="allow").hit("u").refund()
    api = lost.limiter("api", "10/h", on_failure="local")
    decision = api.hit("u", 10)
    assert not api.hit("u")
    api.refund(decision, 4)
    assert api.hit("u", 4) and not api.hit("u")


def test_mistakes_are_no_outage(client, server):
    api = client.limiter("api", "10/s", on_failure="allow")
    with pytest.raises(keywright.Invalid):
        api.hit("u", -1)
    server.command("SET", "kw:limiter:{api:u}:tat:1000000", "x")
    with pytest.raises(keywright.WrongType):
        api.hit("u")
    client.close()
    with pytest.raises(keywright.Closed):
        api.hit("u")


@pytest.mark.parametrize(
    "options",
    [
        {"on_failure": "hope"},
        {"local_share": 50},
        {"on_failure": "local", "local_share": 101},
        {"denial_cache": -1},
        {"denial_cache": 2**20 + 1},
        {"denial_cache": 1, "charge_denials": True},
        {"denial_ttl": 1},
        {"denial_cache": 1, "denial_ttl": 61},
        {"timeout": 3601},
    ],
)
def test_options_that_cannot_be(client, options):
    with pytest.raises(keywright.Invalid) as caught:
        client.limiter("api", "10/s", **options)
    assert caught.value.reason is Reason.OPTION


def test_counts(client, clock):
    clock.freeze(START)
    api = client.limiter("api", "10/m; 5/h as new shadow", denial_cache=10)
    for _ in range(13):
        api.hit("u")
    api.hit_up_to("v", 3)
    counts = api.stats()
    assert (counts.admitted, counts.denied, counts.failed) == (11, 3, 0)
    assert (counts.near_limit, counts.shadow_denied, counts.answered_locally) == (3, 5, 2)
