"""keywright limiter run NAME LIMIT KEY -- COMMAND: a command that runs if a limiter admits it."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import Decision, Error, Limiter
from .._held import RENEWALS, lease_of, releasing
from . import output

if TYPE_CHECKING:
    Child = subprocess.Popen[bytes]

#: Those of sysexits.h, of timeout(1) and of shells.
DENIED, FAILED, NOT_EXECUTABLE, NOT_FOUND, SIGNALLED = 75, 125, 126, 127, 128
EXIT_CODES = (
    "Exit codes: the command's own; 75 it was denied and did not run; 2 wrong usage; 125 the limiter failed and it did "
    "not run; 126 it cannot be run; 127 it is not there; 128 + N it was ended by signal N."
)
#: What ends the command, when this program is told to end.
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def run(limiter: Limiter, options: argparse.Namespace) -> int:
    """Runs it, and gives its exit code."""
    decision = limiter.hit(options.key, options.cost, wait=options.wait)
    if not decision:
        return say(f"denied; come again in {output.seconds(decision.retry_after)}", DENIED)
    if not decision.lease:
        return finish(options.command, None)
    renewal = Renewal(limiter, decision)
    with releasing(limiter, decision, None):
        return finish(options.command, renewal)


class Renewal:
    """Keeps a lease while a command runs, whose parent has nothing else to do."""

    def __init__(self, limiter: Limiter, decision: Decision) -> None:
        self._limiter, self._decision = limiter, decision
        self.interval: float | None = lease_of(limiter._handle.about, decision) / RENEWALS

    def renew(self) -> None:
        try:
            if not self._limiter.renew(self._decision, timeout=self.interval):
                say("the lease ended before it was renewed: others may be at it too; the command goes on", 0)
                self.interval = None
        except Error as error:
            say(f"the lease was not renewed: {error}", 0)


def finish(command: list[str], renewal: Renewal | None) -> int:
    with passing_on() as relay:
        try:
            child = subprocess.Popen(command)
        except FileNotFoundError as error:
            return say(str(error), NOT_FOUND)
        except OSError as error:
            return say(str(error), NOT_EXECUTABLE)
        relay.begin(child)
        while True:
            try:
                code = child.wait(renewal.interval if renewal is not None else None)
                return code if code >= 0 else SIGNALLED - code
            except subprocess.TimeoutExpired:
                if renewal is not None:
                    renewal.renew()


class Relay:
    """Passes signals on to the command; those that came before it was there, as soon as it is."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._early: list[int] = []

    def got(self, number: int, _: object) -> None:
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    def begin(self, child: Child) -> None:
        self._child = child
        for number in self._early:
            child.send_signal(number)


@contextmanager
def passing_on() -> Iterator[Relay]:
    """The command decides what a signal means. One typed at a terminal (Ctrl-C) it gets from there itself."""
    relay = Relay()
    before = {number: signal.signal(number, relay.got) for number in PASSED_ON}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield relay
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(text: str, code: int) -> int:
    print(f"keywright: {text}", file=sys.stderr)
    return code
