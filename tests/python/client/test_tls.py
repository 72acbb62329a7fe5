"""Links by TLS: what connect() is given reaches the library, and each failure has its reason."""

import os
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

import keywright
from keywright._connect import authorities


@pytest.fixture
def port():
    """One that takes connections; whatever is wrong with files is found before a word is said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def failure(url: str, **options: str) -> keywright.TlsFailed:
    with pytest.raises(keywright.TlsFailed) as caught, keywright.connect(url, timeout=5, **options):
        pytest.fail("entered")
    assert not caught.value.retryable
    return caught.value


def test_options_reach_the_library(port, tmp_path):
    url = f"rediss://127.0.0.1:{port}"
    lost = str(tmp_path / "lost.pem")
    told = failure(url, ca_file=lost)
    assert told.reason == keywright.Reason.TLS_FILE
    assert f"ca names {lost}" in str(told)
    assert f"cert names {lost}" in str(failure(url, verify="none", cert_file=lost))
    key = tmp_path / "key.pem"
    key.write_text("", encoding="utf-8")
    assert f"key names {lost}" in str(failure(url, verify="none", cert_file=str(key), key_file=lost))


def test_what_is_wrong_is_told_at_once():
    with pytest.raises(keywright.Invalid):
        keywright.connect("rediss://localhost", verify="perhaps")
    with pytest.raises(keywright.Invalid):
        keywright.connect("rediss://localhost", server_name="")
    with pytest.raises(keywright.Invalid):
        keywright.connect("redis://localhost?verify=none")


def test_a_peer_that_does_not_speak_it():
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as other:

        def answer():
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"-ERR unknown command\r\n")
                with suppress(ConnectionResetError):
                    peer.recv(4096)

        told = other.submit(answer)
        failed = failure(f"rediss://127.0.0.1:{listener.getsockname()[1]}", verify="none")
        told.result(5)
    assert failed.reason == keywright.Reason.TLS_PLAIN_PORT


def test_the_authorities_of_this_python(monkeypatch, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    paths = ssl.DefaultVerifyPaths(str(bundle), None, "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert authorities("rediss://h") == str(bundle)
    assert authorities("VALKEYS://h") == str(bundle)
    assert authorities("redis://h") is None
    monkeypatch.setenv("SSL_CERT_DIR", os.fspath(tmp_path))
    assert authorities("rediss://h") is None
