"""One module's file in the crate keywright, with the imports that its text turns out to need."""

from __future__ import annotations

import re

from .. import words
from .calls import Calls
from .names import generated
from .types import Types

#: What generated text may use, and where it comes from.
CRATE = {
    "convert": [
        "borrowed",
        "duration",
        "microseconds",
        "moment",
        "natives",
        "text",
        "unix_microseconds",
        "within",
        "Texts",
    ],
    "driver": ["answers", "AsyncHandle"],
    "handle": ["check", "records", "refused", "settled", "Handle", "Native", "Raw", "Record"],
    "list": ["listed", "Item"],
}
STANDARD = {"std::mem": ["size_of", "zeroed"], "std::time": ["Duration", "SystemTime"]}


class Source(Types, Calls):
    def text(self) -> str:
        for constant in self.module.constants:
            self.constant_item(constant)
        for enum in self.module.enums:
            self.enum(enum)
        for record in self.module.records:
            if record.name not in words.BY_HAND_RECORDS:
                self.record(record)
        for handle in self.module.handles:
            if handle.name not in words.BY_HAND_HANDLES:
                self.handle(handle)
        for function in self.module.functions:
            if not function.handle and not words.by_hand(function):
                self.free_function(function)
        for operation in self.module.operations:
            if operation.many:
                self.many_item(operation)
        self.methods()
        body = "\n".join(["".join(self.out).rstrip() + "\n", *self.tables.values()])
        return generated(self.module.source) + self.imports(body) + body

    def imports(self, body: str) -> str:
        code = re.sub(r"//.*|\"[^\"]*\"", "", body)

        def used(names: list[str]) -> list[str]:
            """Functions are called or passed on, and are not methods; types stand anywhere."""
            return [
                name
                for name in names
                if re.search(rf"\b{name}\b" if name[0].isupper() else rf"(?<!fn )(?<![\w.:]){name}\b[(),;:]", code)
            ]

        out = ["use std::fmt;\n"] if "fmt::" in code else []
        out += [line(path, used(names)) for path, names in STANDARD.items()]
        crate = [line(f"crate::{path}", used(names)) for path, names in CRATE.items()]
        others_calls = {
            argument.of
            for operation in self.module.operations
            for argument in operation.args
            if argument.type == "calls"
        }
        own = {item.name for item in [*self.module.enums, *self.module.records, *self.module.handles]}
        others = {"AsyncClient", "Client", "Result", "Wait"}
        for module in self.model.modules:
            for item in [*module.enums, *module.records, *module.handles]:
                if item.name not in own | words.BY_HAND_RECORDS | words.BY_HAND_HANDLES:
                    others.add(words.camel(item.name))
        others |= {"".join(words.camel(part) for part in name.split(".")) for name in others_calls}
        others |= {f"Async{words.camel(item.name)}" for module in self.model.modules for item in module.handles}
        root = line(
            "crate",
            used(
                sorted(others - {f"{kind}{words.camel(name)}" for name in own - {"client"} for kind in ("", "Async")})
            ),
        )
        groups = ["".join(out), "use keywright_sys as sys;\n", "".join([*crate, root])]
        return "\n".join(group for group in groups if group) + "\n"


def line(path: str, names: list[str]) -> str:
    """One `use`, its names in rustfmt's order: small letters first."""
    ordered = sorted(names, key=lambda name: (name[0].isupper(), name))
    if not ordered:
        return ""
    return f"use {path}::{ordered[0] if len(ordered) == 1 else '{' + ', '.join(ordered) + '}'};\n"
