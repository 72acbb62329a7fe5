"""asyncio: operations that are awaited, and the port that an event loop watches."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, _get_running_loop
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from weakref import WeakSet

from ._decision import AnyDecision
from ._error import Error
from ._generated.errors import Closed
from ._generated.keywright import Status
from ._handle import ClientHandle, Handle, alone, generation
from ._port import Answer, Outbox, Port, parts

if TYPE_CHECKING:
    from contextvars import Context

    from ._native import Buffer
    from ._objects import Function, Ports, Reader, Row, Values

T = TypeVar("T")
set_result = asyncio.Future.set_result


class Operation(asyncio.Future[T]):
    """An operation under way: it was submitted when it was made, and is awaited for its answer.

    It is a future: it can be awaited more than once and gathered, and cancelling it, or the task that awaits it,
    cancels the call. It has no truth value, so that a forgotten await cannot pass for a yes.
    """

    # Made for each call: no __init__ and no __await__ of its own, so that asyncio's C does both.
    __slots__ = ("_port", "_tag", "_waker")

    #: Where it was submitted, None when it was not, and its number there.
    _port: LoopPort | None
    _tag: int
    #: The task that awaits it: its context, and what wakes it. A port wakes all that were answered at once in one turn
    #: of the loop; left to asyncio each has a turn of its own, which costs as much as reading its answer.
    _waker: tuple[Context, Callable[[Any], object]] | None

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: Context | None = None) -> None:
        if context is None:
            super().add_done_callback(fn)
        elif self._waker is None and not self.done():
            self._waker = context, fn
        else:
            super().add_done_callback(fn, context=context)

    def remove_done_callback(self, fn: Callable[[Any], object], /) -> int:
        removed = super().remove_done_callback(fn)
        if self._waker is not None and self._waker[1] == fn:
            self._waker = None
            removed += 1
        return removed

    def set_result(self, result: T, /) -> None:
        set_result(self, result)
        if self._waker is not None:
            self._wake()

    def set_exception(self, exception: type | BaseException, /) -> None:
        super().set_exception(exception)
        if self._waker is not None:
            self._wake()

    def _wake(self) -> None:
        if self._port is None:
            self.get_loop().call_soon(self._go_on)
        else:
            self._port.wake(self)

    def _go_on(self) -> None:
        """Lets the task that awaits it go on, at once."""
        if self._waker is not None:
            context, waker = self._waker
            context.run(waker, self)

    def _tags(self) -> Iterable[int]:
        return (self._tag,)

    def sent(self, tag: int, /) -> None:
        self._tag = tag

    def cancel(self, msg: Any | None = None) -> bool:
        if self.done():
            return False
        if self._port is not None:
            self._port.cancel(self._tags())
            self._port.schedule()
        if self._waker is not None:
            self._wake()
        return super().cancel(msg)

    def __bool__(self) -> NoReturn:
        self.add_done_callback(look_at)  # this is complaint enough
        raise TypeError("await this: an operation under way is not its answer")


class Grant(Operation[T]):
    """An operation whose yes hands something out."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, T]:
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError:
            # The answer came, and in the same turn of the loop the task was cancelled.
            if self.done() and not self.cancelled() and self.exception() is None:
                give_back(self.result())
            raise


class ManyOperation(Operation[T]):
    """Many calls that are one operation."""

    __slots__ = ("_many",)

    _many: int

    def _tags(self) -> Iterable[int]:
        return range(self._tag, self._tag + self._many)


def operation_of(port: LoopPort | None, loop: AbstractEventLoop, grants: bool = False, many: int = 1) -> Operation[Any]:
    """An operation that is not submitted yet, unless that is not needed."""
    operation: Operation[Any]
    if many > 1:
        several: ManyOperation[Any] = ManyOperation(loop=loop)
        several._many = many
        operation = several
    else:
        operation = (Grant if grants else Operation)(loop=loop)
    operation._port = port
    operation._tag = 0
    operation._waker = None
    return operation


def look_at(operation: asyncio.Future[Any]) -> None:
    """Keeps asyncio from reporting a failure that nobody is to wait for."""
    if not operation.cancelled():
        operation.exception()


def give_back(granted: object) -> None:
    """Undoes what was granted to somebody who had left. Where that cannot be, it ends by its own expiry."""
    if isinstance(granted, AnyDecision) and granted.amount > 0 and granted.maker is not None:
        with suppress(Error, RuntimeError):  # the client, or the loop, was closed
            granted.maker.refund(granted).add_done_callback(look_at)


#: Ports that are open. A loop does not tell when it is closed, so whichever port is made next looks after the others.
_open_ports: WeakSet[LoopPort] = WeakSet()


def shut_orphans() -> None:
    """Shuts the ports of loops that were closed: nothing can be answered there any more."""
    with alone():
        for port in [port for port in _open_ports if port.loop.is_closed()]:
            port.shut()


class LoopPort(Port):
    """Completions that a loop watches. Everything submitted in one turn of the loop leaves in one write."""

    def __init__(self, client: ClientHandle, loop: AbstractEventLoop) -> None:
        shut_orphans()
        super().__init__(client)
        self.loop = loop
        self._error = self._room.error
        self._open = True
        self._due = False
        self._left = False
        self._woken: list[Operation[Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._fd = self._lib.kw_completions_fd(self._completions)
        loop.add_reader(self._fd, self._turn)
        with alone():
            _open_ports.add(self)

    def submit(
        self,
        handle: Handle,
        function: Function,
        read: Callable[..., T],
        kept: Values,
        args: Values,
        grants: bool = False,
    ) -> Operation[T]:
        # The hot path: operation_of and send, spelled out.
        operation: Operation[T] = (Grant if grants else Operation)(loop=self.loop)
        operation._port = self
        operation._waker = None
        operation._tag = tag = self._last = self._last + 1
        while function(handle.pointer, self._completions, tag, *args, self._error) < 0:
            handle.recover(self._room)
        self._waiting[tag] = operation, read, kept
        if not self._due:
            self.schedule()
        return operation

    def submit_many(
        self, handle: Handle, function: Function, read: Callable[..., T], rows: list[Row], timeout_us: int
    ) -> Operation[list[T]]:
        if not rows:
            return self.answered([])
        operation: Operation[list[T]] = operation_of(self, self.loop, many=len(rows))
        self.schedule()
        try:
            for call in parts(operation, handle, function, read, rows, timeout_us):
                self.send(*call)
        except BaseException:
            operation.cancel()  # nothing of it has left yet
            raise
        return operation

    def answered(self, value: T) -> Operation[T]:
        operation: Operation[T] = operation_of(None, self.loop)
        operation.set_result(value)
        return operation

    def schedule(self) -> None:
        """Has the next turn of the loop write what was queued."""
        if not self._due and self._open:
            self._due = True
            self.loop.call_soon(self._turn)

    def wake(self, operation: Operation[Any]) -> None:
        """Has the next turn of the loop let go on who awaits it, with all others of this turn."""
        if not self._woken:
            self.loop.call_soon(self._wake)
        self._woken.append(operation)

    def _wake(self) -> None:
        woken, self._woken = iter(self._woken), []
        try:
            for operation in woken:
                operation._go_on()
        finally:  # one ended the loop's turn, with KeyboardInterrupt or SystemExit: the others go on in the next
            for operation in woken:
                self.wake(operation)

    def _turn(self) -> None:
        self._due = False
        if not self._open:
            return
        ready = self._lib.kw_completions_step(self._completions, self._error)
        if ready != 0:
            self._drain()
        if ready == Status.CLOSED or (self._left and not self._waiting):
            self.shut()
        else:
            self._arm()

    def _arm(self) -> None:
        """Sees to it that step is called in time. A timer that is too early does no harm and stays."""
        ms = self._lib.kw_completions_timeout_ms(self._completions)
        if ms == 0:
            self.schedule()
        elif ms > 0:
            at = self.loop.time() + ms / 1000
            if self._timer is None or at < self._timer_at:
                if self._timer is not None:
                    self._timer.cancel()
                self._timer_at = at
                self._timer = self.loop.call_at(at, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._turn()

    def _left_behind(self, answer: Answer, read: Reader, data: Buffer, offset: int, kept: Values) -> None:
        if isinstance(answer, Grant):
            give_back(read(0, data, offset, *kept))

    def usable(self) -> bool:
        return self._open and not self.loop.is_closed() and self.generation == generation()

    def leave(self) -> None:
        """Nobody will submit here any more: shuts once the last answer has come."""
        self._left = True
        if not self._waiting:
            self.shut()

    def shut(self) -> None:
        """Takes the descriptor out of the loop and closes it. What still waits is answered with Closed."""
        if not self._open:
            return
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.generation == generation() and not self.loop.is_closed():
            self.loop.remove_reader(self._fd)
            self._fail_all(Closed("the client was closed"))
        self._waiting.clear()
        with alone():
            _open_ports.discard(self)
        self._library.ffi.release(self._completions)

    def finish(self) -> None:
        """The client was closed: hands out what came, and shuts."""
        self._turn()
        self.shut()

    def end(self, how: Callable[[], None]) -> None:
        """Has the loop end it, from whichever thread; at once when the loop was closed."""
        if self.usable():
            with suppress(RuntimeError):  # the loop was closed in between
                self.loop.call_soon_threadsafe(how)
        elif self.loop.is_closed():
            self.shut()


def running_loop() -> AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("no event loop is running: use keywright.aio in async functions only") from None


class OneLoop:
    """The port of an asyncio client: it belongs to the loop of its first use, and binds again when that was closed."""

    __slots__ = ("_client", "_port")

    def __init__(self, client: ClientHandle) -> None:
        self._client = client
        self._port: LoopPort | None = None

    def current(self) -> LoopPort:
        port = self._port
        if port is not None and port.loop is _get_running_loop() and port._open:
            return port
        return self._bind()

    def _bind(self) -> LoopPort:
        loop = running_loop()
        port = self._port
        if port is not None and port.usable() and port.loop is not loop:
            raise RuntimeError("this client belongs to another event loop: make one for each loop")
        self._port = LoopPort(self._client, loop)
        return self._port

    def shut(self) -> None:
        """After the client was closed: whoever still waits hears of it in the loop's own turn."""
        port = self._port
        if port is not None:
            if port.usable() and port.loop is _get_running_loop():
                port.finish()
            else:
                port.end(port.finish)

    def __del__(self) -> None:
        if self._port is not None:
            self._port.end(self._port.leave)


class EachLoop:
    """The ports of a blocking client that is used from async functions too: one for each loop."""

    __slots__ = ("_client", "_ports")

    def __init__(self, client: ClientHandle) -> None:
        self._client = client
        self._ports: dict[AbstractEventLoop, LoopPort] = {}

    def current(self) -> LoopPort:
        loop = running_loop()
        port = self._ports.get(loop)
        if port is None or not port.usable():
            self._ports = {loop: port for loop, port in self._ports.items() if port.usable()}
            port = self._ports[loop] = LoopPort(self._client, loop)
        return port

    def shut(self) -> None:
        """After the client was closed."""
        for port in self._ports.values():
            port.end(port.finish)

    def __del__(self) -> None:
        for port in self._ports.values():
            port.end(port.leave)


class LoopOutbox(Outbox):
    """A batch whose task awaits all answers. It leaves by the loop's own port, in the write of its turn."""

    def __init__(self, ports: Ports) -> None:
        super().__init__()
        self._ports = ports

    def _answer(self, grants: bool = False, many: int = 1) -> Operation[Any]:
        return operation_of(None, running_loop(), grants, many)

    def discard(self) -> None:
        for answer in self.answers:
            answer.cancel()

    async def send(self) -> None:
        if not self.answers:
            return
        port = self._ports.current()
        assert isinstance(port, LoopPort)
        for answer in self.answers:
            answer._port = port
        self._send(port)
        port.schedule()
        try:
            await asyncio.wait(self.answers)
        except BaseException:
            self.discard()
            raise
        for answer in self.answers:
            look_at(answer)  # each error is its entry's own affair
