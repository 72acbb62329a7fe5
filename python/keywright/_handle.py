"""Handles of C: how they are made, and made again in a forked child."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ._convert import to_str
from ._generated.errors import Closed, interrupted_call, read_error
from ._generated.keywright import Status

if TYPE_CHECKING:
    from ._library import Library, Room
    from ._loop import EachLoop
    from ._native import CData
    from ._port import BlockingPort

# How often this process has been forked into. A handle of an earlier generation belongs to the parent.
_generation = 0
_lock = threading.RLock()

#: How long a blocking call stays in C at most before Python looks after signals.
INTERRUPT_US = 100_000


def _forked() -> None:
    global _generation, _lock
    _generation += 1
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_forked)


def generation() -> int:
    return _generation


def alone() -> AbstractContextManager[object]:
    """Where one thread at a time may be, however this process was forked."""
    return _lock


class Opener:
    """How a handle is made: a function of its parent's pointer, with the arguments inside."""

    __slots__ = ("ctype", "free", "library", "opening")

    def __init__(
        self,
        library: Library,
        ctype: str,
        opening: Callable[[CData, CData, CData], int],
        free: Callable[[CData], None],
    ) -> None:
        self.library = library
        self.ctype = ctype
        self.opening = opening
        self.free = free

    def open(self, parent: CData) -> CData:
        """A new handle, freed with the value."""
        out = self.library.ffi.new(self.ctype)
        self.library.check(self.opening, parent, out)
        return self.library.ffi.gc(out[0], self.free)


class Handle:
    """A handle and what it was made from. `pointer` is what calls name."""

    __slots__ = ("_generation", "_opener", "about", "library", "name", "parent", "pointer")

    def __init__(self, opener: Opener, parent: Handle | None, name: str = "", about: str = "") -> None:
        """`name` and `about` are what people see of it."""
        self._opener = opener
        self.name = name
        self.about = about
        self.library = opener.library
        self.parent = parent
        self._open()

    def _open(self) -> None:
        parent = self.library.ffi.NULL if self.parent is None else self.parent.pointer
        self.pointer: CData = self._opener.open(parent)
        self._generation = _generation  # last: whoever sees it finds the pointer

    def root(self) -> ClientHandle:
        """The client's."""
        assert self.parent is not None
        return self.parent.root()

    def recover(self, room: Room, size: int = 0) -> int:
        """After a call that brought no answer, `size` being that of its result.

        A call that was interrupted goes on to its answer, whose status this gives; between its turns Python runs signal
        handlers, whose exceptions the caller passes to leave. In a forked child the handle is opened again and this
        gives -1, for the call to be made once more. Any other failure is raised.
        """
        library = self.library
        while call := interrupted_call(room.error_data):
            result = room.result if size else library.ffi.NULL
            status = library.lib.kw_call_resume(self.root().pointer, call, result, size, room.error)
            if status >= 0:
                return status
        error = read_error(room.error_data)
        if error.code is not Status.FORKED:
            raise error
        if self._generation != _generation:
            self.reopen()
        elif room.forked != id(self.pointer):
            room.forked = id(self.pointer)  # another thread has opened it again since: with this one, once more
        else:
            raise error  # a fork that Python was not told of
        return -1

    def leave(self, room: Room) -> None:
        """An exception takes the caller out of its call. One that was interrupted ends: a yes that it may still get is
        given back.
        """
        if call := interrupted_call(room.error_data):
            self.library.lib.kw_call_cancel(self.root().pointer, call, room.error)
        self.library.rooms.append(room)

    def reopen(self) -> None:
        with _lock:
            if self._generation != _generation:
                if self.parent is not None:
                    self.parent.reopen()
                self._open()


class ClientHandle(Handle):
    """The handle of a client, and what belongs to a client whichever way it is used."""

    __slots__ = ("__weakref__", "_again", "_loops", "closed", "ports", "url")

    def __init__(self, opener: Opener, again: Callable[[str], Opener] | None) -> None:
        """`again` makes an opener for another URL: a child attaches to the private server that its parent started."""
        super().__init__(opener, None)
        self._again = again
        self._loops: EachLoop | None = None
        self.closed = False
        #: Completions that batches borrow.
        self.ports: list[BlockingPort] = []
        #: The address, without user and password.
        self.url = to_str(self.library.ffi.string(self.library.lib.kw_client_url(self.pointer)))

    def root(self) -> ClientHandle:
        return self

    def reopen(self) -> None:
        with _lock:
            if self._generation == _generation:
                return
            if self.closed:
                raise Closed("the client was closed")
            if self._again is not None:
                self._opener = self._again(self.url)
                self._again = None
            self._open()

    def loops(self) -> EachLoop:
        """Where blocking objects submit from async functions."""
        if self._loops is None:
            from ._loop import EachLoop

            self._loops = EachLoop(self)
        return self._loops

    def close(self, timeout_us: int) -> None:
        self.closed = True
        self.ports.clear()
        if self._generation == _generation:
            self.library.check(self.library.lib.kw_client_close, self.pointer, timeout_us)
