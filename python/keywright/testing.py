"""pytest fixtures for programs that use keywright; pytest finds them by itself once the package is installed.

keywright_url     the URL of a private server, with a prefix of this test's own: no test sees another's keys
keywright_client  a client of it

One server serves the whole session; it is found as for embedded:// (pip install "keywright[server]" brings one).
KEYWRIGHT_LIMITS=off in the environment makes every limiter admit everything, for tests that are not about limits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import Client

_numbers = count(1)


@pytest.fixture(scope="session")
def keywright_server_url() -> Iterator[str]:
    """The URL of the session's private server."""
    from . import connect

    with connect("embedded://") as client:
        yield client.url


@pytest.fixture
def keywright_url(keywright_server_url: str) -> str:
    """The URL of a private server, with a prefix of this test's own."""
    return f"{keywright_server_url}?prefix=test-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def keywright_client(keywright_url: str) -> Iterator[Client]:
    """A client of a private server, with a prefix of this test's own."""
    from . import connect

    with connect(keywright_url) as client:
        yield client
