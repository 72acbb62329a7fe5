"""Reads VERSION, bindings/api/*.toml and core/lua/*.lua into one checked model."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path

from .check import check
from .model import (
    Argument,
    Constant,
    Enum,
    Field,
    Function,
    Handle,
    Model,
    Module,
    Operation,
    Record,
    Script,
    SpecError,
    Value,
)

#: The tables that a file of the spec may have.
TABLES = {"module", "constant", "enum", "record", "handle", "function", "operation"}
#: Words of the spec that Python keeps for itself.
RENAMED = {"class": "klass"}


def load(root: Path) -> Model:
    """The spec and the scripts below root."""
    version = (root / "VERSION").read_text().strip()
    paths = sorted((root / "bindings/api").glob("*.toml"))
    modules = [module(path.read_text(), f"bindings/api/{path.name}") for path in paths]
    # What is a part of another stands behind it, for it uses what that declares.
    modules.sort(key=lambda each: (each.name != "keywright", each.of or each.name, bool(each.of), each.name))
    scripts = {path.stem: script(path) for path in sorted((root / "core/lua").glob("*.lua"))}
    model = Model(version, modules, scripts)
    check(model)
    return model


def module(text: str, source: str) -> Module:
    """One file of the spec; source is its name in what is complained of."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{source}: {error}") from None
    unknown = sorted(set(data) - TABLES)
    if unknown or "module" not in data:
        raise SpecError(f"{source}: " + (f"unknown tables {unknown}" if unknown else "it lacks [module]"))
    made = _make(Module, data["module"], f"{source}: module", source=source)
    for kind, cls, inner, parts in (
        ("constant", Constant, "", None),
        ("enum", Enum, "values", Value),
        ("record", Record, "fields", Field),
        ("handle", Handle, "", None),
        ("function", Function, "args", Argument),
        ("operation", Operation, "args", Argument),
    ):
        for table in data.get(kind, []):
            name = ".".join(part for part in (table.get("handle", ""), table.get("name", "?")) if part)
            where = f"{source}: {kind} {name}"
            if inner in table:
                table[inner] = [_make(parts, part, f"{where}: {part.get('name', '?')}") for part in table[inner]]
            getattr(made, f"{kind}s").append(_make(cls, table, where))
    return made


def _make(cls, table: dict, where: str, **extra):
    words = {RENAMED.get(word, word): value for word, value in table.items()}
    known = {item.name: item for item in fields(cls)}
    spelled = {python: spec for spec, python in RENAMED.items()}
    unknown = sorted(word for word in table if word in spelled or RENAMED.get(word, word) not in known)
    if unknown:
        raise SpecError(f"{where}: unknown words {unknown}")
    for name, item in known.items():
        given = name in words or name in extra
        if not given and item.default is MISSING and item.default_factory is MISSING:
            raise SpecError(f"{where} lacks {spelled.get(name, name)!r}")
        if item.type == "bool" and given and not isinstance(words[name], bool):
            raise SpecError(f"{where}: {name} is true or false")
    return cls(**words, **extra)


# The last word of KEYS or ARGV: more of them follow, as many as the caller writes.
MORE = "..."
HEAD = re.compile(r"^-- (KEYS|ARGV|REPLY):\s*(.*)$")


def script(path: Path) -> Script:
    """A script's first line is its shebang, then `-- name: text`, then KEYS, ARGV and REPLY, then the body."""
    lines = path.read_text().splitlines()
    if not lines or not lines[0].startswith("#!lua"):
        raise SpecError(f"{path.name}: the first line must be a shebang, as '#!lua flags='")
    if len(lines) < 2 or not lines[1].startswith(f"-- {path.stem}: "):
        raise SpecError(f"{path.name}: the second line must be '-- {path.stem}: what it does'")
    head: dict[str, list[str]] = {"KEYS": [], "ARGV": [], "REPLY": []}
    seen: set[str] = set()
    for line in lines[2:]:
        match = HEAD.match(line)
        if match:
            seen.add(match[1])
            head[match[1]] = [word.strip() for word in match[2].split(",") if word.strip()]
    if seen != set(head):
        raise SpecError(f"{path.name}: its head must state KEYS, ARGV and REPLY")
    body = _expand(path, lines)
    for word in ("KEYS", "ARGV"):
        used = {int(number) for number in re.findall(rf"\b{word}\[(\d+)\]", body)}
        more = head[word][-1:] == [MORE]
        declared = set(range(1, len(head[word]) + 1 - more))
        if used != declared:
            raise SpecError(f"{path.name}: its head declares {word} {sorted(declared)}, its body uses {sorted(used)}")
    return Script(
        path.stem,
        lines[1].split(": ", 1)[1],
        head["KEYS"],
        head["ARGV"],
        head["REPLY"],
        body,
        hashlib.sha1(body.encode()).hexdigest(),
    )


def _expand(path: Path, lines: list[str]) -> str:
    """The text that the server gets: includes put in, comments and indentation taken out."""
    out = []
    for line in lines:
        include = re.match(r"^--@include (\w+)$", line)
        if include:
            folder = path.parent if path.parent.name == "include" else path.parent / "include"
            part = folder / f"{include[1]}.lua"
            out.extend(_expand(part, part.read_text().splitlines()).splitlines())
            continue
        code = line.strip()
        if code.startswith("--"):
            continue
        code = re.sub(r"\s+--\s.*$", "", code)
        if code:
            out.append(code)
    return "\n".join(out) + "\n"
