"""What only some limiters promise: never over the limit in any window, and never more at once, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from stage import Stage

import keywright

TITLE = "Exact: four processes on one sliding log; a permit that comes back from a killed process"
ORDER = 45
LIMIT, WINDOW, PROCESSES, SECONDS, LEASE = 50, 0.25, 4, 1.0, 0.5
HOLDER = """
import sys, time, keywright
gpu = keywright.connect(sys.argv[1]).limiter("gpu", "1 concurrent", lease=float(sys.argv[2]))
with gpu.guard("card:0"):
    print("held", flush=True)
    time.sleep(60)
"""


def play(stage: Stage) -> None:
    never_over(stage)
    comes_back(stage)


def hammer(url: str, ready: Callable[[], None]) -> list[int]:
    """One process: asks as fast as it can. Gives the moments of what was admitted, by the server's clock."""
    with keywright.connect(url) as client:
        log = client.limiter("exact", f"{LIMIT} per {round(WINDOW * 1000)}ms", algorithm="sliding_log")
        ready()
        end, admitted = time.monotonic() + SECONDS, []
        while time.monotonic() < end:
            decision = log.hit("everybody")
            if decision:
                admitted.append(decision.decided_at_us)
        return admitted


def never_over(stage: Stage) -> None:
    outcomes, _ = stage.together(hammer, [()] * PROCESSES)
    moments = sorted(moment for one in outcomes for moment in one)
    width = round(WINDOW * 1e6)
    most = max(sum(1 for at in moments[i : i + LIMIT + 1] if at < first + width) for i, first in enumerate(moments))
    stage.say(
        f"""{PROCESSES} processes ask for {SECONDS:.0f} s as fast as they can; {LIMIT} in any {width // 1000} ms are
        allowed, and the log keeps the moment of each hit."""
    )
    stage.check(most == LIMIT, f"{len(moments)} admitted, never more than {most} in any {width // 1000} ms")


def comes_back(stage: Stage) -> None:
    gpu = stage.client.limiter("gpu", "1 concurrent", lease=LEASE)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLDER, stage.url, str(LEASE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        refused = not gpu.hit("card:0")
        holder.send_signal(signal.SIGKILL)
    start = time.monotonic()
    admitted = gpu.hit("card:0", wait=5)
    waited = time.monotonic() - start
    stage.say(f"A process takes the only permit and is killed; nobody gives it back. Its lease lasts {LEASE} s.")
    stage.check(refused, "while it held the permit nobody else was admitted")
    stage.check(
        bool(admitted) and waited < LEASE + 0.5, f"{waited * 1e3:.0f} ms after the kill the permit was free again"
    )
