"""KEYWRIGHT_LIMITS: whether the limiters of this process limit at all."""

from __future__ import annotations

import os
import re
from functools import cache

from ._convert import Duration, Key, invalid, to_bytes, to_timeout, to_us, whole, within
from ._generated.keywright import MAX_KEY, Reason

VARIABLE = "KEYWRIGHT_LIMITS"
#: The greatest number that calls of a limiter take.
MOST = 2**52 - 1
DAY = 86_400_000_000


def limits_off() -> bool:
    """What the environment asks for, when a limiter is made. Any other word is a mistake that nobody would see."""
    value = os.environ.get(VARIABLE, "")
    match value.strip().lower():
        case "" | "on":
            return False
        case "off":
            say()
            return True
    raise invalid(f"{VARIABLE} is {value!r}: it may be 'off', 'on' or not set", Reason.OPTION)


@cache
def say() -> None:
    """Once in a process: whoever left it in the environment of a service reads of it in the log."""
    from logging import getLogger

    getLogger("keywright").warning("%s=off: limiters of this process admit everything and send nothing", VARIABLE)


def see_key(key: Key, name: str = "key") -> None:
    """What C would see to."""
    within(len(to_bytes(key, name)), 0, MAX_KEY, name, Reason.KEY_LENGTH)


def see_id(id: Key) -> None:
    within(len(to_bytes(id, "id")), 1, 255, "id", Reason.NAME_LENGTH)


def see_number(value: int, least: int, name: str) -> int:
    return within(whole(value, name), least, MOST, name, Reason.RANGE)


def see_times(timeout: Duration | None, wait: Duration | None = None) -> None:
    to_timeout(timeout)
    if wait is not None:
        to_us(wait, "wait")


def see_span(span: Duration | None, most: int, name: str) -> None:
    """What something lasts that is told to the server, in microseconds; 0 is as if nothing were said."""
    if span:
        within(to_us(span, name), 1_000, most, name, Reason.RANGE)


def see_override(limits: str, own: str) -> None:
    """Whether a limiter of these limits could take that override: a limit for each, or a factor."""
    from ._generated.limiter_calls import limits_parse

    kept = limits_parse(own)
    if re.fullmatch("[0-9]{1,16}x", shown := to_bytes(limits, "limits").decode("utf-8", "surrogateescape")):
        most = MOST // max(max(limit.amount, limit.burst) for limit in kept)
        within(int(shown[:-1]), 1, most, "the factor", Reason.LIMIT_RANGE)
        return
    given = limits_parse(shown)
    if [limit.concurrent for limit in given] != [limit.concurrent for limit in kept]:
        raise invalid(f"the override {shown!r} must have a limit for each of {own!r}", Reason.LIMIT_RANGE)
    if any(new.label not in ("", old.label) for new, old in zip(given, kept, strict=True)):
        raise invalid(f'the override {shown!r} has the names of {own!r}: leave "as" out', Reason.LIMIT_RANGE)
