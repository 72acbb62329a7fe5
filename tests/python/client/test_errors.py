"""The exceptions: two branches, what each is besides, what each carries, and that they travel."""

import copy
import pickle

import pytest

import keywright
from keywright._generated.errors import EXCEPTIONS


def test_every_status_has_its_class():
    assert set(EXCEPTIONS) == {status for status in keywright.Status if status}
    for status, kind in EXCEPTIONS.items():
        assert kind.code == status
        assert issubclass(kind, keywright.Refused if status > 0 else keywright.Failed)
        assert getattr(keywright, kind.__name__) is kind
        assert kind.__module__ == "keywright"


@pytest.mark.parametrize(
    ("kind", "besides"),
    [
        (keywright.ConnectionFailed, ConnectionError),
        (keywright.ResolveFailed, keywright.ConnectionFailed),
        (keywright.TlsFailed, keywright.ConnectionFailed),
        (keywright.Timeout, TimeoutError),
        (keywright.Invalid, ValueError),
        (keywright.NoMemory, MemoryError),
        (keywright.WrongType, keywright.ServerError),
        (keywright.ReadOnly, keywright.ServerError),
        (keywright.Stolen, keywright.Lost),
    ],
)
def test_some_are_something_else_besides(kind, besides):
    assert issubclass(kind, besides)


@pytest.mark.parametrize("kind", EXCEPTIONS.values())
@pytest.mark.parametrize("travel", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_they_travel_whole(kind, travel):
    error = kind(
        "what happened",
        reason=keywright.Reason.RANGE,
        retryable=True,
        maybe_applied=True,
        position=7,
        server_message="ERR so",
    )
    error.answers = [1, None]
    other = travel(error)
    assert type(other) is kind
    assert str(other) == "what happened"
    assert vars(other) == vars(error)
    assert (other.reason, other.retryable, other.maybe_applied) == (keywright.Reason.RANGE, True, True)
    assert (other.position, other.server_message, other.answers) == (7, "ERR so", [1, None])


def test_an_error_of_the_library_travels(client):
    with pytest.raises(keywright.Invalid) as caught:
        client.limiter("api", "10/fortnight")
    other = pickle.loads(pickle.dumps(caught.value))
    assert (str(other), other.reason, other.position) == (
        str(caught.value),
        keywright.Reason.LIMIT_SYNTAX,
        caught.value.position,
    )


def test_a_key_that_is_not_ours_quotes_the_server(client, server):
    api = client.limiter("api", "10/s")
    api.hit("k")
    (key,) = server.keys()
    server.command("DEL", key)
    server.command("RPUSH", key, "x")
    with pytest.raises(keywright.WrongType) as caught:
        api.hit("k")
    assert not caught.value.retryable
    assert server.command("LRANGE", key, 0, -1) == [b"x"]


def test_an_unanswered_call_ends_by_its_deadline(client, server):
    api = client.limiter("api", "10/s")
    api.hit("k")
    with server.silent(), pytest.raises(keywright.Timeout) as caught:
        api.hit("k", timeout=0.1)
    assert caught.value.maybe_applied
    assert api.hit("k", timeout=5)
