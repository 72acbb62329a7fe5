"""The echo object of keywright._test: an endpoint inside the process, whose replies a test holds back."""

from __future__ import annotations

from keywright import _test
from keywright._connect import open_client
from keywright._handle import ClientHandle, Handle
from keywright._library import Library
from keywright._loop import OneLoop
from keywright._test_echo_calls import EchoCalls, EchoSubmits, echo_opener

TEST = Library(_test)


def client_handle(**options: object) -> ClientHandle:
    """A client of echo://."""
    names = ("client_name", "prefix", "timeout", "connect_timeout", "max_in_flight", "server_path")
    return open_client("echo://", library=TEST, **{name: options.get(name) for name in names})  # type: ignore[arg-type]


def echo_of(client: ClientHandle) -> EchoCalls:
    return EchoCalls(Handle(echo_opener(TEST), client, "echo"))


def async_echo_of(client: ClientHandle, loops: OneLoop | None = None) -> EchoSubmits:
    return EchoSubmits(Handle(echo_opener(TEST), client, "echo"), loops or OneLoop(client))
