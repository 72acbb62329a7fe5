"""The two doors of Python over the echo endpoint: bytes, numbers, steps, grants; replies held back by the test."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keywright
from keywright._handle import ClientHandle
from keywright._test_echo import EchoPair
from keywright._test_echo_calls import EchoCalls
from support.echo import async_echo_of, client_handle, echo_of


@pytest.fixture
def handle() -> Iterator[ClientHandle]:
    handle = client_handle()
    yield handle
    handle.close(0)


@pytest.fixture
def echo(handle) -> EchoCalls:
    return echo_of(handle)


def fnv(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def test_what_is_sent_comes_back(echo):
    pair = echo.send(b"\x00payload\xff", 7)
    assert isinstance(pair, EchoPair)
    assert (pair.number, pair.length, pair.checksum, pair.steps) == (7, 9, fnv(b"\x00payload\xff"), 1)


@given(payload=st.binary(max_size=300), number=st.integers(-(2**63) + 1, 2**63 - 1))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_and_any_number(echo, payload, number):
    pair = echo.send(payload, number)
    assert (pair.number, pair.length, pair.checksum) == (number, len(payload), fnv(payload))


@pytest.mark.parametrize("payload", [bytearray(b"abc"), memoryview(b"abc"), b"abc"])
def test_payloads_are_bytes_of_any_kind(echo, payload):
    assert echo.send(payload).checksum == fnv(b"abc")


def test_payloads_are_no_texts(echo):
    with pytest.raises(TypeError, match="payload must be bytes, not str"):
        echo.send("text")


def test_a_large_payload(echo):
    payload = bytes(range(256)) * 4096
    assert echo.send(payload).checksum == fnv(payload[:0]) or echo.send(payload).length == len(payload)


def test_several_steps(echo):
    start = time.monotonic()
    pair = echo.steps(4, 5, pause=0.01)
    assert (pair.number, pair.steps) == (4, 5)
    assert time.monotonic() - start > 0.04


def test_a_grant_and_a_no(echo):
    assert echo.grant(2)
    assert echo.state().granted == 1
    no = echo.grant(3)
    assert not no
    assert no.status is keywright.Status.BUSY


def test_a_script_that_was_forgotten_is_sent_again(echo):
    assert echo.script(1).number == 1
    echo.flush()
    assert echo.script(2).number == 2


def test_many(echo):
    pairs = echo.send_many([(b"a" * number, number) for number in range(500)])
    assert [(pair.number, pair.length) for pair in pairs] == [(number, number) for number in range(500)]
    assert echo.send_many([]) == []


def test_a_lost_link_is_a_failure_or_is_repaired(echo):
    echo.send(b"x")
    echo.drop()
    assert echo.send(b"y").length == 1


def test_a_deadline_while_replies_are_held(echo):
    echo.send(b"x")
    echo.hold(True)
    with pytest.raises(keywright.Timeout):
        echo.send(b"y", timeout=0.05)
    echo.hold(False)
    assert echo.send(b"z").length == 1


def test_a_grant_that_came_too_late_is_given_back(echo):
    echo.send(b"x")
    echo.hold(True)
    with pytest.raises(keywright.Timeout):
        echo.grant(2, timeout=0.05)
    echo.hold(False)
    end = time.monotonic() + 5
    while not echo.state().undone and time.monotonic() < end:
        echo.send(b"y")
    assert (echo.state().granted, echo.state().undone) == (0, 1)


def test_timeout_0_is_at_once_and_not_the_default(echo):
    echo.send(b"x")
    echo.hold(True)
    start = time.monotonic()
    with pytest.raises(keywright.Timeout):
        echo.send(b"y", timeout=0)
    assert time.monotonic() - start < 1
    echo.hold(False)


def test_threads_get_their_own(echo):
    wrong = []

    def work(number):
        for count in range(300):
            payload = b"%d:%d" % (number, count)
            pair = echo.send(payload, number)
            if (pair.number, pair.checksum) != (number, fnv(payload)):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bad_numbers(echo):
    for arguments, error in (((1, 0), keywright.Invalid), ((1, 1001), keywright.Invalid), ((1.0, 1), TypeError)):
        with pytest.raises(error):
            echo.steps(*arguments, pause=0)
    with pytest.raises(keywright.Invalid):
        echo.steps(1, 1, pause=-1)
    with pytest.raises(TypeError):
        echo.steps(1, 1)


# asyncio


def run(handle, work):
    async def main():
        return await work(async_echo_of(handle))

    return asyncio.run(main())


def test_async_answers_come_to_those_who_asked(handle, echo):
    async def work(aio):
        async def one(number):
            pair = await aio.send(b"%d" % number, number)
            assert (pair.number, pair.checksum) == (number, fnv(b"%d" % number))

        await asyncio.gather(*(one(number) for number in range(2000)))

    run(handle, work)


def test_async_steps_and_grants(handle, echo):
    async def work(aio):
        pairs = await asyncio.gather(*(aio.steps(number, 4, pause=0.005) for number in range(20)))
        assert [(pair.number, pair.steps) for pair in pairs] == [(number, 4) for number in range(20)]
        assert await aio.grant(2)
        assert not await aio.grant(3)

    run(handle, work)


def test_held_replies_keep_nobody_elses(handle, echo):
    async def work(aio):
        await aio.send(b"warm")
        aio.hold(True)
        operations = [aio.send(b"x", number) for number in range(10)]
        await asyncio.sleep(0.05)
        assert not any(operation.done() for operation in operations)
        aio.hold(False)
        assert [pair.number for pair in await asyncio.gather(*operations)] == list(range(10))

    run(handle, work)


def test_a_cancelled_grant_is_given_back_when_its_yes_comes(handle, echo):
    async def work(aio):
        await aio.send(b"warm")
        aio.hold(True)
        operations = [aio.grant(number * 2) for number in range(5)]
        await asyncio.sleep(0.05)
        for operation in operations[:3]:
            operation.cancel()
        aio.hold(False)
        assert all(await asyncio.gather(*operations[3:]))
        for _ in range(100):
            if aio.state().undone == 3:
                break
            await aio.send(b"x")
        assert (aio.state().granted, aio.state().undone) == (2, 3)

    run(handle, work)


def test_a_drained_loop_sleeps(handle, echo):
    """Readiness ends with the last record: a loop that is idle is not woken again and again."""

    async def work(aio):
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(aio.send(b"x") for _ in range(600)))
        port = aio._ports.current()
        turns = 0
        turn = port._turn

        def counted():
            nonlocal turns
            turns += 1
            turn()

        loop.remove_reader(port._fd)
        loop.add_reader(port._fd, counted)
        await asyncio.sleep(0.1)
        assert turns <= 1
        assert (await aio.send(b"y")).length == 1

    run(handle, work)


def test_the_link_lost_while_operations_wait(handle, echo):
    async def work(aio):
        await aio.send(b"warm")
        aio.hold(True)
        reading, granting = aio.send(b"x", 5), aio.grant(2)
        await asyncio.sleep(0.05)
        aio.drop()
        aio.hold(False)
        with pytest.raises(keywright.Unknown) as caught:
            await granting
        assert caught.value.maybe_applied
        assert (await reading).number == 5

    run(handle, work)


def test_overload_is_told_at_once():
    handle = client_handle(max_in_flight=10)
    try:

        async def work(aio):
            await aio.send(b"warm")
            aio.hold(True)
            operations = [aio.send(b"x", number) for number in range(10)]
            with pytest.raises(keywright.Overloaded):
                aio.send(b"x")
            aio.hold(False)
            assert [pair.number for pair in await asyncio.gather(*operations)] == list(range(10))
            assert (await aio.send(b"x")).length == 1

        run(handle, work)
    finally:
        handle.close(0)
