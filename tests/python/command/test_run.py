"""keywright limiter run: a command under a limit."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

import keywright

GPU = ("gpu", "1 concurrent", "k")


@pytest.fixture
def start(server):
    """Starts the command line with a program under it; what is left is ended."""
    started = []

    def start(*words, code="pass", options=()):
        command = [
            sys.executable,
            "-m",
            "keywright",
            "limiter",
            "run",
            *words,
            *options,
            "--",
            sys.executable,
            "-c",
            code,
        ]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KEYWRIGHT_URL": server.url}
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        )
        return started[-1]

    yield start
    for one in started:
        with suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        one.communicate()


def end(process):
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def wait_for(seen):
    until = time.monotonic() + 10
    while not seen():
        assert time.monotonic() < until
        time.sleep(0.01)


def held(client):
    return not client.limiter("gpu", "1 concurrent").peek("k")


def test_the_exit_code_is_the_commands(start, client):
    assert end(start(*GPU, code="print('out'); raise SystemExit(42)")) == (42, "out\n", "")
    assert not held(client)
    assert end(start(*GPU, code="import os; os.kill(os.getpid(), 9)"))[0] == 128 + 9


def test_who_is_denied_does_not_run(start, client):
    first = start(*GPU, code="import time; time.sleep(20)")
    wait_for(lambda: held(client))
    code, out, err = end(start(*GPU, code="print('ran')"))
    assert (code, out) == (75, "")
    assert err.startswith("keywright: denied; come again in ")
    first.terminate()
    assert end(first)[0] == 128 + 15
    assert not held(client)


def test_a_rate_lets_run_so_often(start):
    words = ("cron", "1/h", "k")
    assert end(start(*words, code="print('ran')")) == (0, "ran\n", "")
    assert end(start(*words, code="print('ran')"))[:2] == (75, "")


def test_the_lease_is_renewed_while_it_runs(start, client):
    sleeping = start(*GPU, code="import time; time.sleep(1.5)", options=("--lease", "0.6"))
    wait_for(lambda: held(client))
    until = time.monotonic() + 1
    while time.monotonic() < until and sleeping.poll() is None:
        assert held(client) or sleeping.poll() is not None
        time.sleep(0.02)
    assert end(sleeping)[0] == 0
    assert not held(client)


def test_a_killed_holder_loses_its_permit_with_its_lease(start, client):
    sleeping = start(*GPU, code="import time; time.sleep(20)", options=("--lease", "0.5"))
    wait_for(lambda: held(client))
    sleeping.send_signal(signal.SIGKILL)
    sleeping.wait()
    killed = time.monotonic()
    wait_for(lambda: not held(client))
    assert time.monotonic() - killed < 2


def test_a_lost_lease_is_told_and_the_command_goes_on(start, client):
    sleeping = start(*GPU, code="import time; time.sleep(1)", options=("--lease", "0.6"))
    wait_for(lambda: held(client))
    client.limiter("gpu", "1 concurrent").reset("k")
    code, _, err = end(sleeping)
    assert code == 0
    assert "the lease ended before it was renewed" in err


def test_signals_go_to_the_command(start, client):
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(9)); print(1, flush=True); time.sleep(20)"
    sleeping = start(*GPU, code=code)
    assert sleeping.stdout.readline() == "1\n"
    sleeping.send_signal(signal.SIGINT)  # a terminal sends it to the command as well
    sleeping.send_signal(signal.SIGTERM)
    assert end(sleeping)[0] == 9
    assert not held(client)


def test_what_cannot_be_run(start, client, tmp_path, server):
    def of(*command, url=server.url):
        words = [sys.executable, "-m", "keywright", "limiter", "run", *GPU, "--url", url, *command]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=20)
        assert done.stderr
        return done.returncode

    file = tmp_path / "file"
    file.write_text("x")
    assert of("--", "/no/such/program") == 127
    assert of("--", str(file)) == 126
    assert of() == 2
    assert of("--", "true", url="unix:///nowhere?timeout=200ms&connect_timeout=200ms") == 125
    assert not held(client)


def test_options_of_the_command_are_its_own(server):
    words = [sys.executable, "-m", "keywright", "limiter", "run", *GPU, "--", "echo", "--json", "--cost", "-x"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KEYWRIGHT_URL": server.url}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, "--json --cost -x\n")


def test_with_limits_off_it_runs(start, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")
    assert end(start("gpu", "1 concurrent", "k", code="print(7)"))[:2] == (0, "7\n")
    assert keywright.__version__
