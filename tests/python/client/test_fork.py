"""Forked children: clients and stateless objects open again at their next call, whatever the parent does meanwhile."""

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import traceback

import pytest

import keywright
import keywright.aio
from keywright import _handle


def in_child(work):
    """Runs it in a forked child and gives what it returned."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        signal.alarm(20)  # a child that hangs ends, and fails
        try:
            os.write(write, repr(work()).encode())
            code = 0
        except BaseException:
            os.write(write, traceback.format_exc().encode())
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    assert status == 0, said
    return said


def test_a_child_opens_again(client):
    api = client.limiter("api", "100/h")
    assert api.hit("k").remaining == 99
    assert in_child(lambda: api.hit("k").remaining) == "98"
    assert api.hit("k").remaining == 97


def test_a_grandchild_too(client):
    api = client.limiter("api", "100/h")
    api.hit("k")
    assert in_child(lambda: (api.hit("k").remaining, in_child(lambda: api.hit("k").remaining))) == "(98, '97')"


def test_parent_and_child_keep_apart(client):
    api = client.limiter("api", "100000/h")
    api.hit("warm")

    def both():
        return all(api.hit("child", 1).key == "child" for _ in range(500))

    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if both() else 1)
    assert all(api.hit("parent", 2).amount == 2 for _ in range(500))
    assert os.waitpid(pid, 0)[1] == 0
    os.close(read)
    os.close(write)


def test_a_fork_while_other_threads_call(client):
    api = client.limiter("api", "1000000/h")
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            api.hit("busy")

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            assert in_child(lambda: bool(api.hit("child"))) == "True"
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_fork_while_another_thread_opens_a_handle_again(client):
    """A lock that another thread held at the fork is nobody's in the child."""
    api = client.limiter("api", "100/h")
    api.hit("k")
    held, done = threading.Event(), threading.Event()

    def hold():
        with _handle._lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert in_child(lambda: api.hit("k").remaining) == "98"
    finally:
        done.set()
        thread.join()


def test_many_threads_of_a_child_at_once(client):
    """They all find the handles of the parent, and one of them opens each again."""
    api = client.limiter("api", "100000/year", algorithm="fixed_window")
    api.hit("k")

    def work():
        told, failed = [], []
        start = threading.Barrier(8)

        def call():
            start.wait()
            try:
                told.extend(api.hit("k").remaining for _ in range(3))
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return failed, len(set(told))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(20):
            assert in_child(work) == "([], 24)"
    finally:
        sys.setswitchinterval(interval)
    assert api.peek("k").remaining == 100_000 - 1 - 20 * 24


def test_a_fork_that_python_was_not_told_of(client):
    """As a server written in C may fork: it is said, and not tried without end."""
    api = client.limiter("api", "100/h")
    api.hit("k")
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        signal.alarm(20)
        code = 1
        try:
            api.hit("k")
        except keywright.Forked:
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    assert api.peek("k").remaining == 99


def test_a_client_that_was_closed_stays_closed(server):
    client = keywright.connect(server.url)
    client.ping()
    client.close()

    def call():
        try:
            client.ping()
        except keywright.Closed:
            return "closed"

    assert in_child(call) == "'closed'"


def test_batch_and_many_in_a_child(client):
    api = client.limiter("api", "100/h")
    with client.batch() as batch:
        batch.submit(api.hit, "k")

    def work():
        with client.batch() as batch:
            entry = batch.submit(api.hit, "k")
        return entry.result().remaining, [each.remaining for each in api.hit_many(["k", "k"])]

    assert in_child(work) == "(98, [97, 96])"


def test_a_child_attaches_to_the_private_server_of_its_parent():
    with keywright.connect("embedded://") as client:
        api = client.limiter("api", "100/h")
        assert api.hit("k").remaining == 99
        assert in_child(lambda: (client.url, api.hit("k").remaining)) == f"({client.url!r}, 98)"
        assert api.hit("k").remaining == 97


def test_an_asyncio_client_opens_again_in_a_childs_own_loop(server):
    client = keywright.aio.connect(server.url)
    api = client.limiter("api", "100/h")

    async def hit():
        return (await api.hit("k")).remaining

    assert asyncio.run(hit()) == 99
    assert in_child(lambda: asyncio.run(hit())) == "98"
    assert asyncio.run(hit()) == 97


def test_a_child_of_a_running_loop(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "100/h")

            async def hit():
                return (await api.hit("k")).remaining

            assert await hit() == 99
            said = in_child(lambda: asyncio.new_event_loop().run_until_complete(hit()))
            return said, await hit()

    assert asyncio.run(main()) == ("98", 97)


def worker(url, queue):
    with keywright.connect(url) as client:
        queue.put(client.limiter("api", "100/h").hit("k").remaining)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(server, method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=worker, args=(server.url, queue))
    process.start()
    assert queue.get(timeout=30) == 99
    process.join(30)
    assert process.exitcode == 0
