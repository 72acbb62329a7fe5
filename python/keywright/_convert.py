"""From what Python callers pass to what the library takes, each refusal naming the argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ._generated.keywright import FOREVER, MAX_KEY, Reason

if TYPE_CHECKING:
    from ._error import Error

#: Names, keys and ids. Text goes as UTF-8 (with surrogateescape, so any bytes come back), a number as its digits.
Key: TypeAlias = str | bytes | int
#: Seconds, or a timedelta. math.inf means for ever.
Duration: TypeAlias = float | timedelta

T = TypeVar("T")
EnumT = TypeVar("EnumT", bound=IntEnum)


def invalid(message: str, reason: Reason, position: int | None = None) -> Error:
    from ._generated.errors import Invalid

    return Invalid(message, reason=reason, position=position)


def wrong_type(name: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def to_bytes(value: Key, name: str) -> bytes:
    """A key, name or id."""
    if type(value) is str:
        try:
            return value.encode()
        except UnicodeEncodeError:
            pass  # the slower way, with what stands for bytes that are no text
    elif type(value) is bytes:
        return value
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise invalid(f"{name} has no form in UTF-8: {error.reason}", Reason.RANGE, error.start) from None
    if isinstance(value, int) and not isinstance(value, bool):
        return b"%d" % value if -FOREVER <= value <= FOREVER else _digits(value, name)
    if isinstance(value, bytes):
        return bytes(value)
    raise wrong_type(name, "str, bytes or int", value)


def _digits(value: int, name: str) -> bytes:
    if value.bit_length() > 4 * MAX_KEY:
        raise invalid(f"{name} has more than {MAX_KEY:,} digits", Reason.KEY_LENGTH)
    return b"%d" % value


def shown(name: Key) -> str:
    """A name as a text, whatever bytes it has."""
    return to_bytes(name, "name").decode("utf-8", "surrogateescape")


def to_payload(value: bytes, name: str) -> bytes:
    if type(value) is bytes:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise wrong_type(name, "bytes", value)


def to_text(value: str, name: str) -> bytes:
    """A configuration text: URL, limit. C ends it at a NUL, so there can be none inside."""
    if not isinstance(value, str):
        raise wrong_type(name, "str", value)
    data = to_bytes(value, name)
    if b"\0" in data:
        raise invalid(f"{name} holds a NUL character", Reason.OPTION, data.index(b"\0"))
    return data


def to_str(data: bytes) -> str:
    """A text of fixed room in a record, up to its NUL."""
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def whole(value: int, name: str) -> int:
    """A number; the library itself checks its range."""
    if type(value) is not int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(name, "int", value)
        value = int(value)
    if not -FOREVER - 1 <= value <= FOREVER:
        raise invalid(f"{name} is far too {'large' if value > 0 else 'small'}: it has 64 bits", Reason.OVERFLOW)
    return value


def within(value: int, least: int, most: int, name: str, reason: Reason) -> int:
    """Sees to a range where the library itself would see to it too late: when others of many were sent already."""
    if not least <= value <= most:
        size = " bytes long" if reason == Reason.KEY_LENGTH else ""
        raise invalid(f"{name} is {value}{size}: it must lie between {least} and {most}", reason)
    return value


def to_list(items: Iterable[T], of: str, name: str = "items") -> list[T]:
    """What a call for many is given; a text or a mapping is iterable, but not meant so."""
    if isinstance(items, str | bytes | bytearray | memoryview | Mapping) or not isinstance(items, Iterable):
        raise wrong_type(name, f"an iterable of {of}", items)
    return list(items)


def to_rows(items: Iterable[T], names: tuple[str, ...], name: str = "items") -> list[T]:
    """The arguments of each of many calls."""
    wanted = f"({', '.join(names)})"
    rows = to_list(items, f"tuples {wanted}", name)
    for place, row in enumerate(rows):
        if not isinstance(row, tuple):
            raise wrong_type(f"{name}[{place}]", f"a tuple {wanted}", row)
        if len(row) != len(names):
            raise TypeError(f"{name}[{place}] must have {len(names)} elements {wanted}, not {len(row)}")
    return rows


def in_item(place: int, error: TypeError | ValueError, name: str = "items") -> Exception:
    """The error of one of many calls, which says of which."""
    from ._error import Error

    message = f"{name}[{place}]: {error}"
    return invalid(message, error.reason, place) if isinstance(error, Error) else type(error)(message)


def to_bit(value: int, name: str) -> int:
    if whole(value, name) not in (0, 1):
        raise invalid(f"{name} must be 0 or 1, not {value}", Reason.OPTION)
    return int(value)


def to_switch(value: bool, name: str) -> int:
    if isinstance(value, bool):
        return int(value)
    raise wrong_type(name, "bool", value)


def to_us(value: Duration, name: str) -> int:
    """A duration in whole microseconds, rounded to the nearest, but never to 0 from above."""
    if isinstance(value, timedelta):
        us = value // timedelta(microseconds=1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value == inf:
            return FOREVER
        if not value >= 0:  # or no number at all
            us = -1
        elif value > FOREVER:
            us = FOREVER
        else:
            us = round(value * 1e6) if isinstance(value, float) else value * 1_000_000
            if us == 0 and value > 0:
                us = 1
    else:
        raise wrong_type(name, "seconds (int or float) or a timedelta", value)
    if 0 <= us < FOREVER:
        return us
    if us < 0:
        reason = Reason.TIMEOUT if name == "timeout" else Reason.RANGE
        raise invalid(f"{name} must be 0 or more seconds, not {value}", reason)
    raise invalid(f"{name} is too long; math.inf means for ever", Reason.OVERFLOW)


def to_timeout(value: Duration | None) -> int:
    """A call's deadline. The library reads 0 as the client's default; a caller's 0 means at once."""
    if value is None:
        return 0
    return to_us(value, "timeout") or 1


def to_enum(value: IntEnum | str, kind: type[EnumT], name: str) -> EnumT:
    """A member, or its name in small letters."""
    if isinstance(value, kind):
        return value
    if isinstance(value, str):
        member = kind.__members__.get(value.upper())
        if member is not None and value.islower():
            return member
        known = ", ".join(repr(each.lower()) for each in kind.__members__)
        raise invalid(f"{name} {value!r} does not exist; there are {known}", Reason.OPTION)
    raise wrong_type(name, f"str or {kind.__name__}", value)


def from_seconds(value: float) -> int:
    """A duration of a record, on its way back."""
    return FOREVER if value == inf else round(value * 1e6)


def checked(value: object, kind: type, name: str) -> None:
    """Sees that what goes back in came from this library."""
    if not isinstance(value, kind):
        raise wrong_type(name, "what a call of this library returned", value)
