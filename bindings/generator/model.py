"""Reads bindings/api/*.toml into one checked model. Whatever an emitter needs is answered here, once."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path


class SpecError(Exception):
    """The spec says something that cannot stand."""


#: What an argument or field may be. The words are explained in bindings/api/README.md.
SCALARS = {"i32", "i64", "u8", "u64", "size", "duration", "timeout", "wait", "time"}
BYTES = {"name", "key", "bytes"}
ARGUMENT_TYPES = SCALARS | BYTES | {
    "text", "record", "record_out", "record_array_out", "handle", "handle_out", "buffer", "size_out", "i64_out", "memory_out",
}
FIELD_TYPES = {"i32", "i64", "u8", "u64", "size", "char", "text", "pointer"}
CLASSES = {"read", "state", "record", "never"}
ROLES = {"constructor", "destructor", "plain", "query", "count"}
BYTES_MAX = {"name": 255, "key": 1024}
BYTES_MIN = {"name": 1, "key": 0, "bytes": 0}


@dataclass
class Constant:
    name: str
    type: str
    value: str
    doc: str


@dataclass
class Value:
    name: str
    value: int
    doc: str


@dataclass
class Enum:
    name: str
    doc: str
    values: list[Value]
    open: bool = False
    flags: bool = False


@dataclass
class Field:
    name: str
    type: str
    doc: str
    count: int = 1
    unit: str = ""
    min: int | None = None
    max: int | None = None
    nullable: bool = False
    enum: str = ""


SIZES = {"i32": 4, "i64": 8, "u8": 1, "u64": 8, "size": 8, "char": 1, "text": 8, "pointer": 8}


@dataclass
class Layout:
    """Where each field lies on a 64-bit machine, by C's rules."""

    names: list[str]
    offsets: list[int]
    size: int


@dataclass
class Record:
    name: str
    doc: str
    fields: list[Field]
    prefix: str = "kw"
    size: int = 0
    sized: bool = False
    keeps: list[str] = field(default_factory=list)  # arguments that stay beside the result, for operations that take it back

    @property
    def c_name(self) -> str:
        return f"{self.prefix}_{self.name}"

    @property
    def layout(self) -> Layout:
        fields = [("size", 4, 1), ("flags", 4, 1)] if self.sized else []
        fields += [(item.name, SIZES[item.type], item.count) for item in self.fields]
        names, offsets, offset, align = [], [], 0, 1
        for name, size, count in fields:
            offset = -(-offset // size) * size
            names.append(name)
            offsets.append(offset)
            offset += size * count
            align = max(align, size)
        return Layout(names, offsets, -(-offset // align) * align)


@dataclass
class Handle:
    """shared: many threads may use it at once."""

    name: str
    doc: str
    belongs_to: str = ""
    shared: bool = True

    @property
    def c_name(self) -> str:
        return f"kw_{self.name}"


@dataclass
class Argument:
    name: str
    type: str
    doc: str
    min: int | None = None
    max: int | None = None
    default: int | None = None
    nullable: bool = False
    record: str = ""
    handle: str = ""
    unit: str = ""
    enum: str = ""


@dataclass
class Function:
    name: str
    role: str
    doc: str
    threads: str
    round_trips: str
    since: str
    args: list[Argument] = field(default_factory=list)
    handle: str = ""
    prefix: str = ""
    returns: str = "status"
    statuses: list[str] = field(default_factory=list)
    asks: bool = False
    by_hand: bool = False

    @property
    def c_name(self) -> str:
        return f"kw_{self.handle}_{self.name}" if self.handle else f"{self.prefix or 'kw'}_{self.name}"


@dataclass
class Operation:
    name: str
    handle: str
    number: int
    klass: str
    doc: str
    threads: str
    round_trips: str
    since: str
    statuses: list[str]
    args: list[Argument]
    asks: bool
    result: str = ""
    mutates: bool = False
    many: bool = False
    grants: bool = False
    steps: bool = False
    patient: str = ""  # the operation that this one is when the caller has patience: the same arguments and a wait
    scripts: list[str] = field(default_factory=list)

    @property
    def c_name(self) -> str:
        return f"kw_{self.handle}_{self.name}"

    @property
    def full_name(self) -> str:
        return f"{self.handle}.{self.name}"

    @property
    def symbol(self) -> str:
        """The stem of everything internal: kw__<handle>_<name>_encode and so on."""
        return f"kw__{self.handle}_{self.name}"


@dataclass
class Script:
    """A file of core/lua: its head is parsed, its includes are put in, its comments taken out."""

    name: str
    doc: str
    keys: list[str]
    args: list[str]
    reply: list[str]
    text: str
    sha1: str


@dataclass
class Module:
    name: str
    prefix: str
    layer: str
    summary: str
    text: str
    includes: list[str]
    source: str
    library: str = "main"
    constants: list[Constant] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    handles: list[Handle] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)


@dataclass
class Model:
    version: str
    modules: list[Module]
    scripts: dict[str, Script]

    def record(self, name: str) -> Record:
        return self._find("records", name)

    def enum(self, name: str) -> Enum:
        return self._find("enums", name)

    def handle(self, name: str) -> Handle:
        return self._find("handles", name)

    def _find(self, kind: str, name: str):
        for module in self.modules:
            for item in getattr(module, kind):
                if item.name == name:
                    return item
        raise SpecError(f"the spec names {name!r}, which is none of its {kind}")

    def of(self, library: str) -> list[Module]:
        return [module for module in self.modules if module.library == library]


def load(root: Path) -> Model:
    """Reads VERSION, the spec and the scripts below root."""
    version = (root / "VERSION").read_text().strip()
    paths = sorted((root / "bindings/api").glob("*.toml"), key=lambda path: (path.stem != "keywright", path.stem))
    modules = [_module(path) for path in paths]
    scripts = {path.stem: _script(path) for path in sorted((root / "core/lua").glob("*.lua"))}
    model = Model(version, modules, scripts)
    _check(model)
    return model


def _make(cls, table: dict, where: str, **extra):
    names = set(cls.__dataclass_fields__)
    unknown = set(table) - names
    if unknown:
        raise SpecError(f"{where}: unknown words {sorted(unknown)}")
    try:
        return cls(**table, **extra)
    except TypeError as error:
        raise SpecError(f"{where}: {error}") from None


def _module(path: Path) -> Module:
    data = tomllib.loads(path.read_text())
    where = path.name
    module = _make(Module, data["module"], where, source=f"bindings/api/{path.name}")
    module.constants = [_make(Constant, table, where) for table in data.get("constant", [])]
    for table in data.get("enum", []):
        table["values"] = [_make(Value, value, f"{where} {table['name']}") for value in table["values"]]
        module.enums.append(_make(Enum, table, where))
    for table in data.get("record", []):
        table["fields"] = [_make(Field, value, f"{where} {table['name']}") for value in table["fields"]]
        module.records.append(_make(Record, table, where))
    module.handles = [_make(Handle, table, where) for table in data.get("handle", [])]
    for table in data.get("function", []):
        table["args"] = [_make(Argument, value, f"{where} {table['name']}") for value in table.get("args", [])]
        module.functions.append(_make(Function, table, where))
    for table in data.get("operation", []):
        table["args"] = [_make(Argument, value, f"{where} {table['name']}") for value in table["args"]]
        table["klass"] = table.pop("class")
        module.operations.append(_make(Operation, table, where))
    return module


HEAD = re.compile(r"^-- (KEYS|ARGV|REPLY):\s*(.*)$")


def _script(path: Path) -> Script:
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
        declared = set(range(1, len(head[word]) + 1))
        if used != declared:
            raise SpecError(f"{path.name}: its head declares {word} {sorted(declared)}, its body uses {sorted(used)}")
    return Script(path.stem, lines[1].split(": ", 1)[1], head["KEYS"], head["ARGV"], head["REPLY"], body,
                  hashlib.sha1(body.encode()).hexdigest())


def _expand(path: Path, lines: list[str]) -> str:
    """The text that the server gets: includes put in, comments and indentation taken out."""
    out = []
    for line in lines:
        include = re.match(r"^--@include (\w+)$", line)
        if include:
            part = path.parent / "include" / f"{include[1]}.lua"
            out.extend(_expand(part, part.read_text().splitlines()).splitlines())
            continue
        code = line.strip()
        if code.startswith("--"):
            continue
        code = re.sub(r"\s+--\s.*$", "", code)
        if code:
            out.append(code)
    return "\n".join(out) + "\n"


def _text(doc: str, name: str, where: str) -> None:
    words = re.findall(r"[a-z0-9]+", doc.lower())
    if "todo" in words or not words:
        raise SpecError(f"{where}: {name} has no text")
    if words == re.findall(r"[a-z0-9]+", name.lower()) or (len(words) < 2 and doc not in ("Zero.",)):
        raise SpecError(f"{where}: the text of {name} only repeats its name")


def _unique(items, where: str) -> None:
    seen: set = set()
    for item in items:
        if item in seen:
            raise SpecError(f"{where}: {item!r} stands twice")
        seen.add(item)


def _check(model: Model) -> None:
    """Refuses what no emitter could make good: missing texts, doubled numbers, names that nothing bears."""
    statuses = {value.name for value in model.enum("status").values}
    numbers = []
    for module in model.modules:
        where = module.source
        for enum in module.enums:
            _text(enum.doc, enum.name, where)
            _unique([value.value for value in enum.values], f"{where} {enum.name}")
            for value in enum.values:
                _text(value.doc, value.name, where)
                if enum.flags and value.value & (value.value - 1):
                    raise SpecError(f"{where}: flag {value.name} is not one bit")
        for record in module.records:
            _text(record.doc, record.name, where)
            for item in record.fields:
                _text(item.doc, item.name, where)
                if item.enum:
                    model.enum(item.enum)
                if item.type not in FIELD_TYPES:
                    raise SpecError(f"{where}: {record.name}.{item.name} has unknown type {item.type!r}")
        for handle in module.handles:
            _text(handle.doc, handle.name, where)
            if handle.name in KEYWORDS:
                raise SpecError(f"{where}: {handle.name} is a word of C: name the handle otherwise")
        for function in [*module.functions, *module.operations]:
            _text(function.doc, function.name, where)
            for status in function.statuses:
                if status not in statuses:
                    raise SpecError(f"{where}: {function.c_name} names unknown status {status!r}")
            if function.handle:
                model.handle(function.handle)
            for argument in function.args:
                _argument(model, argument, f"{where} {function.c_name}")
        for function in module.functions:
            if function.role not in ROLES:
                raise SpecError(f"{where}: {function.c_name} has unknown role {function.role!r}")
        for operation in module.operations:
            if operation.klass not in CLASSES:
                raise SpecError(f"{where}: {operation.full_name} has unknown class {operation.klass!r}")
            if operation.klass == "read" and operation.mutates:
                raise SpecError(f"{where}: {operation.full_name} cannot both mutate and be of class read")
            if operation.result:
                for name in model.record(operation.result).keeps:
                    if name not in {argument.name for argument in operation.args}:
                        raise SpecError(f"{where}: {operation.full_name} has no {name}, which its result keeps")
            for script in operation.scripts:
                if script not in model.scripts:
                    raise SpecError(f"{where}: {operation.full_name} names core/lua/{script}.lua, which is not there")
            if operation.patient:
                _patient(module, operation)
            numbers.append(operation.number)
    _unique(numbers, "operation numbers")
    _unique([item.c_name for module in model.modules
             for kind in (module.functions, module.operations, module.records, module.handles) for item in kind], "C names")
    used = {script for module in model.modules for operation in module.operations for script in operation.scripts}
    for name in model.scripts:
        if name not in used:
            raise SpecError(f"core/lua/{name}.lua is named by no operation")


def _patient(module: Module, operation: Operation) -> None:
    other = next((item for item in module.operations
                  if item.handle == operation.handle and item.name == operation.patient), None)
    if other is None or [item.name for item in other.args if item.type != "wait"] != [item.name for item in operation.args]:
        raise SpecError(f"{module.source}: {operation.full_name} has no {operation.patient} with its arguments and a wait")


#: Words that C or C++ keeps for itself; the other languages' own are dealt with by their emitters.
KEYWORDS = set("auto break case char class const continue default delete do double else enum extern float for goto if inline int "
               "long new private protected public register restrict return short signed sizeof static struct switch template "
               "this typedef union unsigned using virtual void volatile while".split())


def _argument(model: Model, argument: Argument, where: str) -> None:
    _text(argument.doc, argument.name, where)
    if argument.name in KEYWORDS:
        raise SpecError(f"{where}: {argument.name} is a word of C: name it otherwise")
    if argument.type not in ARGUMENT_TYPES:
        raise SpecError(f"{where}: argument {argument.name} has unknown type {argument.type!r}")
    if argument.type in BYTES:
        argument.max = argument.max or BYTES_MAX.get(argument.type)
        if argument.max is None:
            raise SpecError(f"{where}: bytes {argument.name} must state their max")
    if argument.enum:
        model.enum(argument.enum)
    if argument.record:
        model.record(argument.record)
    if argument.handle:
        model.handle(argument.handle)
