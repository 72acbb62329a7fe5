"""The prototypes of exported functions."""

from __future__ import annotations

from ..model import Argument, Function, Model, Operation
from .text import C_TYPES, WIDTH


def function_prototype(model: Model, function: Function) -> str:
    params = parameters(model, function)
    if function.role in ("constructor", "plain"):
        params.append("kw_error *error")
    result = {"query": C_TYPES.get(function.returns, ""), "count": "int64_t", "destructor": "void"}.get(
        function.role, "kw_status"
    )
    if function.role == "count":
        params.append("kw_error *error")
    return prototype(result, function.c_name, params)


def call_prototype(model: Model, operation: Operation) -> str:
    params = [*parameters(model, operation), "int64_t timeout_us"]
    if operation.result:
        record = model.record(operation.result)
        params.append(f"{record.c_name} *{operation.result}")
    elif operation.items:
        params.append("kw_list **list")
    return prototype("kw_status", operation.c_name, [*params, "kw_error *error"])


def submit_prototype(model: Model, operation: Operation) -> str:
    first, *rest = parameters(model, operation)
    params = [first, "kw_completions *completions", "uint64_t tag", *rest, "int64_t timeout_us", "kw_error *error"]
    return prototype("kw_status", f"kw_{operation.handle}_submit_{operation.name}", params)


def many_prototype(model: Model, operation: Operation) -> str:
    record = model.record(operation.result)
    params = [
        f"kw_{operation.handle} *{operation.handle}",
        f"const {operation.c_name}_args *items",
        "size_t count",
        "int64_t timeout_us",
        f"{record.c_name} *results",
        "kw_error *error",
    ]
    return prototype("kw_status", f"{operation.c_name}_many", params)


def parameters(model: Model, function: Function | Operation) -> list[str]:
    out = []
    if function.handle and not (isinstance(function, Function) and function.role == "constructor"):
        const = "const " if isinstance(function, Function) and function.role == "query" else ""
        out.append(f"{const}kw_{function.handle} *{function.handle}")
    for argument in function.args:
        out.extend(parameter(model, argument))
    return out


def parameter(model: Model, argument: Argument) -> list[str]:
    name = argument.name
    match argument.type:
        case "name" | "key" | "bytes":
            return [f"const void *{name}", f"size_t {name}_length"]
        case "text":
            return [f"const char *{name}"]
        case "record":
            return [f"const {model.record(argument.record).c_name} *{name}"]
        case "record_out" | "record_array_out":
            return [f"{model.record(argument.record).c_name} *{name}"]
        case "handle":
            return [f"{model.handle(argument.handle).c_name} *{name}"]
        case "handles":
            return [f"{model.handle(argument.handle).c_name} *const *{name}", f"size_t {name}_count"]
        case "calls":
            return [f"const {model.operation(argument.of).c_name}_args *{name}", f"size_t {name}_count"]
        case "handle_out":
            return [f"{model.handle(argument.handle).c_name} **{name}"]
        case "buffer":
            return [f"char *{name}", f"size_t {name}_capacity"]
        case "size_out":
            return [f"size_t *{name}"]
        case "i64_out":
            return [f"int64_t *{name}"]
        case "memory_out":
            return [f"void *{name}", f"size_t {name}_size"]
        case scalar:
            return [f"{C_TYPES[scalar]} {name}"]


def prototype(result: str, name: str, params: list[str]) -> str:
    space = "" if result.endswith("*") else " "
    one = f"{result}{space}{name}({', '.join(params) or 'void'})"
    if len(one) < WIDTH - 8:
        return one
    lines = [f"{result}{space}{name}("]
    for index, param in enumerate(params):
        last = index == len(params) - 1
        piece = param + (")" if last else ",")
        if len(lines[-1]) + len(piece) + 1 > WIDTH:
            lines.append("    " + piece)
        else:
            lines[-1] += ("" if index == 0 else " ") + piece
    return "\n".join(lines)
