"""How tasks go on when the answers of many come at once: each in its own context, whatever becomes of the others."""

import asyncio
import contextvars
import sys

import pytest

import keywright
import keywright.aio

number = contextvars.ContextVar("number", default=-1)


def run(server, work, debug=False):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "100000/h")
            await api.hit("warm")
            return await work(api)

    return asyncio.run(main(), debug=debug)


def by_python(loop, work, **options):
    """Tasks that are not asyncio's C."""
    return asyncio.tasks._PyTask(work, loop=loop, **options)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "factory", [None, lambda loop, work, **options: asyncio.tasks._PyTask(work, loop=loop, **options)]
)
def test_each_task_has_its_own_context(server, debug, factory):
    async def one(api, mine):
        number.set(mine)
        for _ in range(5):
            assert (await api.hit(str(mine))).key == str(mine)
            assert number.get() == mine
            assert asyncio.current_task() is tasks[mine]

    async def work(api):
        asyncio.get_running_loop().set_task_factory(factory)
        tasks.extend(asyncio.get_running_loop().create_task(one(api, mine)) for mine in range(50))
        await asyncio.gather(*tasks)
        assert number.get() == -1

    tasks = []
    run(server, work, debug)


class Stop(SystemExit):
    """What ends a loop in the midst of its turn."""


def test_one_that_ends_the_loop_takes_nobody_along(server):
    loop = asyncio.new_event_loop()
    client = keywright.aio.connect(server.url)
    api = client.limiter("api", "100000/h")
    told = []

    async def one(mine):
        told.append((await api.hit(mine)).key)
        if mine == 1:
            raise Stop

    try:
        tasks = [loop.create_task(one(mine)) for mine in range(5)]
        with pytest.raises(Stop):
            loop.run_forever()
        assert told == [0, 1]
        loop.run_until_complete(asyncio.sleep(0.1))
        assert told == [0, 1, 2, 3, 4]
        assert [type(task.exception()) for task in tasks] == [type(None), Stop, type(None), type(None), type(None)]
    finally:
        loop.run_until_complete(client.close())
        loop.close()


def test_whoever_waits_in_other_ways_is_told_too(server):
    async def work(api):
        operation = api.hit("k")
        seen = []
        operation.add_done_callback(seen.append)
        taken_back = seen.clear
        operation.add_done_callback(taken_back)
        assert operation.remove_done_callback(taken_back) == 1

        async def wait():
            return await operation

        first, second = await asyncio.gather(wait(), wait())
        assert first is second is operation.result()
        await asyncio.sleep(0)
        assert seen == [operation]
        assert (await asyncio.wait_for(api.hit("k"), 5)).allowed

    run(server, work)


def test_a_failure_and_a_cancelling_wake_as_well(server):
    async def work(api):
        async def wait(operation):
            return await operation

        with server.silent():
            late, left = (asyncio.ensure_future(wait(api.hit("k", timeout=timeout))) for timeout in (0.05, 20))
            with pytest.raises(keywright.Timeout):
                await late
            left.cancel()
            with pytest.raises(asyncio.CancelledError):
                await left
            direct = api.hit("k", timeout=20)
            waiting = asyncio.ensure_future(wait(direct))
            await asyncio.sleep(0)
            direct.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    run(server, work)


def test_an_entry_of_a_batch_that_is_awaited_before_the_batch_ends(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "100/h")

            async def wait(entry):
                return await entry

            async with client.batch() as batch:
                task = asyncio.ensure_future(wait(batch.submit(api.hit, "k")))
                await asyncio.sleep(0)
            assert (await task).remaining == 99
            with pytest.raises(KeyError):
                async with client.batch() as batch:
                    task = asyncio.ensure_future(wait(batch.submit(api.hit, "k")))
                    await asyncio.sleep(0)
                    raise KeyError
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks begin at once from Python 3.12 on")
def test_eager_tasks(server):
    async def work(api):
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)

        async def one(mine):
            return (await api.hit(mine)).key

        assert await asyncio.gather(*(one(mine) for mine in range(20))) == list(range(20))

    run(server, work)
