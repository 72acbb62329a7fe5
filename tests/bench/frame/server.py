"""A private server for one run of the benchmark, and what it can tell about itself."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("redis-server", "valkey-server")
SCRIPTS = ("evalsha", "eval", "evalsha_ro", "eval_ro", "fcall", "fcall_ro")
SHELL = ("info", "config|resetstat", "memory|usage", "scan", "flushdb", "monitor", "script|load", "client|setinfo")


class ServerSays(Exception):
    """An error reply."""


def binary() -> str:
    for name in (os.environ.get("KEYWRIGHT_SERVER", ""), *NAMES):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise SystemExit("no server: set KEYWRIGHT_SERVER, or put redis-server or valkey-server on PATH")


class Link:
    """Just enough of the protocol to steer a server."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __call__(self, *words: object) -> Any:
        out = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            out.append(b"$%d\r\n%b\r\n" % (len(data), data))
        self.socket.sendall(b"".join(out))
        return self.read()

    def read(self) -> Any:
        line = self.file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise ServerSays(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self.file.read(size + 2)[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        raise ServerSays(f"unreadable: {line!r}")


class Server:
    """Started without a port and without saving. It ends with the run, whatever way that ends: a shell waits for the
    end of its input.
    """

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="kwbench-")
        self.socket = str(Path(self.directory) / "s")
        self.process = subprocess.Popen(
            ["sh", "-c", '"$0" "$@" & read -r _; kill -9 $!', binary()]
            + ["--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no"]
            + ["--dir", self.directory, "--maxclients", "1000", "--loglevel", "warning"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for run.py alone
        )
        self.call = self._connect()
        self.pid = int(re.findall(r"process_id:(\d+)", self.call("INFO", "server").decode())[0])

    def _connect(self) -> Link:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                return Link(self.socket)
            time.sleep(0.02)
        self.stop()
        raise SystemExit(f"{binary()} did not start")

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def name(self) -> str:
        info = self.call("INFO", "server").decode()
        for kind in ("valkey", "redis"):
            found = re.search(rf"^{kind}_version:(\S+)", info, re.MULTILINE)
            if found:
                return f"{kind} {found[1]}"
        return "unknown"

    def load(self, script: str) -> str:
        return self.call("SCRIPT", "LOAD", script).decode()

    def spent(self) -> dict[str, tuple[int, int]]:
        """Calls and microseconds of each command so far."""
        pattern = r"^cmdstat_([^:]+):calls=(\d+),usec=(\d+)"
        text = self.call("INFO", "commandstats").decode()
        return {name: (int(calls), int(us)) for name, calls, us in re.findall(pattern, text, re.MULTILINE)}

    def bytes_under(self, name: str) -> int:
        """What MEMORY USAGE says of all keys in which this name stands, escaped or not."""
        pattern = re.compile(re.escape(name).replace(":", "(?::|%3A)").encode() + rb"(?!\d)")
        total = 0
        for key in self.keys():
            if pattern.search(key):
                total += self.call("MEMORY", "USAGE", key, "SAMPLES", "0") or 0
        return total

    def keys(self) -> Iterator[bytes]:
        cursor = b"0"
        while True:
            cursor, page = self.call("SCAN", cursor, "COUNT", 1000)
            yield from page
            if cursor == b"0":
                return

    @contextlib.contextmanager
    def monitor(self) -> Iterator[Iterator[list[str]]]:
        """The commands that clients send meanwhile, as lists of words; not those that scripts call."""
        link = Link(self.socket)
        link("MONITOR")

        def commands() -> Iterator[list[str]]:
            while True:
                line = link.file.readline().decode("latin-1")
                if " lua]" not in line.split('"', 1)[0]:
                    yield re.findall(r'"((?:[^"\\]|\\.)*)"', line)

        try:
            yield commands()
        finally:
            link.close()


def server_us(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]], operations: int) -> float | None:
    """Microseconds for each operation. What scripts call is in the script's own figure already."""
    scripts = plain = 0
    for name, (_, us) in after.items():
        spent = us - before.get(name, (0, 0))[1]
        if name in SCRIPTS:
            scripts += spent
        elif name not in SHELL:
            plain += spent
    spent = scripts or plain
    return spent / operations if operations and spent else None
