"""Emits C: public headers, exported functions, rows of the operation table, scripts, export lists."""

from __future__ import annotations

from ..model import Model
from .abi import abi
from .contract import argument_text, common
from .exports import symbols, version_script
from .header import header, many_args_struct, record_struct
from .prototypes import call_prototype, function_prototype, many_prototype, submit_prototype
from .rows import rows, rows_header
from .scripts import scripts_header, scripts_source
from .status import status_tables
from .text import C_TYPES, field_type, generated

#: What other emitters use.
__all__ = [
    "C_TYPES",
    "argument_text",
    "call_prototype",
    "common",
    "emit",
    "field_type",
    "function_prototype",
    "generated",
    "many_args_struct",
    "many_prototype",
    "record_struct",
    "submit_prototype",
]


def emit(model: Model) -> dict[str, str]:
    files = {
        "core/include/keywright.h": header(model, "main"),
        "core/include/keywright_test.h": header(model, "test"),
        "core/src/base/status.c": status_tables(model),
    }
    for module in model.modules:
        stem = f"core/src/{module.layer}/{module.name}_rows"
        if module.operations:
            files[f"{stem}.h"] = rows_header(model, module)
            files[f"{stem}.c"] = rows(model, module)
        folder = "core/src/abi/testing" if module.library == "test" else "core/src/abi"
        files[f"{folder}/{module.name}.c"] = abi(model, module)
    for library, layer in (("main", "primitives"), ("test", "testing")):
        files[f"core/src/{layer}/{layer}_scripts.h"] = scripts_header(model, library, layer)
        files[f"core/src/{layer}/{layer}_scripts.c"] = scripts_source(model, library, layer)
    main = symbols(model, ["main"])
    test = symbols(model, ["main", "test"])
    files["core/symbols.txt"] = "".join(f"{name}\n" for name in main)
    for stem, names in (("keywright", main), ("keywright_test", test)):
        files[f"core/{stem}.map"] = version_script(names)
        files[f"core/{stem}.exports"] = "".join(f"_{name}\n" for name in names)
    return files
