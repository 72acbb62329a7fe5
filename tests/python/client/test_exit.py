"""The end of the interpreter never hangs, whatever is under way."""

import os
import subprocess
import sys

import pytest

PROGRAMS = {
    "a client that was never closed": "client.ping()",
    "a daemon thread in a call": """
import threading, time
threading.Thread(target=lambda: client.limiter("a", "1/h").hit("k", wait=60), daemon=True).start()
client.limiter("a", "1/h").hit("k")
time.sleep(0.2)
""",
    "a loop with operations in flight": """
import asyncio, keywright.aio
async def main():
    api = keywright.aio.connect(url).limiter("b", "1/h")
    await api.hit("k")
    global left
    left = api.hit("k", wait=50)
    await asyncio.sleep(0.1)
asyncio.run(main())
""",
    "sys.exit in the midst of a batch": """
import sys
with client.batch() as batch:
    batch.submit(client.ping)
    sys.exit(0)
""",
    "a private server": 'keywright.connect("embedded://").ping()',
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_exit(server, name):
    program = f"import keywright\nurl = {server.url!r}\nclient = keywright.connect(url)\n{PROGRAMS[name]}"
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
