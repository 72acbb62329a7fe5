"""The same, awaited."""

import asyncio

import pytest

import keywright
import keywright.aio

START = 1_767_225_600_000_000


def test_awaited(server, clock):
    clock.freeze(START)

    async def main():
        async with keywright.aio.connect(server.url) as client:
            user, address = client.limiter("user", "10/s"), client.limiter("ip", "5/s")
            joint = client.joint([user, address])
            first, second = await asyncio.gather(joint.hit(["ann", ("x", 5)]), joint.hit(["ann", "x"]))
            assert type(first) is keywright.aio.JointDecision and type(first.decisions[0]) is keywright.aio.Decision
            assert first and not second and (second.denied_by, second.retry_after) == (1, 0.2)
            await first.decisions[1].refund(2)
            assert (await joint.peek(["ann", ("x", 2)])) and not (await joint.peek(["ann", ("x", 3)]))
            with pytest.raises(keywright.Invalid):
                await joint.hit(["ann"])
            with pytest.raises(TypeError, match="await this"):
                bool(joint.hit(["ann", "x"]))
            with pytest.raises(TypeError, match=r"limiters\[0\]"), keywright.connect(server.url) as blocking:
                client.joint([blocking.limiter("user", "10/s")])

    asyncio.run(main())


def test_blocking_objects_are_hit_from_async_functions_by_their_twin(client, server):
    joint = client.joint([client.limiter("user", "10/s"), client.limiter("ip", "5/s")])

    async def main():
        answer = await joint._asynchronous().hit(["ann", "x"])
        assert answer and [each.amount for each in answer.decisions] == [1, 1]

    asyncio.run(main())
