"""Fixtures of all Python tests: one private server for the session, emptied before each test that uses it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

import keywright
from support.server import Clock, Server

pytest_plugins = ["pytester"]

# The same examples in every run, so that a change is to blame for what it breaks; with KEYWRIGHT_EXAMPLES new ones.
settings.register_profile("same", derandomize=True)
if "KEYWRIGHT_EXAMPLES" not in os.environ:
    settings.load_profile("same")


@pytest.fixture(scope="session")
def session_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def server(session_server: Server) -> Iterator[Server]:
    """The session's server, empty, its clock running."""
    session_server.command("FLUSHALL")
    yield session_server
    if session_server.clock is not None:
        session_server.clock.run()


@pytest.fixture
def clock(server: Server) -> Clock:
    """The server's clock, to be set."""
    if server.clock is None:
        pytest.skip("the server's clock cannot be set here: no KEYWRIGHT_TEST_CLOCK_LIBRARY, or a static program")
    return server.clock


@pytest.fixture
def client(server: Server) -> Iterator[keywright.Client]:
    with keywright.connect(server.url) as client:
        yield client
