"""Unique counters."""

from __future__ import annotations

from .._generated.unique_calls import UniqueSubmits


class Unique(UniqueSubmits):
    """A unique counter, made by client.unique(): how many different members each key has seen."""

    __slots__ = ()
