"""Limits of single keys, as Python has them: other clients and processes, asyncio, what is refused."""

import asyncio
import subprocess
import sys
import textwrap
import time

import pytest

import keywright
import keywright.aio


def until(limiter, key, limit, within=5):
    """How long it took until the limiter has the key under that limit."""
    began = time.monotonic()
    while limiter.peek(key, 0).limit != limit:
        assert time.monotonic() - began < within, limiter.overrides_state()
    return time.monotonic() - began


def test_another_process_sees_a_change_within_the_bound(server, client):
    program = textwrap.dedent("""
        import sys, time
        import keywright
        with keywright.connect(sys.argv[1]) as client:
            api = client.limiter("api", "10/s", overrides=0.1)
            while api.overrides_state().looks == 0:
                api.peek("u", 0)
            print("ready", flush=True)
            for line in sys.stdin:
                began = time.monotonic()
                while api.peek("u", 0).limit != int(line):
                    pass
                print(time.monotonic() - began, flush=True)
        """)
    child = subprocess.Popen(
        [sys.executable, "-c", program, server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "ready\n"
        api = client.limiter("api", "10/s")
        for factor in (2, 3, 4):
            api.set_override("u", f"{factor}x")
            child.stdin.write(f"{factor * 10}\n")
            child.stdin.flush()
            assert float(child.stdout.readline()) < 0.1 + 0.4  # a busy machine's slack
        api.clear_override("u")
        child.stdin.write("10\n")
        child.stdin.flush()
        assert float(child.stdout.readline()) < 0.5
    finally:
        child.kill()
        child.communicate()


def test_lists_go_on_from_the_last(client):
    api = client.limiter("api", "10/s")
    for i in range(25):
        api.set_override(f"customer:{i}", "2x", ttl=3600)
    api.set_override(b"\xff\x00", "3x")
    found, page = [], api.overrides(count=10)
    while page:
        found += page
        page = api.overrides(page[-1].version, 10)
    assert [each.key for each in found[:-1]] == [f"customer:{i}" for i in range(25)]
    assert found[-1].key.encode("utf-8", "surrogateescape") == b"\xff\x00"
    assert all(each.ends_at_us > 0 for each in found[:-1]) and found[-1].ends_at_us == 0


def test_what_cannot_be_is_refused_with_its_place(client):
    api = client.limiter("api", "10/s")
    with pytest.raises(keywright.Invalid) as caught:
        api.set_override("u", "10 per parsec")
    assert caught.value.reason is keywright.Reason.LIMIT_SYNTAX
    assert caught.value.position == 7
    with pytest.raises(keywright.Invalid, match="one for each"):
        api.set_override("u", "10/s; 5/m")
    with pytest.raises(keywright.Invalid, match="between 10 ms and an hour"):
        client.limiter("api", "10/s", overrides=0.001)


def test_too_many_are_refused_in_words(client, server):
    fill = """
        for i = 1, 10000 do
            redis.call('HSET', KEYS[1], '=' .. i, '0 2x')
            redis.call('ZADD', KEYS[2], i, i)
        end
        redis.call('HSET', KEYS[1], 'version', '10000', 'floor', '0')"""
    place = "kw:limiter:{api:}:overrides"
    server.command("EVAL", fill, "2", place, f"{place}:changed")
    with pytest.raises(keywright.Exhausted, match="10,000 keys of this limiter's name have overrides: clear some"):
        client.limiter("api", "10/s").set_override("u", "2x")


def test_asyncio(server, client):
    async def main():
        async with keywright.aio.connect(server.url) as own:
            api = own.limiter("api", "10/s burst 20", overrides=0.02)
            change = await api.set_override("u", "100/s burst 200", ttl=60)
            assert change and change.ends_at_us - change.changed_at_us == 60_000_000
            assert (await api.hit("u")).limit == 200
            client.limiter("api", "1/s").set_override("u", "5/s")
            until = time.monotonic() + 5
            while (await api.peek("u", 0)).limit != 5:
                assert time.monotonic() < until
            await api.clear_override("u")
            assert (await api.hit("u")).limit == 20
            assert await api.overrides() == []

    asyncio.run(main())


def test_tokens_of_a_lease_go_with_a_change(client):
    api = client.limiter("api", "1000/s", token_lease=100, token_ttl=60, overrides=3600)
    while api.hit("u").reason is not keywright.DecidedBy.TOKEN_LEASE:
        pass
    api.set_override("u", "5/h")
    assert api.hit("u").reason is not keywright.DecidedBy.TOKEN_LEASE


def test_headers_tell_the_keys_own_limits(client):
    api = client.limiter("api", "10/s", overrides=1)
    api.set_override("u", "100/s")
    headers = dict(api.hit("u").headers())
    assert headers["RateLimit-Policy"] == '"api";q=100;w=1'
    assert dict(api.hit("v").headers())["RateLimit-Policy"] == '"api";q=10;w=1'


def test_a_fallback_gives_a_share_of_the_keys_own_limits(server):
    """While the server is absent too a large customer is one, and who was cut stays so."""
    with keywright.connect(server.url) as client:
        api = client.limiter("api", "10/m", on_failure="local", local_share=50, overrides=3600)
        api.set_override("large", "100/m")
        api.set_override("cut", "2/h")
        assert api.hit("large").limit == 100 and api.hit("cut").limit == 2
        with server.silent():
            admitted = {key: sum(map(bool, (api.hit(key) for _ in range(60)))) for key in ("large", "cut", "other")}
            assert admitted == {"large": 50, "cut": 1, "other": 5}
            assert api.hit("large").limit == 50
