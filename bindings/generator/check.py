"""Refuses what no emitter could make good: missing texts, doubled numbers, names that nothing bears, words at odds."""

from __future__ import annotations

import re
from keyword import kwlist

from .model import (
    ARGUMENT_TYPES,
    BYTES,
    BYTES_MAX,
    CLASSES,
    FIELD_TYPES,
    KEYWORDS,
    OPERATION_TYPES,
    ROLES,
    SPANS_MAX,
    Argument,
    Enum,
    Function,
    Handle,
    Model,
    Module,
    Operation,
    Record,
    SpecError,
)


def check(model: Model) -> None:
    for module in model.modules:
        where = module.source
        _part(model, module, where)
        for enum in module.enums:
            _enum(enum, where)
        for record in module.records:
            _record(model, record, where)
        for handle in module.handles:
            _handle(model, handle, where)
        for function in module.functions:
            _function(model, function, where)
        for operation in module.operations:
            _operation(model, module, operation)
    _numbers(model)
    _c_names(model)
    _scripts(model)


# What stands in a module


def _enum(enum: Enum, where: str) -> None:
    _text(enum.doc, enum.name, where)
    _unique([value.value for value in enum.values], f"{where}: enum {enum.name}")
    for value in enum.values:
        _text(value.doc, value.name, where)
        if enum.flags and value.value & (value.value - 1):
            raise SpecError(f"{where}: flag {value.name} is not one bit")


def _part(model: Model, module: Module, where: str) -> None:
    if module.of and not any(other.name == module.of and not other.of for other in model.of(module.library)):
        raise SpecError(f"{where}: it is a part of {module.of}, which is no module, or itself a part")


def _record(model: Model, record: Record, where: str) -> None:
    _text(record.doc, record.name, where)
    _nested(record, where)
    for item in record.fields:
        _text(item.doc, item.name, where)
        if item.enum:
            model.enum(item.enum)
        if item.type not in FIELD_TYPES:
            raise SpecError(f"{where}: {record.name}.{item.name} has unknown type {item.type!r}")
    if record.keeps:
        # Bindings carry everything from its first array on as bytes when it goes back: nothing else may stand among it.
        kinds = [item.count > 1 or item.name == "reserved" for item in record.fields]
        if kinds != sorted(kinds):
            raise SpecError(f"{where}: the arrays of record {record.name}, which goes back in, must come last")
    if record.size and record.size != record.layout.size:
        raise SpecError(
            f"{where}: record {record.name} states a size of {record.size}, its fields take {record.layout.size}"
        )


def _nested(record: Record, where: str) -> None:
    """Records in a record: behind everything else, and so many as a field before them says."""
    for place, item in enumerate(record.fields):
        name = f"{where}: {record.name}.{item.name}"
        if (item.type == "record") != bool(item.inner):
            raise SpecError(f"{name}: what is of type record names its record, and nothing else does")
        if not item.inner:
            continue
        if item.inner.sized or item.inner.nested or item.inner.name == record.name:
            raise SpecError(f"{name}: {item.inner.name} is sized or holds records: it cannot stand in another")
        numbers = {other.name for other in record.fields[:place] if other.type in ("i32", "i64")}
        if item.count < 2 or item.length not in numbers or place != len(record.fields) - 1 or record.keeps:
            raise SpecError(
                f"{name}: several records, of which a field before them, their length, says how many are there, "
                "end a record that does not go back in"
            )


def _handle(model: Model, handle: Handle, where: str) -> None:
    _text(handle.doc, handle.name, where)
    if handle.name in KEYWORDS:
        raise SpecError(f"{where}: {handle.name} is a word of C: name the handle otherwise")
    if handle.belongs_to:
        model.handle(handle.belongs_to)


def _function(model: Model, function: Function, where: str) -> None:
    _callable(model, function, where)
    if function.role not in ROLES:
        raise SpecError(f"{where}: {function.c_name} has unknown role {function.role!r}")
    for index, argument in enumerate(function.args):
        if argument.type == "calls" or (argument.type == "handles" and function.role != "constructor"):
            raise SpecError(f"{where}: {function.c_name} cannot take {argument.type}: {_WHO_TAKES[argument.type]}")
        followed = [item.type for item in function.args[index + 1 :]][:1] == ["size_out"]
        if argument.type == "buffer" and (argument.max is None or not followed):
            raise SpecError(f"{where}: buffer {argument.name} must state its max, and a size_out must follow it")


#: Who takes what only some can take.
_WHO_TAKES = {"calls": "only operations do", "handles": "only constructors do"}


def _callable(model: Model, function: Function | Operation, where: str) -> None:
    """What functions and operations have in common."""
    _text(function.doc, function.name, where)
    statuses = {value.name for value in model.enum("status").values}
    for status in function.statuses:
        if status not in statuses:
            raise SpecError(f"{where}: {function.c_name} names unknown status {status!r}")
    if function.handle:
        model.handle(function.handle)
    _unique([argument.name for argument in function.args], f"{where}: {function.c_name}")
    for argument in function.args:
        _argument(model, argument, f"{where}: {function.c_name}")


def _argument(model: Model, argument: Argument, where: str) -> None:
    _text(argument.doc, argument.name, where)
    if argument.name in KEYWORDS:
        raise SpecError(f"{where}: {argument.name} is a word of C: name it otherwise")
    if argument.type not in ARGUMENT_TYPES:
        raise SpecError(f"{where}: argument {argument.name} has unknown type {argument.type!r}")
    if argument.type in BYTES:
        argument.max = argument.max or BYTES_MAX.get(argument.type)
        if argument.max is None:
            raise SpecError(f"{where}: bytes {argument.name} must state their max")
    if argument.enum:
        model.enum(argument.enum)
    if argument.record:
        model.record(argument.record)
    if argument.handle:
        model.handle(argument.handle)
    if argument.type in ("handles", "calls"):
        if not (argument.handle if argument.type == "handles" else argument.of):
            raise SpecError(f"{where}: {argument.name} does not say of what: name a handle of handles, calls by of")
        if not argument.min or not argument.max or argument.min > argument.max:
            raise SpecError(f"{where}: {argument.name} must state how many: min, 1 or more, and max")
    if argument.type == "calls":
        other = model.operation(argument.of)
        if not other.many or any(item.type not in BYTES | {"i64"} for item in other.args):
            raise SpecError(f"{where}: calls {argument.name} are of {other.full_name}, which does not come in many")


# Operations: what a row of the engine can carry

#: Words of Rust that no method can be named by, beside Python's; Go's methods begin with a capital.
_OF_RUST = """
abstract as become box const crate do dyn enum extern final fn gen impl let loop macro match mod move mut override priv
pub ref self static struct super trait try type typeof unsafe unsized use virtual where"""
NO_METHODS = frozenset(kwlist) | frozenset(_OF_RUST.split())

#: Parameters that the generator adds.
TAKEN = {"timeout_us", "error", "completions", "tag", "list"}


def _operation(model: Model, module: Module, operation: Operation) -> None:
    where = f"{module.source}: operation {operation.full_name}"
    _callable(model, operation, module.source)
    if operation.name in NO_METHODS:
        raise SpecError(f"{where} bears a word that Rust or Python keeps for itself: name it otherwise")
    if operation.klass not in CLASSES:
        raise SpecError(f"{where} has unknown class {operation.klass!r}")
    if operation.klass == "read" and operation.mutates:
        raise SpecError(f"{where} cannot both mutate and be of class read")
    if operation.klass == "read" and operation.grants:
        raise SpecError(f"{where} cannot both grant and be of class read: what hands something out changes something")
    _operation_arguments(model, operation, where)
    if operation.result:
        for name in model.record(operation.result).keeps:
            if name not in {argument.name for argument in operation.args}:
                raise SpecError(f"{where} has no {name}, which its result keeps")
    if operation.items:
        _list(model, operation, where)
    if operation.many:
        _many(model, operation, where)
    _messages(operation, where)
    if operation.shows:
        _shows(model, operation, where)
    for script in operation.scripts:
        if script not in model.scripts:
            raise SpecError(f"{where} names core/lua/{script}.lua, which is not there")
    if operation.steps and (operation.locally or operation.concludes):
        raise SpecError(f"{where} has steps and does without the server: let its advance answer")
    if operation.coalesces and (operation.steps or operation.grants or operation.items):
        raise SpecError(f"{where} coalesces: it can neither have steps, nor grant, nor answer a list")
    if operation.steps and operation.keeps_state:
        raise SpecError(f"{where} has steps, and so a state: leave keeps_state out")
    if operation.patient:
        _patient(module, operation, where)
    if operation.serves and [argument.type for argument in operation.args[:1]] not in (["key"], ["calls"]):
        raise SpecError(f"{where} is served by whoever its key says: its first argument must be of type key, or calls")


def _operation_arguments(model: Model, operation: Operation, where: str) -> None:
    """A call copies its arguments and outlives its caller: they can be neither places to write to nor borrowed."""
    for argument in operation.args:
        if argument.type not in OPERATION_TYPES:
            raise SpecError(
                f"{where}: argument {argument.name} cannot be {argument.type}: what comes back is its result"
            )
        if argument.type == "record" and (argument.nullable or model.record(argument.record).sized):
            raise SpecError(f"{where}: record {argument.name} is copied whole: it can be neither nullable nor sized")
        if argument.name in TAKEN | {operation.handle, operation.result}:
            raise SpecError(f"{where}: {argument.name} is a parameter of every operation: name the argument otherwise")
    spans = len(spans_of(model, operation))
    if spans > SPANS_MAX:
        raise SpecError(f"{where} has {spans} arguments of bytes, a row has room for {SPANS_MAX}")
    if operation.many and any(argument.type == "calls" for argument in operation.args):
        raise SpecError(f"{where} takes calls: it cannot itself come in many")
    if len([argument for argument in operation.args if argument.type == "wait"]) > 1:
        raise SpecError(f"{where} waits twice: one argument can be of type wait")


def spans_of(model: Model, operation: Operation) -> list[str]:
    """Where bytes lie in an operation's argument record."""
    out = []
    for argument in operation.args:
        if argument.type in BYTES:
            out.append(argument.name)
        elif argument.type == "calls":
            inner = [item.name for item in model.operation(argument.of).args if item.type in BYTES]
            out.extend(f"{argument.name}[{place}].{name}" for place in range(argument.max or 0) for name in inner)
    return out


def _messages(operation: Operation, where: str) -> None:
    """A no that is raised says what it means of this operation: its status alone does not."""
    for status, text in operation.messages.items():
        if status not in operation.statuses:
            raise SpecError(f"{where} has a message for {status}, which is none of its statuses")
        _text(text, f"message of {status}", where)
    missing = [status for status in operation.statuses if status not in operation.messages]
    if missing and not operation.asks:
        raise SpecError(f"{where} does not ask, so its {missing[0]} is raised: give it a message in messages")


def _list(model: Model, operation: Operation, where: str) -> None:
    model.record(operation.items)
    if operation.result or operation.statuses or not operation.asks:
        raise SpecError(f"{where} answers a list: it asks, has no other result, and its no is the empty list")
    if operation.many or operation.grants or operation.steps:
        raise SpecError(f"{where} answers a list: it can neither come in many, nor grant, nor have steps")


def _many(model: Model, operation: Operation, where: str) -> None:
    if operation.steps:
        raise SpecError(f"{where} has steps: only what takes one exchange can come in many")
    if not operation.result:
        raise SpecError(f"{where} comes in many without a result: each of many tells its status there")
    first = model.record(operation.result).fields[0]
    if (first.name, first.type) != ("status", "i32"):
        raise SpecError(f"{where} comes in many: the first field of {operation.result} must be status, of type i32")


def _shows(model: Model, operation: Operation, where: str) -> None:
    fields = model.record(operation.result).fields if operation.result else []
    if operation.shows not in {item.name for item in fields}:
        raise SpecError(f"{where} shows {operation.shows}, which its result has not")
    if operation.statuses:
        raise SpecError(f"{where} shows one field, which tells no {operation.statuses[0]}: leave out shows or statuses")


def _patient(module: Module, operation: Operation, where: str) -> None:
    other = next(
        (item for item in module.operations if item.handle == operation.handle and item.name == operation.patient), None
    )
    names = [argument.name for argument in operation.args]
    if other is None or [argument.name for argument in other.args if argument.type != "wait"] != names:
        raise SpecError(f"{where} has no {operation.patient} with its arguments and a wait")


# What concerns all modules


def _numbers(model: Model) -> None:
    blocks: list[tuple[int, int, str]] = []
    for module in model.modules:
        if not module.operations and not module.numbers:
            continue
        if len(module.numbers) != 2 or module.numbers[0] > module.numbers[1]:
            raise SpecError(f"{module.source}: state the block of its operations' numbers, as numbers = [16, 31]")
        low, high = module.numbers
        for other_low, other_high, other in blocks:
            if low <= other_high and other_low <= high:
                raise SpecError(f"{module.source}: its block of numbers overlaps that of {other}")
        blocks.append((low, high, module.source))
        for operation in module.operations:
            if not low <= operation.number <= high:
                raise SpecError(
                    f"{module.source}: operation {operation.full_name} has number {operation.number}, "
                    f"its module's block is {low} to {high}"
                )
    _unique([operation.number for module in model.modules for operation in module.operations], "operation numbers")


def _c_names(model: Model) -> None:
    names: list[str] = []
    for module in model.modules:
        for kind in (module.functions, module.operations, module.records, module.handles):
            names.extend(item.c_name for item in kind)
    _unique(names, "C names")


def _scripts(model: Model) -> None:
    used = {script for module in model.modules for operation in module.operations for script in operation.scripts}
    for name in model.scripts:
        if name not in used:
            raise SpecError(f"core/lua/{name}.lua is named by no operation")


# Helpers


def _text(doc: str, name: str, where: str) -> None:
    words = re.findall(r"[a-z0-9]+", doc.lower())
    if "todo" in words or not words:
        raise SpecError(f"{where}: {name} has no text")
    if words == re.findall(r"[a-z0-9]+", name.lower()) or (len(words) < 2 and doc not in ("Zero.",)):
        raise SpecError(f"{where}: the text of {name} only repeats its name")


def _unique(items, where: str) -> None:
    seen: set = set()
    for item in items:
        if item in seen:
            raise SpecError(f"{where}: {item!r} stands twice")
        seen.add(item)
