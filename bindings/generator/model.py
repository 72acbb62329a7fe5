"""The spec as objects. Whatever an emitter needs is answered here, once; spec.py reads, check.py refuses."""

from __future__ import annotations

from dataclasses import dataclass, field


class SpecError(Exception):
    """The spec says something that cannot stand."""


#: What an argument or field may be. The words are explained in bindings/api/README.md.
SCALARS = {"i32", "i64", "u8", "u64", "size", "duration", "timeout", "wait", "time"}
BYTES = {"name", "key", "bytes"}
OUTPUTS = {"record_out", "record_array_out", "handle_out", "buffer", "size_out", "i64_out", "memory_out"}
ARGUMENT_TYPES = SCALARS | BYTES | OUTPUTS | {"text", "record", "handle", "handles", "calls"}
#: What a call can copy and keep: no places to write to, nothing borrowed.
OPERATION_TYPES = (SCALARS - {"timeout"}) | BYTES | {"record", "calls"}
#: How many arguments of bytes a row has room for: spans of engine/row.h.
SPANS_MAX = 8
FIELD_TYPES = {"i32", "i64", "u8", "u64", "size", "char", "text", "pointer", "record"}
CLASSES = {"read", "state", "record", "never"}
ROLES = {"constructor", "destructor", "plain", "query", "count"}
BYTES_MAX = {"name": 255, "key": 1024}
BYTES_MIN = {"name": 1, "key": 0, "bytes": 0}
#: Words that C or C++ keeps for itself; the other languages' own are dealt with by their emitters.
_OF_C = """
auto break case char class const continue default delete do double else enum extern float for goto if inline int long
new private protected public register restrict return short signed sizeof static struct switch template this typedef
union unsigned using virtual void volatile while"""
KEYWORDS = frozenset(_OF_C.split())


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
    record: str = ""
    length: str = ""  # the field that says how many of the records are there
    inner = None  # of type record: the Record that it names, which the model finds; no word of the spec


SIZES = {"i32": 4, "i64": 8, "u8": 1, "u64": 8, "size": 8, "char": 1, "text": 8, "pointer": 8}


@dataclass
class Layout:
    """Where each field lies on a 64-bit machine, by C's rules."""

    names: list[str]
    offsets: list[int]
    size: int
    align: int


@dataclass
class Record:
    name: str
    doc: str
    fields: list[Field]
    prefix: str = "kw"
    size: int = 0
    sized: bool = False
    #: Arguments that stay beside the result, for operations that take it back.
    keeps: list[str] = field(default_factory=list)

    @property
    def c_name(self) -> str:
        return f"{self.prefix}_{self.name}"

    @property
    def told(self) -> list[Field]:
        """The fields as languages have them: X_offset and X_length, which lie beside each other, are the bytes X."""
        lengths = {item.name for item in self.fields if item.name.endswith("_length")}
        bytes_of = {
            item.name: item.name.removesuffix("_offset")
            for item in self.fields
            if item.name.endswith("_offset") and f"{item.name.removesuffix('_offset')}_length" in lengths
        }
        out = []
        for item in self.fields:
            if item.name in bytes_of:
                out.append(Field(bytes_of[item.name], item.unit or "bytes", item.doc))
            elif item.name.removesuffix("_length") not in bytes_of.values():
                out.append(item)
        return out

    @property
    def layout(self) -> Layout:
        fields = [("size", 4, 4, 1), ("flags", 4, 4, 1)] if self.sized else []
        for item in self.fields:
            inner = item.inner.layout if item.inner else None
            size, step = (inner.size, inner.align) if inner else (SIZES[item.type], SIZES[item.type])
            fields.append((item.name, size, step, item.count))
        names, offsets, offset, align = [], [], 0, 1
        for name, size, step, count in fields:
            offset = -(-offset // step) * step
            names.append(name)
            offsets.append(offset)
            offset += size * count
            align = max(align, step)
        return Layout(names, offsets, -(-offset // align) * align, align)

    @property
    def nested(self) -> Field | None:
        """The field that holds other records."""
        return next((item for item in self.fields if item.inner), None)


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
    of: str = ""  # the operation that calls are of

    @property
    def is_text(self) -> bool:
        """Bytes that languages take as a text."""
        return self.type == "bytes" and self.unit == "name"


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
    args: list[Argument] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)  # what a no means of this operation, by status
    result: str = ""
    asks: bool = False
    mutates: bool = False
    many: bool = False
    grants: bool = False
    steps: bool = False
    locally: bool = False  # it may be answered without the server
    concludes: bool = False  # it is told how it ended, and may turn a failure into an answer
    coalesces: bool = False  # several calls that are alike may go as one command
    keeps_state: bool = False  # its call keeps something of its own from its start to its end
    serves: bool = False  # which object does it depends on its key
    reads_errors: bool = False  # decode is shown error replies too
    shows: str = ""  # the field of the result that Python gives alone
    patient: str = ""  # the operation that this one is when the caller has patience: the same arguments and a wait
    items: str = ""  # what comes back is a list of these records
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

    @property
    def replies_array(self) -> bool:
        """Whether the reply's parts have places, so that C needs names for them: one value needs none."""
        return len(self.reply) > 1 or "return {" in self.text


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
    of: str = ""  # the module that it is a part of
    numbers: list[int] = field(default_factory=list)  # first and last of the block that its operations' numbers lie in
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

    def __post_init__(self) -> None:
        for module in self.modules:
            for record in module.records:
                for item in record.fields:
                    item.inner = self.record(item.record) if item.record else None

    def record(self, name: str) -> Record:
        return self._find("records", name)

    def enum(self, name: str) -> Enum:
        return self._find("enums", name)

    def handle(self, name: str) -> Handle:
        return self._find("handles", name)

    def operation(self, name: str) -> Operation:
        """By its full name, as limiter.hit."""
        for module in self.modules:
            for item in module.operations:
                if item.full_name == name:
                    return item
        raise SpecError(f"the spec names {name!r}, which is none of its operations")

    def home(self, operation: Operation) -> Module:
        return next(module for module in self.modules if operation in module.operations)

    def _find(self, kind: str, name: str):
        for module in self.modules:
            for item in getattr(module, kind):
                if item.name == name:
                    return item
        raise SpecError(f"the spec names {name!r}, which is none of its {kind}")

    def of(self, library: str) -> list[Module]:
        return [module for module in self.modules if module.library == library]
