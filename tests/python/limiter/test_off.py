"""KEYWRIGHT_LIMITS=off: limiters that admit everything, for the tests of programs that use them."""

import asyncio
import json
import os
import subprocess
import sys

import pytest

import keywright
import keywright.aio
import keywright.asgi
import keywright.wsgi


@pytest.fixture
def off(monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")


def test_limits_off_admits_everything_and_sends_nothing(client, off):
    api = client.limiter("api", "1/h burst 5")
    before = client.stats().bytes_sent

    @api.limit(key="k")
    def work():
        return 7

    @api.limit(key="k")
    async def async_work():
        return 8

    for _ in range(3):
        decision = api.hit("k", 100)
        assert decision
        assert decision.remaining == decision.limit == 5
        assert work() == 7
        assert asyncio.run(async_work()) == 8
    assert api.peek("k") and api.hit("k", wait=3) and all(api.hit_many(["a", ("b", 9)]))
    decision.refund()
    api.reset("k")
    with client.batch() as batch:
        entry = batch.submit(api.hit, "k")
    assert entry.result()
    assert client.stats().bytes_sent == before
    with pytest.raises(TypeError, match="key"):
        api.hit(None)
    with pytest.raises(keywright.Invalid):
        client.limiter("api", "nonsense")


def test_limits_off_in_asyncio(server, off):
    async def main():
        client = keywright.aio.connect(server.url)
        api = client.limiter("api", "1/h")
        assert all([await api.hit("k") for _ in range(3)])
        assert client.stats().bytes_sent == 0

    asyncio.run(main())


def test_several_limits_that_are_off_can_be_told(client, off):
    api = client.limiter("api", "100/h; 10/s as fast")
    decision = api.hit("k", 3)
    assert (decision.limits, decision.binding, decision.limit, decision.denied_by) == (2, 1, 10, -1)
    assert decision.headers()["RateLimit"] == '"api:fast";r=10'
    assert client.limiter("gpu", "10/s; 2 concurrent").hit("k").headers()["RateLimit"] == '"gpu:concurrent";r=2'


def test_middlewares_of_limits_that_are_off(client, server, off):
    api = client.limiter("api", "10/s; 100/h")
    told = []

    def hello(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]

    app = keywright.wsgi.RateLimitMiddleware(hello, api, key=lambda environ: "k")
    assert b"".join(app({"REQUEST_METHOD": "GET"}, lambda *args: told.append(args))) == b"hello"
    assert dict(told[0][1])["RateLimit"] == '"api:1s";r=10'

    async def async_hello(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def main():
        async with keywright.aio.connect(server.url) as own:
            for limiter in (api, own.limiter("api", "10/s; 100/h")):
                sent = []

                async def send(message, sent=sent):
                    sent.append(message)

                wrapped = keywright.asgi.RateLimitMiddleware(async_hello, limiter, key=lambda scope: "k")
                await wrapped({"type": "http", "method": "GET"}, None, send)
                assert dict(sent[0]["headers"])[b"ratelimit"] == b'"api:1s";r=10'

    asyncio.run(main())


@pytest.mark.parametrize("value", ["of", "0", "false", "none"])
def test_what_it_may_be(client, monkeypatch, value):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", value)
    with pytest.raises(keywright.Invalid, match=f"KEYWRIGHT_LIMITS is '{value}'.*'off'.*'on'") as caught:
        client.limiter("api", "1/h")
    assert caught.value.reason is keywright.Reason.OPTION


@pytest.mark.parametrize("value", ["", "on", "ON", " on "])
def test_limits_that_are_on(client, monkeypatch, value):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", value)
    api = client.limiter("api", "1/h")
    assert [api.hit("k").allowed for _ in range(2)] == [True, False]


def test_it_says_so_once(server):
    """In a process of its own, for it is once in each."""
    code = """
import logging, sys, keywright
logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
client = keywright.connect(sys.argv[1])
for name in "ab":
    client.limiter(name, "1/h").hit("k")
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KEYWRIGHT_LIMITS": "off"}
    done = subprocess.run([sys.executable, "-c", code, server.url], env=environment, capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if line.startswith("keywright WARNING KEYWRIGHT_LIMITS=off")]
    assert len(said) == 1 and done.returncode == 0, done.stderr


def wrong_calls(api):
    yield lambda: api.hit("k" * 1025)
    yield lambda: api.hit("k", -1)
    yield lambda: api.hit("k", 2**52)
    yield lambda: api.hit("k", wait=-1)
    yield lambda: api.hit("k", timeout=-1)
    yield lambda: api.peek("k", -1)
    yield lambda: api.hit_up_to("k", -1)
    yield lambda: api.hit_many(["k", ("k", -1)])
    yield lambda: api.reserve("k", 0, "id")
    yield lambda: api.reserve("k", 1, "")
    yield lambda: api.reserve("k", 1, "i" * 256)
    yield lambda: api.commit("k", "id", -1)
    yield lambda: api.cancel("k", "")
    yield lambda: api.reset("k" * 1025)
    yield lambda: api.refund(api.hit("k"), -1)
    yield lambda: api.reserve("k", 1, "id", lease=86_401)
    yield lambda: api.commit("k", "", 1)
    yield lambda: api.peek("k", timeout=-1)
    yield lambda: api.reset("k", timeout=-1)
    yield lambda: api.set_override("k" * 1025, "2x")
    yield lambda: api.set_override("k", "2x", timeout=-1)
    yield lambda: api.set_override("k", "2x", ttl=0.0001)
    yield lambda: api.set_override("k", "10 per parsec")
    yield lambda: api.set_override("k", "2.5x")
    yield lambda: api.set_override("k", "0x")
    yield lambda: api.set_override("k", f"{2**52 // 9 + 1}x")
    yield lambda: api.set_override("k", "1/s; 2/m")
    yield lambda: api.set_override("k", "2 concurrent")
    yield lambda: api.set_override("k", "1/s as another")
    yield lambda: api.clear_override("k" * 1025)
    yield lambda: api.clear_override("k", timeout=-1)
    yield lambda: api.overrides(-1)
    yield lambda: api.overrides(count=1001)
    yield lambda: api.overrides(timeout=-1)


@pytest.mark.parametrize("place", range(34))
def test_what_cannot_be_is_refused_all_the_same(client, monkeypatch, place):
    with pytest.raises(keywright.Invalid) as asked:
        list(wrong_calls(client.limiter("api", "9/h", reservations=True)))[place]()
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")
    with pytest.raises(keywright.Invalid) as off:
        list(wrong_calls(client.limiter("api", "9/h", reservations=True)))[place]()
    assert off.value.reason is asked.value.reason


def test_what_is_no_decision_is_refused_too(client, off):
    api = client.limiter("api", "9/h")
    for call in (api.refund, api.release, api.renew):
        with pytest.raises(TypeError, match="decision must be"):
            call("k")
        with pytest.raises(keywright.Invalid):
            call(api.hit("k"), timeout=-1)


def test_overrides_of_limits_that_are_off(client, server, off):
    api = client.limiter("api", "9/h as hourly; 2 concurrent")
    for limits in ("2x", f"{(2**52 - 1) // 9}x", "10/h; 3 concurrent", "10/h as hourly; 3 concurrent"):
        assert api.set_override("k", limits, ttl=60)
    assert api.set_override("k", "2x", ttl=0) and api.overrides() == []
    assert not server.keys()


def test_the_command_line_is_off_too(server, off):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KEYWRIGHT_URL": server.url}
    for action in ("hit", "peek"):
        words = [sys.executable, "-m", "keywright", "limiter", action, "api", "1/h; 5/d", "k", "--cost", "7", "--json"]
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert (answer["allowed"], answer["remaining"]) == (True, 1)
        assert "KEYWRIGHT_LIMITS=off" in done.stderr
    assert not server.keys()
