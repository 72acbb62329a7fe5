"""The public headers: constants, types, contracts, prototypes."""

from __future__ import annotations

from ..model import Model, Module, Operation, Record
from .contract import common, contract, contract_of_many, contract_of_submit
from .prototypes import call_prototype, function_prototype, many_prototype, parameter, submit_prototype
from .text import comment, field_type, generated


def header(model: Model, library: str) -> str:
    modules = model.of(library)
    guard = "KEYWRIGHT_TEST_H" if library == "test" else "KEYWRIGHT_H"
    sources = " and ".join(module.source for module in modules)
    out = [generated(sources), f"#ifndef {guard}\n#define {guard}\n\n"]
    if library == "test":
        out.append('#include "keywright.h"\n\n')
    else:
        out.append("#include <stddef.h>\n#include <stdint.h>\n\n")
        out.append(
            '#if defined(__GNUC__)\n#define KW_API __attribute__((visibility("default")))\n#else\n'
            "#define KW_API\n#endif\n\n"
        )
        numbers = model.version.split(".")
        out.append(
            "".join(
                f"#define KW_VERSION_{word} {number}\n"
                for word, number in zip(("MAJOR", "MINOR", "PATCH"), numbers, strict=True)
            )
        )
        out.append(f'#define KW_VERSION "{model.version}"\n\n')
    out.append('#ifdef __cplusplus\nextern "C" {\n#endif\n\n')
    for module in modules:
        out.append(module_header(model, module))
    if library == "main":
        out.append(operation_numbers(model))
    out.append("#ifdef __cplusplus\n}\n#endif\n\n#endif\n")
    return "".join(out)


def module_header(model: Model, module: Module) -> str:
    out = [comment("\n\n".join([module.summary, module.text.strip(), *common(module)])), "\n"]
    for constant in module.constants:
        out.append(comment(constant.doc))
        out.append(f"#define KW_{constant.name} {constant.value}\n\n")
    for enum in module.enums:
        out.append(comment(enum.doc))
        out.append(f"typedef int32_t kw_{enum.name};\nenum {{\n")
        for value in enum.values:
            out.append(f"    KW_{value.name} = {value.value}, /* {value.doc} */\n")
        out.append("};\n\n")
    for handle in module.handles:
        out.append(comment(handle.doc))
        out.append(f"typedef struct {handle.c_name} {handle.c_name};\n\n")
    for record in module.records:
        out.append(record_struct(record))
    for operation in module.operations:
        if operation.many:
            out.append(many_args_struct(model, operation))
    for function in module.functions:
        out.append(contract(function))
        out.append(f"KW_API {function_prototype(model, function)};\n\n")
    for operation in module.operations:
        out.append(contract(operation))
        out.append(f"KW_API {call_prototype(model, operation)};\n\n")
        out.append(contract_of_submit(model, operation))
        out.append(f"KW_API {submit_prototype(model, operation)};\n\n")
        if operation.many:
            out.append(contract_of_many(operation))
            out.append(f"KW_API {many_prototype(model, operation)};\n\n")
    return "".join(out)


def record_struct(record: Record, docs: bool = True) -> str:
    out = [comment(record.doc)] if docs else []
    out.append(f"typedef struct {record.c_name} {{\n")
    if record.sized:
        note = f" /* sizeof({record.c_name}) */" if docs else ""
        out.append(f"    uint32_t size;{note}\n    uint32_t flags;{' /* Zero. */' if docs else ''}\n")
    for item in record.fields:
        kind = field_type(item)
        space = "" if kind.endswith("*") else " "
        array = f"[{item.count}]" if item.count > 1 else ""
        note = f" /* {item.doc} */" if docs else ""
        out.append(f"    {kind}{space}{item.name}{array};{note}\n")
    out.append(f"}} {record.c_name};\n\n")
    return "".join(out)


def many_args_struct(model: Model, operation: Operation, docs: bool = True) -> str:
    name = f"{operation.c_name}_args"
    out = [comment(f"The arguments of one {operation.c_name} among many.")] if docs else []
    out.append(f"typedef struct {name} {{\n")
    out.append(
        f"    uint32_t size;{f' /* sizeof({name}), of the first: the step from one to the next. */' if docs else ''}\n"
    )
    out.append(f"    uint32_t reserved;{' /* Zero. */' if docs else ''}\n")
    for argument in operation.args:
        for text in parameter(model, argument):
            out.append(f"    {text};\n")
    out.append(f"}} {name};\n\n")
    return "".join(out)


def operation_numbers(model: Model) -> str:
    out = [
        comment("Which operation a record answers. The numbers are append-only."),
        "typedef int32_t kw_operation;\nenum {\n",
    ]
    for module in model.of("main"):
        for operation in module.operations:
            name = f"KW_OPERATION_{operation.handle}_{operation.name}".upper()
            out.append(f"    {name} = {operation.number},\n")
    out.append("};\n\n")
    return "".join(out)
