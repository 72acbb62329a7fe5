"""A private server for tests: on a Unix socket in a folder of its own, with a clock that a test can set."""

from __future__ import annotations

import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLOCK = os.environ.get("KEYWRIGHT_TEST_CLOCK_LIBRARY")


def program() -> str:
    """The server under test: KEYWRIGHT_SERVER, else what PATH has."""
    named = os.environ.get("KEYWRIGHT_SERVER")
    found = named or shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise RuntimeError("no server: set KEYWRIGHT_SERVER, or install redis-server or valkey-server")
    return found


class Clock:
    """The server's wall clock, in microseconds: it can be moved, and can stand still."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(struct.pack("=qq", 0, 0))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 16)

    def _write(self, offset: int, frozen: int) -> None:
        struct.pack_into("=q", self._page, 0, offset)
        struct.pack_into("=q", self._page, 8, frozen)

    def freeze(self, at_us: int) -> None:
        """Makes it stand still at a moment."""
        self._write(0, at_us)

    def advance(self, us: int) -> None:
        """Moves it on (or back), standing or running."""
        offset, frozen = struct.unpack("=qq", self._page[:16])
        self._write(offset + us if not frozen else 0, frozen + us if frozen else 0)

    def run(self) -> None:
        """Lets it go with real time again."""
        self._write(0, 0)


class Server:
    """One server process, and a connection of the tests' own to look at its keys."""

    def __init__(self, *arguments: str, url: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="keywright-test-"))
        self.socket = self.folder / "s"
        self.url = f"unix://{self.socket}"
        environment = dict(os.environ)
        self.clock: Clock | None = None
        if CLOCK is not None:
            self.clock = Clock(self.folder / "clock")
            environment |= {"LD_PRELOAD": CLOCK, "KEYWRIGHT_TEST_CLOCK": str(self.folder / "clock")}
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [program(), *options, "--dir", str(self.folder), *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._connection: socket.socket | None = None
        self._wait()
        if self.clock is not None and not self._obeys(self.clock):
            self.clock = None

    def _obeys(self, clock: Clock) -> bool:
        """Whether the server's time is the clock's, to the microsecond: a program linked statically has its own."""
        clock.freeze(1_700_000_000_000_000)
        obeys: bool = self.command("TIME") == [b"1700000000", b"0"]
        clock.run()
        return obeys

    def _wait(self) -> None:
        end = time.monotonic() + 10
        while True:
            try:
                if self.command("PING") == b"PONG":
                    return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.01)

    def command(self, *words: str | bytes | int) -> Any:
        """Sends one command and gives its reply: bytes, numbers, None, lists; an error is raised."""
        if self._connection is None:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(10)
            connection.connect(str(self.socket))
            self._connection = connection
            self._replies = connection.makefile("rb")
        parts = [word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape") for word in words]
        self._connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._reply()

    def _reply(self) -> Any:
        line = self._replies.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self._replies.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise ConnectionError(f"no reply: {line!r}")

    def keys(self) -> list[bytes]:
        return sorted(self.command("KEYS", "*"))

    def calls(self) -> int:
        """Commands that clients sent so far, this one not counted."""
        info = self.command("INFO", "stats").decode()
        return int(info.split("total_commands_processed:")[1].split()[0])

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Stops the server's process: it answers nobody meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        if self._connection is not None:
            self._replies.close()
            self._connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)
