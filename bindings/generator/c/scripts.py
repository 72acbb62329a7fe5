"""The scripts of core/lua as constants of C."""

from __future__ import annotations

from ..model import Model
from .text import comment, generated, quote


def scripts_header(model: Model, library: str, layer: str) -> str:
    guard = f"KW__{layer}_SCRIPTS_H".upper()
    out = [generated("core/lua"), f'#ifndef {guard}\n#define {guard}\n\n#include "redis/script.h"\n\n']
    for name in scripts_of(model, library):
        script = model.scripts[name]
        head = (("Keys", script.keys), ("Arguments", script.args), ("Reply", script.reply))
        told = " ".join(f"{word}: {', '.join(names) or 'none'}." for word, names in head)
        out.append(comment(f"{script.doc} {told}"))
        out.append(f"extern const kw__script kw__script_{name};\n")
        if script.replies_array:
            out.append("enum {\n")
            for index, word in enumerate(script.reply):
                out.append(f"    KW__{name.upper()}_{word.upper()} = {index},\n")
            out.append(f"    KW__{name.upper()}_REPLIES = {len(script.reply)}\n}};\n")
        out.append("\n")
    out.append("#endif\n")
    return "".join(out)


def scripts_source(model: Model, library: str, layer: str) -> str:
    out = [generated("core/lua"), f'#include "{layer}/{layer}_scripts.h"\n\n']
    out.append("/* ISO C promises 4,095 characters in a literal; gcc and clang have no such bound. */\n")
    out.append('#pragma GCC diagnostic ignored "-Woverlength-strings"\n\n')
    for name in scripts_of(model, library):
        script = model.scripts[name]
        lines = "\n".join(f"            {quote(line)}" for line in script.text.splitlines(keepends=True))
        out.append(
            f'const kw__script kw__script_{name} = {{\n    .name = "{name}",\n    .sha1 = "{script.sha1}",\n'
            f"    .keys = {_fixed(script.keys)},\n    .args = {_fixed(script.args)},\n"
            f"    .length = {len(script.text.encode())},\n    .text =\n{lines},\n}};\n\n"
        )
    return "".join(out).rstrip() + "\n"


def _fixed(words: list[str]) -> int:
    return sum(word != "..." for word in words)


def scripts_of(model: Model, library: str) -> list[str]:
    names: list[str] = []
    for module in model.of(library):
        for operation in module.operations:
            names.extend(name for name in operation.scripts if name not in names)
    return sorted(names)
