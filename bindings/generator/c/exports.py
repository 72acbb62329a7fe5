"""What the library exports, for each kind of linker."""

from __future__ import annotations

from ..model import Model


def symbols(model: Model, libraries: list[str]) -> list[str]:
    names = []
    for library in libraries:
        for module in model.of(library):
            names.extend(function.c_name for function in module.functions)
            for operation in module.operations:
                names.extend([operation.c_name, f"kw_{operation.handle}_submit_{operation.name}"])
                if operation.many:
                    names.append(f"{operation.c_name}_many")
    return sorted(names)


def version_script(names: list[str]) -> str:
    listed = "".join(f"    {name};\n" for name in names)
    return f"KEYWRIGHT_0 {{\n  global:\n{listed}  local:\n    *;\n}};\n"
