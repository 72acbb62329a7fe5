"""The native library: its functions, looked up once, and the memory that calls write their answers into."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ._generated.errors import read_error
from ._generated.keywright import VERSION

try:
    from . import _native
except ImportError as error:
    raise ImportError(
        "the native part of keywright is not there: install the package with pip, or run ./dev test in a checkout"
    ) from error

if TYPE_CHECKING:
    from ._native import FFI, Buffer, CData, Lib

T = TypeVar("T")

RESULT_SIZE = 2048
# An error's code.
SUCCEEDED, UNANSWERED = b"\0\0\0\0", b"\1\0\0\0"


class Room:
    """Memory for the answer of one call at a time: its result, and its error."""

    __slots__ = ("_memory", "data", "error", "error_data", "forked", "result")

    def __init__(self, ffi: FFI) -> None:
        self._memory = ffi.new("char[]", RESULT_SIZE)
        self.result: CData = ffi.cast("void *", self._memory)
        self.data: Buffer = ffi.buffer(self._memory)
        self.error: CData = ffi.new("kw_error *")
        self.error_data: Buffer = ffi.buffer(self.error)
        #: Which handle's pointer is not to be tried once more when it was forked.
        self.forked = 0

    def clear(self) -> None:
        """Forgets the answer before: until a call brings one, there is none."""
        self.error_data[:4] = UNANSWERED

    def answered(self) -> bool:
        """Whether a call has succeeded since."""
        return self.error_data[:4] == SUCCEEDED


class Library:
    """One native module. A call takes a room from the pool and gives it back, so that neither threads nor what runs
    in between (a signal handler, a finaliser) can share one.
    """

    __slots__ = ("ffi", "lib", "module", "rooms")

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.ffi: FFI = module.ffi
        # A plain object is read faster than cffi's.
        self.lib: Lib = cast(Any, SimpleNamespace(**{name: getattr(module.lib, name) for name in dir(module.lib)}))
        self.rooms: list[Room] = []
        version = self.ffi.string(self.lib.kw_version()).decode()
        if version != VERSION:
            raise ImportError(f"keywright {VERSION} found a native library of version {version}: install it again")

    def room(self) -> Room:
        try:
            return self.rooms.pop()
        except IndexError:
            return Room(self.ffi)

    def pack(self, item: Struct, ctype: str, rows: list[tuple[bytes | int, ...]]) -> CData:
        """Structures of C's, one for each row, with the bytes that they point to behind them in the same memory."""
        values = [value for row in rows for value in row if type(value) is bytes]
        memory = bytearray(item.size * len(rows)) + b"".join(values)
        packed = self.ffi.from_buffer(ctype, memory)
        address = int(self.ffi.cast("uintptr_t", packed)) + item.size * len(rows)
        for place, row in enumerate(rows):
            fields: list[int] = []
            for value in row:
                if type(value) is bytes:
                    fields += [address, len(value)]
                    address += len(value)
                else:
                    fields.append(cast(int, value))
            item.pack_into(memory, item.size * place, item.size, 0, *fields)
        return packed

    def take_list(self, room: Room, read: Callable[[int, Buffer, int], T]) -> T:
        """Reads the list that a call has put into the room, and frees it."""
        found = self.ffi.cast("kw_list **", room.result)[0]
        try:
            return read(0, self.ffi.buffer(found, found.size), 0)
        finally:
            self.lib.kw_list_free(found)

    def check(self, function: Callable[..., int], *args: Any) -> int:
        """Calls a function that takes an error last, and raises what it says."""
        room = self.room()
        try:
            status = function(*args, room.error)
            if status < 0:
                raise read_error(room.error_data)
            return status
        finally:
            self.rooms.append(room)


NATIVE = Library(_native)
