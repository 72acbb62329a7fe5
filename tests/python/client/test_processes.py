"""Processes made in other ways than by a bare fork: pools, servers that fork ahead, forks amid calls."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

import keywright
import keywright.aio
from client.test_fork import in_child

GUNICORN_LIKE = """
import os, signal, sys, threading
import keywright

client = keywright.connect({url!r})
api = client.limiter("api", "1000/h")
guard = api.limit(key=lambda number: f"worker:{{number}}")
api.hit("warm")

@guard
def request(number):
    return api.hit("all").remaining

def serve(number):
    for _ in range(10):
        request(number)
    threads = [threading.Thread(target=request, args=(number,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with client.batch() as batch:
        entry = batch.submit(api.hit, "all")
    assert entry.result().allowed
    sys.exit(0)

pids = []
for number in range(4):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        serve(number)
    pids.append(pid)
for pid in pids:
    assert os.waitpid(pid, 0)[1] == 0
print(api.peek("all").remaining, [api.peek(f"worker:{{number}}").remaining for number in range(4)])
"""


def python(program, timeout=40):
    return subprocess.run(
        # From 3.12 on Python warns of every fork of a process that has threads.
        [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_a_server_that_forks_ahead(server):
    """The parent makes client and limiter, the workers use them, and end as a program ends."""
    run = python(GUNICORN_LIKE.format(url=server.url))
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert run.stdout == f"{1000 - 4 * 15} {[986] * 4}\n"


def hit_in_pool(arguments):
    url, key = arguments
    with keywright.connect(url) as client:
        return client.limiter("api", "1000/h").hit(key).remaining


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools(server, client, method):
    client.ping()
    with multiprocessing.get_context(method).Pool(3) as pool:
        told = pool.map(hit_in_pool, [(server.url, "k")] * 12)
    assert sorted(told) == list(range(988, 1000))


def test_what_has_no_form_outside_its_process_says_so(client):
    with pytest.raises(TypeError, match="pass the URL"):
        multiprocessing.reduction.ForkingPickler.dumps(client)


def test_a_fork_within_a_batch(client, server):
    """What was held back is the parent's: in the child the batch can be sent as well, and nothing is mixed up."""
    api = client.limiter("api", "100/h")
    with client.batch() as first:
        first.submit(api.hit, "k")
    with client.batch() as batch:
        entry = batch.submit(api.hit, "k")
        assert in_child(lambda: api.hit("j").remaining) == "99"
    assert entry.result().remaining == 98


def test_operations_in_flight_are_the_parents(server):
    """In the child they never end, and say so to whoever awaits them in a loop of its own."""

    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "100/h")
            await api.hit("k")
            with server.silent():
                operation = api.hit("k", timeout=20)
                await asyncio.sleep(0.05)
                pid = os.fork()
                if pid == 0:
                    signal.alarm(20)
                    os._exit(lost(api, operation))
            return os.waitpid(pid, 0)[1], (await operation).remaining

    def lost(api, operation):
        try:
            api.hit("k")
        except RuntimeError as error:
            if "no event loop is running" not in str(error):
                return 1

        async def other():
            return await operation

        try:
            asyncio.new_event_loop().run_until_complete(asyncio.wait_for(other(), 5))
        except RuntimeError as error:
            return 0 if "different loop" in str(error) and not operation.done() else 2
        return 3

    assert asyncio.run(main()) == (0, 98)


def test_a_signal_handler_that_forks_while_a_call_is_blocked(client, server):
    api = client.limiter("api", "100/h")
    api.hit("k")
    children = []

    def fork(*_):
        pid = os.fork()
        if pid:
            children.append(pid)
            server.process.send_signal(signal.SIGCONT)
        else:
            signal.alarm(20)

    old = signal.signal(signal.SIGALRM, fork)
    parent = os.getpid()
    server.process.send_signal(signal.SIGSTOP)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        decision = api.hit("k", timeout=20)
        if os.getpid() != parent:
            os._exit(0 if decision.allowed else 1)
    except BaseException:
        if os.getpid() != parent:
            os._exit(2)
        raise
    finally:
        server.process.send_signal(signal.SIGCONT)
        signal.signal(signal.SIGALRM, old)
    assert decision.allowed
    assert os.waitpid(children[0], 0)[1] == 0
    assert api.peek("k").remaining == 97, "the child made its call once more"


EXITS = {
    "threads blocked in calls": """
for _ in range(4):
    threading.Thread(target=api.hit, args=("k",), kwargs={"timeout": 60}, daemon=True).start()
time.sleep(0.3)
""",
    "a wait in a daemon thread": """
threading.Thread(target=slow.hit, args=("k",), kwargs={"wait": 60}, daemon=True).start()
time.sleep(0.3)
""",
    "sys.exit while others call without end": """
def work():
    while True:
        api.hit("k", timeout=60)
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
sys.exit(0)
""",
    "a loop in a daemon thread": """
import asyncio, keywright.aio
async def main():
    other = keywright.aio.connect(url).limiter("c", "1000000/h")
    await asyncio.gather(*(other.hit("k", timeout=60) for _ in range(50)))
threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
time.sleep(0.3)
""",
    "a client closed at exit": """
import atexit, contextlib
def work():
    with contextlib.suppress(keywright.Closed):
        slow.hit("k", wait=60)
atexit.register(client.close)
threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
""",
}


@pytest.mark.parametrize("silent", [False, True], ids=["", "silent server"])
@pytest.mark.parametrize("name", EXITS)
def test_the_end_never_hangs(server, name, silent):
    head = f"""
import sys, threading, time
import keywright
url = {server.url!r}
client = keywright.connect(url)
api, slow = client.limiter("a", "1000000/h"), client.limiter("b", "1/h")
slow.hit("k")
print("ready", flush=True)
sys.stdin.readline()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", head + EXITS[name]],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    if silent:
        server.process.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        _, errors = child.communicate("go\n", timeout=20)
        assert child.returncode == 0, errors
        assert errors == ""
        assert time.monotonic() - start < 8
    finally:
        server.process.send_signal(signal.SIGCONT)
        child.kill()


BACKGROUND = """
import sys, threading, time
from keywright._connect import open_client
from keywright._handle import Handle
from keywright._library import Library
from keywright import _test
from keywright._generated.keywright_calls import ClientCalls
from keywright._test_listener_calls import BeatFunctions, ListenerCalls, beat_opener, listener_opener
TEST = Library(_test)
names = ("client_name", "prefix", "timeout", "connect_timeout", "max_in_flight", "server_path")
handle = open_client({url!r}, library=TEST, **dict.fromkeys(names))
listener = ListenerCalls(Handle(listener_opener(TEST, "channel"), handle))
listener.state()
beat = BeatFunctions(Handle(beat_opener(TEST, 0.01), handle))
time.sleep(0.3)
assert ClientCalls(handle).background().thread == 1
"""


def test_the_end_with_the_background_running(server):
    run = python(BACKGROUND.format(url=server.url))
    assert (run.returncode, run.stderr) == (0, "")


def test_a_fork_with_the_background_running(server):
    """The child has no such thread; objects without a state of their own open again."""
    program = BACKGROUND.format(url=server.url) + (
        "import os, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)  # Python 3.12 and newer warn of threads\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    ClientCalls(handle).ping()\n"
        "    sys.exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "runs = beat.state().runs\n"
        "time.sleep(0.3)\n"
        "assert beat.state().runs > runs\n"
    )
    run = python(program)
    assert (run.returncode, run.stderr) == (0, "")
