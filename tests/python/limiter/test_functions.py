"""limit and guard: functions and blocks that are limited."""

import asyncio
import inspect
import threading

import pytest

import keywright
import keywright.aio


def test_a_limited_function(client):
    api = client.limiter("api", "2/h")

    @api.limit(key=lambda user, **_: user)
    def greet(user, greeting="hello"):
        """Greets."""
        return f"{greeting} {user}"

    assert greet.__name__ == "greet"
    assert greet.__doc__ == "Greets."
    assert list(inspect.signature(greet).parameters) == ["user", "greeting"]
    assert greet("ann") == "hello ann"
    assert greet("ann", greeting="bye") == "bye ann"
    assert greet("bob") == "hello bob"
    with pytest.raises(keywright.Denied) as caught:
        greet("ann")
    assert caught.value.decision.key == "ann"
    assert caught.value.decision.retry_after > 0
    assert "'ann'" in str(caught.value) and "'api'" in str(caught.value)


def test_cost_may_be_a_function_too(client):
    api = client.limiter("api", "10/h")

    @api.limit(key="all", cost=len)
    def send(items):
        return len(items)

    assert send("abcdefg") == 7
    with pytest.raises(keywright.Denied):
        send("abcd")
    assert send("abc") == 3


def test_patience(client):
    api = client.limiter("api", "20/s burst 1")

    @api.limit(key="all", wait=1)
    def work():
        return True

    assert work() and work() and work()


def test_an_exception_of_the_function_is_its_own(client):
    @client.limiter("api", "10/h").limit(key="all")
    def fail():
        raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        fail()


def test_an_async_function_is_limited_without_blocking_its_loop(client, server):
    api = client.limiter("api", "2/h")

    @api.limit(key=lambda user: user)
    async def greet(user):
        return f"hello {user}"

    assert inspect.iscoroutinefunction(greet)
    assert greet.__name__ == "greet"

    async def main():
        assert await greet("ann") == "hello ann"
        ticks = 0
        with server.silent():
            waiting = asyncio.ensure_future(greet("ann"))
            for _ in range(20):
                await asyncio.sleep(0.005)
                ticks += 1
            assert not waiting.done()
        assert await waiting == "hello ann"
        assert ticks == 20
        with pytest.raises(keywright.Denied):
            await greet("ann")

    asyncio.run(main())
    with pytest.raises(keywright.Denied):
        asyncio.run(greet("ann"))


def test_an_async_function_in_loops_of_several_threads(client):
    @client.limiter("api", "1000/h").limit(key=threading.get_ident)
    async def work():
        return threading.get_ident()

    told = []

    async def main():
        told.append(await asyncio.gather(*(work() for _ in range(20))))

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 4
    assert all(len(set(each)) == 1 for each in told)


def test_a_closed_client_leaves_the_loops_of_its_functions(server):
    async def main():
        loop = asyncio.get_running_loop()
        with keywright.connect(server.url) as client:

            @client.limiter("api", "10/h").limit(key="all")
            async def work():
                return 7

            assert await work() == 7
            assert len(loop._selector.get_map()) == 2
        await asyncio.sleep(0.02)
        assert len(loop._selector.get_map()) == 1
        with pytest.raises(keywright.Closed):
            await work()

    asyncio.run(main())


def test_an_asyncio_limiter_limits_async_functions_only(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "1/h")

            @api.limit(key="all")
            async def work():
                return 7

            assert await work() == 7
            with pytest.raises(keywright.Denied):
                await work()
            with pytest.raises(TypeError, match="belongs to asyncio"):
                api.limit(key="all")(lambda: None)

    asyncio.run(main())


def test_an_async_generator_is_refused(client):
    with pytest.raises(TypeError, match="guard"):

        @client.limiter("api", "1/h").limit(key="all")
        async def numbers():
            yield 1


def test_a_guard(client):
    api = client.limiter("api", "1/h")
    with api.guard("k") as decision:
        assert decision.remaining == 0
    with pytest.raises(keywright.Denied) as caught, api.guard("k"):
        pytest.fail("entered")
    assert not caught.value.decision


def test_an_asyncio_guard(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "1/h")
            async with api.guard("k") as decision:
                assert decision
            with pytest.raises(keywright.Denied):
                async with api.guard("k"):
                    pytest.fail("entered")

    asyncio.run(main())


def test_a_method_and_a_generator(client):
    api = client.limiter("api", "3/h")

    class Mailer:
        def __init__(self, user):
            self.user = user

        @api.limit(key=lambda self, *_: self.user, cost=lambda self, *letters: len(letters))
        def send(self, *letters):
            """Sends letters."""
            return len(letters)

        @api.limit(key=lambda self: self.user)
        def lines(self):
            yield from "ab"

    assert (Mailer.send.__name__, Mailer.send.__doc__) == ("send", "Sends letters.")
    ann, bob = Mailer("ann"), Mailer("bob")
    assert ann.send("x", "y") == 2
    assert list(ann.lines()) == ["a", "b"]
    with pytest.raises(keywright.Denied):
        ann.lines()  # when it is called, not when it is first asked
    assert bob.send("x", "y", "z") == 3
