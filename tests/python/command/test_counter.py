"""keywright counter: what it prints, for people and for programs, and its exit codes."""

import json

import pytest

from keywright._command import main


@pytest.fixture
def run(server, capsys, monkeypatch):
    """Runs a command against the private server; gives its exit code, and what it printed."""
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)

    def run(*words):
        try:
            code = main(["counter", *words])
        except SystemExit as leave:
            code = leave.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_a_count_is_added_read_taken_set_and_reset(run):
    assert run("add", "hits", "home") == (0, "value    1\napplied  1\nends in  never\n", "")
    code, out, _ = run("add", "hits", "home", "41", "--json")
    fields = json.loads(out)
    assert code == 0
    assert fields == {
        "ok": True,
        "status": "OK",
        "key": "home",
        "value": 42,
        "applied": 41,
        "duplicate": False,
        "expires_after": None,
    }
    assert "value    42" in run("value", "hits", "home")[1]
    assert "value    42" in run("take", "hits", "home")[1]
    assert json.loads(run("value", "hits", "home", "--json")[1])["value"] == 0
    assert run("set", "hits", "home", "7") == (0, "home is 7\n", "")
    assert run("reset", "hits", "home") == (0, "home is 0\n", "")
    assert json.loads(run("reset", "hits", "home", "--json")[1]) == {"reset": "home"}


def test_a_refused_add_is_exit_code_1(run):
    run("set", "stock", "book", "2", "--min", "0")
    code, out, _ = run("add", "stock", "book", "-3", "--min", "0")
    assert code == 1
    assert "it would pass a bound" in out
    code, out, _ = run("add", "stock", "book", "-3", "--min", "0", "--on-bound", "saturate")
    assert code == 0
    assert "applied  -2" in out


def test_once_and_other_kinds(run):
    run("add", "paid", "7", "100", "--once", "payment:1")
    code, out, _ = run("add", "paid", "7", "100", "--once", "payment:1")
    assert code == 0
    assert "nothing was changed" in out and "value      100" in out
    assert json.loads(run("take", "paid", "7", "--once", "t", "--json")[1])["value"] == 100
    assert json.loads(run("take", "paid", "7", "--once", "t", "--json")[1])["duplicate"] is True
    full = ("--once", "b", "--remember", "60", "--remember-max", "1")
    assert run("add", "few", "k", "--once", "a", "--remember", "60", "--remember-max", "1")[0] == 0
    code, out, _ = run("add", "few", "k", *full)
    assert code == 1
    assert "remembers too many ids" in out
    assert 290 < json.loads(run("add", "hits", "k", "--window", "300", "--json")[1])["expires_after"] <= 300
    assert json.loads(run("add", "hits", "k", "--ttl", "60", "--json")[1])["expires_after"] == 60
    assert 0 < json.loads(run("add", "hits", "k", "--expiry", "day", "--json")[1])["expires_after"] <= 86400
    run("add", "hits", "k", "5", "--shards", "4")
    assert json.loads(run("value", "hits", "k", "--shards", "4", "--json")[1])["value"] == 5


def test_wrong_usage_is_exit_code_2(run):
    code, _, err = run("add", "hits", "k", "--window", "60", "--shards", "2")
    assert code == 2
    assert "windowed or sharded" in err
    assert run("add", "hits")[0] == 2
