"""Emits the types that users see: constants, enums, and records as named tuples."""

from __future__ import annotations

from .. import words
from ..model import Enum, Field, Model, Module, Record
from .text import (
    BY_HAND_CLASSES,
    PACKAGE,
    call,
    class_name,
    comment,
    docstring,
    dots,
    field_name,
    fields_class,
    head,
    imports,
    is_time,
    keeps_bytes,
    member,
    names_of,
    record_class,
    shown,
    speak,
    stem,
)

VALUES = {"INT64_MAX": "2**63 - 1"}
FOREIGN = {"Key": "_convert"}


def emit(model: Model) -> dict[str, str]:
    doc = "What follows from the spec: types, errors, and one method for each operation."
    files = {f"{PACKAGE}/_generated/__init__.py": head("bindings/api", doc)}
    for module in model.modules:
        files[f"{PACKAGE}/{stem(module)}.py"] = types(model, module)
    return files


def types(model: Model, module: Module) -> str:
    parts = []
    if module.constants:
        lines = [f'#: The version of the library.\nVERSION = "{model.version}"\n'] if module.name == "keywright" else []
        for constant in module.constants:
            lines.append(comment(speak(model, constant.doc)))
            lines.append(f"{constant.name} = {VALUES.get(constant.value, constant.value)}\n")
        parts.append("".join(lines))
    given = words.given_enums(model)
    for enum in module.enums:
        parts.append(enum_class(model, enum))
        if enum.name in given:
            parts.append(enum_names(enum))
    if module.name == "keywright":
        parts.append(numbers(model))
    parts.extend(record_fields(model, record) for record in module.records if record.name in words.results(model))
    body = "\n\n".join(part.rstrip("\n") + "\n" for part in parts)
    local = {name: f"{dots(module)}{place}" for name, place in FOREIGN.items()}
    for other in model.modules:
        if other is not module:
            place = f".{other.name}" if module.library == other.library else f".{stem(other).replace('/', '.')}"
            local.update({class_name(enum.name): place for enum in other.enums})
    spacing = "\n" if body.startswith("class") else ""
    return f"{head(module.source, speak(model, module.summary))}\n{imports(body, {}, local)}{spacing}{body}"


def enum_class(model: Model, enum: Enum) -> str:
    base = "IntFlag" if enum.flags else "IntEnum"
    out = [f"class {class_name(enum.name)}({base}):\n", docstring(speak(model, enum.doc), "    ")]
    for value in enum.values:
        out.append("\n" if value is enum.values[0] else "")
        out.append(comment(speak(model, value.doc), "    "))
        out.append(f"    {member(enum, value.name)} = {value.value}\n")
    if not enum.flags:
        out.append("\n    def __str__(self) -> str:\n        return self.name\n")
    return "".join(out)


def enum_names(enum: Enum) -> str:
    """What a caller may write in place of a member: its name in small letters."""
    names = [f'"{member(enum, value.name).lower()}"' for value in enum.values]
    return call(f"{names_of(enum.name)}: TypeAlias = Literal", names, "").replace("(", "[").replace(")", "]")


def numbers(model: Model) -> str:
    """The operations' names by their numbers, for what is shown to people."""
    lines = "".join(
        f'    {operation.number}: "{operation.full_name}",\n'
        for module in model.of("main")
        for operation in module.operations
    )
    return f"#: Which operation a number stands for.\nOPERATIONS = {{\n{lines}}}\n"


def record_fields(model: Model, record: Record) -> str:
    doc = speak(model, record.doc)
    if fields_class(record) != record_class(record):
        doc += f" What {record_class(record)} stands on."
    out = [f"class {fields_class(record)}(NamedTuple):\n", docstring(doc, "    "), "\n"]
    for item in shown(model, record):
        out.append(comment(speak(model, item.doc) + (" In seconds." if is_time(item) else ""), "    "))
        out.append(f"    {field_name(item)}: {field_type(item)}\n")
    if keeps_bytes(model, record):
        out.append(comment("The rest as the library wrote it, for when it goes back in.", "    "))
        out.append("    rest: bytes\n")
    for name in record.keeps:
        out.append(comment(f"The {name} that was asked about.", "    "))
        out.append(f"    {name}: Key\n")
    if fields_class(record) != record_class(record):
        out.append(comment("What was asked.", "    "))
        out.append("    maker: Any\n")
    for index, item in enumerate(shown(model, record)):
        if item.name == "status" and item.enum == "status":
            out.append(f"\n    def __bool__(self) -> bool:\n        return not self[{index}]\n")
    return "".join(out)


def field_type(item: Field) -> str:
    if item.inner:
        return f"tuple[{'Any' if item.record in BY_HAND_CLASSES else record_class(item.inner)}, ...]"
    if item.type in ("char", "name"):
        return "str"
    if item.type == "bytes":
        return "bytes"
    if item.enum:
        return class_name(item.enum)
    if is_time(item):
        return "float"
    if words.is_switch(item):
        return "bool"
    return "tuple[int, ...]" if item.count > 1 else "int"
