"""./dev demo plays its scenes and fails when something in them does not hold."""

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[3] / "demo"


def run(*command):
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=120)


def test_every_scene_holds():
    done = run(str(DEMO / "run.py"))
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    scenes = len(list((DEMO / "scenes").glob("[!_]*.py")))
    assert last.startswith(f"demo: {scenes} scenes, ") and "all held" in last


def test_what_does_not_hold_fails_the_demo():
    program = f"import sys; sys.path.insert(0, {str(DEMO)!r})\n" + (
        "from stage import Stage\n"
        "with Stage() as stage:\n"
        "    stage.check(True, 'one')\n"
        "    stage.check(False, 'two')\n"
        "sys.exit(stage.close(1, 0.0))\n"
    )
    done = run("-c", program)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "demo: 1 of 2 checks did not hold"
    assert "two" in done.stderr


def test_an_unknown_scene_is_refused():
    done = run(str(DEMO / "run.py"), "nothing")
    assert done.returncode == 1
    assert "limiter_crowd" in done.stderr
