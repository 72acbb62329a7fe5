# Made by bindings/generate.py from python/keywright/_aio/batch.py. Change that file and run ./dev gen.
"""One request, one round trip: whatever the primitives, sent together and answered together."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from .._objects import door

if TYPE_CHECKING:
    from .._port import Submitted as Entry
    from .client import Client

P = ParamSpec("P")
R = TypeVar("R")


class Batch:
    """Operations that are sent together when the block ends, in no promised order. An exception in the block sends
    nothing.

    Each entry has its own answer, or its own error: `result()` gives the one and raises the other, after the block.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._outbox = client._outbox()
        self._over = False

    def submit(self, operation: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Entry[R]:
        """Takes in a method of any object made from this client, with its arguments: batch.submit(api.hit, "user:42").

        What can be known to be wrong of the arguments is raised here.
        """
        if self._over:
            raise RuntimeError("the batch is over: make another")
        method = door(operation, self._client, self._outbox)
        return cast("Entry[R]", self._outbox.took(method(*args, **kwargs)))

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over = True
        if kind is None:
            self._outbox.send()
        else:
            self._outbox.discard()
