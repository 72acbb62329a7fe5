"""keywright doctor: what it tells of a server, and that it notices what is wrong."""

import json

import pytest

import keywright
from keywright import Capability, Info, Role
from keywright._command import main
from keywright._command.doctor import wrong
from keywright._command.output import seconds


def test_it_tells_what_there_is(server, capsys):
    assert main(["doctor", server.url]) == 0
    out = capsys.readouterr().out
    with keywright.connect(server.url) as client:
        info = client.info()
    for word in (info.version, server.url, "primary", f"RESP{info.protocol}", "round trip", keywright.__version__):
        assert word in out, word
    assert "nothing wrong found" in out


def test_json(server, capsys, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)
    assert main(["doctor", "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert fields["url"] == server.url
    assert fields["role"] == "primary"
    assert 0 < fields["round_trip"] <= fields["round_trip_p99"] < 1
    assert fields["warnings"] == []
    assert fields["native"].endswith(".so")


def test_a_replica_is_a_warning_and_a_no(server, capsys):
    server.command("REPLICAOF", "localhost", "1")
    try:
        assert main(["doctor", server.url]) == 1
        assert "replica" in capsys.readouterr().out
    finally:
        server.command("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize(
    ("role", "trip", "words"),
    [(Role.PRIMARY, 0.001, []), (Role.REPLICA, 0.001, ["replica"]), (Role.UNKNOWN, 0.2, ["ROLE", "round trip"])],
)
def test_what_is_wrong(role, trip, words):
    info = Info("redis", "7.0.15", 7_000_015, 3, role, Capability(0), 1, "id")
    warnings = wrong(info, [trip] * 5)
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


def test_no_server(capsys):
    assert main(["doctor", "unix:///nowhere?timeout=200ms&connect_timeout=200ms"]) == 3
    assert capsys.readouterr().err.startswith("keywright: ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "now"),
        (float("inf"), "never"),
        (0.0000123, "12 us"),
        (0.0123, "12.3 ms"),
        (1.5, "1.5 s"),
        (600, "10 min 0 s"),
        (7300, "2 h 1 min"),
    ],
)
def test_durations_as_people_say_them(value, text):
    assert seconds(value) == text
