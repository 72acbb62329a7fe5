"""Decisions: header fields, equality, pickling, refunds."""

import asyncio
import copy
import pickle
from math import inf

import pytest

import keywright
import keywright.aio


def test_headers_of_an_admission(client, clock):
    clock.freeze(1_700_000_000_000_000)
    decision = client.limiter("api", "10/s burst 20").hit("k")
    assert decision.headers() == {"RateLimit-Policy": '"api";q=20;w=2', "RateLimit": '"api";r=19;t=1'}
    legacy = {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "19", "X-RateLimit-Reset": "1"}
    assert decision.headers("legacy") == decision.headers(keywright.HttpStyle.LEGACY) == legacy
    assert decision.headers("both") == decision.headers() | legacy


def test_headers_of_a_denial_round_up(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "10/m")
    api.hit("k", 10)
    clock.advance(100_000)
    decision = api.hit("k")
    assert decision.retry_after == 5.9
    assert decision.headers() == {
        "RateLimit-Policy": '"api";q=10;w=60',
        "RateLimit": '"api";r=0;t=6',
        "Retry-After": "6",
    }
    assert decision.headers("legacy") == {
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "60",
        "Retry-After": "6",
    }


def test_headers_name_the_partition(client):
    headers = client.limiter('a"b', "10/m").peek("k").headers(partition=b"foo")
    assert headers["RateLimit-Policy"] == r'"a\"b";q=10;w=60;pk=:Zm9v:'
    assert headers["RateLimit"] == r'"a\"b";r=10;pk=:Zm9v:'


def test_headers_in_asyncio(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            return (await client.limiter("api", "10/m").hit("k")).headers()

    assert asyncio.run(main())["RateLimit"] == '"api";r=9;t=6'


def test_headers_that_cannot_be(client):
    decision = client.limiter("api", "10/m").hit("k")
    with pytest.raises(keywright.Invalid):
        decision.headers("draft_12")
    with pytest.raises(keywright.Invalid):
        decision.headers(partition=b"x" * 65)
    with pytest.raises(TypeError):
        decision.headers(partition="text")
    with pytest.raises(keywright.Invalid) as caught:
        decision._replace(limits=2).headers()
    assert caught.value.reason is keywright.Reason.DECISION
    with pytest.raises(TypeError, match="limiter.http_fields"):
        pickle.loads(pickle.dumps(decision)).headers()


def test_headers_need_no_server_and_no_open_client(server):
    client = keywright.connect(server.url)
    decision = client.limiter("api", "10/m").hit("k")
    calls = client.stats().calls
    decision.headers()
    assert client.stats().calls == calls
    client.close()
    assert decision.headers()["RateLimit"] == '"api";r=9;t=6'


def test_headers_of_limits_that_are_off(client, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")
    assert client.limiter("api", "10/m").hit("k").headers()["RateLimit"] == '"api";r=10'


def test_retry_after_is_never_0(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "1000000/s burst 1")
    api.hit("k")
    assert api.hit("k").headers()["Retry-After"] == "1"


def test_what_never_fits_has_no_retry_after(client):
    decision = client.limiter("api", "10/s").hit("k", 11)
    assert decision.retry_after == inf
    assert "Retry-After" not in decision.headers()


def test_a_decision_is_a_tuple_that_cannot_be_changed(client):
    decision = client.limiter("api", "10/s").hit("k")
    assert isinstance(decision, tuple)
    with pytest.raises(AttributeError):
        decision.remaining = 7
    with pytest.raises(AttributeError):
        decision.other = 7


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_keeps_all_but_the_limiter(client, protocol):
    api = client.limiter("api", "10/s")
    decision = api.hit("k")
    other = pickle.loads(pickle.dumps(decision, protocol))
    assert type(other) is keywright.Decision
    assert other == decision
    assert hash(other) == hash(decision)
    assert (other != decision) is False
    assert other.maker is None
    assert other != api.hit("k")
    with pytest.raises(TypeError, match="limiter.refund"):
        other.refund()
    api.refund(other)


def test_copying(client):
    decision = client.limiter("api", "10/s").hit("k")
    assert copy.copy(decision) == copy.deepcopy(decision) == decision


def test_repr_says_what_matters(client, clock):
    clock.freeze(1_700_000_000_000_000)
    assert repr(client.limiter("api", "10/s").hit("k")) == (
        "Decision(allowed=True, reason=SERVER, denied_by=None, remaining=9, limit=10, retry_after=0.0, "
        "reset_after=0.1, key='k')"
    )


def test_repr_names_the_limit_that_denied(client, clock):
    clock.freeze(1_700_000_000_000_000)
    decision = client.limiter("plan", "10/s;2/h as hourly").hit("k", 3)
    assert "allowed=False, reason=SERVER, denied_by='2/h as hourly'," in repr(decision)
    assert "denied_by=1," in repr(pickle.loads(pickle.dumps(decision)))
    for separator in ",|":
        decision = client.limiter("plan", f"10/s {separator} 2/h").hit("v", 3)
        assert "denied_by='2/h'," in repr(decision)
    shadow = client.limiter("trial", "10/s; 2/h shadow").hit("k", 3)
    assert "allowed=True, reason=SHADOW, denied_by='2/h shadow'," in repr(shadow)
    blocked = client.limiter("login", "1/h", block=7200)
    assert [str(blocked.hit("k").reason) for _ in range(3)] == ["SERVER", "BLOCK", "BLOCK"]
    assert f"{decision.reason} {decision.status}" == "SERVER DENIED"


# Refunds


def test_a_refund_gives_back(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "10/h")
    decision = api.hit("k", 4)
    assert decision.refund(1) is None
    assert api.peek("k").remaining == 7
    decision.refund(3)
    assert api.peek("k").remaining == 10


def test_all_of_it_by_default(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "10/h")
    api.hit("k", 4).refund()
    assert api.peek("k").remaining == 10


def test_what_time_gave_back_is_not_given_twice(client, clock):
    clock.freeze(1_700_000_000_000_000)
    api = client.limiter("api", "10/s burst 10")
    decision = api.hit("k", 10)
    clock.advance(600_000)
    decision.refund()
    assert api.peek("k").remaining == 10
    assert api.hit("k", 10)
    assert not api.hit("k")


def test_a_denial_has_nothing_to_give_back(client, server):
    api = client.limiter("api", "1/h")
    api.hit("k")
    before = client.stats().calls
    assert api.hit("k").refund() is None
    assert client.stats().calls == before + 1


@pytest.mark.parametrize("count", [0, -1, 5, 2**52])
def test_more_than_was_charged_is_refused(client, count):
    api = client.limiter("api", "10/h")
    decision = api.hit("k", 4)
    with pytest.raises(keywright.Invalid):
        decision.refund(count)
    assert api.peek("k").remaining == 6


def test_what_is_no_decision_is_refused(client):
    api = client.limiter("api", "10/h")
    for thing in (None, 7, (1, 2), object()):
        for count in (1, None):
            with pytest.raises(TypeError, match="decision must be what a call of this library returned"):
                api.refund(thing, count)
    with pytest.raises(keywright.Invalid) as caught:
        api.refund(api.hit("k")._replace(rest=b""), 1)
    assert caught.value.reason is keywright.Reason.DECISION
