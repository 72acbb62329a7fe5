"""Permits of a concurrent limit, held while a block or a function runs, and released after."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time

import pytest

import keywright
import keywright.aio


@pytest.fixture
def held_now(client):
    """How many permits of "gpu" are held, by whoever looks from outside."""

    def ask(limits="2 concurrent"):
        return 2 - client.limiter("gpu", limits).peek("u", 0).remaining

    return ask


def until(happened):
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < 5
        time.sleep(0.01)


def test_release_gives_back_the_permit_and_leaves_the_rate_charged(client, server, clock):
    clock.freeze(1_767_225_600_000_000)
    api = client.limiter("gpu", "10/h; 2 concurrent")
    first, second = api.hit("u"), api.hit("u")
    assert not api.hit("u")
    before = server.command("GET", "kw:limiter:{gpu:u}:tat:3600000000")
    api.release(first)
    assert api.peek("u").remaining == 1
    api.release(first)  # again: nothing
    assert api.peek("u").remaining == 1
    assert server.command("GET", "kw:limiter:{gpu:u}:tat:3600000000") == before
    api.release(second)
    assert server.keys() == [b"kw:limiter:{gpu:u}:tat:3600000000"]


def test_release_gives_back_all_that_one_hit_took(client):
    api = client.limiter("gpu", "5 concurrent")
    three = api.hit("u", 3)
    api.refund(three, 1)
    assert api.peek("u").remaining == 3
    api.release(three)
    assert api.peek("u").remaining == 5


def test_release_wants_a_decision_that_holds_something(client):
    api, rate = client.limiter("gpu", "1 concurrent"), client.limiter("gpu", "1/h")
    with pytest.raises(keywright.Invalid, match="concurrent") as caught:
        rate.release(rate.hit("u"))
    assert caught.value.reason is keywright.Reason.DECISION
    with pytest.raises(keywright.Invalid, match="another"):
        client.limiter("cpu", "1 concurrent").release(api.hit("u"))
    with pytest.raises(keywright.Invalid, match="charged nothing"):
        api.release(api.hit("u"))


def test_a_guard_releases_however_the_block_ends(client, held_now):
    api = client.limiter("gpu", "2 concurrent")
    with api.guard("u") as decision:
        assert decision.lease and held_now() == 1
        with api.guard("u"), pytest.raises(keywright.Denied), api.guard("u"):
            pytest.fail("entered")
        assert held_now() == 1
    assert held_now() == 0
    with pytest.raises(KeyError), api.guard("u", 2):
        assert held_now() == 2
        raise KeyError
    assert held_now() == 0


def test_a_guard_leaves_a_rate_charged(client):
    api = client.limiter("gpu", "10/h; 2 concurrent")
    with api.guard("u"):
        pass
    assert client.limiter("gpu", "10/h").peek("u").remaining == 9
    assert client.limiter("gpu", "2 concurrent").peek("u").remaining == 2


def test_who_waits_gets_a_permit_that_is_released(client):
    api = client.limiter("gpu", "10/h; 1 concurrent")
    held = api.hit("u")
    began = time.monotonic()
    assert not api.hit("u", wait=0.1)
    assert 0.05 < time.monotonic() - began < 2
    released = threading.Timer(0.2, api.release, [held])
    released.start()
    began = time.monotonic()
    assert api.hit("u", wait=10)
    assert 0.15 < time.monotonic() - began < 2
    released.join()
    began = time.monotonic()
    assert not api.hit("u", 2, wait=10)  # it never fits
    assert not client.limiter("gpu", "1/h; 1 concurrent").hit("u", wait=1)  # an hour is too long
    assert time.monotonic() - began < 0.5


def test_waiting_for_a_permit_asks_a_hundred_times_at_most(client, server):
    api = client.limiter("gpu", "1 concurrent")
    assert api.hit("u")
    server.command("CONFIG", "RESETSTAT")
    assert not api.hit("u", wait=2)
    stats = server.command("INFO", "commandstats").decode()
    assert 20 <= int(stats.split("cmdstat_evalsha:calls=")[1].split(",")[0]) <= 100


def test_a_blocking_guard_is_renewed_by_a_thread(client, caplog):
    api = client.limiter("gpu", "10/h; 1 concurrent", lease=0.3)
    other = client.limiter("cpu", "1 concurrent", lease=60)
    with other.guard("u"), api.guard("u"):  # what is due later does not keep it waiting
        time.sleep(0.7)
        assert not api.peek("u")
    assert api.peek("u") and other.peek("u")

    @api.limit(key="u")
    def work():
        time.sleep(0.7)
        return api.peek("u").allowed

    assert work() is False
    assert [thread.name for thread in threading.enumerate()].count("keywright-leases") == 1
    assert not caplog.records


def test_a_blocking_guard_that_lost_its_lease_says_so(client, caplog):
    api = client.limiter("gpu", "1 concurrent", lease=0.3)
    with caplog.at_level(logging.WARNING, "keywright"), api.guard("u"):
        api.reset("u")
        until(lambda: caplog.records)  # while the block runs
        time.sleep(0.3)
    assert [record.getMessage() for record in caplog.records] == [
        "the lease of 'u' ended before it was renewed: others may be at it too"
    ]


def test_a_renewal_that_failed_is_tried_again_in_its_time(client, caplog, monkeypatch):
    tried = []

    def renew(limiter, decision, *, timeout):
        tried.append((decision.key, timeout))
        raise keywright.Timeout("nobody answers")

    monkeypatch.setattr(keywright.Limiter, "renew", renew)
    short, long = (client.limiter("gpu", "1 concurrent", lease=lease) for lease in (0.3, 0.9))
    with long.guard("long"), short.guard("short"):
        until(lambda: len({key for key, _ in tried}) == 2)
    assert len(tried) < 50  # not at once
    assert max(timeout for _, timeout in tried) < 0.11  # nor does the long one keep the short one waiting
    assert "the lease of 'long' was not renewed: nobody answers" in caplog.text


def test_a_client_that_was_closed_renews_nothing(server, caplog):
    with keywright.connect(server.url) as client:
        api = client.limiter("gpu", "1 concurrent", lease=0.3)
        guard = api.guard("u")
        guard.__enter__()
    time.sleep(0.15)
    assert not keywright._held._keeper._held and not caplog.records
    guard.__exit__(None, None, None)


def test_the_thread_ends_when_nothing_is_held_and_begins_again(client, monkeypatch):
    monkeypatch.setattr(keywright._held, "_keeper", keywright._held.Keeper())
    monkeypatch.setattr(keywright._held, "IDLE", 0.05)
    api = client.limiter("gpu", "1 concurrent", lease=0.3)
    before = set(threading.enumerate())
    with api.guard("u"):
        (thread,) = set(threading.enumerate()) - before
    thread.join(5)
    assert not thread.is_alive()
    with api.guard("u"):
        time.sleep(0.5)
        assert not api.peek("u")


def test_a_program_that_stood_still_says_so_at_the_end(client, caplog, monkeypatch):
    monkeypatch.setattr(keywright._held, "_keeper", keywright._held.Keeper())
    monkeypatch.setattr(keywright._held._keeper, "add", lambda lease: None)  # its thread got no turn
    api = client.limiter("gpu", "1 concurrent", lease=0.1)
    with caplog.at_level(logging.WARNING, "keywright"), api.guard("u"):
        time.sleep(0.15)
    assert "ended before it was renewed" in caplog.text


def test_renewals_end_no_program_late_and_go_on_in_a_child(server):
    """What is held when the program ends, or forks, keeps nothing waiting."""
    code = """
import os, sys, time, keywright
api = keywright.connect(sys.argv[1]).limiter("gpu", "2 concurrent", lease=0.3)
guard = api.guard("parent")
guard.__enter__()
if os.fork() == 0:
    with api.guard("child"):
        time.sleep(0.7)
        print(api.peek("child").remaining, api.peek("parent").remaining, flush=True)
    os._exit(0)
os.wait()
api.guard("again").__enter__()
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code, server.url], env=environment, capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout) == (0, "1 1\n"), done.stderr


def test_a_limited_function_holds_a_permit_while_it_runs(client, held_now):
    api = client.limiter("gpu", "2 concurrent")

    @api.limit(key="u")
    def work():
        return held_now()

    @api.limit(key="u")
    async def async_work():
        return held_now()

    @api.limit(key="u")
    def fail():
        raise KeyError

    assert work() == 1 and asyncio.run(async_work()) == 1
    with pytest.raises(KeyError):
        fail()
    assert held_now() == 0


def test_a_generator_cannot_hold_a_permit(client):
    with pytest.raises(TypeError, match="guard"):

        @client.limiter("gpu", "1 concurrent").limit(key="u")
        def numbers():
            yield 1


def test_an_asyncio_guard_renews_while_the_block_runs(server, caplog):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("gpu", "10/h; 1 concurrent", lease=0.3)
            async with api.guard("u"):
                await asyncio.sleep(0.7)
                assert not await api.peek("u")
            assert await api.peek("u")
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert not caplog.records


def test_an_asyncio_program_that_stood_still_says_so_at_the_end(server, caplog):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("gpu", "1 concurrent", lease=0.1)
            async with api.guard("u"):
                time.sleep(0.15)

    asyncio.run(main())
    assert "ended before it was renewed" in caplog.text


def test_a_cancelled_task_gives_its_permit_back(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("gpu", "1 concurrent")

            async def work():
                async with api.guard("u"):
                    await asyncio.sleep(60)

            task = asyncio.create_task(work())
            while await api.peek("u"):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await api.peek("u")

    asyncio.run(main())


def test_a_lease_that_was_lost_is_logged(server, caplog):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("gpu", "1 concurrent", lease=0.15)
            async with api.guard("u"):
                await api.reset("u")
                await asyncio.sleep(0.1)
                assert "ended before it was renewed" in caplog.text
                await asyncio.sleep(0.1)

    with caplog.at_level(logging.WARNING, "keywright"):
        asyncio.run(main())
    assert len(caplog.records) == 1


def test_a_release_that_fails_does_not_take_the_place_of_what_the_block_did(server, caplog):
    with keywright.connect(server.url) as client:
        api = client.limiter("gpu", "1 concurrent", lease=0.2)

        @api.limit(key="u", timeout=0.05)
        def work():
            silent.__enter__()
            return 7

        silent = server.silent()
        try:
            assert work() == 7
        finally:
            silent.__exit__(None, None, None)
    assert "comes back when its lease ends" in caplog.text


def test_with_limits_off_nothing_is_held(client, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")
    api = client.limiter("gpu", "1 concurrent")
    before = client.stats().bytes_sent
    with api.guard("u") as decision, api.guard("u"):
        api.release(decision)
    assert client.stats().bytes_sent == before
