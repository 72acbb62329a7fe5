"""Emits the readers: what makes Python values of the bytes of a record, and bytes of what goes back in."""

from __future__ import annotations

from .. import words
from ..model import BYTES, Field, Model, Module, Operation, Record
from .text import (
    BY_HAND_CLASSES,
    WIDTH,
    call,
    class_name,
    field_name,
    is_time,
    keeps_bytes,
    record_class,
    shown,
)
from .types import field_type

CODES = {"i32": "i", "i64": "q", "u8": "B", "u64": "Q", "size": "Q"}
#: The most that a result may take: what is kept ready for the calls of a thread.
ROOM = 2048


def readers(model: Model, module: Module) -> str:
    parts = []
    for record in module.records:
        if record.name in words.results(model):
            if record.layout.size > ROOM:
                raise ValueError(f"{record.c_name} takes more than {ROOM} bytes")
            parts.append(list_reader(model, record) if record.name in words.lists(model) else reader(model, record))
        answers = [operation for operation in module.operations if operation.result == record.name]
        if any(words.answers_no(model, operation) for operation in answers):
            parts.append(no_reader(record))
        if any(operation.statuses and not operation.asks for operation in answers):
            parts.append(raising_reader(record))
        shown_alone = {operation.shows for operation in answers}
        parts.extend(field_reader(record, item) for item in record.fields if item.name in shown_alone)
    enums = sorted(
        {
            item.enum
            for record in module.records
            if record.name in words.results(model)
            for item in shown(model, record)
            if item.enum and not model.enum(item.enum).flags
        }
    )
    tables = "".join(f"_{name.upper()} = {{each.value: each for each in {class_name(name)}}}\n" for name in enums)
    kinds = "".join(
        f'{record_class(record)}T = TypeVar("{record_class(record)}T", bound=Any{record_class(record)})\n'
        for record in module.records
        if record.name in BY_HAND_CLASSES
    )
    if kinds:
        kinds += "_new = tuple.__new__\n"
    structs = "".join(
        f'_{record.name.upper()} = Struct("{struct_format(model, record)}")\n'
        for record in module.records
        if record.name in words.results(model)
    )
    many = "".join(
        f'_{operation.name.upper()}_ITEM = Struct("{item_format(operation)}")\n'
        for operation in module.operations
        if operation.many
    )
    called = {
        argument.of: model.operation(argument.of)
        for operation in module.operations
        for argument in operation.args
        if argument.type == "calls"
    }
    many += "".join(noes(model, operation) for operation in module.operations if operation.messages)
    many += "".join(
        f'_{name.replace(".", "_").upper()}_CALL = Struct("{item_format(other)}")\n' for name, other in called.items()
    )
    parts.extend(packer(other) for other in called.values())
    return "\n\n".join(part for part in [tables + structs + many + kinds, *parts] if part)


def struct_format(model: Model, record: Record) -> str:
    """The record for the struct module: native byte order, every gap spelled out."""
    layout = dict(zip(record.layout.names, record.layout.offsets, strict=True))
    out, at = "=", 0
    for item in flat(model, record):
        if item.name not in layout:  # bytes elsewhere in the list: an offset and a length
            out, at = f"{out}qq", layout[f"{item.name}_length"] + 8
            continue
        offset = layout[item.name]
        out += f"{offset - at}x" if offset > at else ""
        if item.type == "char":
            code, size = f"{item.count}s", item.count
        else:
            code, size = CODES[item.type], {"i": 4, "q": 8, "Q": 8, "B": 1}[CODES[item.type]]
            code, size = (f"{item.count}{code}" if item.count > 1 else code), size * item.count
        out, at = out + code, offset + size
    if keeps_bytes(model, record):
        return f"{out}{record.layout.size - at}s"
    return out + (f"{record.layout.size - at}x" if record.layout.size > at else "")


def flat(model: Model, record: Record) -> list[Field]:
    """The fields that one struct reads: not the records in it."""
    return [item for item in shown(model, record) if not item.inner]


def packer(operation: Operation) -> str:
    """Makes the arguments of several calls of an operation, which are one argument of another."""
    names = [words.bare(argument.name) for argument in operation.args]
    kinds = ", ".join(
        "Key" if argument.type in ("name", "key") else "bytes" if argument.type == "bytes" else "int"
        for argument in operation.args
    )
    stem = operation.full_name.replace(".", "_")
    values, lines = [], []
    for argument, name in zip(operation.args, names, strict=True):
        convert = {"bytes": "to_payload"}.get(argument.type, "to_bytes" if argument.type in BYTES else "whole")
        values.append(f'{convert}({name}, "{name}")')
    lines.append(call("rows.append", [f"({', '.join(values)})"], "", " " * 12))
    return "".join(
        [
            f"def pack_{stem}(library: Library, calls: list[tuple[{kinds}]], name: str) -> CData:\n",
            f'    """The arguments of several calls of {operation.full_name}, as C takes them."""\n',
            "    rows: list[tuple[bytes | int, ...]] = []\n    try:\n",
            f"        for {', '.join(names)} in calls:\n",
            *lines,
            "    except (TypeError, ValueError) as error:\n        raise in_item(len(rows), error, name) from None\n",
            f'    return library.pack(_{stem.upper()}_CALL, "{operation.c_name}_args *", rows)\n',
        ]
    )


def item_format(operation: Operation) -> str:
    """The arguments of one among many."""
    codes = "".join("QQ" if argument.type in BYTES else "q" for argument in operation.args)
    if any(argument.type not in BYTES | {"i64", "duration", "wait", "timeout"} for argument in operation.args):
        raise ValueError(f"{operation.full_name}: a kind of argument that many cannot have yet")
    return f"=II{codes}"


def reader(model: Model, record: Record) -> str:
    fields = flat(model, record)
    by_hand = record.name in BY_HAND_CLASSES
    struct = f"_{record.name.upper()}"
    kind, extra = given(record)
    out = [call(f"def read_{record.name}", ["status: int", "data: Buffer", "offset: int", *extra], f" -> {kind}:")]
    names = [f"*{field_name(item)}" if item.count > 1 and item.type != "char" else field_name(item) for item in fields]
    values = [value(model, item) for item in fields]
    if keeps_bytes(model, record):
        names.append("rest")
        values.append("rest")
    if record.nested:
        values.append(field_name(record.nested))
    values.extend(record.keeps)
    if by_hand:
        values.append("maker")
    listed = ", ".join(names) if len(names) > 1 else f"({names[0]},)"
    left = f"    {listed} = "
    right = f"{struct}.unpack_from(data, offset)"
    if len(left + right) <= WIDTH:
        out.append(f"{left}{right}\n")
    else:
        out.append("    (\n" + "".join(f"        {name},\n" for name in names) + f"    ) = {right}\n")
    if record.nested:
        out.append(nested(record, record.nested))
    if by_hand:
        inner = "".join(f"            {item},\n" for item in values)
        out.append(f"    return _new(\n        kind,\n        (\n{inner}        ),\n    )\n")
    else:
        out.append(call(f"return {kind}", values, "", "    "))
    if keeps_bytes(model, record):
        out.append(f"\n\n{writer(model, record)}")
    return "".join(out)


def nested(record: Record, item: Field) -> str:
    """The lines that read the records in a record. One of a class by hand is read with what its maker says of each."""
    assert item.inner
    at = record.layout.offsets[record.layout.names.index(item.name)]
    place = f"offset + {at} + {item.inner.layout.size} * place"
    if item.inner.name in BY_HAND_CLASSES:
        each, source = "place, each", "enumerate(maker.each_of(asked))"
        made = f"read_{item.inner.name}(0, data, {place}, *each)"
    else:
        each, source = "place", f"range({item.length})"
        made = f"read_{item.inner.name}(0, data, {place})"
    one = f"        {made} for {each} in {source}\n"
    lines = one if len(one) <= WIDTH + 1 else f"        {made}\n        for {each} in {source}\n"
    return f"    {field_name(item)} = tuple(\n{lines}    )\n"


def list_reader(model: Model, record: Record) -> str:
    """Reads a whole list: it holds what its items name, so nothing of C's is needed once it was read."""
    kind, fields = record_class(record), shown(model, record)
    names, lines, values = [], [], []
    for item in fields:
        name = field_name(item)
        if item.type in ("name", "bytes"):
            names += [f"{name}_at", f"{name}_length"]
            lines.append(f"        {name} = bytes(data[offset + {name}_at : offset + {name}_at + {name}_length])\n")
            values.append(f'{name}.decode("utf-8", "surrogateescape")' if item.type == "name" else name)
        else:
            names.append(name)
            values.append(value(model, item))
    one = f"        out.append({kind}({', '.join(values)}))\n"
    return "".join(
        [
            f"def read_{record.name}_list(status: int, data: Buffer, offset: int) -> list[{kind}]:\n    out = []\n",
            "    for at in places(data, offset):\n",
            f"        {', '.join(names)} = _{record.name.upper()}.unpack_from(data, at)\n",
            *lines,
            one if len(one) <= WIDTH else call(f"item = {kind}", values, "", "        ") + "        out.append(item)\n",
            "    return out\n",
        ]
    )


def writer(model: Model, record: Record) -> str:
    """The way back: from what Python shows to the bytes of a record."""
    name = record.name
    values = [
        f"from_seconds({name}.{field_name(item)})" if is_time(item) else f"{name}.{field_name(item)}"
        for item in shown(model, record)
    ]
    inner = "".join(f"        {item},\n" for item in [*values, f"{name}.rest"])
    kind = f"Any{record_class(record)}" if name in BY_HAND_CLASSES else record_class(record)
    return (
        f"def write_{name}(library: Library, {name}: {kind}) -> CData:\n"
        f"    data = _{name.upper()}.pack(\n{inner}    )\n"
        f'    return library.ffi.from_buffer("{record.c_name} *", data)\n'
    )


def value(model: Model, item: Field) -> str:
    name = field_name(item)
    if item.type == "char":
        return f"to_str({name})"
    if item.enum:
        return f"{class_name(item.enum)}({name})" if model.enum(item.enum).flags else f"_{item.enum.upper()}[{name}]"
    if is_time(item):
        return f"{name} / 1e6 if {name} != NEVER else inf"
    if words.is_switch(item):
        return f"{name} == 1"
    return f"tuple({name})" if item.count > 1 else name


def no_reader(record: Record) -> str:
    kind = record_class(record)
    return (
        f"def read_{record.name}_or_none(status: int, data: Buffer, offset: int) -> {kind} | None:\n"
        f"    return None if status else read_{record.name}(status, data, offset)\n"
    )


def noes(model: Model, operation: Operation) -> str:
    """What the noes of an operation mean, by status."""
    numbers = {value.name: value.value for value in model.enum("status").values}
    lines = "".join(f'    {numbers[name]}: "{text}",\n' for name, text in operation.messages.items())
    return f"{noes_name(operation)} = {{\n{lines}}}\n"


def noes_name(operation: Operation) -> str:
    return f"{operation.name.upper()}_NOES"


def raising_reader(record: Record) -> str:
    """Of an operation that does something: its no is raised, for nobody looks at it."""
    kind, extra = given(record)
    passed = [word.split(":")[0] for word in extra]
    taken = ["status: int", "data: Buffer", "offset: int", *extra, "noes: dict[int, str]"]
    return (
        call(f"def read_{record.name}_or_raise", taken, f" -> {kind}:")
        + "    if status:\n        raise_no(status, noes)\n"
        + call(f"return read_{record.name}", ["status", "data", "offset", *passed], "", "    ")
    )


def given(record: Record) -> tuple[str, list[str]]:
    """What a reader makes, and what it is given besides the bytes: a class by hand, its maker, and what it keeps."""
    if record.name not in BY_HAND_CLASSES:
        return record_class(record), []
    kind = f"{record_class(record)}T"
    if record.nested:
        return kind, [f"kind: type[{kind}]", "maker: Any", "asked: Any"]
    return kind, [f"kind: type[{kind}]", "maker: object", *(f"{name}: Key" for name in record.keeps)]


def field_reader(record: Record, item: Field) -> str:
    name = field_name(item)
    return (
        f"def read_{record.name}_{name}(status: int, data: Buffer, offset: int) -> {field_type(item)}:\n"
        f"    return read_{record.name}(status, data, offset).{name}\n"
    )
