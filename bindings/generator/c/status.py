"""The names and texts of the statuses."""

from __future__ import annotations

from ..model import Model
from .text import generated, quote


def status_tables(model: Model) -> str:
    enum = model.enum("status")
    out = [generated("bindings/api/keywright.toml"), '#include "base/error.h"\n\n']
    for word, text in (("name", lambda value: value.name), ("text", lambda value: value.doc)):
        out.append(f"const char *kw__status_{word}(int32_t status) {{\n    switch (status) {{\n")
        for value in enum.values:
            out.append(f"    case KW_{value.name}:\n        return {quote(text(value))};\n")
        none = "?" if word == "name" else "No status of this library."
        out.append(f"    default:\n        return {quote(none)};\n    }}\n}}\n\n")
    return "".join(out).rstrip() + "\n"
