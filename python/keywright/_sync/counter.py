# Made by bindings/generate.py from python/keywright/_aio/counter.py. Change that file and run ./dev gen.
"""Counters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._generated.counter_calls import CounterCalls

if TYPE_CHECKING:
    from .._convert import Duration, Key
    from .._generated.counter import Count


class Counter(CounterCalls):
    """A counter, made by client.counter(): how much each key has had."""

    __slots__ = ()

    def add(
        self,
        key: Key,
        amount: int = 1,
        *,
        once: Key | None = None,
        timeout: Duration | None = None,
    ) -> Count:
        """Adds an amount, which may be negative.

        Args:
            key: whose count: any bytes (up to 1,024 bytes)
            amount: how much is added; 0 changes nothing and shows the value
            once: an operation id: the add is done once, however often it is asked with this id
            timeout: deadline of this call; the client's when None

        What would pass a bound is refused whole, and the count is falsy then; or it is cut, if the counter saturates.
        `applied` says what was really added.

        One round trip. Without an id it is never sent twice: a link lost after sending raises Unknown. With one it is
        safe to repeat: when the id is known the first answer is given again, marked as a duplicate.
        """
        if once is not None:
            return self.add_once(key, once, amount, timeout=timeout)
        return super().add(key, amount, timeout=timeout)

    def add_many(
        self,
        items: Iterable[Key | tuple[Key, int]],
        amount: int = 1,
        *,
        timeout: Duration | None = None,
    ) -> list[Count]:
        """Adds to each of many keys, sent together and answered together, in any order.

        Args:
            items: keys, or pairs of a key and its amount
            amount: what is added to those without an amount of their own
            timeout: deadline of this call; the client's when None

        The counts come in the order of the items. If one failed, its failure is raised, and `answers` of the exception
        has the counts of the others.
        """
        pairs = [item if isinstance(item, tuple) else (item, amount) for item in items]
        return super().add_many(pairs, timeout=timeout)

    def value_many(
        self,
        items: Iterable[Key | tuple[Key]],
        *,
        timeout: Duration | None = None,
    ) -> list[int]:
        """Reads the values of many keys, sent together and answered together.

        Args:
            items: the keys
            timeout: deadline of this call; the client's when None
        """
        return super().value_many([item if isinstance(item, tuple) else (item,) for item in items], timeout=timeout)

    def take(
        self,
        key: Key,
        *,
        once: Key | None = None,
        timeout: Duration | None = None,
    ) -> Count:
        """Takes the value out: answers it and begins anew at 0, in one step. Of exact counters only.

        Args:
            key: whose count: any bytes (up to 1,024 bytes)
            once: an operation id: asked again with it, the first answer is given again, so a lost one loses nothing
            timeout: deadline of this call; the client's when None

        One round trip. Without an id it is never sent twice: a link lost after sending raises Unknown.
        """
        if once is not None:
            return self.take_once(key, once, timeout=timeout)
        return super().take(key, timeout=timeout)
