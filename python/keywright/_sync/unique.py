# Made by bindings/generate.py from python/keywright/_aio/unique.py. Change that file and run ./dev gen.
"""Unique counters."""

from __future__ import annotations

from .._generated.unique_calls import UniqueCalls


class Unique(UniqueCalls):
    """A unique counter, made by client.unique(): how many different members each key has seen."""

    __slots__ = ()
