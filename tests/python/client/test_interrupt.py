"""Ctrl-C and other signals while a call blocks: handlers run, and one that raises ends the call."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

import keywright
from keywright._generated.keywright import Status
from keywright._library import NATIVE

HEAD = """
import signal, sys, threading, time
# Whoever runs in the background of a shell has Ctrl-C ignored, and would pass that on.
signal.signal(signal.SIGINT, signal.default_int_handler)
import keywright
client = keywright.connect({url!r})
api = client.limiter("api", "1 per 20s burst 1")
client.ping()
def begin():
    print("begun", flush=True)
"""


@contextmanager
def program(server, text):
    """A child process that has said that it is about to block."""
    child = subprocess.Popen(
        [sys.executable, "-c", HEAD.format(url=server.url) + text],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n", child.communicate()[1]
        time.sleep(0.3)
        assert child.poll() is None
        yield child
    finally:
        child.kill()
        child.communicate()


def interrupted(child):
    """Sends Ctrl-C, and gives how long the end took and what it said."""
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=20)
    return time.monotonic() - start, out, errors


def ends_at_once(child):
    took, _, errors = interrupted(child)
    assert errors.strip().endswith("KeyboardInterrupt"), errors
    assert took < 1


BLOCKED = {
    "hit": 'begin(); api.hit("k", timeout=30)',
    "ping": "begin(); client.ping(timeout=30)",
    "a batch": """
with client.batch() as batch:
    batch.submit(api.hit, "k", timeout=30)
    begin()
""",
}


@pytest.mark.parametrize("name", BLOCKED)
def test_a_server_that_does_not_answer(server, name):
    """The program says that it begins, and blocks once the server stands still."""
    with program(server, BLOCKED[name].replace("begin()", "begin(); time.sleep(0.8)")) as child, server.silent():
        time.sleep(1)
        ends_at_once(child)


WAITING = {
    "hit": 'begin(); api.hit("k", wait=30)',
    "many threads": """
def work():
    api.hit("k", wait=30)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
begin()
api.hit("j", wait=30)
""",
    "a batch": """
with client.batch() as batch:
    batch.submit(api.hit, "k", wait=30)
    begin()
""",
}


@pytest.mark.parametrize("name", ["hit", "a batch"])
def test_a_booking_is_given_back(server, client, name):
    api = client.limiter("api", "1 per 20s burst 1")
    assert api.hit("k")
    with program(server, WAITING[name]) as child:
        assert api.peek("k").retry_after > 20, "it was booked"
        ends_at_once(child)
    end = time.monotonic() + 2
    while api.peek("k").retry_after > 20 and time.monotonic() < end:
        time.sleep(0.02)
    assert 10 < api.peek("k").retry_after <= 20


def test_other_threads_do_not_keep_it(server, client):
    api = client.limiter("api", "1 per 20s burst 1")
    assert api.hit("k") and api.hit("j")
    with program(server, WAITING["many threads"]) as child:
        ends_at_once(child)


@contextmanager
def handler(action):
    old = signal.signal(signal.SIGALRM, action)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_a_handler_that_does_not_raise_lets_the_call_go_on(client, server):
    api = client.limiter("api", "10/h")
    api.hit("k")
    seen = []
    with handler(lambda *_: seen.append(time.monotonic())):
        start = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        with server.silent():
            threading.Timer(0.55, server.process.send_signal, [signal.SIGCONT]).start()
            decision = api.hit("k", 3, timeout=20)
    assert len(seen) >= 3
    assert seen[0] - start < 0.3, "the handler ran while the call was blocked"
    assert (decision.remaining, decision.amount) == (6, 3)
    assert api.peek("k").remaining == 6


def test_a_handler_runs_while_a_hit_waits(client):
    api = client.limiter("api", "2/s burst 1")
    api.hit("k")
    seen = []
    with handler(lambda *_: seen.append(api.hit("other", 7, timeout=5).allowed)):
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.1)
        decision = api.hit("k", wait=5)
    assert decision.allowed and decision.delay > 0.3
    assert len(seen) >= 2 and not any(seen)


class Enough(Exception):
    pass


def test_any_exception_of_a_handler_ends_the_call(client, server):
    api = client.limiter("api", "10/h")
    api.hit("k")

    def leave(*_):
        raise Enough

    rooms = len(NATIVE.rooms)
    with handler(leave):
        start = time.monotonic()
        with server.silent(), pytest.raises(Enough):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            api.hit("k", 9, timeout=20)
        assert time.monotonic() - start < 2
    assert api.hit("k").allowed or api.peek("k").remaining == 0  # the link goes on
    assert len(NATIVE.rooms) == rooms
    assert client.stats().in_flight == 0


def test_the_deadline_holds(client, server):
    api = client.limiter("api", "10/h")
    api.hit("k")
    with server.silent():
        start = time.monotonic()
        with pytest.raises(keywright.Timeout):
            api.hit("k", timeout=0.5)
        assert 0.45 < time.monotonic() - start < 2


def test_other_threads_resume(client, server):
    api = client.limiter("api", "1000/h")
    api.hit("k")
    told = []
    with server.silent():
        threads = [threading.Thread(target=lambda: told.append(api.hit("k", timeout=20))) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
    for thread in threads:
        thread.join(10)
    assert sorted(decision.remaining for decision in told) == list(range(991, 999))


def test_a_yes_of_the_very_moment_is_given_back(client):
    """The answer was there, and the signal's exception came before the caller could have it."""
    api = client.limiter("api", "10/h")
    call = NATIVE.lib.kw_limiter_wait

    def answered(*arguments):
        assert call(*arguments) == Status.OK
        raise Enough

    NATIVE.lib.kw_limiter_wait = answered
    try:
        with pytest.raises(Enough):
            api.hit("k", 4, wait=1)
    finally:
        NATIVE.lib.kw_limiter_wait = call
    assert api.peek("k").remaining == 10
