"""keywright limiter: what it prints, for people and for programs, and its exit codes."""

import json
import os
import subprocess
import sys

import pytest

import keywright
from keywright._command import main


@pytest.fixture
def run(server, capsys, monkeypatch):
    """Runs a command against the private server; gives its exit code, and what it printed."""
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)

    def run(*words):
        try:
            code = main(words)
        except SystemExit as leave:
            code = leave.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_a_hit_says_yes_then_no(run):
    code, out, err = run("limiter", "hit", "api", "2/h", "user:42")
    assert (code, err) == (0, "")
    assert "allowed" in out and "1 of 2" in out
    assert run("limiter", "hit", "api", "2/h", "user:42")[0] == 0
    code, out, _ = run("limiter", "hit", "api", "2/h", "user:42")
    assert code == 1
    assert "denied" in out and "30 min 0 s" in out or "29 min" in out


def test_json(run):
    code, out, _ = run("limiter", "hit", "api", "10/h", "k", "--cost", "3", "--json")
    fields = json.loads(out)
    assert code == 0
    assert (fields["allowed"], fields["key"], fields["cost"]) == (True, "k", 3)
    assert (fields["remaining"], fields["limit"], fields["retry_after"]) == (7, 10, 0)
    code, out, _ = run("limiter", "hit", "api", "10/h", "k", "--cost", "11", "--json")
    assert code == 1
    assert json.loads(out)["retry_after"] is None
    assert out.count("\n") == 1


def test_peek_and_reset(run):
    run("limiter", "hit", "api", "10/h", "k", "--cost", "10")
    code, out, _ = run("limiter", "peek", "api", "10/h", "k", "--json")
    assert code == 1
    assert json.loads(out)["remaining"] == 0
    code, out, _ = run("limiter", "reset", "api", "10/h", "k")
    assert (code, out) == (0, "k is as if never hit\n")
    assert run("limiter", "peek", "api", "10/h", "k", "--cost", "10")[0] == 0
    assert json.loads(run("limiter", "reset", "api", "10/h", "k", "--json")[1]) == {"reset": "k"}


def test_wait_and_algorithm(run):
    assert run("limiter", "hit", "api", "20/s burst 1", "k")[0] == 0
    code, out, _ = run("limiter", "hit", "api", "20/s burst 1", "k", "--wait", "2")
    assert code == 0
    assert "waited" in out
    code, out, _ = run("limiter", "hit", "win", "3/h", "k", "--algorithm", "fixed_window", "--json")
    assert json.loads(out)["remaining"] == 2


def test_the_url_may_be_given(run, server, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", "redis://localhost:1")
    assert run("limiter", "hit", "api", "2/h", "k", "--url", server.url)[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("limiter",),
        ("limiter", "hit", "api"),
        ("limiter", "hit", "api", "2/h", "k", "--cost", "x"),
        ("limiter", "hit", "api", "2/h", "k", "--cost", "-1"),
        ("limiter", "hit", "api", "2/x", "k"),
        ("limiter", "hit", "", "2/h", "k"),
        ("limiter", "hit", "api", "2/h", "k", "--wait", "-1"),
        ("limiter", "hit", "api", "2/h", "k", "--algorithm", "guess"),
        ("limiter", "hit", "api", "2/h", "k", "--url", "http://nowhere"),
        ("limiter", "peek", "api", "2/h", "k", "--wait", "1"),
    ],
)
def test_wrong_usage_is_2_and_says_why(run, words):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err


def test_failure_is_3(run):
    code, out, err = run(
        "limiter", "hit", "api", "2/h", "k", "--url", "unix:///nowhere?timeout=200ms&connect_timeout=200ms"
    )
    assert (code, out) == (3, "")
    assert err.startswith("keywright: ")


def test_what_the_server_said_is_quoted(run, server):
    run("limiter", "hit", "api", "2/h", "k")
    (key,) = server.keys()
    server.command("DEL", key)
    server.command("RPUSH", key, "x")
    code, _, err = run("limiter", "hit", "api", "2/h", "k")
    assert code == 3
    assert err.startswith("keywright: ")


def test_version(run):
    assert run("--version")[1] == f"keywright {keywright.__version__}\n"


def test_as_a_module(server):
    command = [sys.executable, "-m", "keywright", "limiter", "hit", "api", "1/h", "\udcff", "--url", server.url]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    runs = [subprocess.run(command, env=environment, capture_output=True, timeout=20) for _ in range(2)]
    assert [run.returncode for run in runs] == [0, 1]
    assert b"\x1b" not in runs[0].stdout
    assert server.keys() == [b"kw:limiter:{api:\xff}:tat:3600000000"]
