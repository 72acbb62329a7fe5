"""The clock of the client decides nothing: a process whose wall clock is wrong gets the answers of the server's."""

import json
import os
import struct
import subprocess
import sys
import time

import pytest

from support.server import CLOCK

PROGRAM = """
import json, sys, time, keywright
with keywright.connect(sys.argv[1]) as client:
    limiter = client.limiter("api", "10/m")
    decisions = [limiter.hit("k") for _ in range(10)]
    print(json.dumps([time.time(), [[bool(d), d.remaining, d.retry_after, d.reset_after] for d in decisions]]))
"""


@pytest.mark.parametrize("wrong_by", [61, -61, 366 * 86_400])
def test_a_wrong_clock_changes_nothing(client, clock, server, tmp_path, wrong_by):
    clock.freeze(1_767_225_600_000_000)
    page = tmp_path / "clock"
    page.write_bytes(struct.pack("=qq", wrong_by * 1_000_000, 0))
    environment = os.environ | {"LD_PRELOAD": CLOCK, "KEYWRIGHT_TEST_CLOCK": str(page)}
    limiter = client.limiter("api", "10/m")
    assert sum(bool(limiter.hit("k")) for _ in range(5)) == 5
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url], env=environment, capture_output=True, text=True, timeout=30
    )
    assert run.returncode == 0, run.stderr
    its_time, decisions = json.loads(run.stdout)
    assert abs(its_time - time.time() - wrong_by) < 30  # its clock is wrong indeed
    assert decisions[:5] == [[True, 4 - i, 0, 6 * (6 + i)] for i in range(5)]
    assert decisions[5:] == [[False, 0, 6, 60]] * 5
    assert not limiter.hit("k")
