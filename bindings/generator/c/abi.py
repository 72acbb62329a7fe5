"""The exported functions: check the arguments, call down."""

from __future__ import annotations

from ..model import BYTES, Argument, Function, Model, Module, Operation
from .prototypes import call_prototype, function_prototype, many_prototype, submit_prototype
from .text import generated


def abi(model: Model, module: Module) -> str:
    public = "keywright_test.h" if module.library == "test" else "keywright.h"
    out = [generated(module.source), f'#include "{public}"\n\n', '#include "abi/check.h"\n']
    includes = {*module.includes}
    if module.operations:
        includes |= {"engine/run.h", f"{module.layer}/{module.name}_rows.h"}
    out.extend(f'#include "{path}"\n' for path in sorted(includes))
    out.append("\n")
    out.append(layout_checks(model, module))
    for function in module.functions:
        out.append(abi_function(model, function))
    called = [argument.of for operation in module.operations for argument in operation.args if argument.type == "calls"]
    out.extend(calls_reader(model, model.operation(name)) for name in dict.fromkeys(called))
    for operation in module.operations:
        out.append(abi_operation(model, operation))
    return "".join(out)


def layout_checks(model: Model, module: Module) -> str:
    """Every language reads these records by offset: what the generator computed must be what the compiler does."""
    out = ["#if UINTPTR_MAX == UINT64_MAX\n"]
    for record in module.records:
        out.append(f'_Static_assert(sizeof({record.c_name}) == {record.layout.size}, "layout of {record.c_name}");\n')
        for item, offset in zip(record.layout.names, record.layout.offsets, strict=True):
            out.append(f'_Static_assert(offsetof({record.c_name}, {item}) == {offset}, "layout of {record.c_name}");\n')
    return "".join([*out, "#endif\n\n"]) if module.records else ""


def abi_function(model: Model, function: Function) -> str:
    out = [f"{function_prototype(model, function)} {{\n"]
    names = argument_names(function)
    if function.role == "query":
        out.append(f"    return {internal(function)}({', '.join(names)});\n}}\n\n")
        return "".join(out)
    if function.role == "destructor":
        out.append(f"    {internal(function)}({', '.join(names)});\n}}\n\n")
        return "".join(out)
    out.append("    kw__error_clear(error);\n")
    checks, zeros = [], []
    if function.handle and function.role != "constructor":
        checks.append(f'kw__check_handle({function.handle}, "{function.handle}", error)')
    for argument in function.args:
        zeros.extend(zero(model, argument))
        checks.extend(check(model, argument))
    for line in zeros:
        out.append(f"    {line}\n")
    out.extend(map(checked, checks))
    out.append(f"    return {internal(function)}({', '.join([*names, 'error'])});\n}}\n\n")
    return "".join(out)


def checked(line: str) -> str:
    """A check as a statement; one that begins with a loop is of each."""
    if line.startswith("for "):
        loop, check = line.split(": ", 1)
        return f"    {loop}\n        KW__CHECK({check});\n"
    return f"    KW__CHECK({line});\n"


def internal(function: Function) -> str:
    return "kw__" + function.c_name.removeprefix("kw_")


def argument_names(function: Function | Operation) -> list[str]:
    out = []
    if function.handle and not (isinstance(function, Function) and function.role == "constructor"):
        out.append(function.handle)
    for argument in function.args:
        if argument.type in BYTES:
            out.append(f"kw__bytes_of({argument.name}, {argument.name}_length)")
        elif argument.type == "buffer":
            out.extend([argument.name, f"{argument.name}_capacity"])
        elif argument.type == "memory_out":
            out.extend([argument.name, f"{argument.name}_size"])
        elif argument.type == "handles":
            out.extend([argument.name, f"{argument.name}_count"])
        else:
            out.append(argument.name)
    return out


def abi_operation(model: Model, operation: Operation) -> str:
    record = model.record(operation.result) if operation.result else None
    handle = operation.handle
    checks = [f'kw__check_handle({handle}, "{handle}", error)']
    for argument in operation.args:
        checks.extend(check(model, argument))
    checks.append("kw__check_timeout(timeout_us, error)")
    calls = [argument for argument in operation.args if argument.type == "calls"]
    out = []

    def body(extra_checks: list[str], call: str) -> None:
        for line in [checks[0], *extra_checks, *checks[1:]]:
            out.append(f"    KW__CHECK({line});\n")
        if operation.args:
            members = ", ".join(fill(model, argument, "") for argument in operation.args)
            const = "" if calls else "const "
            out.append(f"    {const}{operation.symbol}_args args = {{{members}}};\n")
        for argument in calls:
            name = argument.name
            reader = calls_name(model.operation(argument.of))
            out.append(f"    KW__CHECK({reader}({name}, {name}_count, args.{name}, error));\n")
        out.append(f"    return {call};\n}}\n\n")

    args = "&args" if operation.args else "NULL"
    row = f"&{operation.symbol}_row"
    out.append(f"{call_prototype(model, operation)} {{\n    kw__error_clear(error);\n")
    if record:
        out.append(f"    if ({operation.result} != NULL) memset({operation.result}, 0, sizeof *{operation.result});\n")
    elif operation.items:
        out.append("    if (list != NULL) *list = NULL;\n")
    result = operation.result or ("list" if operation.items else "NULL")
    pointer = [f'kw__check_pointer({result}, "{result}", error)'] if result != "NULL" else []
    body(pointer, f"kw__run(&{handle}->object, {row}, {args}, timeout_us, {result}, error)")
    out.append(f"{submit_prototype(model, operation)} {{\n    kw__error_clear(error);\n")
    body(
        ['kw__check_handle(completions, "completions", error)'],
        f"kw__submit(&{handle}->object, completions, tag, {row}, {args}, timeout_us, error)",
    )
    if operation.many:
        out.append(abi_many(model, operation))
    return "".join(out)


def calls_name(operation: Operation) -> str:
    return f"{operation.handle}_{operation.name}_calls"


def calls_reader(model: Model, operation: Operation) -> str:
    """The function that checks several calls of an operation, and makes of them what its rows take."""
    public = f"{operation.c_name}_args"
    out = [
        f"static kw_status {calls_name(operation)}(const {public} *calls, size_t count, {operation.symbol}_args *out,\n"
        "    kw_error *error) {\n    for (size_t i = 0; i < count; i++) {\n"
        f"        const {public} *from = (const void *)((const char *)calls + i * calls->size);\n"
        "        kw_status status = KW_OK;\n"
    ]
    for item in operation.args:
        lines = check(model, item, f"from->{item.name}")
        out.extend(f"        if (status == KW_OK) status = {line};\n" for line in lines)
    members = ", ".join(fill(model, item, "from->") for item in operation.args)
    out.append(
        "        KW__CHECK(kw__check_at(status, i, error));\n"
        f"        out[i] = ({operation.symbol}_args){{{members}}};\n    }}\n    return KW_OK;\n}}\n\n"
    )
    return "".join(out)


def abi_many(model: Model, operation: Operation) -> str:
    handle = operation.handle
    public = f"{operation.c_name}_args"
    item = f"{operation.c_name.removeprefix('kw_')}_item"
    fits = f"sizeof({operation.symbol}_args) <= KW__LARGEST_ARGS"
    row = f"{operation.symbol}_row"
    out = [
        f'_Static_assert({fits}, "{operation.full_name} takes too much to come in many");\n\n',
        f"static kw_status {item}(const void *item, void *out, kw_error *error) {{\n",
        f"    const {public} *from = item;\n",
    ]
    for argument in operation.args:
        for line in check(model, argument, f"from->{argument.name}"):
            out.append(f"    KW__CHECK({line});\n")
    members = ", ".join(fill(model, argument, "from->") for argument in operation.args)
    out.append(
        f"    *({operation.symbol}_args *)out = ({operation.symbol}_args){{{members}}};\n    return KW_OK;\n}}\n\n"
    )
    out.append(f"{many_prototype(model, operation)} {{\n    kw__error_clear(error);\n")
    out.append("    if (results != NULL) memset(results, 0, count * sizeof *results);\n")
    out.append(f'    kw_status status = kw__check_handle({handle}, "{handle}", error);\n')
    out.append(f"    if (status == KW_OK) status = kw__check_items(items, count, sizeof({public}), results, error);\n")
    out.append("    if (status == KW_OK) status = kw__check_timeout(timeout_us, error);\n")
    out.append(
        "    if (status != KW_OK || count == 0) return kw__refuse_many(results, count, sizeof *results, status);\n"
    )
    out.append(f"    const kw__items all = {{items, count, items[0].size, {item}}};\n")
    out.append(f"    return kw__run_many(&{handle}->object, &{row}, &all, timeout_us, results, error);\n}}\n\n")
    return "".join(out)


def zero(model: Model, argument: Argument) -> list[str]:
    name = argument.name
    match argument.type:
        case "handle_out":
            return [f"if ({name} != NULL) *{name} = NULL;"]
        case "record_out":
            return [f"if ({name} != NULL) memset({name}, 0, sizeof *{name});"]
        case "size_out" | "i64_out":
            return [f"if ({name} != NULL) *{name} = 0;"]
        case "memory_out":
            return [f"if ({name} != NULL) memset({name}, 0, {name}_size);"]
        case "buffer":
            return [f"if ({name} != NULL && {name}_capacity > 0) {name}[0] = '\\0';"]
    return []


def check(model: Model, argument: Argument, value: str = "") -> list[str]:
    name = argument.name
    value = value or name
    match argument.type:
        case "name":
            return [f'kw__check_name({value}, {value}_length, "{name}", error)']
        case "key":
            return [f'kw__check_key({value}, {value}_length, "{name}", error)']
        case "bytes":
            return [f'kw__check_bytes({value}, {value}_length, {argument.max}, "{name}", error)']
        case "handle":
            return [f'kw__check_handle({value}, "{name}", error)']
        case "handles":
            return [
                f'kw__check_range((int64_t){value}_count, {argument.min}, {argument.max}, "{name}_count", error)',
                f'kw__check_pointer({value}, "{name}", error)',
                f"for (size_t i = 0; i < {value}_count; i++): "
                f'kw__check_at(kw__check_handle({value}[i], "{name}", error), i, error)',
            ]
        case "calls":
            public = f"{model.operation(argument.of).c_name}_args"
            bounds = f"{argument.min}, {argument.max}, sizeof({public})"
            return [f'kw__check_calls({value}, {value}_count, {bounds}, "{name}", error)']
        case "record":
            sized = model.record(argument.record).sized
            if argument.nullable:
                return [f'kw__check_size({value} == NULL ? NULL : &{value}->size, "{name}", error)'] if sized else []
            return [f'kw__check_pointer({value}, "{name}", error)']
        case "text" | "record_out" | "record_array_out" | "handle_out" | "size_out" | "i64_out" | "buffer":
            return [] if argument.nullable else [f'kw__check_pointer({value}, "{name}", error)']
        case "timeout":
            return [f"kw__check_timeout({value}, error)"]
        case "wait" | "duration":
            return [f'kw__check_range({value}, 0, INT64_MAX, "{name}", error)']
        case "i64" | "i32":
            if argument.min is None and argument.max is None:
                return []
            low = argument.min if argument.min is not None else "INT64_MIN"
            high = argument.max if argument.max is not None else "INT64_MAX"
            return [f'kw__check_range({value}, {low}, {high}, "{name}", error)']
        case "size":
            return [f'kw__check_range((int64_t){value}, {argument.min or 0}, INT64_MAX, "{name}", error)']
    return []


def fill(model: Model, argument: Argument, source: str) -> str:
    """One member of an operation's argument record."""
    name = argument.name
    if argument.type in BYTES:
        return f".{name} = kw__bytes_of({source}{name}, {source}{name}_length)"
    if argument.type == "record":
        return f".{name} = *{source}{name}"
    if argument.type == "calls":
        return f".{name}_count = {source}{name}_count"
    return f".{name} = {source}{name}"
