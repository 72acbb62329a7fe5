"""Tops."""

from __future__ import annotations

from .._generated.top_calls import TopSubmits


class Top(TopSubmits):
    """A top, made by client.top(): who has the most, in bounded memory."""

    __slots__ = ()
