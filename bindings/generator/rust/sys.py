"""Raw declarations: what the header says, for keywright-sys."""

from __future__ import annotations

import re
import textwrap

from ..model import Argument, Function, Model, Operation, Record
from .names import WIDTH, call, escaped, generated

SCALARS = {
    "i32": "i32",
    "i64": "i64",
    "u8": "u8",
    "u64": "u64",
    "size": "usize",
    "char": "c_char",
    "text": "*const c_char",
    "pointer": "*const c_void",
    "duration": "i64",
    "timeout": "i64",
    "wait": "i64",
    "time": "i64",
}


def declarations(model: Model, library: str) -> str:
    modules = model.of(library)
    out = [generated(" and ".join(module.source for module in modules))]
    names = ["c_char", "c_void"] if library == "main" else ["c_void"]
    used = f"{{{', '.join(names)}}}" if len(names) > 1 else names[0]
    out.append(f"use core::ffi::{used};\n")
    out.append("use core::marker::{PhantomData, PhantomPinned};\nuse core::mem::{offset_of, size_of};\n\n")
    for module in modules:
        for constant in module.constants:
            value = "i64::MAX" if constant.value == "INT64_MAX" else constant.value
            out.append(doc(constant.doc) + f"pub const KW_{constant.name}: {SCALARS[constant.type]} = {value};\n\n")
        for enum in module.enums:
            out.append(doc(enum.doc) + f"pub type kw_{enum.name} = i32;\n\n")
            for value in enum.values:
                out.append(doc(value.doc) + f"pub const KW_{value.name}: kw_{enum.name} = {value.value};\n")
            out.append("\n")
        for handle in module.handles:
            out.append(doc(handle.doc) + opaque(handle.c_name))
        for record in module.records:
            out.append(struct(record))
        for operation in module.operations:
            if operation.many:
                out.append(many_args(model, operation))
    if library == "main":
        out.append(operation_numbers(model))
    out.append('extern "C" {\n')
    blocks = []
    for module in modules:
        for function in module.functions:
            blocks.append(declare(model, function))
        for operation in module.operations:
            blocks.extend(declare_operation(model, operation))
    out.append("\n".join(blocks))
    out.append("}\n\n")
    if library == "test":
        out.insert(3, borrowed(model, "".join(out)))
    out.append(layout_checks([record for module in modules for record in module.records]))
    return "".join(out)


def borrowed(model: Model, text: str) -> str:
    """What the declarations for tests take from the others."""
    names = {"kw_status", *(f"kw_{enum.name}" for module in model.of("main") for enum in module.enums)}
    for module in model.of("main"):
        names |= {item.c_name for item in [*module.records, *module.handles]}
    used = sorted(name for name in names if re.search(rf"\b{name}\b", re.sub(r"//.*", "", text)))
    return f"use crate::{{{', '.join(used)}}};\n\n"


def doc(text: str, indent: str = "") -> str:
    lines: list[str] = []
    for part in text.strip().split("\n\n"):
        lines.extend(textwrap.wrap(escaped(" ".join(part.split())), WIDTH - len(indent) - 4, break_long_words=False))
        lines.append("")
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in lines[:-1])


def opaque(name: str) -> str:
    return (
        f"#[repr(C)]\npub struct {name} {{\n    _data: [u8; 0],\n"
        "    _marker: PhantomData<(*mut u8, PhantomPinned)>,\n}\n\n"
    )


def struct(record: Record) -> str:
    out = [doc(record.doc), f"#[repr(C)]\n#[derive(Clone, Copy)]\npub struct {record.c_name} {{\n"]
    if record.sized:
        out.append("    /// The size of this struct.\n    pub size: u32,\n    /// Zero.\n    pub flags: u32,\n")
    for item in record.fields:
        kind = item.inner.c_name if item.inner else SCALARS[item.type]
        out.append(doc(item.doc, "    "))
        out.append(f"    pub {item.name}: {f'[{kind}; {item.count}]' if item.count > 1 else kind},\n")
    return "".join([*out, "}\n\n"])


def many_args(model: Model, operation: Operation) -> str:
    out = [doc(f"The arguments of one {operation.c_name} among many."), "#[repr(C)]\n#[derive(Clone, Copy)]\n"]
    out.append(f"pub struct {operation.c_name}_args {{\n    /// The size of this struct.\n    pub size: u32,\n")
    out.append("    /// Zero.\n    pub reserved: u32,\n")
    for argument in operation.args:
        for name, kind in parameter(model, argument):
            out.append(doc(argument.doc if not name.endswith("_length") else "Its bytes.", "    "))
            out.append(f"    pub {name}: {kind},\n")
    return "".join([*out, "}\n\n"])


def operation_numbers(model: Model) -> str:
    out = [doc("Which operation a record answers. The numbers are append-only."), "pub type kw_operation = i32;\n\n"]
    for module in model.of("main"):
        for operation in module.operations:
            name = f"KW_OPERATION_{operation.handle}_{operation.name}".upper()
            out.append(f"/// {operation.c_name}\npub const {name}: kw_operation = {operation.number};\n")
    return "".join([*out, "\n"])


def parameter(model: Model, argument: Argument) -> list[tuple[str, str]]:
    name = argument.name
    match argument.type:
        case "name" | "key" | "bytes":
            return [(name, "*const c_void"), (f"{name}_length", "usize")]
        case "record":
            return [(name, f"*const {model.record(argument.record).c_name}")]
        case "record_out" | "record_array_out":
            return [(name, f"*mut {model.record(argument.record).c_name}")]
        case "handle":
            return [(name, f"*mut {model.handle(argument.handle).c_name}")]
        case "handles":
            return [(name, f"*const *mut {model.handle(argument.handle).c_name}"), (f"{name}_count", "usize")]
        case "calls":
            return [(name, f"*const {model.operation(argument.of).c_name}_args"), (f"{name}_count", "usize")]
        case "handle_out":
            return [(name, f"*mut *mut {model.handle(argument.handle).c_name}")]
        case "buffer":
            return [(name, "*mut c_char"), (f"{name}_capacity", "usize")]
        case "memory_out":
            return [(name, "*mut c_void"), (f"{name}_size", "usize")]
        case "size_out":
            return [(name, "*mut usize")]
        case "i64_out":
            return [(name, "*mut i64")]
        case scalar:
            return [(name, SCALARS[scalar])]


def parameters(model: Model, function: Function | Operation) -> list[tuple[str, str]]:
    out = []
    if function.handle and not (isinstance(function, Function) and function.role == "constructor"):
        const = "const" if isinstance(function, Function) and function.role == "query" else "mut"
        out.append((function.handle, f"*{const} kw_{function.handle}"))
    for argument in function.args:
        out.extend(parameter(model, argument))
    return out


ERROR = ("error", "*mut kw_error")


def declare(model: Model, function: Function) -> str:
    params = parameters(model, function)
    result = "kw_status"
    if function.role == "query":
        result = SCALARS[function.returns]
    elif function.role == "count":
        result = "i64"
    if function.role in ("constructor", "plain", "count"):
        params.append(ERROR)
    return prototype(function.c_name, params, "" if function.role == "destructor" else result, function.doc)


def declare_operation(model: Model, operation: Operation) -> list[str]:
    first, *rest = parameters(model, operation)
    timeout = ("timeout_us", "i64")
    result = [(operation.result, f"*mut {model.record(operation.result).c_name}")] if operation.result else []
    if operation.items:
        result = [("list", "*mut *mut kw_list")]
    submitted = [first, ("completions", "*mut kw_completions"), ("tag", "u64"), *rest, timeout, ERROR]
    out = [
        prototype(operation.c_name, [first, *rest, timeout, *result, ERROR], "kw_status", operation.doc),
        prototype(
            f"kw_{operation.handle}_submit_{operation.name}",
            submitted,
            "kw_status",
            f"Submits {operation.c_name}: never waits, copies its arguments; the answer is the record of that tag.",
        ),
    ]
    if operation.many:
        record = model.record(operation.result).c_name
        params = [first, ("items", f"*const {operation.c_name}_args"), ("count", "usize"), timeout]
        params += [("results", f"*mut {record}"), ERROR]
        text = f"Many of {operation.c_name} in one write, in any order. Each result carries its own status."
        out.append(prototype(f"{operation.c_name}_many", params, "kw_status", text))
    return out


def prototype(name: str, params: list[tuple[str, str]], result: str, text: str) -> str:
    tail = f" -> {result};" if result else ";"
    return (
        doc(text, "    ")
        + "    "
        + call(f"pub fn {name}", [f"{word}: {kind}" for word, kind in params], 1, tail)
        + "\n"
    )


def layout_checks(records: list[Record]) -> str:
    out = ["// Where the spec says that a field lies must be where it is, for every language reads the same memory.\n"]
    out.append('#[cfg(target_pointer_width = "64")]\nconst _: () = {\n')
    for record in records:
        out.append(f"    assert!(size_of::<{record.c_name}>() == {record.layout.size});\n")
        for name, offset in zip(record.layout.names, record.layout.offsets, strict=True):
            out.append(f"    assert!(offset_of!({record.c_name}, {name}) == {offset});\n")
    return "".join([*out, "};\n"])
