"""The same limiter from Python, from C and from the command line: one key, one state."""

from __future__ import annotations

import re
import subprocess
import sys

from stage import EXAMPLES, Stage

TITLE = "The same limiter from Python, from C and from the command line"
ORDER = 40

NAME, LIMIT, KEY = "reports", "6 per hour", "user:42"


def play(stage: Stage) -> None:
    limiter = stage.client.limiter(NAME, LIMIT)
    stage.say("Python:")
    decision = limiter.hit(KEY)
    stage.show(f">>> client.limiter({NAME!r}, {LIMIT!r}).hit({KEY!r})\n{decision!r}")
    stage.check(decision.remaining == 5, "1 of 6 taken from Python")

    example = EXAMPLES / "hit"
    if example.exists():
        stage.say("C, the program examples/c/hit.c:")
        output = shown(stage, f"$ hit URL {NAME} '{LIMIT}' {KEY} 3", str(example), stage.url, NAME, LIMIT, KEY, "3")
        left = [int(number) for number in re.findall(r"allowed, (\d+) of 6 left", output)]
        stage.check(left == [4, 3, 2], "3 more from C, of the same 6")
        taken = 4
    else:
        stage.say("C is left out: its example is not built here (./dev demo builds it).")
        taken = 1

    stage.say("The command line:")
    command = [sys.executable, "-m", "keywright", "limiter", "peek", "--url", stage.url, NAME, LIMIT, KEY]
    output = shown(stage, f"$ keywright limiter peek --url URL {NAME} '{LIMIT}' {KEY}", *command)
    stage.check(f"{6 - taken} of 6" in output, f"the command line sees {6 - taken} left")
    keys = stage.find(f"*{NAME}*")
    stage.check(len(keys) == 1, f"all of them asked one key: {keys[0].decode()}")


def shown(stage: Stage, line: str, *command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    stage.show(f"{line}\n{done.stdout}{done.stderr}")
    return done.stdout
