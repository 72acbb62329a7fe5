"""Go's names, types and texts for what the spec says."""

from __future__ import annotations

import re

from .. import words
from ..model import Argument, Enum, Field, Function, Model, Module, Operation
from ..words import bare, fill, lower_first, paragraphs

WIDTH = 118
INITIALISMS = frozenset({"ok", "ttl", "url", "http", "id", "tls", "ca", "gcra", "ifeq", "delifeq", "delex", "increx"})
KEYWORDS = {"type", "func", "range", "map", "select", "go", "defer", "chan", "var", "package", "import", "interface"}
ARTICLES = {"a", "an", "the", "what", "how", "who", "where", "which", "one"}
VERBS = {"tells"}
GO_TYPES = {
    "i32": "int",
    "i64": "int64",
    "u8": "uint8",
    "u64": "uint64",
    "size": "int",
    "char": "string",
    "text": "string",
    "name": "string",
    "key": "string",
    "bytes": "[]byte",
    "duration": "time.Duration",
    "time": "time.Time",
}
C_SCALARS = {"i32": "C.int32_t", "i64": "C.int64_t", "u64": "C.uint64_t", "u8": "C.uint8_t", "size": "C.size_t"}


def c_field(value: str, name: str) -> str:
    return f"{value}.{'_' if name in KEYWORDS else ''}{name}"


def pascal(name: str) -> str:
    return words.camel(name, INITIALISMS)


def local(name: str) -> str:
    """A parameter's name: lower camel, and none of Go's own words."""
    text = pascal(bare(name))
    text = text[:1].lower() + text[1:] if not text.isupper() else text.lower()
    return text + "_" if text in KEYWORDS else text


def value_name(enum: Enum, name: str) -> str:
    """DENIED of status is StatusDenied; ROLE_PRIMARY of role is RolePrimary."""
    prefix = pascal(enum.name)
    full = pascal(name)
    return full if full.startswith(prefix) else prefix + full


def type_of(item: Field | Argument) -> str:
    if isinstance(item, Argument) and item.is_text:
        return "string"
    if item.type == "record" and item.record:
        return f"[]{pascal(item.record)}"
    if item.unit == "us":
        return "time.Duration"
    if item.unit == "unix_us":
        return "time.Time"
    if item.enum:
        return pascal(item.enum)
    if words.is_switch(item):
        return "bool"
    return GO_TYPES[item.type]


def from_c(item: Field, source: str) -> str:
    """The Go value of one field."""
    field = c_field(source, item.name)
    kind = type_of(item)
    if item.type == "char":
        return f"text({field}[:])"
    if item.unit == "us":
        return f"duration({field})"
    if item.unit == "unix_us":
        return f"moment({field})"
    return f"{field} != 0" if kind == "bool" else f"{kind}({field})"


def to_c(item: Field | Argument, value: str) -> str:
    """The C value of a number."""
    if item.unit == "us" or item.type in ("duration", "timeout"):
        return f"microseconds({value})"
    if item.unit == "unix_us":
        return f"unixMicro({value})"
    if words.is_switch(item):
        return f"{C_SCALARS[item.type]}(flag({value}))" if item.type != "i64" else f"flag({value})"
    return f"{C_SCALARS[item.type]}({value})"


class Text:
    """The text of one module's file, as it grows."""

    def __init__(self, model: Model, module: Module) -> None:
        self.model, self.module = model, module
        self.out: list[str] = []
        self.tables: list[str] = []

    def words(self, text: str) -> str:
        text = re.sub(r"\b([a-z_]+)\.([a-z_]+)\b", self.member, words.translate(text, self.name))
        return text.replace("many threads", "many goroutines")

    def member(self, found: re.Match[str]) -> str:
        """decision.count is decision.Count."""
        known = any(record.name == found[1] for module in self.model.modules for record in module.records)
        return f"{found[1]}.{pascal(bare(found[2]))}" if known else found[0]

    def described(self, item: Field | Argument) -> str:
        return self.words(words.described(self.model, item))

    def name(self, word: str) -> str | None:
        """What Go calls a thing of C's; None where there is no such thing."""
        if word == "NULL":
            return "nil"
        if word.startswith("KW_"):
            stem = word.removeprefix("KW_")
            for value in self.model.enum("status").values:
                if value.name == stem:
                    return f"Err{pascal(stem)}" if value.value < 0 else f"Status{pascal(stem)}"
            if stem == "DEFAULT_TIMEOUT":
                return "0"
            for module in self.model.modules:
                for enum in module.enums:
                    if any(value.name == stem for value in enum.values):
                        return value_name(enum, stem)
            return pascal(stem)
        if word.startswith("kw_"):
            for module in self.model.modules:
                for function in [*module.functions, *module.operations]:
                    if function.c_name == word:
                        return self.method(function)
                for item in [*module.records, *module.enums, *module.handles]:
                    if f"kw_{item.name}" == word:
                        return pascal(item.name)
            return None
        fields = {item.name for module in self.model.modules for record in module.records for item in record.fields}
        if word in fields:
            return pascal(bare(word))
        return local(word) if word.endswith("_us") else None

    def method(self, function: Function | Operation) -> str:
        if not function.handle:
            return pascal(function.name)
        if function.name == "open":
            return "Open" if function.handle == "client" else f"Client.{pascal(function.handle)}"
        return f"{pascal(function.handle)}.{pascal(function.name)}"

    def doc(self, name: str, text: str, indent: str = "", noun: str = "") -> None:
        """A comment that begins with the name, as Go has it."""
        first, *rest = paragraphs(text)
        self.comment([opening(name, self.words(first), noun), *map(self.words, rest)], indent)

    def comment(self, parts: list[str], indent: str = "") -> None:
        """Paragraphs; a run of them that begins with "- " is a list."""
        prefix = f"{indent}//"
        for index, part in enumerate(parts):
            listed = part.startswith("- ")
            if index and not (listed and parts[index - 1].startswith("- ")):
                self.out.append(f"{prefix}\n")
            if listed:
                self.out.append(fill(part, f"{prefix}  ", WIDTH, hanging="  "))
            else:
                self.out.append(fill(part, prefix, WIDTH))


def opening(name: str, text: str, noun: str = "") -> str:
    """The first sentence as Go has it: it begins with the name. A noun without an article needs a verb before it."""
    word = text.split()[0].lower()
    verb = "is " if word in ARTICLES else f"{noun} " if noun and word not in VERBS else ""
    return f"{name} {verb}{lower_first(text)}"


def wrapped(head: str, arguments: list[str], indent: int) -> str:
    """A call whose arguments go on in the next line where they must."""
    lines, width = [head], WIDTH - 4 * indent
    for index, argument in enumerate(arguments):
        piece = argument + (")" if index == len(arguments) - 1 else ",")
        if len(lines[-1]) + len(piece) + 1 > (width if len(lines) == 1 else width - 4):
            lines.append(piece)
        else:
            lines[-1] += piece if lines[-1].endswith("(") else f" {piece}"
    return ("\n" + "\t" * (indent + 1)).join(lines)


def aligned(rows: list[list[str]], indent: str = "\t") -> str:
    """Rows of cells in columns, as gofmt sets neighbouring lines."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "".join(
        indent + " ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) + "\n"
        for row in rows
    )


def quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
