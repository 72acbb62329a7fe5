"""asyncio: what an operation is, and what awaiting, gathering and forgetting it do."""

import asyncio
import gc
import inspect
import warnings

import pytest

import keywright
import keywright.aio


def run(server, work, limit="100/h", **options):
    """Runs an async function with a limiter of an asyncio client."""

    async def main():
        async with keywright.aio.connect(server.url, **options) as client:
            return await work(client.limiter("api", limit), client)

    return asyncio.run(main())


def test_an_operation_is_awaited(server):
    async def work(api, client):
        operation = api.hit("k")
        assert isinstance(operation, keywright.aio.Operation)
        assert not inspect.iscoroutine(operation)
        decision = await operation
        assert isinstance(decision, keywright.aio.Decision)
        assert (decision.remaining, decision.key, decision.maker) == (99, "k", api)

    run(server, work)


def test_every_operation(server):
    async def work(api, client):
        assert (await api.hit("k", 3)).remaining == 97
        assert (await api.peek("k", 98)).allowed is False
        decision = await api.hit("k", 7)
        assert await decision.refund(5) is None
        assert await api.refund(decision, 2) is None
        assert (await api.peek("k")).remaining == 97
        assert await api.reset("k") is None
        assert [each.remaining for each in await api.hit_many(["a", ("b", 9), "a"])] == [99, 91, 98]
        assert await api.hit_many([]) == []
        assert await client.ping() is None
        assert (await client.info()).role is keywright.Role.PRIMARY
        assert client.stats().calls > 5

    run(server, work)


def test_a_forgotten_await_raises(server):
    async def work(api, client):
        with pytest.raises(TypeError, match="await this"):
            if api.hit("k"):
                pytest.fail("admitted")
        with pytest.raises(TypeError, match="await this"):
            assert not api.hit("k")
        with pytest.raises(TypeError, match="await this"):
            bool(client.ping())
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))

    reports = []
    run(server, work)
    gc.collect()
    assert reports == []


def test_it_is_submitted_when_it_is_made(server):
    async def work(api, client):
        operation = api.hit("k")
        await asyncio.sleep(0.2)
        assert operation.done()
        assert (await api.peek("k")).remaining == 99
        assert (await operation).remaining == 99

    run(server, work)


def test_awaiting_twice_gives_the_same(server):
    async def work(api, client):
        operation = api.hit("k")
        assert await operation is await operation
        first, second = await asyncio.gather(operation, operation)
        assert first is second
        assert (await api.peek("k")).remaining == 99

    run(server, work)


def test_two_tasks_may_await_one(server):
    async def work(api, client):
        operation = api.hit("k")

        async def wait():
            return await operation

        first, second = await asyncio.gather(wait(), wait())
        assert first is second

    run(server, work)


def test_what_is_gathered_leaves_in_one_write(server):
    async def work(api, client):
        await api.hit("warm")
        before = server.calls()
        decisions = await asyncio.gather(*(api.hit(f"k{number}") for number in range(200)))
        assert [decision.key for decision in decisions] == [f"k{number}" for number in range(200)]
        assert server.calls() - before >= 200

    run(server, work)


def test_the_tools_of_asyncio_take_it(server):
    async def work(api, client):
        assert (await asyncio.wait_for(api.hit("k"), 5)).allowed
        assert (await asyncio.shield(api.hit("k"))).allowed
        done, pending = await asyncio.wait([api.hit("k"), api.hit("j")])
        assert len(done) == 2 and not pending
        assert {task.result().key for task in done} == {"k", "j"}
        for each in asyncio.as_completed([api.hit("k")]):
            assert (await each).allowed
        seen = []
        operation = api.hit("k")
        operation.add_done_callback(seen.append)
        await operation
        await asyncio.sleep(0)
        assert seen == [operation]

    run(server, work)


def test_1000_tasks_get_each_its_own_answer(server):
    async def work(api, client):
        async def one(number):
            for cost in (1, number % 7 + 1):
                decision = await api.hit(f"task:{number}", cost)
                assert (decision.key, decision.amount) == (f"task:{number}", cost)
            return decision.remaining

        remaining = await asyncio.gather(*(one(number) for number in range(1000)))
        assert remaining == [100 - 1 - (number % 7 + 1) for number in range(1000)]

    run(server, work)


def test_errors_come_where_it_is_awaited_and_bad_arguments_where_it_is_made(server):
    async def work(api, client):
        await api.hit("k")
        (key,) = server.keys()
        server.command("DEL", key)
        server.command("RPUSH", key, "x")
        operation = api.hit("k")
        with pytest.raises(keywright.WrongType):
            await operation
        with pytest.raises(keywright.WrongType):
            await operation
        good, bad = await asyncio.gather(api.hit("j"), api.hit("k"), return_exceptions=True)
        assert good and isinstance(bad, keywright.WrongType)
        with pytest.raises(keywright.WrongType) as caught:
            await api.hit_many(["a", "k"])
        assert [each and each.key for each in caught.value.answers] == ["a", None]
        before = client.stats().bytes_sent
        for arguments, error in (
            ((None,), TypeError),
            (("k", -1), keywright.Invalid),
            (("k" * 1025,), keywright.Invalid),
            (("k", 1.5), TypeError),
        ):
            with pytest.raises(error):
                api.hit(*arguments)
        await asyncio.sleep(0.05)
        assert client.stats().bytes_sent == before

    run(server, work)


def test_a_bad_item_of_many_sends_nothing(server):
    async def work(api, client):
        await api.hit("other")
        before = client.stats().bytes_sent
        for bad, error in ((("b", -1), keywright.Invalid), ((None, 1), TypeError)):
            with pytest.raises(error):
                api.hit_many(["a", bad])
        await asyncio.sleep(0.05)
        assert client.stats().bytes_sent == before
        assert (await api.peek("a")).remaining == 100

    run(server, work)


def test_an_error_that_nobody_looked_at_is_reported(server):
    reports = []

    async def work(api, client):
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))
        with server.silent():
            api.hit("k", timeout=0.05)
            await asyncio.sleep(0.2)
        gc.collect()

    run(server, work)
    assert [type(report["exception"]) for report in reports] == [keywright.Timeout]


def test_deadlines_hold_while_the_server_is_silent(server):
    async def work(api, client):
        await api.hit("k")
        loop = asyncio.get_running_loop()
        with server.silent():
            start = loop.time()
            failures = await asyncio.gather(
                *(api.hit("k", timeout=0.1 + number / 100) for number in range(10)), return_exceptions=True
            )
            took = loop.time() - start
        assert [type(failure) for failure in failures] == [keywright.Timeout] * 10
        assert 0.1 < took < 1
        assert await api.hit("k", timeout=5)

    run(server, work)


def test_waiting_hits_are_served_in_turn_and_the_loop_goes_on(server):
    async def work(api, client):
        loop = asyncio.get_running_loop()
        start = loop.time()
        decisions = await asyncio.gather(*(api.hit("k", wait=5) for _ in range(6)))
        took = loop.time() - start
        assert all(decisions)
        assert 0.2 < took < 1
        assert sorted(round(decision.delay, 1) for decision in decisions)[0] == 0

    run(server, work, "20/s burst 1")


def test_a_client_can_be_awaited(server):
    async def main():
        client = await keywright.aio.connect(server.url)
        assert isinstance(client, keywright.aio.Client)
        assert client.stats().bytes_received > 0
        await client.close()
        await client.close()
        with pytest.raises(keywright.Closed):
            await client.ping()
        with pytest.raises(keywright.ConnectionFailed):
            await keywright.aio.connect("unix:///nowhere", timeout=0.5, connect_timeout=0.5)

    asyncio.run(main())


def test_close_ends_what_is_under_way(server):
    async def main():
        client = keywright.aio.connect(server.url)
        api = client.limiter("api", "1/h")
        await api.hit("k")
        with server.silent():
            operations = [api.hit("k") for _ in range(5)]
            await asyncio.sleep(0.05)
            await client.close()
            told = await asyncio.gather(*operations, return_exceptions=True)
        assert [type(each) for each in told] == [keywright.Closed] * 5

    asyncio.run(main())


def test_outside_of_a_loop_it_says_so(server):
    api = keywright.aio.connect(server.url).limiter("api", "1/h")
    with pytest.raises(RuntimeError, match="no event loop is running"):
        api.hit("k")


def test_nothing_is_left_to_warn_about(server):
    async def work(api, client):
        await api.hit("k")
        async with client.batch() as batch:
            batch.submit(api.hit, "k")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(server, work)
        gc.collect()


def test_in_debug_mode(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            assert all(await asyncio.gather(*(client.limiter("api", "9/h").hit("k") for _ in range(9))))

    asyncio.run(main(), debug=True)
