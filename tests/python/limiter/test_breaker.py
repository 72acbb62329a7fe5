"""An absent server costs callers one deadline, not one each; a server that is back is asked again."""

import asyncio
import time

import keywright
import keywright.aio
from keywright import DecidedBy


def test_only_the_first_waits(server):
    with keywright.connect(server.url) as client:
        api = client.limiter("api", "1000000/s", on_failure="allow")
        assert api.hit("u").reason is DecidedBy.SERVER
        with server.silent():
            took = []
            for _ in range(200):
                begun = time.monotonic()
                assert api.hit("u").reason is DecidedBy.FAIL_OPEN
                took.append(time.monotonic() - begun)
            assert took[0] >= 0.045 and sum(each > 0.04 for each in took) <= 2
            assert api.stats().failed == 200
        begun = time.monotonic()
        while api.hit("u").reason is not DecidedBy.SERVER:
            assert time.monotonic() - begun < 1.5
        assert all(api.hit("u").reason is DecidedBy.SERVER for _ in range(100))


def test_one_of_many_asks(server):
    with keywright.connect(server.url) as client:
        api = client.limiter("api", "1000000/s", on_failure="deny")
        api.hit("u")
        with server.silent():
            assert not any(api.hit_many(["u"] * 10))
            time.sleep(0.12)
            begun = time.monotonic()
            answers = api.hit_many([str(index) for index in range(100)])
            assert not any(answers) and {one.reason for one in answers} == {DecidedBy.FAIL_CLOSED}
            assert 0.045 < time.monotonic() - begun < 0.5
            assert not any(api.hit_many(["u"] * 10))
        assert api.stats().failed == 120


def test_asyncio(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "1000000/s", on_failure="local")
            assert (await api.hit("u")).reason is DecidedBy.SERVER
            with server.silent():
                begun = time.monotonic()
                first = await asyncio.gather(*(api.hit("u") for _ in range(50)))
                assert {one.reason for one in first} == {DecidedBy.FALLBACK}
                assert time.monotonic() - begun > 0.045
                begun = time.monotonic()
                for _ in range(50):
                    assert (await api.hit("u")).reason is DecidedBy.FALLBACK
                assert time.monotonic() - begun < 0.15
            begun = time.monotonic()
            while (await api.hit("u")).reason is not DecidedBy.SERVER:
                assert time.monotonic() - begun < 1.5
                await asyncio.sleep(0.001)

    asyncio.run(main())
