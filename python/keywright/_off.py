"""KEYWRIGHT_LIMITS: whether the limiters of this process limit at all."""

from __future__ import annotations

import os
from functools import cache

from ._convert import Duration, Key, invalid, to_bytes, to_timeout, to_us, whole, within
from ._generated.keywright import MAX_KEY, Reason

VARIABLE = "KEYWRIGHT_LIMITS"
#: The greatest number that calls of a limiter take.
MOST = 2**52 - 1


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
