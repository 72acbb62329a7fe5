"""Event loops: several in one process, one after the other, closed ones, other threads."""

import asyncio
import gc
import os
import sys
import threading

import pytest

import keywright
import keywright.aio


def test_a_client_binds_again_when_its_loop_was_closed(server):
    client = keywright.aio.connect(server.url)
    api = client.limiter("api", "100/h")

    async def hit():
        return (await api.hit("k")).remaining

    assert [asyncio.run(hit()) for _ in range(3)] == [99, 98, 97]


def test_a_client_belongs_to_one_loop(server):
    client = keywright.aio.connect(server.url)
    api = client.limiter("api", "100/h")

    async def hit():
        return await api.hit("k")

    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        assert first.run_until_complete(hit()).remaining == 99
        with pytest.raises(RuntimeError, match="another event loop"):
            second.run_until_complete(hit())
        assert first.run_until_complete(hit()).remaining == 98
        first.close()
        assert second.run_until_complete(hit()).remaining == 97
    finally:
        first.close()
        second.close()


def test_loops_of_several_threads_see_only_their_own(server):
    told = {}

    def work(number):
        async def main():
            async with keywright.aio.connect(server.url) as client:
                api = client.limiter("api", "100000/year")
                keys = [f"{number}:{count}" for count in range(200)]
                decisions = await asyncio.gather(*(api.hit(key) for key in keys))
                return [decision.key for decision in decisions] == keys and all(
                    decision.remaining == 99_999 for decision in decisions
                )

        told[number] = asyncio.run(main())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == dict.fromkeys(range(6), True)


def test_another_thread_cannot_use_it(server):
    told = []

    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "100/h")
            await api.hit("k")

            def other():
                try:
                    api.hit("k")
                except RuntimeError as error:
                    told.append(str(error))

                async def inner():
                    await api.hit("k")

                try:
                    asyncio.run(inner())
                except RuntimeError as error:
                    told.append(str(error))

            await asyncio.to_thread(other)

    asyncio.run(main())
    assert "another event loop" in told[0] or "no event loop" in told[0]
    assert "another event loop" in told[1]


def watched(loop):
    """How many descriptors a loop watches, its own wake-up apart."""
    return len(loop._selector.get_map()) - 1


def test_a_closed_client_leaves_nothing_in_the_loop(server):
    async def main():
        loop = asyncio.get_running_loop()
        for _ in range(3):
            async with keywright.aio.connect(server.url) as client:
                await client.ping()
                assert watched(loop) == 1
            assert watched(loop) == 0

    asyncio.run(main())


def test_a_client_that_is_dropped_leaves_the_loop_after_its_last_answer(server):
    async def main():
        loop = asyncio.get_running_loop()
        operation = keywright.aio.connect(server.url).limiter("api", "10/h").hit("k")
        gc.collect()
        assert watched(loop) == 1
        assert (await operation).remaining == 9
        del operation
        gc.collect()
        await asyncio.sleep(0.05)
        assert watched(loop) == 0

    asyncio.run(main())


def test_what_a_dropped_client_still_waits_for_comes(server):
    async def main():
        client = keywright.aio.connect(server.url)
        await client.ping()
        with server.silent():
            operation = client.ping()
            del client
            gc.collect()
            await asyncio.sleep(0.05)
            asyncio.get_running_loop().call_soon(operation._port._turn)
            await asyncio.sleep(0.05)
        assert await operation is None

    asyncio.run(main())


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def uncollected():
    """No garbage collection: what goes, goes by itself."""
    if not sys.platform.startswith("linux"):
        pytest.skip("descriptors are counted in /proc/self/fd")
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def wait_in_vain(client):
    """Leaves the loop with a timer set for one who waits."""
    waiting = asyncio.ensure_future(client.limiter("api", "1/h", max_wait=7200).hit("k", 2, wait=7200))
    await client.ping()
    waiting.cancel()


def test_a_client_keeps_no_descriptors_of_closed_loops(server, uncollected):
    client = keywright.aio.connect(server.url)
    asyncio.run(wait_in_vain(client))
    before = descriptors()
    for _ in range(3):
        asyncio.run(wait_in_vain(client))
        assert descriptors() == before


def test_descriptors_of_closed_loops_go_when_any_client_binds(server, uncollected):
    clients = [keywright.aio.connect(server.url) for _ in range(4)]
    asyncio.run(wait_in_vain(clients[0]))
    before = descriptors()
    for client in clients[1:]:
        asyncio.run(wait_in_vain(client))
        assert descriptors() == before


def test_a_client_that_is_dropped_after_its_loop_keeps_no_descriptors(server, uncollected):
    before = descriptors()
    for _ in range(3):
        client = keywright.aio.connect(server.url)
        asyncio.run(wait_in_vain(client))
        del client
        assert descriptors() == before


def test_a_closed_client_keeps_no_descriptors(server, uncollected):
    async def main():
        clients = []
        for _ in range(3):
            async with keywright.aio.connect(server.url) as client:
                await client.ping()
            clients.append(client)
            left.append(descriptors() - len(clients))  # each has one for as long as it is there

    left = []
    asyncio.run(main())
    assert len(set(left)) == 1


def test_sync_and_asyncio_side_by_side(server):
    with keywright.connect(server.url) as client:
        sync_api = client.limiter("api", "100/h")

        async def main():
            async with keywright.aio.connect(server.url) as other:
                api = other.limiter("api", "100/h")
                return (await api.hit("k")).remaining, sync_api.hit("k").remaining, (await api.hit("k")).remaining

        assert asyncio.run(main()) == (99, 98, 97)


def test_an_operation_left_in_a_closed_loop_does_no_harm(server):
    client = keywright.aio.connect(server.url)
    api = client.limiter("api", "100/h")
    left = []

    async def leave():
        left.append(api.hit("k"))

    asyncio.run(leave())

    async def hit():
        return await api.hit("j")

    assert asyncio.run(hit()).remaining == 99
    left.clear()
    gc.collect()
