"""Cancelling: the call is cancelled, its answer goes to nobody, and what it was granted is given back."""

import asyncio

import pytest

import keywright.aio


def run(server, work, limit):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            return await work(client.limiter("api", limit), client)

    return asyncio.run(main())


def test_a_cancelled_wait_gives_its_booking_back(server):
    async def work(api, client):
        await api.hit("k")
        waiting = [api.hit("k", wait=50) for _ in range(3)]
        await asyncio.sleep(0.1)
        booked = (await api.peek("k")).retry_after
        assert booked > 20
        for operation in reversed(waiting):  # a booking that has others behind it stands
            assert operation.cancel()
            assert operation.cancelled()
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]
        await asyncio.sleep(0.1)
        assert (await api.peek("k")).retry_after < 10.1
        assert client.stats().undone <= 3

    run(server, work, "6/m burst 1")


def test_cancelling_the_task_cancels_the_call(server):
    async def work(api, client):
        await api.hit("k")

        async def wait():
            await api.hit("k", wait=50)

        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0.1)
        assert (await api.peek("k")).retry_after > 10.1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)
        assert (await api.peek("k")).retry_after < 10.1

    run(server, work, "6/m burst 1")


def test_a_timeout_around_a_wait_gives_its_booking_back(server):
    async def work(api, client):
        await api.hit("k")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(api.hit("k", wait=50), 0.1)
        await asyncio.sleep(0.1)
        assert (await api.peek("k")).retry_after < 10.1

    run(server, work, "6/m burst 1")


def test_what_was_never_written_never_leaves(server):
    async def work(api, client):
        await api.hit("other")
        before = client.stats().bytes_sent
        operations = [api.hit("k") for _ in range(10)]
        for operation in operations:
            operation.cancel()
        await asyncio.sleep(0.05)
        assert client.stats().bytes_sent == before
        assert (await api.peek("k")).remaining == 100

    run(server, work, "100/h")


def test_an_answer_that_came_cannot_be_cancelled(server):
    async def work(api, client):
        operation = api.hit("k")
        await operation
        assert operation.cancel() is False
        assert (await operation).remaining == 99

    run(server, work, "100/h")


def test_a_wait_that_was_answered_in_the_turn_of_its_cancelling_is_refunded(server):
    async def work(api, client):
        operation = api.hit("k", wait=5)

        async def wait():
            await operation

        task = asyncio.ensure_future(wait())
        # The operation's own callbacks run before the task goes on: there the task is cancelled.
        operation.add_done_callback(lambda _: task.cancel())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert operation.done() and not operation.cancelled()
        await asyncio.sleep(0.05)
        assert (await api.peek("k")).remaining == 100

    run(server, work, "100/h")


def test_a_cancelling_is_told_though_nothing_can_be_given_back_any_more(server):
    async def work(api, client):
        operation = api.hit("k", wait=5)

        async def wait():
            await operation

        def close_and_cancel(_):
            client._close(0)
            task.cancel()

        task = asyncio.ensure_future(wait())
        operation.add_done_callback(close_and_cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert operation.done() and not operation.cancelled()

    run(server, work, "100/h")


def test_cancelling_many(server):
    async def work(api, client):
        with server.silent():
            operation = api.hit_many([f"k{number}" for number in range(100)])
            await asyncio.sleep(0.05)
            assert operation.cancel()
            with pytest.raises(asyncio.CancelledError):
                await operation
        assert (await api.hit("other")).remaining == 99

    run(server, work, "100/h")


def test_a_storm_of_cancellations_mixes_up_nothing(server):
    async def work(api, client):
        async def one(number):
            operation = api.hit(f"k{number}", number % 5 + 1)
            if number % 3 == 0:
                await asyncio.sleep(0)
                operation.cancel()
            try:
                decision = await operation
            except asyncio.CancelledError:
                return None
            assert (decision.key, decision.amount) == (f"k{number}", number % 5 + 1)
            return number

        told = await asyncio.gather(*(one(number) for number in range(900)))
        assert all(told[number] == number for number in range(900) if number % 3)
        assert (await api.hit("after")).allowed

    run(server, work, "100/h")
