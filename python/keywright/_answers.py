"""Readers of answers that have no record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ._generated.errors import EXCEPTIONS

if TYPE_CHECKING:
    from ._native import Buffer


def raise_no(status: int) -> NoReturn:
    """A no to an operation that does something: nobody checks those."""
    kind = EXCEPTIONS[status]
    raise kind((kind.__doc__ or "").strip())


def read_done(status: int, data: Buffer, offset: int) -> None:
    if status:
        raise_no(status)


def read_yes(status: int, data: Buffer, offset: int) -> bool:
    return status == 0
