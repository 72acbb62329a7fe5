"""What every scene has: a private server, a client, a way to look into Redis, and something to print with."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import keywright

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = Path(os.environ.get("KEYWRIGHT_EXAMPLES", ROOT / ".dev" / "dev" / "examples"))
COLOURS = {"title": "1;36", "good": "32", "bad": "1;31", "faint": "2"}


class Stage:
    def __init__(self) -> None:
        self.client = keywright.connect("embedded://")
        self.url = self.client.url
        self.held = 0
        self.broken: list[str] = []

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    # ---- printing ----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        info = self.client.info()
        print(f"keywright {keywright.__version__} with a private {info.server} {info.version} at {self.url}")

    def scene(self, number: int, title: str) -> None:
        print(f"\n{self.coloured(f'{number}. {title}', 'title')}")

    def say(self, text: str) -> None:
        print(textwrap.fill(" ".join(text.split()), 110, initial_indent="   ", subsequent_indent="   "))

    def show(self, text: str) -> None:
        """Text as it came from elsewhere."""
        for line in text.rstrip("\n").split("\n"):
            print(f"     {self.coloured('|', 'faint')} {line}")

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Columns as wide as they need; numbers to the right."""
        cells = [[str(cell) for cell in row] for row in rows]
        numeric = [all(row[i][:1].isdigit() for row in cells) for i in range(len(heads))]
        widths = [max(len(row[i]) for row in [list(heads), *cells]) for i in range(len(heads))]

        def line(row: Sequence[str]) -> str:
            aligned = (
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            )
            return "     " + "  ".join(aligned).rstrip()

        print(self.coloured(line(heads), "faint"))
        for row in cells:
            print(line(row))

    def check(self, holds: bool, what: str) -> None:
        """Something that must be true; the demo fails at its end if it is not."""
        if holds:
            self.held += 1
        else:
            self.broken.append(what)
        print(f"   {self.coloured('yes', 'good') if holds else self.coloured('NO', 'bad')}: {what}")

    def close(self, scenes: int, seconds: float) -> int:
        for what in self.broken:
            print(self.coloured(f"did not hold: {what}", "bad"), file=sys.stderr)
        if self.broken:
            print(f"\ndemo: {len(self.broken)} of {self.held + len(self.broken)} checks did not hold")
            return 1
        print(f"\ndemo: {scenes} scenes, {self.held} checks, all held, in {seconds:.1f} s")
        return 0

    def coloured(self, text: str, kind: str) -> str:
        if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
            return text
        return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m"

    # ---- processes of their own -------------------------------------------------------------------------------------

    def together(self, work: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> tuple[list[Any], float]:
        """Runs work(url, ready, *arguments) in a process for each. `ready()` returns when all have called it. Gives
        back what they returned, and the time that went by from then to the last answer, by the server's clock.
        """
        context = multiprocessing.get_context("spawn")
        jobs = list(arguments)
        gate, out = context.Barrier(len(jobs) + 1), context.Queue()
        processes = [
            context.Process(target=run, args=(out, number, work, self.url, gate, *job), daemon=True)
            for number, job in enumerate(jobs)
        ]
        for process in processes:
            process.start()
        gate.wait(30)
        before = self.server_time()
        gate.wait(30)
        outcomes = dict(out.get(timeout=30) for _ in processes)
        elapsed = self.server_time() - before
        for process in processes:
            process.join(10)
        return [outcomes[number] for number in range(len(jobs))], elapsed

    # ---- looking into Redis ------------------------------------------------------------------------------------------

    def redis(self, *words: object) -> Any:
        """One command in the plain protocol, as anybody's client would send it: keywright has no part in it."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(5)
            link.connect(self.url.removeprefix("unix://"))
            encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            link.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded))
            with link.makefile("rb") as answer:
                return read(answer)

    def server_time(self) -> float:
        """The server's clock, in seconds."""
        seconds, us = self.redis("TIME")
        return int(seconds) + int(us) / 1e6

    def find(self, pattern: str = "*") -> list[bytes]:
        return sorted(self.redis("KEYS", pattern))


def run(out: Any, number: int, work: Callable[..., Any], url: str, gate: Any, *arguments: Any) -> None:
    """The whole life of a process of Stage.together."""

    def ready() -> None:
        gate.wait(30)
        gate.wait(30)  # in between the server's clock is read

    out.put((number, work(url, ready, *arguments)))


def read(answer: Any) -> Any:
    line = answer.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        raise RuntimeError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return answer.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
    if kind == b"*":
        return [read(answer) for _ in range(int(rest))]
    return rest


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"
