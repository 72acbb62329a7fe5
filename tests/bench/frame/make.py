"""Makes the subjects that benchmarks of every primitive are built from."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
from pathlib import Path

from frame.measure import Worker
from frame.plan import Subject
from frame.server import Server

HERE = Path(__file__).resolve().parents[1]
PROGRAMS = Path(os.environ.get("KEYWRIGHT_BENCH_PROGRAMS", HERE.parents[1] / ".dev" / "dev" / "bench"))


class Make:
    def __init__(self, server: Server) -> None:
        self.server = server

    def floor(self, name: str, how: str, count: int, words: list[str], yes: int = -1) -> Subject:
        """hiredis alone, sending these words. If `yes` is given, that number of the reply must be 1."""
        command = self._program("raw", how, str(count), str(yes), *words)
        return Subject(name, command, callers=count if how == "threads" else 1)

    def keywright(self, how: str, count: int, limit: str, algorithm: str = "gcra") -> Subject:
        command = self._program("keywright", how, str(count), limit, algorithm)
        return Subject("keywright-c", command, callers=count if how == "threads" else 1)

    def python(self, name: str, subject: str, *arguments: str, needs: str = "", callers: int = 1) -> Subject:
        """One of subjects.py, which needs a package installed."""
        command = [sys.executable, str(HERE / "subjects.py"), self.server.socket, subject, *arguments]
        return Subject(name, command, callers=callers, missing=_why_not(needs))

    def go(self, name: str, how: str, count: int, *arguments: str, callers: int = 1) -> Subject:
        """One of those in go/, which is there when it could be built."""
        path = PROGRAMS / "subjects_go"
        missing = "" if path.exists() else "the subjects in Go are not built"
        command = [str(path), self.server.socket, how, str(count), *arguments]
        return Subject(name, command, callers=callers, missing=missing)

    def script(self, name: str, key: str, *arguments: object, prefix: str = "by") -> list[str]:
        """The command that asks a script of scripts/, under a key as long as keywright's."""
        digest = self.server.load((HERE / "scripts" / f"{name}.lua").read_text(encoding="utf-8"))
        return ["EVALSHA", digest, "1", prefix + key[2:], *map(str, arguments)]

    def sent_by(self, subject: Subject) -> list[str]:
        """The command that a subject sends, as the server sees it; @ stands for the number of the user."""
        with self.server.monitor() as commands:
            worker = Worker(subject.command)
            worker.run(0.001)
            worker.stop()
            words = next(words for words in commands if words and words[0].lower() == "evalsha")
        return [re.sub(r"user(%3A|:)\d+", r"user\1@", word) for word in words]

    def _program(self, name: str, *arguments: str) -> list[str]:
        path = PROGRAMS / name
        if not path.exists():
            raise SystemExit(f"{path} is not there: ./dev bench builds it")
        return [str(path), self.server.socket, *arguments]


def _why_not(package: str) -> str:
    if not package:
        return "" if importlib.util.find_spec("keywright") else "keywright is not installed in this environment"
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"{package} is not installed in this environment"
    return ""
