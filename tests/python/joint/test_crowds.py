"""Many threads and processes: the scarcest limiter admits its limit, and the others pay for those alone."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import keywright

START = 1_767_225_600_000_000
THREADS, PROCESSES = 32, 4
FOLDER = Path(__file__).resolve().parents[1]

HITS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import keywright
url, algorithm, threads, each = sys.argv[1:]
with keywright.connect(url) as client:
    scarce = client.limiter("scarce", "100/h", algorithm=algorithm)
    joint = client.joint([client.limiter("user", "1000/h"), scarce])
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(int(threads)) as pool:
        work = lambda i: sum(bool(joint.hit([f"user {i}", "all"])) for _ in range(int(each)))
        print(*pool.map(work, range(int(threads))), flush=True)
"""


@pytest.mark.parametrize("algorithm", ["gcra", "fixed_window", "sliding_counter", "sliding_log"])
def test_32_threads_in_4_processes_are_admitted_exactly_the_scarcest(server, clock, algorithm):
    clock.freeze(START)
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", HITS, server.url, algorithm, str(THREADS), "5"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(FOLDER)},
        )
        for _ in range(PROCESSES)
    ]
    try:
        for process in crowd:
            assert process.stdout.readline() == "ready\n"
        for process in crowd:
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [list(map(int, process.communicate(timeout=60)[0].split())) for process in crowd]
    finally:
        for process in crowd:
            process.kill()
            process.wait()
    assert sum(map(sum, told)) == 100
    with keywright.connect(server.url) as client:
        user = client.limiter("user", "1000/h")
        for i, admitted in enumerate(zip(*told, strict=True)):
            assert user.peek(f"user {i}").remaining == 1000 - sum(admitted)


def test_with_other_hits_between_them(client, clock):
    """Hits of a limiter alone and of the joint one draw on one state."""
    clock.freeze(START)
    user, scarce = client.limiter("user", "1000/h"), client.limiter("scarce", "100/h; 150 per 2 h")
    joint = client.joint([user, scarce])

    def work(i):
        if i % 2:
            return sum(bool(scarce.hit("all")) for _ in range(10)), 0
        return 0, sum(bool(joint.hit(["ann", "all"])) for _ in range(10))

    with ThreadPoolExecutor(THREADS) as pool:
        alone, together = map(sum, zip(*pool.map(work, range(THREADS)), strict=True))
    assert alone + together == 100 and user.peek("ann").remaining == 1000 - together
