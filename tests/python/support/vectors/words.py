"""What a module's words are made of, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Any, ClassVar, NamedTuple

Step = dict[str, Any]


class Wrong(Exception):
    """The file is not one that can be run, or something is not as it says."""


class Operation(NamedTuple):
    arguments: tuple[str, ...]
    #: Whether it has an answer.
    answers: bool = True
    #: Of an operation for many: the arguments of each.
    item: tuple[str, ...] = ()
    #: Of an operation that lists: the fields of each entry.
    entry: tuple[str, ...] = ()


class Words:
    """What scenarios of one module say."""

    must_open: ClassVar[tuple[str, ...]]
    may_open: ClassVar[tuple[str, ...]]
    operations: ClassVar[dict[str, Operation]]
    #: How a field is read from an answer, or from an entry of a list.
    fields: ClassVar[dict[str, Callable[[Any], Any]]]
    #: What a field is that is not told.
    unless_told: ClassVar[Step] = {}
    #: The argument that names a kept answer.
    record: ClassVar[str] = ""

    @staticmethod
    def answers(answer: Any) -> list[Any]:
        """The answers of an operation for many."""
        return list(answer)

    @staticmethod
    def open(client: Any, spec: Step) -> Any:
        raise NotImplementedError

    @staticmethod
    def call(made: Any, step: Step, saved: Step) -> Any:
        raise NotImplementedError


def known(item: Step, where: str, must: Iterable[str], may: Iterable[str] = ()) -> None:
    """Refuses what nobody would look at, and what lacks something. A field may stand as its bytes in hex."""
    names = {name.removesuffix("_hex") for name in item}
    if unknown := names - {*must, *may}:
        raise Wrong(f"{where}: unknown: {', '.join(sorted(unknown))}")
    if missing := {*must} - names:
        raise Wrong(f"{where}: missing: {', '.join(sorted(missing))}")


def bytes_of(item: Step, name: str) -> bytes:
    return bytes.fromhex(item[f"{name}_hex"]) if f"{name}_hex" in item else item[name].encode()


def name_of(text: str) -> bytes:
    """Names come back as text whatever their bytes."""
    return text.encode("utf-8", "surrogateescape")


def us(seconds: float) -> int | str:
    return "never" if seconds == inf else round(seconds * 1_000_000)


def lasting(spec: Step) -> Step:
    """The options of what may end after a time."""
    options: Step = {}
    if "ttl_us" in spec:
        options["ttl"] = spec["ttl_us"] / 1_000_000
    if "sliding" in spec:
        options["sliding"] = bool(spec["sliding"])
    return options
