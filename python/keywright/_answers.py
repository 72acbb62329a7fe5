"""Readers of answers that have no record."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NoReturn

from ._generated.errors import EXCEPTIONS

if TYPE_CHECKING:
    from ._native import Buffer

# The beginning of a kw_list: how many items, where the first lies, how far it is to the next.
_LIST = Struct("=qqq")


def raise_no(status: int) -> NoReturn:
    """A no to an operation that does something: nobody checks those."""
    kind = EXCEPTIONS[status]
    raise kind((kind.__doc__ or "").strip())


def places(data: Buffer, offset: int) -> range:
    """Where the items of a list lie, which begins at offset."""
    count, first, step = _LIST.unpack_from(data, offset)
    return range(offset + first, offset + first + count * step, step)


def read_done(status: int, data: Buffer, offset: int) -> None:
    if status:
        raise_no(status)


def read_yes(status: int, data: Buffer, offset: int) -> bool:
    return status == 0
