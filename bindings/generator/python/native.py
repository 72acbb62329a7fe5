"""Emits what cffi builds the native modules from, and their stubs."""

from __future__ import annotations

from .. import c
from ..model import BYTES, Function, Model, Module, Operation
from .text import PACKAGE, call, head

NUMBERS = {"i32", "i64", "u8", "u64", "size", "duration", "timeout", "wait", "time"}


def emit(model: Model) -> dict[str, str]:
    files = {}
    for library, name in (("main", "_native"), ("test", "_test")):
        files[f"{PACKAGE}/{name}.cdef"] = declarations(model, library)
        files[f"{PACKAGE}/{name}.pyi"] = stub(model, library)
    return files


def sources(model: Model, library: str) -> str:
    """The files of the spec, the folder once; many are all."""
    names = [module.source.rsplit("/", 1)[1] for module in model.of(library)]
    if len(names) > 2:
        return "bindings/api/*.toml"
    return f"bindings/api/{names[0]}" if len(names) == 1 else f"bindings/api ({', '.join(names)})"


def declarations(model: Model, library: str) -> str:
    out = [c.generated(sources(model, library)), "\n"]
    if library == "main":
        out.append("typedef int32_t kw_status;\n")
    for module in model.of(library):
        out.extend(f"typedef struct {handle.c_name} {handle.c_name};\n" for handle in module.handles)
    out.append("\n")
    for module in model.of(library):
        out.extend(c.record_struct(record, docs=False) for record in module.records)
        many = [operation for operation in module.operations if operation.many]
        out.extend(c.many_args_struct(model, operation, docs=False) for operation in many)
    for module in model.of(library):
        out.extend(f"{text};\n" for text in prototypes(model, module))
    return "".join(out)


def prototypes(model: Model, module: Module) -> list[str]:
    out = [c.function_prototype(model, function) for function in module.functions]
    for operation in module.operations:
        out.extend([c.call_prototype(model, operation), c.submit_prototype(model, operation)])
        if operation.many:
            out.append(c.many_prototype(model, operation))
    return out


# Stubs


def stub(model: Model, library: str) -> str:
    out = [head(sources(model, library), "The library's functions, as cffi gives them.").rstrip("\n") + "\n\n"]
    if library == "main":
        out.append(CFFI)
        out.append("class Lib:\n")
    else:
        out.append("from ._native import FFI, CData\nfrom ._native import Lib as NativeLib\n\nclass Lib(NativeLib):\n")
    for module in model.of(library):
        for function in module.functions:
            out.append(method(function.c_name, function_parameters(function), returned(function)))
        for operation in module.operations:
            plain = [f"{operation.handle}: CData", *arguments(operation)]
            result = [f"{operation.result or 'list'}: CData"] if operation.result or operation.items else []
            tail = ["timeout_us: int", *result, "error: CData"]
            out.append(method(operation.c_name, [*plain, *tail], "int"))
            submit = [plain[0], "completions: CData", "tag: int", *plain[1:], "timeout_us: int", "error: CData"]
            out.append(method(f"kw_{operation.handle}_submit_{operation.name}", submit, "int"))
            if operation.many:
                many = [plain[0], "items: CData", "count: int", "timeout_us: int", "results: CData", "error: CData"]
                out.append(method(f"{operation.c_name}_many", many, "int"))
    out.append("\nffi: FFI\nlib: Lib\n")
    return "".join(out)


CFFI = '''from collections.abc import Callable
from typing import Any

class CData:
    """A value of C."""

    def __getitem__(self, index: int) -> Any: ...
    def __int__(self) -> int: ...

class CType:
    """A type of C."""

class Buffer:
    """Memory of C, readable as bytes."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __getitem__(self, index: slice) -> bytes: ...
    def __setitem__(self, index: slice, value: bytes) -> None: ...

class FFI:
    """What is used of cffi."""

    NULL: CData
    def new(self, ctype: str | CType, init: object = ..., /) -> CData: ...
    def cast(self, ctype: str | CType, source: CData | int, /) -> CData: ...
    def gc(self, cdata: CData, destructor: Callable[[CData], None], /) -> CData: ...
    def release(self, cdata: CData, /) -> None: ...
    def buffer(self, cdata: CData, size: int = ..., /) -> Buffer: ...
    def from_buffer(self, ctype: str | CType, data: bytes | bytearray, /) -> CData: ...
    def string(self, cdata: CData, maxlen: int = ..., /) -> bytes: ...
    def typeof(self, ctype: str, /) -> CType: ...
    def sizeof(self, ctype: str | CType, /) -> int: ...

'''


def method(name: str, parameters: list[str], result: str) -> str:
    slash = ["/"] if parameters else []
    return call(f"def {name}", ["self", *parameters, *slash], f" -> {result}: ...", "    ")


def function_parameters(function: Function) -> list[str]:
    out = []
    if function.handle and function.role != "constructor":
        out.append(f"{function.handle}: CData")
    out.extend(arguments(function))
    if function.role not in ("query", "destructor"):
        out.append("error: CData")
    return out


def arguments(function: Function | Operation) -> list[str]:
    out = []
    for argument in function.args:
        name = argument.name
        if argument.type in BYTES:
            out.extend([f"{name}: bytes", f"{name}_length: int"])
        elif argument.type == "text":
            out.append(f"{name}: bytes")
        elif argument.type in NUMBERS:
            out.append(f"{name}: int")
        elif argument.type == "buffer":
            out.extend([f"{name}: CData", f"{name}_capacity: int"])
        elif argument.type in ("handles", "calls"):
            out.extend([f"{name}: CData", f"{name}_count: int"])
        elif argument.type == "memory_out":
            out.extend([f"{name}: CData", f"{name}_size: int"])
        else:
            out.append(f"{name}: CData")
    return out


def returned(function: Function) -> str:
    if function.role == "query":
        return "CData" if function.returns in ("text", "pointer") else "int"
    return "None" if function.role == "destructor" else "int"
