"""What stands under every object: the two doors to the library.

A blocking object calls and waits for the answer. An asynchronous one submits, through a port, and gives an operation to
await. Each operation crosses into C once, whichever door it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from importlib import import_module
from inspect import iscoroutinefunction
from struct import Struct
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol, TypeAlias, TypeVar, cast

from ._convert import shown
from ._decision import AnyDecision
from ._error import Error
from ._generated.errors import read_error
from ._handle import ClientHandle, Handle, Opener

if TYPE_CHECKING:
    from ._convert import Key
    from ._library import Room
    from ._loop import LoopOutbox, Operation
    from ._native import Lib
    from ._port import BlockingOutbox, Outbox

T = TypeVar("T")
ObjectT = TypeVar("ObjectT", bound="Object")
ClientT = TypeVar("ClientT", bound="BlockingClient")
AsyncClientT = TypeVar("AsyncClientT", bound="AsyncClient")
#: A function of C that returns a status.
Function: TypeAlias = Callable[..., int]
#: What makes a Python value of an answer.
Reader: TypeAlias = Callable[..., Any]
Values: TypeAlias = tuple[Any, ...]
#: How long somebody who is leaving waits until what was granted is given back, in seconds.
GIVE_BACK = 0.5
#: One of many calls: what its reader is given besides, and its arguments.
Row: TypeAlias = tuple[Values, Values]


class Submitting(Protocol):
    """Where an asynchronous object's operations go."""

    def submit(
        self,
        handle: Handle,
        function: Function,
        read: Callable[..., T],
        kept: Values,
        args: Values,
        grants: bool = False,
    ) -> Operation[T]:
        """Submits one call. `grants`: a yes hands something out, which must come back if nobody waits any more."""

    def submit_many(
        self, handle: Handle, function: Function, read: Callable[..., T], rows: list[Row], timeout_us: int
    ) -> Operation[list[T]]:
        """Submits many calls that have one answer."""

    def answered(self, value: T) -> Operation[T]:
        """An operation that needs no server."""


class Ports(Protocol):
    """What finds the place for the next operation: by the running loop, or always the same."""

    def current(self) -> Submitting: ...
    def shut(self) -> None: ...


class Object:
    """A handle with methods."""

    __slots__ = ("__weakref__", "_handle", "_lib", "_library")

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._library = handle.library
        self._lib: Lib = handle.library.lib

    @property
    def name(self) -> str:
        """The object's name, as it was given; empty for a client."""
        return self._handle.name

    def _client(self) -> ClientHandle:
        return self._handle.root()

    def _submitting(self, ports: Ports) -> AsyncObject:
        """The same object, with its operations going through other ports."""
        raise NotImplementedError

    def _get(self, function: Function, read: Callable[..., T], *args: Any) -> T:
        """Calls a function that needs no round trip and fills a record."""
        room = self._library.room()
        try:
            while (status := function(self._handle.pointer, *args, room.result, room.error)) < 0:
                self._handle.recover(room)
            return read(status, room.data, 0)
        finally:
            self._library.rooms.append(room)

    def _do(self, function: Function, *args: Any) -> None:
        """Calls a function that needs no round trip and fills nothing."""
        room = self._library.room()
        try:
            while function(self._handle.pointer, *args, room.error) < 0:
                self._handle.recover(room)
        finally:
            self._library.rooms.append(room)

    def __repr__(self) -> str:
        about = f"{self.name!r} {self._handle.about!r}" if self._handle.parent is not None else self._client().url
        return f"<{type(self).__qualname__} {about}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled: pass the URL, and connect where it is used")


class BlockingObject(Object):
    """An object whose operations wait for their answer, in the calling thread."""

    __slots__ = ()

    def _leave_grant(self, room: Room, read: Reader, *kept: Any) -> None:
        """The same as a handle's leave, for what hands something out: a yes of that very moment is given back too."""
        granted = read(0, room.data, 0, *kept) if room.answered() else None
        self._handle.leave(room)
        if isinstance(granted, AnyDecision) and granted.amount > 0:
            with suppress(Error):
                granted.maker.refund(granted, timeout=GIVE_BACK)

    def _call_many(
        self,
        function: Function,
        item: Struct,
        ctype: str,
        read: Callable[..., T],
        size: int,
        rows: list[Row],
        timeout_us: int,
    ) -> list[T]:
        """Calls for many: their bytes go in as one block, their answers come back as one."""
        ffi = self._library.ffi
        items = self._library.pack(item, ctype, [values for _, values in rows])
        results = ffi.new("char[]", size * len(rows))
        data = ffi.buffer(results)
        room = self._library.room()
        try:
            while True:
                status = function(
                    self._handle.pointer, items, len(rows), timeout_us, ffi.cast("void *", results), room.error
                )
                # A result begins with its status. If all of them failed as the call did, it was refused as a whole.
                statuses = memoryview(data).cast("i")[:: size // 4].tolist()
                if status >= 0:
                    return [read(one, data, size * i, *rows[i][0]) for i, one in enumerate(statuses)]
                if statuses.count(status) < len(statuses):
                    break
                self._handle.recover(room)
            failure = read_error(room.error_data)
        finally:
            self._library.rooms.append(room)
        failure.answers = [
            read(one, data, size * i, *rows[i][0]) if one >= 0 else None for i, one in enumerate(statuses)
        ]
        raise failure

    def _answered(self, value: T) -> T:
        return value

    def _submitting(self, ports: Ports) -> AsyncObject:
        import_module(f"{__package__}.aio")  # its classes make themselves known
        for kind in type(self).__mro__:
            twin = AsyncObject._twins.get(kind.__name__.removesuffix("Calls"))
            if twin is not None:
                return twin(self._handle, ports)
        raise TypeError(f"{type(self).__name__} has no asynchronous twin")

    def _asynchronous(self) -> AsyncObject:
        """The same object for async functions of whichever loop runs."""
        return self._submitting(self._client().loops())

    def _blocking(self: ObjectT) -> ObjectT:
        return self

    def _outbox(self) -> BlockingOutbox:
        from ._port import BlockingOutbox

        return BlockingOutbox(self._client())

    def _child(self, kind: Callable[[Handle], ObjectT], opener: Opener, name: Key, about: str = "") -> ObjectT:
        """An object made from this one."""
        return kind(Handle(opener, self._handle, shown(name), about))


class AsyncObject(Object):
    """An object whose operations are submitted at once and awaited."""

    __slots__ = ("_ports",)

    #: The asynchronous classes by name, for those who have the blocking twin.
    _twins: ClassVar[dict[str, type[AsyncObject]]] = {}

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith(f"{__package__}."):
            AsyncObject._twins[cls.__name__.removesuffix("Submits")] = cls

    def __init__(self, handle: Handle, ports: Ports) -> None:
        super().__init__(handle)
        self._ports = ports

    def _answered(self, value: T) -> Operation[T]:
        return self._ports.current().answered(value)

    def _submitting(self, ports: Ports) -> AsyncObject:
        return type(self)(self._handle, ports)

    def _asynchronous(self: ObjectT) -> ObjectT:
        return self

    def _outbox(self) -> LoopOutbox:
        from ._loop import LoopOutbox

        return LoopOutbox(self._ports)

    def _child(self, kind: Callable[[Handle, Ports], ObjectT], opener: Opener, name: Key, about: str = "") -> ObjectT:
        """An object made from this one."""
        return kind(Handle(opener, self._handle, shown(name), about), self._ports)

    def _blocking(self) -> BlockingObject:
        raise TypeError(
            f"this {type(self).__name__} belongs to asyncio: use it in async functions, or one of keywright.connect()"
        )


class BlockingClient(BlockingObject):
    """What a client has besides its operations."""

    __slots__ = ()

    @classmethod
    def _root(cls: type[ClientT], handle: ClientHandle) -> ClientT:
        return cls(handle)

    @property
    def url(self) -> str:
        """The address, without user and password. For embedded:// the one that others can attach to."""
        return self._client().url

    def _close(self, timeout_us: int) -> None:
        self._client().close(timeout_us)


class AsyncClient(AsyncObject):
    """What an asyncio client has besides its operations."""

    __slots__ = ()

    @classmethod
    def _root(cls: type[AsyncClientT], handle: ClientHandle) -> AsyncClientT:
        from ._loop import OneLoop

        return cls(handle, OneLoop(handle))

    @property
    def url(self) -> str:
        """The address, without user and password. For embedded:// the one that others can attach to."""
        return self._client().url

    def _close(self, timeout_us: int) -> None:
        self._client().close(timeout_us)
        self._ports.shut()

    def __await__(self: AsyncClientT) -> Generator[Any, None, AsyncClientT]:
        """Awaiting a client shakes hands."""
        greeting: Generator[Any, None, AsyncClientT] = cast(Any, self).__aenter__().__await__()
        return greeting


def door(operation: Callable[..., Any], client: Object, outbox: Outbox) -> Callable[..., Any]:
    """The method of an object, with its operations going into a batch."""
    owner = getattr(operation, "__self__", None)
    if not isinstance(owner, Object):
        raise TypeError("a batch takes methods of objects made from its client, as batch.submit(api.hit, 'user:42')")
    if owner._client() is not client._client():
        raise ValueError("a batch takes methods of objects made from its own client")
    method: Callable[..., Any] = getattr(owner._submitting(outbox.ports_for(owner)), operation.__name__)
    if iscoroutinefunction(method):
        raise TypeError(f"{operation.__name__} is no single operation: a batch cannot take it")
    return method
