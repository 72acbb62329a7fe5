"""keywright limiter hit-all and peek-all: what they print, and their exit codes."""

import json

import pytest

from keywright._command import main

BOTH = ("user", "10/h", "ann", "ip", "2/h", "10.0.0.1")


@pytest.fixture
def run(server, capsys, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)

    def run(*words):
        code = main(("limiter", *words))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_all_or_none(run):
    code, out, err = run("hit-all", *BOTH)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "decision     allowed",
        "user ann     9 of 10 remaining",
        "ip 10.0.0.1  1 of 2 remaining",
    ]
    assert run("hit-all", *BOTH)[0] == 0
    code, out, _ = run("hit-all", *BOTH)
    assert code == 1 and "denied by    ip" in out and "8 of 10 remaining" in out
    assert run("peek-all", *BOTH)[0] == 1
    assert run("peek-all", *BOTH, "--costs", "8", "0")[0] == 0


def test_json(run):
    code, out, _ = run("hit-all", *BOTH, "--costs", "1", "3", "--json")
    told = json.loads(out)
    assert code == 1 and out.count("\n") == 1
    assert (told["allowed"], told["denied_by"], told["retry_after"]) == (False, "ip", None)
    assert [each["charged"] for each in told["limiters"]] == [0, 0]
    code, out, _ = run("hit-all", *BOTH, "--costs", "4", "0", "--json")
    assert code == 0
    assert [(each["name"], each["key"], each["charged"]) for each in json.loads(out)["limiters"]] == [
        ("user", "ann", 4),
        ("ip", "10.0.0.1", 0),
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("hit-all", "user", "10/h"), "NAME LIMIT KEY"),
        (("hit-all", *BOTH, "--costs", "1"), "--costs has 1 numbers"),
        (("hit-all", "a", "1/s", "k", "a", "1/s", "k"), "name one state"),
        (("hit-all", "a", "1/x", "k"), "unit"),
    ],
)
def test_wrong_usage(run, words, says):
    code, out, err = run(*words)
    assert (code, out) == (2, "") and says in err
