"""Arguments of Python's calls: how signatures have them, and what C is given."""

from __future__ import annotations

from .. import words
from ..model import BYTES, Argument, Model, Operation
from .text import class_name, member, names_of, record_class


def parameter(model: Model, argument: Argument, name: str = "") -> str:
    """An argument as a signature has it; name is put before classes that exist twice."""
    label = words.bare(argument.name)
    default = f" = {argument.default}" if argument.default is not None else ""
    match argument.type:
        case "name" | "key":
            return f"{label}: Key"
        case "bytes":
            return f"{label}: {'str' if argument.is_text else 'bytes'}"
        case "text":
            return f"{label}: str"
        case "duration" | "wait":
            # 0 stands for nothing said, which is None here as in options
            return f"{label}: Duration{' | None = None' if argument.default == 0 else default}"
        case "calls":
            return f"{label}: Iterable[tuple[{row_types(model, model.operation(argument.of))}]]"
        case "record":
            return f"{label}: Any{record_class(model.record(argument.record))}"
        case _ if words.is_switch(argument):
            return f"{label}: bool"
        case _ if argument.enum:
            return f"{label}: {class_name(argument.enum)} | {names_of(argument.enum)}{default_member(model, argument)}"
    return f"{label}: int{default}"


def row_types(model: Model, operation: Operation) -> str:
    """The types of an operation's arguments, as the items of many have them."""
    return ", ".join(parameter(model, item).split(": ", 1)[1].split(" = ")[0] for item in operation.args)


def default_member(model: Model, argument: Argument) -> str:
    """The default of an argument that takes a value of an enum, as a signature has it."""
    if argument.default is None:
        return ""
    enum = model.enum(argument.enum)
    name = next(value.name for value in enum.values if value.value == argument.default)
    return f" = {class_name(enum.name)}.{member(enum, name)}"


def kept(model: Model, operation: Operation) -> dict[str, str]:
    """Arguments that a record among them has kept: taken from there, not asked for again."""
    names = {argument.name for argument in operation.args}
    return {
        name: f"{argument.name}.{name}"
        for argument in operation.args
        if argument.type == "record"
        for name in model.record(argument.record).keeps
        if name in names
    }


def prepared(model: Model, argument: Argument, source: str) -> str:
    """The line before the call that turns a value into bytes, for they go in with their length."""
    if argument.type == "calls":
        other = model.operation(argument.of)
        names = ", ".join(f'"{words.bare(item.name)}"' for item in other.args)
        comma = "," if len(other.args) == 1 else ""
        return f'{argument.name}_rows = to_rows({source}, ({names}{comma}), "{argument.name}")\n'
    if argument.type not in BYTES:
        return ""
    convert = "to_payload" if argument.type == "bytes" and not argument.is_text else "to_bytes"
    return f'{argument.name}_data = {convert}({source}, "{argument.name}")\n'


def passed(model: Model, argument: Argument, source: str) -> list[str]:
    label = words.bare(argument.name)
    match argument.type:
        case kind if kind in BYTES:
            return [f"{argument.name}_data", f"len({argument.name}_data)"]
        case "text":
            return [f'to_text({source}, "{label}")']
        case "calls":
            pack = f"pack_{argument.of.replace('.', '_')}"
            return [f'{pack}(self._library, {source}_rows, "{label}")', f"len({source}_rows)"]
        case "duration" | "wait":
            unsaid = f"0 if {source} is None else " if argument.default == 0 else ""
            return [f'{unsaid}to_us({source}, "{label}")']
        case "record":
            record = model.record(argument.record)
            return [f"write_{record.name}(self._library, {source})"]
        case _ if argument.enum:
            return [f'to_enum({source}, {class_name(argument.enum)}, "{label}")']
    return [f"int({source})" if words.is_switch(argument) else f'whole({source}, "{label}")']
