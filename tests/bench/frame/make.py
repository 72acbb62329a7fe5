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

    def floor(
        self,
        name: str,
        how: str,
        count: int,
        words: list[str],
        answer: int = -1,
        first: list[str] | None = None,
        then: list[str] | None = None,
    ) -> Subject:
        """hiredis alone, sending these words, and `then` others. The first number of the reply must be `answer`,
        unless that is -1. The words `first` are sent once for each key before.
        """
        words = [*([*first, "++"] if first else []), *words, *(["--", *then] if then else [])]
        command = self._program("raw", how, str(count), str(answer), *words)
        return Subject(name, command, callers=count if how == "threads" else 1, prepares=bool(first))

    def keywright(
        self,
        how: str,
        count: int,
        limit: str,
        algorithm: str = "gcra",
        prepared: int = 0,
        name: str = "keywright-c",
    ) -> Subject:
        """Where `prepared` is not 0, each key is hit at that cost before."""
        command = self._program("keywright", how, str(count), limit, algorithm, str(prepared))
        return Subject(name, command, callers=count if how.endswith("threads") else 1, prepares=prepared > 0)

    def python(
        self, name: str, subject: str, *arguments: str, needs: str = "", callers: int = 1, prepares: bool = False
    ) -> Subject:
        """One of subjects.py, which needs a package installed."""
        command = [sys.executable, str(HERE / "subjects.py"), self.server.socket, subject, *arguments]
        return Subject(name, command, callers=callers, missing=_why_not(needs), prepares=prepares)

    def go(self, name: str, how: str, count: int, *arguments: str, callers: int = 1) -> Subject:
        """One of those in go/, which is there when it could be built."""
        path = PROGRAMS / "subjects_go"
        missing = "" if path.exists() else "the subjects in Go are not built"
        command = [str(path), self.server.socket, how, str(count), *arguments]
        return Subject(name, command, callers=callers, missing=missing)

    def script(self, name: str, sent: list[str], *arguments: object, prefix: str = "by") -> list[str]:
        """The command that asks a script of scripts/, under keys as long as those of a command that keywright sent."""
        digest = self.server.load((HERE / "scripts" / f"{name}.lua").read_text(encoding="utf-8"))
        return ["EVALSHA", digest, *own(sent, prefix)[2 : 3 + int(sent[2])], *map(str, arguments)]

    def sent_by(self, subject: Subject, prepare: bool = False) -> list[str]:
        """The command that a subject sends, as the server sees it; @ stands for the number of the user."""
        with self.server.monitor() as commands:
            worker = Worker(subject.command)
            if prepare:
                worker.prepare()
            else:
                worker.run(0.001)
            worker.stop()
            words = next(words for words in commands if words and words[0].lower() == "evalsha")
        return [re.sub(r"user(%3A|:)\d+", r"user\1@", word) for word in words]

    def _program(self, name: str, *arguments: str) -> list[str]:
        path = PROGRAMS / name
        if not path.exists():
            raise SystemExit(f"{path} is not there: ./dev bench builds it")
        return [str(path), self.server.socket, *arguments]


def own(sent: list[str], prefix: str = "fl") -> list[str]:
    """The same command under keys of its own, as long as those were."""
    end = 3 + int(sent[2])
    return [*sent[:3], *(prefix + key[2:] for key in sent[3:end]), *sent[end:]]


def _why_not(package: str) -> str:
    if not package:
        return "" if importlib.util.find_spec("keywright") else "keywright is not installed in this environment"
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"{package} is not installed in this environment"
    return ""
