# Made by bindings/generate.py from python/keywright/_aio/top.py. Change that file and run ./dev gen.
"""Tops."""

from __future__ import annotations

from .._generated.top_calls import TopCalls


class Top(TopCalls):
    """A top, made by client.top(): who has the most, in bounded memory."""

    __slots__ = ()
