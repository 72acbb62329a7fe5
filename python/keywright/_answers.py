"""Readers of answers that have no record."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NoReturn

from ._generated.errors import EXCEPTIONS

if TYPE_CHECKING:
    from ._native import Buffer

# The beginning of a kw_list: how many items, where the first lies, how far it is to the next.
_LIST = Struct("=qqq")


#: Of operations whose noes need no words of their own.
NONE: dict[int, str] = {}


def raise_no(status: int, noes: dict[int, str]) -> NoReturn:
    """A no to an operation that does something: nobody checks those. `noes` says what each means there."""
    kind = EXCEPTIONS[status]
    raise kind(noes.get(status) or (kind.__doc__ or "").strip())


def places(data: Buffer, offset: int) -> range:
    """Where the items of a list lie, which begins at offset."""
    count, first, step = _LIST.unpack_from(data, offset)
    return range(offset + first, offset + first + count * step, step)


def read_done(status: int, data: Buffer, offset: int, noes: dict[int, str] = NONE) -> None:
    if status:
        raise_no(status, noes)


def read_yes(status: int, data: Buffer, offset: int) -> bool:
    return status == 0
