"""hit, peek, reset, wait: what the decision says, and that bad arguments are refused before anything is sent."""

import time
from datetime import timedelta
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keywright
from keywright import Reason


def test_a_decision_says_what_there_is_to_know(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "10/s burst 20")
    decision = api.hit("user:42")
    assert decision
    assert decision.allowed is True
    assert decision.status is keywright.Status.OK
    assert decision.reason is keywright.DecidedBy.SERVER
    assert decision.remaining == 19
    assert decision.limit == 20
    assert decision.amount == 1
    assert decision.retry_after == 0.0
    assert decision.reset_after == 0.1
    assert decision.denied_by == -1
    assert decision.key == "user:42"
    assert decision.maker is api


def test_a_denial_is_false_and_charges_nothing(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "10/s burst 20")
    assert api.hit("k", 20)
    decision = api.hit("k", 5)
    assert not decision
    assert decision.allowed is False
    assert decision.status is keywright.Status.DENIED
    assert decision.denied_by == 0
    assert decision.amount == 0
    assert decision.retry_after == 0.5
    clock.advance(499_999)
    assert not api.hit("k", 5)
    clock.advance(1)
    assert api.hit("k", 5)


def test_a_cost_above_the_capacity_never_fits(client):
    decision = client.limiter("api", "10/s burst 20").hit("k", 21)
    assert not decision
    assert decision.retry_after == inf


def test_cost_0_looks(client, server):
    api = client.limiter("api", "10/s")
    assert api.hit("k", 0).remaining == 10
    assert server.keys() == []


def test_peek_answers_as_the_hit_would(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "10/s")
    assert api.peek("k").remaining == 10
    api.hit("k", 9)
    assert api.peek("k")
    assert not api.peek("k", 2)
    assert api.peek("k", 2).retry_after == api.hit("k", 2).retry_after == 0.1


def test_reset_forgets(client):
    api = client.limiter("api", "10/h")
    api.hit("k", 10)
    assert api.reset("k") is None
    assert api.hit("k").remaining == 9


@pytest.mark.parametrize("algorithm", ["fixed_window", keywright.Algorithm.FIXED_WINDOW])
def test_a_fixed_window(client, clock, algorithm):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "10/m", algorithm=algorithm)
    assert api.hit("k", 10)
    clock.advance(59_000_000)
    decision = api.hit("k")
    assert not decision
    assert decision.retry_after == 1.0
    clock.advance(1_000_000)
    assert api.hit("k").remaining == 9


def test_700_hits_at_7_a_second_land_exactly_100_seconds_on(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "7/s burst 700")
    for _ in range(700):
        assert api.hit("k")
    assert api.peek("k", 0).reset_after == 100.0


def test_waiting_hits_are_served_in_turn(client):
    api = client.limiter("api", "20/s burst 1")
    start = time.monotonic()
    assert api.hit("k", wait=1)
    decision = api.hit("k", wait=1)
    assert decision
    assert decision.delay == pytest.approx(0.05, abs=0.03)
    assert api.hit("k", wait=timedelta(seconds=1))
    assert 0.09 < time.monotonic() - start < 0.5


def test_patience_that_does_not_suffice_is_answered_at_once(client):
    api = client.limiter("api", "1/m")
    api.hit("k")
    start = time.monotonic()
    decision = api.hit("k", wait=2)
    assert not decision
    assert decision.retry_after == pytest.approx(60, abs=1)
    assert time.monotonic() - start < 1


def test_wait_0_is_a_plain_hit(client):
    api = client.limiter("api", "1/m")
    assert api.hit("k", wait=0)
    assert not api.hit("k", wait=0)


def test_max_wait_bounds_patience(client):
    api = client.limiter("api", "1/s", max_wait=0.1)
    api.hit("k")
    assert not api.hit("k", wait=inf)


def test_limiters_of_one_name_share_their_state(client):
    assert client.limiter("api", "10/h").hit("k").remaining == 9
    assert client.limiter("api", "10/h").hit("k").remaining == 8
    assert client.limiter("other", "10/h").hit("k").remaining == 9


def test_a_limiter_shows_what_it_is(client):
    api = client.limiter("api", "10/s burst 20")
    assert api.name == "api"
    assert repr(api) == "<Limiter 'api' '10/s burst 20'>"


# Bad arguments

CALLS = {
    "hit": lambda api, **words: api.hit(**{"key": "k", **words}),
    "peek": lambda api, **words: api.peek(**{"key": "k", **words}),
    "hit_many": lambda api, **words: api.hit_many([words.pop("key", "k")], **words),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("words", "error", "text", "reason"),
    [
        ({"key": None}, TypeError, "key must be str, bytes or int, not NoneType", None),
        ({"key": True}, TypeError, "key must be str, bytes or int, not bool", None),
        ({"key": 1.5}, TypeError, "key must be str, bytes or int, not float", None),
        ({"key": bytearray(b"k")}, TypeError, "key must be str, bytes or int, not bytearray", None),
        ({"key": "k" * 1025}, keywright.Invalid, "key", Reason.KEY_LENGTH),
        ({"key": 10**2000}, keywright.Invalid, "key", Reason.KEY_LENGTH),
        ({"key": 10**100_000}, keywright.Invalid, "key", Reason.KEY_LENGTH),
        ({"key": "\ud800"}, keywright.Invalid, "key", Reason.RANGE),
        ({"cost": -1}, keywright.Invalid, "cost", Reason.RANGE),
        ({"cost": 2**52}, keywright.Invalid, "cost", Reason.RANGE),
        ({"cost": 2**64}, keywright.Invalid, "cost", Reason.OVERFLOW),
        ({"cost": -(2**64)}, keywright.Invalid, "cost", Reason.OVERFLOW),
        ({"cost": 1.0}, TypeError, "cost must be int, not float", None),
        ({"cost": True}, TypeError, "cost must be int, not bool", None),
        ({"cost": None}, TypeError, "cost must be int, not NoneType", None),
        ({"timeout": -0.5}, keywright.Invalid, "timeout", Reason.TIMEOUT),
        ({"timeout": float("nan")}, keywright.Invalid, "timeout", Reason.TIMEOUT),
        ({"timeout": 10**20}, keywright.Invalid, "timeout", Reason.OVERFLOW),
        ({"timeout": "1"}, TypeError, "timeout must be seconds", None),
    ],
)
def test_bad_arguments_are_refused_by_name_and_nothing_is_sent(client, call, words, error, text, reason):
    api = client.limiter("api", "10/s")
    before = client.stats().bytes_sent
    with pytest.raises(error, match=text) as caught:
        call(api, **dict(words))
    assert client.stats().bytes_sent == before
    if reason is not None:
        assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("words", "error"),
    [({"wait": -1}, keywright.Invalid), ({"wait": "1"}, TypeError), ({"wait": float("nan")}, keywright.Invalid)],
)
def test_bad_patience(client, words, error):
    before = client.stats().bytes_sent
    with pytest.raises(error, match="wait"):
        client.limiter("api", "10/s").hit("k", **words)
    assert client.stats().bytes_sent == before


@pytest.mark.parametrize(
    ("arguments", "options", "error", "reason"),
    [
        (("", "10/s"), {}, keywright.Invalid, Reason.NAME_LENGTH),
        (("n" * 256, "10/s"), {}, keywright.Invalid, Reason.NAME_LENGTH),
        ((None, "10/s"), {}, TypeError, None),
        (("api", None), {}, TypeError, None),
        (("api", b"10/s"), {}, TypeError, None),
        (("api", ""), {}, keywright.Invalid, Reason.LIMIT_SYNTAX),
        (("api", "10/s\0"), {}, keywright.Invalid, Reason.OPTION),
        (("api", "10 per"), {}, keywright.Invalid, Reason.LIMIT_SYNTAX),
        (("api", "0/s"), {}, keywright.Invalid, Reason.LIMIT_RANGE),
        (("api", "10/s burst 4000000000000000"), {}, keywright.Invalid, Reason.LIMIT_SIZE),
        (("api", "10/s; 5/s"), {}, keywright.Invalid, Reason.LIMIT_RANGE),
        (("api", "10/s as a; 5/m as a"), {}, keywright.Invalid, Reason.LIMIT_RANGE),
        (("api", "1 concurrent as a; 2 concurrent as b"), {}, keywright.Invalid, Reason.LIMIT_RANGE),
        (("api", "1 concurrent burst 2"), {}, keywright.Invalid, Reason.LIMIT_SYNTAX),
        (("api", "10/s"), {"algorithm": "concurrency"}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s burst 20"), {"algorithm": "sliding_counter"}, keywright.Invalid, Reason.OPTION),
        (("api", "100001/s"), {"algorithm": "sliding_log"}, keywright.Invalid, Reason.LIMIT_SIZE),
        (("api", "100001 concurrent"), {}, keywright.Invalid, Reason.LIMIT_SIZE),
        (("api", "10/72y"), {"algorithm": "sliding_counter"}, keywright.Invalid, Reason.LIMIT_SYNTAX),
        (("api", "10/73 years"), {"algorithm": "sliding_counter"}, keywright.Invalid, Reason.LIMIT_RANGE),
        (("api", "10/s"), {"align": "clock"}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"algorithm": "fixed_window", "zone_offset": 60}, keywright.Invalid, Reason.OPTION),
        (
            ("api", "10/s"),
            {"algorithm": "fixed_window", "align": "clock", "zone_offset": 1081},
            keywright.Invalid,
            None,
        ),
        (("api", "10/45d"), {"algorithm": "fixed_window", "align": "calendar"}, keywright.Invalid, Reason.LIMIT_RANGE),
        (("api", "10/s"), {"block_max": 5}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"block": 5, "block_max": 4}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"block": 90_000}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"block": 5, "shadow": True}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"charge_denials": True, "shadow": True}, keywright.Invalid, Reason.OPTION),
        (("api", "1 concurrent"), {"charge_denials": True}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"lease": -1}, keywright.Invalid, Reason.RANGE),
        (("api", "10/s"), {"lease": 90_000}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"algorithm": "guess"}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"algorithm": "GCRA"}, keywright.Invalid, Reason.OPTION),
        (("api", "10/s"), {"algorithm": 1}, TypeError, None),
        (("api", "10/s"), {"max_wait": -1}, keywright.Invalid, Reason.RANGE),
        (("api", "10/s"), {"max_wait": 90_000}, keywright.Invalid, None),
    ],
)
def test_a_limiter_that_cannot_be(client, arguments, options, error, reason):
    with pytest.raises(error) as caught:
        client.limiter(*arguments, **options)
    if reason is not None:
        assert caught.value.reason is reason


def test_a_name_may_hold_any_bytes(client, server):
    limiter = client.limiter("a\0b", "10/s")
    assert limiter.name == "a\0b"
    limiter.hit("k\0")
    assert server.command("EXISTS", "kw:limiter:{a\0b:k\0}:tat:1000000") == 1
    assert client.limiter("a", "10/s").peek("k\0").remaining == 10
    assert client.limiter(b"\xff", "10/s").name == "\udcff"


def test_a_limit_that_is_wrong_points_at_the_character(client):
    with pytest.raises(keywright.Invalid) as caught:
        client.limiter("api", "10/x")
    assert caught.value.position == 3
    assert '"x"' in str(caught.value)


def test_limits_can_be_read_without_a_server():
    first, second = keywright.limits_parse("10/s burst 20; 100 per 2 minutes as slow")
    assert (first.amount, first.period, first.burst, first.label) == (10, 1.0, 20, "")
    assert (second.amount, second.period, second.burst, second.label) == (100, 120.0, 100, "slow")
    with pytest.raises(keywright.Invalid):
        keywright.limits_parse("10/s;")


# Keys


def test_keys_of_all_kinds(client):
    api = client.limiter("api", "10/h")
    for key in ("user:42", b"user:43", 44, "ключ", "", "a{b}c:d%e", b"\x00\xff", 2**63, -5):
        assert api.hit(key).remaining == 9, key
        assert api.hit(key).remaining == 8, key


def test_one_key_has_many_forms(client):
    api = client.limiter("api", "10/h")
    assert api.hit("42").remaining == 9
    assert api.hit(b"42").remaining == 8
    assert api.hit(42).remaining == 7


class Text(str):
    """A kind of text of somebody's own."""


def test_subclasses_are_what_they_are(client):
    api = client.limiter("api", "10/h")
    assert api.hit(Text("k")).remaining == 9
    assert api.hit(keywright.Algorithm.FIXED_WINDOW).remaining == 9
    assert api.hit(1).remaining == 8


@given(key=st.one_of(st.binary(max_size=64), st.text(max_size=20).filter(lambda text: text.isascii()), st.integers()))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_key_escapes_its_slot(client, server, key):
    server.command("FLUSHALL")
    client.limiter("api", "10/h").hit(key)
    (stored,) = server.keys()
    tag = keywright.hash_tag("api", key)
    assert b"{" + tag + b"}" in stored
    assert b"{" not in tag and b"}" not in tag
    assert 0 < server.command("PTTL", stored) <= 3_600_000


def test_a_hash_tag_is_escaped():
    assert keywright.hash_tag("api", "user:42") == b"api:user%3A42"
    assert keywright.hash_tag("a{b}", b"%") == b"a%7Bb%7D:%25"
    with pytest.raises(keywright.Invalid):
        keywright.hash_tag("", "k")
