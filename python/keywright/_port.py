"""Ports: completions of C, and the answers that wait there. Here what all ports share, and the port of a sync batch."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeAlias, TypeVar, cast

from ._aio.decision import Decision as AsyncDecision
from ._aio.joint_decision import JointDecision as AsyncJointDecision
from ._error import Error
from ._generated.errors import EXCEPTIONS, Cancelled, read_error
from ._generated.keywright_calls import completions_opener
from ._handle import INTERRUPT_US, ClientHandle, Handle, generation
from ._sync.decision import Decision
from ._sync.joint_decision import JointDecision

if TYPE_CHECKING:
    from ._native import Buffer
    from ._objects import Function, Object, Ports, Reader, Row, Values

T = TypeVar("T")
#: kw_record without the operation: tag, status, address and length of its data.
RECORD = Struct("=Q4xiQQ")
#: How many records one crossing brings.
DRAIN = 256
#: Answers whose class is written by hand: which one stands for which.
BLOCKING: dict[type, Any] = {AsyncDecision: Decision, AsyncJointDecision: JointDecision}


#: One call for C: whose answer it is, handle, function, what makes a Python value of it and from what, arguments.
Call: TypeAlias = "tuple[Answer, Handle, Function, Reader, Values, Values]"


class Answer(Protocol):
    """What a caller holds until its answer comes: an asyncio operation, or a submitted entry of a batch."""

    def sent(self, tag: int, /) -> None: ...
    def done(self) -> bool: ...
    def set_result(self, result: Any, /) -> None: ...
    def set_exception(self, exception: Any, /) -> None: ...


class Gathering:
    """Many answers that are one answer: a list, or the first failure with what the others were told."""

    __slots__ = ("answer", "answers", "failure", "left")

    def __init__(self, answer: Answer, many: int) -> None:
        self.answer = answer
        self.answers: list[Any] = [None] * many
        self.left = many
        self.failure: Exception | None = None

    def arrived(self) -> None:
        self.left -= 1
        if self.left == 0 and not self.answer.done():
            if self.failure is None:
                self.answer.set_result(self.answers)
            else:
                if isinstance(self.failure, Error):
                    self.failure.answers = self.answers
                self.answer.set_exception(self.failure)


class Part:
    """One of many."""

    __slots__ = ("_gathering", "_index")

    def __init__(self, gathering: Gathering, index: int) -> None:
        self._gathering = gathering
        self._index = index

    def sent(self, tag: int, /) -> None:
        self._gathering.answer.sent(tag - self._index)  # the first one's: they follow each other

    def done(self) -> bool:
        return self._gathering.answer.done()

    def set_result(self, result: Any, /) -> None:
        self._gathering.answers[self._index] = result
        self._gathering.arrived()

    def set_exception(self, exception: Exception, /) -> None:
        self._gathering.failure = self._gathering.failure or exception
        self._gathering.arrived()


def parts(
    answer: Answer, handle: Handle, function: Function, read: Reader, rows: list[Row], timeout_us: int
) -> list[Call]:
    gathering = Gathering(answer, len(rows))
    return [
        (Part(gathering, index), handle, function, read, kept, (*values, timeout_us))
        for index, (kept, values) in enumerate(rows)
    ]


class Port:
    """Completions, and the calls whose answers will come there. Belongs to one thread at a time."""

    def __init__(self, client: ClientHandle) -> None:
        client.reopen()
        self.client = client
        self.generation = generation()
        self._library = client.library
        self._lib = client.library.lib
        self._completions = completions_opener(client.library).open(client.pointer)
        self._records = client.library.ffi.new("kw_record[]", DRAIN)
        self._view = client.library.ffi.buffer(self._records)
        self._bytes = client.library.ffi.typeof("char *")
        self._room = client.library.room()
        self._last = 0
        self._waiting: dict[int, tuple[Answer, Reader, Values]] = {}

    def send(
        self, answer: Answer, handle: Handle, function: Function, read: Reader, kept: Values, args: Values
    ) -> None:
        """Queues a call; it leaves with the next step."""
        tag = self._last = self._last + 1
        while function(handle.pointer, self._completions, tag, *args, self._room.error) < 0:
            handle.recover(self._room)
        self._waiting[tag] = answer, read, kept
        answer.sent(tag)

    def cancel(self, tags: Iterable[int]) -> None:
        for tag in tags:
            if tag in self._waiting:
                self._lib.kw_completions_cancel(self._completions, tag, self._room.error)

    def _drain(self) -> None:
        """Hands out all answers that have come."""
        while True:
            count = self._lib.kw_completions_drain(
                self._completions, self._records, DRAIN, RECORD.size, self._room.error
            )
            if count < 0:
                raise read_error(self._room.error_data)
            self._hand_out([*RECORD.iter_unpack(self._view[: count * RECORD.size])])
            if count < DRAIN:
                return

    def _hand_out(self, records: list[tuple[int, int, int, int]]) -> None:
        # What the records point to lies in one block, in their order.
        first = next((address for _, _, address, _ in records if address), 0)
        end = next((address + length for _, _, address, length in reversed(records) if address), 0)
        ffi = self._library.ffi
        data = ffi.buffer(ffi.cast(self._bytes, first), end - first)
        waiting = self._waiting
        for tag, status, address, _ in records:
            answer, read, kept = waiting.pop(tag)
            if answer.done():
                if status == 0:
                    self._left_behind(answer, read, data, address - first, kept)
                continue
            try:
                if status < 0:
                    raise read_error(data, address - first) if address else EXCEPTIONS[status]()
                value = read(status, data, address - first, *kept)
            except Exception as error:
                answer.set_exception(error)
            else:
                answer.set_result(value)

    def _left_behind(self, answer: Answer, read: Reader, data: Buffer, offset: int, kept: Values) -> None:
        """A yes for somebody who had left."""

    def _fail_all(self, error: Exception) -> None:
        for answer, _, _ in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
        self._waiting.clear()


class Submitted(Generic[T]):
    """An entry of a batch. `result()` gives its answer, or raises its error, once the batch was sent."""

    __slots__ = ("_done", "_error", "_result")

    def __init__(self) -> None:
        self._done = False
        self._error: Exception | None = None
        self._result: T | None = None

    def sent(self, tag: int, /) -> None:
        pass

    def done(self) -> bool:
        return self._done

    def result(self) -> T:
        if not self._done:
            raise RuntimeError("the batch has not been sent: take results after its with block")
        if self._error is not None:
            raise self._error
        return cast(T, self._result)

    def set_result(self, result: T, /) -> None:
        self._done, self._result = True, result

    def set_exception(self, exception: Exception, /) -> None:
        self._done, self._error = True, exception

    def __bool__(self) -> NoReturn:
        raise TypeError("an entry of a batch is not its answer: call result() after the batch")


class Outbox:
    """The calls of a batch, held back until it ends. Also the ports of its objects: always itself."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[Any] = []

    def current(self) -> Outbox:
        return self

    def shut(self) -> None:
        """A batch has nothing to close."""

    def ports_for(self, owner: Object) -> Ports:
        """Where the operations go that the batch was asked to make of an object's methods."""
        return self

    def _answer(self, grants: bool = False, many: int = 1) -> Any:
        raise NotImplementedError

    def submit(
        self, handle: Handle, function: Function, read: Reader, kept: Values, args: Values, grants: bool = False
    ) -> Any:
        answer = self._answer(grants)
        self.calls.append((answer, handle, function, read, kept, args))
        self.answers.append(answer)
        return answer

    def submit_many(self, handle: Handle, function: Function, read: Reader, rows: list[Row], timeout_us: int) -> Any:
        if not rows:
            return self.answered([])
        answer = self._answer(many=len(rows))
        self.calls.extend(parts(answer, handle, function, read, rows, timeout_us))
        self.answers.append(answer)
        return answer

    def answered(self, value: Any) -> Any:
        answer = self._answer()
        answer.set_result(value)
        self.answers.append(answer)
        return answer

    def took(self, answer: Any) -> Any:
        """The answer to the call that was just made, which must have been an operation."""
        if not self.answers or answer is not self.answers[-1]:
            raise TypeError("this is no operation: a batch cannot take it")
        return answer

    def _send(self, port: Port) -> None:
        """Queues what was held back; what cannot be tried has its error as its answer."""
        for call in self.calls:
            try:
                port.send(*call)
            except Exception as error:
                call[0].set_exception(error)
        self.calls.clear()


class BlockingOutbox(Outbox):
    """A batch whose thread waits for all answers."""

    def __init__(self, client: ClientHandle) -> None:
        super().__init__()
        self._client = client

    def _answer(self, grants: bool = False, many: int = 1) -> Submitted[Any]:
        return Submitted()

    def ports_for(self, owner: Object) -> Ports:
        return OnBehalf(self, owner)

    def discard(self) -> None:
        for answer in self.answers:
            if not answer.done():
                answer.set_exception(Cancelled("the batch was left by an exception: nothing was sent"))

    def send(self) -> None:
        if not self.calls:
            return
        port = self._borrow()
        self._send(port)
        try:
            port.wait_for_all()
        finally:
            self._client.ports.append(port)

    def _borrow(self) -> BlockingPort:
        while True:
            try:
                port = self._client.ports.pop()
            except IndexError:
                return BlockingPort(self._client)
            if port.generation == generation():
                return port


class OnBehalf:
    """An outbox for the asynchronous twin of a blocking object: answers name the object itself, and are of its kind."""

    __slots__ = ("_outbox", "_owner")

    def __init__(self, outbox: BlockingOutbox, owner: Object) -> None:
        self._outbox = outbox
        self._owner = owner

    def current(self) -> OnBehalf:
        return self

    def shut(self) -> None:
        self._outbox.shut()

    def _own(self, kept: Values) -> Values:
        return (BLOCKING[kept[0]], self._owner, *kept[2:]) if kept else kept

    def _of_kind(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._of_kind(each) for each in value]
        if isinstance(value, AsyncJointDecision):
            own = cast(Any, self._owner).each_of([(each.key, 0) for each in value.decisions])
            decisions = tuple(
                kind(*each[:-1], maker) for each, (kind, maker, _) in zip(value.decisions, own, strict=True)
            )
            return JointDecision(*value[:-2], decisions, self._owner)
        kind = BLOCKING.get(type(value))
        return value if kind is None else kind(*value[:-1], self._owner)

    def submit(
        self, handle: Handle, function: Function, read: Reader, kept: Values, args: Values, grants: bool = False
    ) -> Any:
        return self._outbox.submit(handle, function, read, self._own(kept), args, grants)

    def submit_many(self, handle: Handle, function: Function, read: Reader, rows: list[Row], timeout_us: int) -> Any:
        own = [(self._own(kept), values) for kept, values in rows]
        return self._outbox.submit_many(handle, function, read, own, timeout_us)

    def answered(self, value: Any) -> Any:
        return self._outbox.answered(self._of_kind(value))


class BlockingPort(Port):
    """Completions of a thread that waits until everything is answered."""

    def wait_for_all(self) -> None:
        """Comes back to Python now and then, for signal handlers. One that raises ends what is still under way."""
        try:
            while self._waiting:
                self._turn()
        except BaseException:
            self.cancel(list(self._waiting))
            self._turn()  # lets go what gives back what was granted
            self._waiting.clear()
            raise

    def _turn(self) -> None:
        ready = self._lib.kw_completions_wait(self._completions, INTERRUPT_US, self._room.error)
        before = len(self._waiting)
        if ready != 0:
            self._drain()
        if ready < 0 and len(self._waiting) == before:
            self._fail_all(read_error(self._room.error_data))
