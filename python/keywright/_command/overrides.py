"""keywright limiter set-override NAME LIMIT KEY LIMITS, clear-override NAME LIMIT KEY, overrides NAME LIMIT"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from .. import Limiter, Override
from . import output

#: How long it is waited for what a limiter is told of overrides the first time.
PATIENCE = 2.0


def arguments_of(name: str, action: argparse.ArgumentParser) -> None:
    if name == "set-override":
        action.add_argument("own", metavar="LIMITS", help='the limits of that key: "100/s burst 200", or "10x"')
        action.add_argument("--ttl", type=float, default=0, metavar="SECONDS", help="how long (default: for ever)")


def load(limiter: Limiter) -> None:
    """Returns when the limiter has heard of its overrides, or when it is not worth waiting any more."""
    until = time.monotonic() + PATIENCE
    limiter.peek("", 0)
    while math.isinf(limiter.overrides_state().age) and time.monotonic() < until:
        time.sleep(0.001)


def set_override(limiter: Limiter, options: argparse.Namespace) -> bool:
    change = limiter.set_override(options.key, options.own, ttl=options.ttl)
    if options.json:
        output.as_json({"key": options.key, "limits": options.own, "ends_at": at(change.ends_at_us)})
    else:
        print(f"{options.key} has {options.own}{until(change.ends_at_us)}")
    return True


def clear_override(limiter: Limiter, options: argparse.Namespace) -> bool:
    limiter.clear_override(options.key)
    if options.json:
        output.as_json({"cleared": options.key})
    else:
        print(f"{options.key} has the limits of all others")
    return True


def every(limiter: Limiter) -> Iterator[Override]:
    page = limiter.overrides(count=1000)
    while page:
        yield from page
        page = limiter.overrides(page[-1].version, 1000)


def overrides(limiter: Limiter, options: argparse.Namespace) -> bool:
    found = {each.key: each for each in every(limiter)}  # one that changed meanwhile comes again
    if options.json:
        output.as_json({"overrides": [fields(each) for each in found.values()]})
    elif found:
        output.table([(each.key, f"{each.limits}{until(each.ends_at_us)}") for each in found.values()])
    return bool(found)


def fields(each: Override) -> dict[str, Any]:
    return {"key": each.key, "limits": each.limits, "ends_at": at(each.ends_at_us)}


def at(ends_at_us: int) -> str | None:
    return None if ends_at_us == 0 else datetime.fromtimestamp(ends_at_us / 1e6, timezone.utc).isoformat()


def until(ends_at_us: int) -> str:
    return "" if ends_at_us == 0 else f" until {at(ends_at_us)}"
