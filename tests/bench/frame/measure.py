"""Starts the subjects, and calls them round after round: A B C, A B C."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from frame import machine
from frame.plan import Figures, Target, Work
from frame.server import Server, server_us

PATIENCE = 30.0  # how long a subject may take beyond its round
ITEM = "user:7"  # the key whose bytes are looked at


class Failed(Exception):
    """A subject did not do its work."""


class Worker:
    """The process of a subject."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.errors, name = tempfile.mkstemp()
        os.unlink(name)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.buffer = b""
        try:
            self.version = str(self._answer(PATIENCE)["subject"])
        except BaseException:
            self.stop()
            raise

    def run(self, seconds: float) -> dict[str, Any]:
        self._tell(b"%f\n" % seconds)
        return self._answer(seconds + PATIENCE)

    def prepare(self) -> None:
        self._tell(b"prepare\n")
        self._answer(PATIENCE)

    def _tell(self, line: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._failed("ended") from None

    def stop(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        os.close(self.errors)

    def _answer(self, patience: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        pipe, until = self.process.stdout.fileno(), time.monotonic() + patience
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                self.process.kill()
                raise self._failed(f"gave no answer for {patience:.0f} s")
            data = os.read(pipe, 65536)
            if not data:
                raise self._failed("ended")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failed(self, what: str) -> Failed:
        said = os.pread(self.errors, 1 << 20, 0).decode(errors="replace").strip()
        return Failed(f"{' '.join(self.command[:4])} {what}: {said[-600:] or 'it said nothing'}")


@dataclass
class Effort:
    rounds: int
    seconds: float


Measured = dict[tuple[str, str], Figures]  # by placement and subject


def measure(work: Work, server: Server, placements: list[str], effort: Effort, say: Callable[[str], None]) -> Measured:
    workers: dict[str, Worker] = {}
    sizes: dict[str, int] = {}
    figures: Measured = {}
    try:
        for subject in work.subjects:
            if subject.missing:
                continue
            worker = workers[subject.name] = Worker(subject.command)
            subject.note = subject.note or worker.version
            sizes[subject.name] = _warm_up(server, worker, subject.prepares)
        prepared = [subject.name for subject in work.subjects if subject.prepares]
        _prepare(server, [worker for name, worker in workers.items() if name in prepared])
        for placement in placements:
            for name, size in sizes.items():
                figures[placement, name] = Figures(bytes_per_item=size)
            machine.place(placement, server.pid, [worker.process.pid for worker in workers.values()])
            for number in range(effort.rounds):
                say(f"{work.name}, {machine.PLACEMENTS[placement]}: round {number + 1} of {effort.rounds}")
                for name, worker in workers.items():
                    _round(server, worker, effort.seconds, figures[placement, name])
    finally:
        for worker in workers.values():
            worker.stop()
    return figures


def _warm_up(server: Server, worker: Worker, prepares: bool) -> int:
    """A first round that nobody counts. It leaves keys, whose size is looked at."""
    server.call("FLUSHDB")
    if prepares:
        worker.prepare()
    worker.run(0.1)
    return server.bytes_under(ITEM)


def _prepare(server: Server, workers: list[Worker]) -> None:
    """Again and together, for each warm-up swept away what the one before had prepared."""
    if workers:
        server.call("FLUSHDB")
    for worker in workers:
        worker.prepare()


def _round(server: Server, worker: Worker, seconds: float, figures: Figures) -> None:
    before = server.spent()
    answer = worker.run(seconds)
    after = server.spent()
    if answer["refused"]:
        raise Failed(f"{' '.join(worker.command[:4])}: {answer['refused']} hits were not answered as they had to be")
    figures.operations.append(answer["operations"] / answer["seconds"])
    figures.p50.append(answer["p50_us"])
    figures.p99.append(answer["p99_us"])
    figures.client.append(answer["busy"] * 1e6 / answer["operations"])
    spent = server_us(before, after, answer["operations"])
    if spent is not None:
        figures.server.append(spent)


def rows_of(bench: str, work: Work, measured: Measured) -> list[dict[str, Any]]:
    """The rows of one work, as they stand in the JSON."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for (placement, name), figures in measured.items():
        subject = next(subject for subject in work.subjects if subject.name == name)
        rows[placement, name] = {
            "bench": bench,
            "work": work.name,
            "placement": placement,
            "subject": name,
            "version": subject.note,
            "callers": subject.callers,
            "ops_per_s": round(median(figures.operations)),
            "p50_us": round(median(figures.p50), 2),
            "p99_us": round(median(figures.p99), 2),
            "client_us": round(median(figures.client), 2),
            "server_us": round(median(figures.server), 2) if figures.server else None,
            "bytes_per_item": figures.bytes_per_item or None,
            "spread": round((max(figures.operations) - min(figures.operations)) / median(figures.operations), 2),
            "target": None,
            "ratio": None,
            "met": None,
        }
    for (placement, name), row in rows.items():
        judged = [one for one in (_judge(target, placement, name, rows) for target in work.targets) if one]
        if judged:
            row.update(judged[0])
            if judged[1:]:
                row["also"] = judged[1:]
        elif work.subjects[0].name != name:
            row["ratio"] = _ratio(row, rows.get((placement, work.subjects[0].name)), work.figure)
    return list(rows.values())


def _ratio(row: dict[str, Any], other: dict[str, Any] | None, figure: str) -> float | None:
    if other is None or not row[figure] or not other[figure]:
        return None
    return round(row[figure] / other[figure], 3)


def _judge(
    target: Target, placement: str, name: str, rows: dict[tuple[str, str], dict[str, Any]]
) -> dict[str, Any] | None:
    """A target of this row, if both sides of it were measured where it must hold."""
    if target.subject != name or target.placement != placement:
        return None
    row = rows[placement, name]
    if target.below is not None:
        mine = row[target.figure]
        bound = {"figure": target.figure, **target.bound()}
        return {"target": bound, "ratio": round(mine / target.below, 3), "met": mine < target.below}
    other = next((rows[key] for key in rows if key == (placement, target.of)), None)
    ratio = _ratio(row, other, target.figure)
    if other is None or ratio is None:
        return None
    return {
        "target": {"of": target.of, "figure": target.figure, **target.bound()},
        "ratio": ratio,
        "met": target.meets(row[target.figure], other[target.figure]),
    }
