"""Many threads, many processes, and processes that die: the limit is the limit."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import keywright

START = 1_767_225_600_000_000
SECOND = 1_000_000
THREADS, PROCESSES = 32, 4
ALGORITHMS = ["gcra", "fixed_window", "sliding_counter", "sliding_log", "concurrency"]
FOLDER = Path(__file__).resolve().parents[1]

HITS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import keywright
url, algorithm, limits, threads, each, coalesce = sys.argv[1:]
with keywright.connect(url) as client:
    crowd = client.limiter("crowd", limits, algorithm=algorithm, coalesce=coalesce == "coalesced")
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(int(threads)) as pool:
        work = lambda _: sum(bool(crowd.hit("k")) for _ in range(int(each)))
        print(sum(pool.map(work, range(int(threads)))), flush=True)
"""
HOLDS = """
import sys, time
import keywright
url, lease, renews = sys.argv[1:]
with keywright.connect(url) as client:
    pool = client.limiter("pool", "3 concurrent", algorithm="concurrency", lease=float(lease))
    held = [pool.hit("k"), pool.hit("k", 2)]
    assert all(held)
    print("held", flush=True)
    while True:
        if renews == "renews":
            assert all([pool.renew(one) for one in held])
        time.sleep(0.05)
"""


def program(source, *words):
    return subprocess.Popen(
        [sys.executable, "-c", source, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(FOLDER)},
    )


def limits_of(algorithm):
    return "100 concurrent" if algorithm == "concurrency" else "100/h; 300 per 2 h"


@pytest.mark.parametrize(
    "algorithm, coalesce", [*((each, False) for each in ALGORITHMS), *((each, True) for each in ALGORITHMS[:4])]
)
def test_threads_are_admitted_exactly_the_limit(client, clock, algorithm, coalesce):
    clock.freeze(START)
    crowd = client.limiter("crowd", limits_of(algorithm), algorithm=algorithm, coalesce=coalesce)

    def work(_):
        return sum(bool(crowd.hit("k")) for _ in range(10))

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(work, range(THREADS))) == 100


@pytest.mark.parametrize(
    "algorithm, threads, how",
    [*((each, 8, "alone") for each in ALGORITHMS), *((each, THREADS, "coalesced") for each in ALGORITHMS[:4])],
)
def test_processes_are_admitted_exactly_the_limit(server, clock, algorithm, threads, how):
    clock.freeze(START)
    crowd = [program(HITS, server.url, algorithm, limits_of(algorithm), threads, 10, how) for _ in range(PROCESSES)]
    try:
        for process in crowd:
            assert process.stdout.readline() == "ready\n"
        told = [process.communicate("go\n", timeout=60)[0] for process in crowd]
    finally:
        for process in crowd:
            process.kill()
            process.wait()
    assert sum(map(int, told)) == 100


@pytest.mark.parametrize(
    "algorithm, rate, burst", [("gcra", 500, 50), ("sliding_counter", 500, 500), ("sliding_log", 500, 500)]
)
def test_with_the_clock_running_burst_and_rate_are_the_most(client, server, algorithm, rate, burst):
    words = f"{rate}/s" + (f" burst {burst}" if algorithm == "gcra" else "")
    crowd = client.limiter("crowd", words, algorithm=algorithm)

    def server_time():
        seconds, us = server.command("TIME")
        return int(seconds) * SECOND + int(us)

    began = server_time()
    end = time.monotonic() + 0.6

    def work(_):
        admitted = 0
        while time.monotonic() < end:
            admitted += bool(crowd.hit("k"))
        return admitted

    with ThreadPoolExecutor(THREADS) as pool:
        admitted = sum(pool.map(work, range(THREADS)))
    passed = (server_time() - began) / SECOND
    if algorithm == "gcra":
        assert burst <= admitted <= burst + rate * passed
    else:
        assert rate <= admitted <= rate * (1 + passed)


def test_the_permits_of_a_process_that_was_killed_come_back(client, server):
    holder = program(HOLDS, server.url, 0.5, "no")
    pool = client.limiter("pool", "3 concurrent", algorithm="concurrency", lease=0.5)
    try:
        assert holder.stdout.readline() == "held\n"
        assert not pool.hit("k")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    end = time.monotonic() + 0.5
    while not pool.hit("k", 3):
        assert time.monotonic() < end + 0.5  # half a second is spare, for a busy machine
        time.sleep(0.01)


def test_leases_that_are_renewed_are_kept_until_the_holder_dies(client, server):
    holder = program(HOLDS, server.url, 0.5, "renews")
    pool = client.limiter("pool", "3 concurrent", algorithm="concurrency", lease=0.5)
    try:
        assert holder.stdout.readline() == "held\n"
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert not pool.hit("k")
            time.sleep(0.02)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    time.sleep(0.6)
    assert pool.hit("k", 3)


@pytest.mark.parametrize("limits", ["5/m", "5 concurrent", "5/m; 5 concurrent"])
def test_who_is_killed_in_the_middle_leaves_nothing_for_ever(server, limits):
    algorithm = "sliding_log" if "m" in limits else "concurrency"
    process = program(HITS, server.url, algorithm, limits, 4, 100_000, "alone")
    try:
        process.stdout.readline()
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    for key in list(server.keys()):
        assert server.command("PTTL", key) > 0
    with keywright.connect(server.url) as client:
        assert not client.limiter("crowd", limits, algorithm=algorithm).hit("k")
