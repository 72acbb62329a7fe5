"""One client in many threads."""

import gc
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import keywright
from keywright._library import NATIVE


def test_each_of_16_threads_gets_its_own_answer(client):
    api = client.limiter("api", "100000/year")

    def work(number):
        for count in range(1, 201):
            decision = api.hit(f"thread:{number}", number + 1)
            assert decision.key == f"thread:{number}"
            assert decision.amount == number + 1
            assert 100_000 - decision.remaining == (number + 1) * count
        return number

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == list(range(16))


def test_rooms_are_given_back(client):
    api = client.limiter("api", "1000000/h")
    api.hit("k")
    before = len(NATIVE.rooms)
    assert before >= 1
    for _ in range(100):
        api.hit("k")
        with pytest.raises(keywright.Invalid):
            api.hit("k", -1)
    assert len(NATIVE.rooms) == before


def test_a_signal_handler_that_calls_does_not_disturb_the_call_it_interrupts(client):
    api = client.limiter("api", "1000000/h")
    inner = []
    old = signal.signal(signal.SIGALRM, lambda *_: inner.append(api.hit("inner", 7)))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            assert api.hit("outer", 3).amount == 3
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert inner and all(decision.amount == 7 and decision.key == "inner" for decision in inner)


def test_close_wakes_those_who_wait(client, server):
    api = client.limiter("api", "10/s")
    api.hit("k")
    told = []

    def wait():
        try:
            api.hit("k", timeout=20)
        except keywright.Error as error:
            told.append(error)

    with server.silent():
        threads = [threading.Thread(target=wait) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        client.close(timeout=5)
        for thread in threads:
            thread.join(5)
    assert [type(error) for error in told] == [keywright.Closed] * 4


def test_handles_are_freed_in_any_order(server):
    client = keywright.connect(server.url)
    limiters = [client.limiter(f"l{number}", "10/s") for number in range(100)]
    assert limiters[0].hit("k")
    del client
    gc.collect()
    assert limiters[1].hit("k")
    del limiters
    gc.collect()


def descriptors():
    return len(os.listdir("/dev/fd"))


def test_what_is_dropped_gives_its_descriptors_back(server):
    def use():
        client = keywright.connect(server.url)
        api = client.limiter("api", "10/s")
        api.hit("k")
        with client.batch() as batch:
            batch.submit(api.hit, "k")

    use()
    gc.collect()
    before = descriptors()
    for _ in range(10):
        use()
    gc.collect()
    assert descriptors() == before
