"""The command line. Exit codes: 0 yes, 1 no, 2 wrong usage, 3 failure."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import Error, Invalid, Refused, __version__
from . import counter, doctor, limiter, quota, top, unique

YES, NO, USAGE, FAILURE = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    options = parser().parse_args(arguments)
    try:
        yes: bool = options.run(options)
    except Invalid as error:
        return complain(error, USAGE)
    except Refused as error:
        return complain(error, NO)
    except Error as error:
        return complain(error, getattr(options, "failure", FAILURE))
    except BrokenPipeError:
        sys.stderr.close()
        return FAILURE
    except KeyboardInterrupt:
        return 130
    return YES if yes else NO


def complain(error: Error, code: int) -> int:
    quoted = f"\nThe server said: {error.server_message}" if error.server_message else ""
    print(f"keywright: {error}{quoted}", file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--url", help="the server; otherwise KEYWRIGHT_URL, else redis://localhost:6379")
    shared.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    whole = argparse.ArgumentParser(
        prog="keywright",
        description="Shows and changes what keywright keeps in Redis.",
        epilog="Exit codes: 0 yes, 1 no, 2 wrong usage, 3 failure; of `limiter run` see there.",
    )
    whole.add_argument("--version", action="version", version=f"keywright {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    counter.add(commands, shared)
    doctor.add(commands, shared)
    limiter.add(commands, shared)
    quota.add(commands, shared)
    top.add(commands, shared)
    unique.add(commands, shared)
    return whole
