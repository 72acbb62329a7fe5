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


def fields_of(run, *words):
    code, out, err = run("limiter", *words, "--json")
    assert err == ""
    return code, json.loads(out)


def test_up_to(run):
    assert fields_of(run, "hit-up-to", "api", "10/h", "k", "7")[1]["charged"] == 7
    code, out, _ = run("limiter", "hit-up-to", "api", "10/h", "k", "7")
    assert code == 0
    assert "charged    3" in out
    assert fields_of(run, "hit-up-to", "api", "10/h", "k", "7")[0] == 1


def test_the_options_of_a_limiter(run, server):
    window = ("api", "5/d", "k", "--algorithm", "fixed_window")
    assert fields_of(run, "hit", *window, "--align", "calendar", "--zone-offset", "60")[1]["reset_after"] < 86_400
    assert fields_of(run, "hit", "api", "3/h", "k", "--algorithm", "sliding_log")[1]["remaining"] == 2
    shadow = ("new", "1/h", "k", "--shadow")
    assert fields_of(run, "hit", *shadow)[1]["reason"] == "server"
    seen = fields_of(run, "hit", *shadow)[1]
    assert (seen["allowed"], seen["reason"], seen["denied_by"]) == (True, "shadow", 0)
    assert "a shadow limit would have denied it" in run("limiter", "hit", *shadow)[1]
    blocked = ("login", "1/s", "k", "--block", "60", "--block-max", "600")
    assert run("limiter", "hit", *blocked)[0] == 0
    assert fields_of(run, "hit", *blocked)[1]["reason"] == "block"
    code, out, _ = run("limiter", "peek", *blocked)
    assert code == 1
    assert "an earlier denial blocks it" in out
    charged = ("slow", "1/h", "k", "--charge-denials")
    assert [run("limiter", "hit", *charged)[0] for _ in range(3)] == [0, 1, 1]
    assert fields_of(run, "peek", *charged)[1]["retry_after"] > 2 * 3600
    assert fields_of(run, "hit", "s", "1/s burst 1", "k", "--max-wait", "0.001", "--wait", "5")[0] == 0
    assert fields_of(run, "hit", "s", "1/s burst 1", "k", "--max-wait", "0.001", "--wait", "5")[0] == 1


def test_several_limits(run):
    assert fields_of(run, "hit", "api", "10/s; 2/h", "k", "--cost", "2")[1]["limit"] == 2
    assert fields_of(run, "hit", "api", "10/s; 2/h", "k")[1]["denied_by"] == 1


def test_what_was_got_is_renewed_released_and_refunded(run):
    gpu = ("gpu", "10/h; 1 concurrent", "k")
    receipt = fields_of(run, "hit", *gpu)[1]["receipt"]
    assert fields_of(run, "hit", *gpu)[1]["receipt"] is None
    assert fields_of(run, "renew", *gpu, receipt) == (0, {"renewed": True})
    assert fields_of(run, "release", *gpu, receipt) == (0, {"released": "k"})
    code, out, _ = run("limiter", "renew", *gpu, receipt)
    assert (code, out) == (1, "the lease had ended: others may have it\n")
    assert fields_of(run, "peek", "gpu", "10/h", "k")[1]["remaining"] == 9
    assert run("limiter", "refund", *gpu, receipt)[0] == 0
    assert fields_of(run, "peek", "gpu", "10/h", "k")[1]["remaining"] == 10

    receipt = fields_of(run, "hit", "api", "10/h", "k", "--cost", "8")[1]["receipt"]
    assert fields_of(run, "refund", "api", "10/h", "k", receipt, "--count", "3") == (0, {"refunded": "k"})
    assert fields_of(run, "peek", "api", "10/h", "k")[1]["remaining"] == 5


@pytest.mark.parametrize("receipt", ["", "x", "AAAA", "A" * 260, "A" * 300])
def test_what_is_no_receipt(run, receipt):
    code, out, err = run("limiter", "renew", "gpu", "1 concurrent", "k", receipt)
    assert (code, out) == (2, "")
    assert err.startswith("keywright: ")


def test_a_receipt_is_of_one_key_of_one_limiter(run):
    receipt = fields_of(run, "hit", "gpu", "1 concurrent", "k")[1]["receipt"]
    for words in (("cpu", "1 concurrent", "k"), ("gpu", "1 concurrent", "other"), ("gpu", "1/h", "k")):
        code, _, err = run("limiter", "release", *words, receipt)
        assert code == 2
        assert "cannot be released" in err


def test_what_is_reserved_is_committed_or_cancelled(run):
    api = ("api", "10/h", "k")
    code, reserved = fields_of(run, "reserve", *api, "6")
    assert (code, reserved["allowed"], reserved["remaining"], len(reserved["id"])) == (0, True, 4, 32)
    code, denied = fields_of(run, "reserve", *api, "5", "--id", "b")
    assert (code, denied["status"], denied["charged"]) == (1, "DENIED", 0)
    code, settled = fields_of(run, "commit", *api, reserved["id"], "2")
    assert (code, settled["charged"], settled["remaining"]) == (0, 2, 8)
    assert fields_of(run, "reserve", *api, "6", "--id", reserved["id"])[1]["status"] == "GONE"
    code, out, _ = run("limiter", "reserve", *api, "8", "--id", "c")
    assert code == 0
    assert "id         c\n" in out
    assert run("limiter", "reserve", *api, "7", "--id", "c")[:2] == (1, "this id is open with another cost\n")
    code, out, _ = run("limiter", "cancel", *api, "c")
    assert (code, out) == (0, "used       0\nremaining  8 of 10\n")
    for words in (("commit", *api, "c", "1"), ("cancel", *api, "nobody")):
        code, out, err = run("limiter", *words)
        assert (code, out) == (1, "")
        assert err.startswith("keywright: ")


def test_a_reservation_comes_back_by_itself(run, clock):
    clock.freeze(1_767_225_600_000_000)
    api = ("api", "10/h", "k")
    assert run("limiter", "reserve", *api, "10", "--lease", "5")[0] == 0
    assert run("limiter", "hit", *api, "--reservations")[0] == 1
    clock.freeze(1_767_225_605_000_000)
    assert run("limiter", "hit", *api)[0] == 1  # one that takes no reservations does not look for them
    assert run("limiter", "hit", *api, "--reservations")[0] == 0


def test_overrides(run):
    assert run("limiter", "overrides", "api", "10/s") == (1, "", "")
    code, out, _ = run("limiter", "set-override", "api", "10/s", "customer:7", "10x")
    assert (code, out) == (0, "customer:7 has 10x\n")
    code, out, _ = run("limiter", "set-override", "api", "10/s", "customer:8", "1/h", "--ttl", "60", "--json")
    told = json.loads(out)
    assert (told["key"], told["limits"]) == ("customer:8", "1/h") and told["ends_at"].endswith("+00:00")
    code, out, _ = run("limiter", "overrides", "api", "10/s", "--json")
    assert code == 0
    assert [(each["key"], each["limits"]) for each in json.loads(out)["overrides"]] == [
        ("customer:7", "10x"),
        ("customer:8", "1/h"),
    ]
    assert json.loads(run("limiter", "peek", "api", "10/s", "customer:7", "--json")[1])["limit"] == 10
    _, out, _ = run("limiter", "peek", "api", "10/s", "customer:7", "--json", "--with-overrides")
    assert json.loads(out)["limit"] == 100
    assert run("limiter", "clear-override", "api", "10/s", "customer:7")[0] == 0
    assert "customer:7" not in run("limiter", "overrides", "api", "10/s")[1]


def test_an_override_that_cannot_be(run):
    code, _, err = run("limiter", "set-override", "api", "10/s", "customer:7", "10/parsec")
    assert code == 2
    assert "parsec" in err
