"""Constants, enums, records and handles of the crate keywright."""

from __future__ import annotations

from .. import words
from ..model import BYTES, Argument, Constant, Enum, Field, Handle, Operation, Record
from ..words import bare, visible
from .names import WIDTH, Text, from_c, local, pascal, to_c, type_of, value_name


def literal(head: str, fields: list[str], indent: int, before: str = "", after: str = "") -> str:
    """A value of a struct as rustfmt sets it: in one line, or each field in its own."""
    space = " " * 4 * indent
    one = f"{before}{head} {{ {', '.join(fields)} }}{after}"
    if len(space) + len(one) <= WIDTH:
        return f"{space}{one}\n"
    return f"{space}{before}{head} {{\n" + "".join(f"{space}    {item},\n" for item in fields) + f"{space}}}{after}\n"


def zero(item: Field) -> str:
    return f"[0; {item.count}]" if item.count > 1 else "0"


class Types(Text):
    def constant_item(self, constant: Constant) -> None:
        if constant.name in ("DEFAULT_TIMEOUT", "FOREVER"):
            return
        self.doc(constant.doc)
        if constant.value == "INT64_MAX":
            self.out.append(f"pub const {constant.name}: Duration = Duration::MAX;\n\n")
        else:
            self.out.append(f"pub const {constant.name}: usize = {constant.value};\n\n")

    def enum(self, enum: Enum) -> None:
        name, number = pascal(enum.name), "u64" if enum.flags else "i32"
        self.doc(enum.doc)
        debug = ", Debug" if enum.flags else ""
        self.out.append(
            f"#[derive(Clone, Copy, PartialEq, Eq, Hash{debug})]\npub struct {name}({number});\n\nimpl {name} {{\n"
        )
        for value in enum.values:
            self.doc(value.doc, "    ")
            self.out.append(f"    pub const {value_name(enum, value.name)}: {name} = {name}({value.value});\n")
        self.out.append(
            f"\n    /// The number that C has for it.\n    pub fn code(self) -> {number} {{\n        self.0\n    }}\n\n"
        )
        if enum.flags:
            self.out.append(
                f"    /// Whether all of those are set.\n    pub fn contains(self, those: {name}) -> bool {{\n"
                "        self.0 & those.0 == those.0\n    }\n\n"
            )
        if enum.name == "status":
            self.status_methods(enum)
        if self.is_received(enum):
            self.out.append(
                f"    pub(crate) fn from_native(native: {number}) -> Self {{\n        {name}(native)\n    }}\n\n"
            )
        self.out[-1] = self.out[-1].rstrip("\n") + "\n"
        self.out.append("}\n\n")
        if not enum.flags:
            self.enum_names(enum, name)

    def is_received(self, enum: Enum) -> bool:
        """Whether C ever says it, as against being told."""
        received = words.results(self.model) | {"error"}
        return any(
            item.enum == enum.name
            for module in self.model.modules
            for record in module.records
            if record.name in received
            for item in record.fields
        )

    def status_methods(self, enum: Enum) -> None:
        self.out.append(
            "    /// Whether it is neither a yes nor a definite no.\n    pub fn is_failure(&self) -> bool {\n"
            "        self.0 < 0\n    }\n\n"
            "    /// What it means, in one sentence.\n    pub fn text(self) -> &'static str {\n        match self {\n"
        )
        for value in enum.values:
            self.out.append(f'            Status::{value.name} => "{plain(self.words(value.doc))}",\n')
        self.out.append('            _ => "A status that this version does not know.",\n        }\n    }\n\n')

    def enum_names(self, enum: Enum, name: str) -> None:
        self.out.append(
            f"impl fmt::Display for {name} {{\n"
            "    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {\n        match *self {\n"
        )
        for value in enum.values:
            said = value_name(enum, value.name)
            self.out.append(f'            {name}::{said} => out.write_str("{said}"),\n')
        self.out.append(
            '            other => write!(out, "{}", other.0),\n        }\n    }\n}\n\n'
            f"impl fmt::Debug for {name} {{\n"
            "    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {\n"
            f'        write!(out, "{name}::{{self}}")\n    }}\n}}\n\n'
        )

    def record(self, record: Record) -> None:
        if record.sized:
            self.options(record)
            return
        name = pascal(record.name)
        self.doc(record.doc)
        owned = any(item.type in ("char", "name", "bytes", "record") for item in visible(record))
        copied = "" if owned else ", Copy"
        self.out.append(f"#[derive(Clone{copied}, Debug, PartialEq, Eq)]\n#[non_exhaustive]\n")
        if words.has_status(record):
            self.out.append('#[must_use = "it says what the answer is"]\n')
        self.out.append(f"pub struct {name} {{\n")
        for item in visible(record):
            self.doc(words.described(self.model, item), "    ")
            self.out.append(f"    pub {local(item.name)}: {field_type(item)},\n")
        self.out.append("}\n\n")
        if record.name in words.lists(self.model):
            self.item_from_c(record, name)
        elif record.name in words.results(self.model):
            self.record_from_c(record, name)
        if record.name in words.arguments(self.model):
            self.record_native(record, name)

    def item_from_c(self, record: Record, name: str) -> None:
        fields = []
        for item in visible(record):
            if item.type in ("name", "bytes"):
                value = f"listed(list, native.{item.name}_offset, native.{item.name}_length)"
            else:
                value = from_c(item, f"native.{item.name}")
            fields.append(f"{local(item.name)}: {value}")
        self.out.append(
            f"impl Item for {name} {{\n    type Native = sys::{record.c_name};\n\n"
            f"    fn from_native(native: &Self::Native, list: &[u8]) -> Self {{\n{literal(name, fields, 2)}"
            "    }\n}\n\n"
        )

    def record_from_c(self, record: Record, name: str) -> None:
        fields = []
        for item in visible(record):
            value = f"native.{item.name}"
            if item.inner:
                value = f"records(&{value}, native.{item.length})"
            elif item.count > 1 and item.type != "char":
                made = from_c(item, "value")
                value = value if made == "value" else f"{value}.map({made.split('(')[0]})"
            else:
                value = from_c(item, value)
            fields.append(f"{local(item.name)}: {value}")
        self.out.append(
            f"impl Record for {name} {{\n    type Native = sys::{record.c_name};\n\n"
            f"    fn from_native(native: &Self::Native) -> Self {{\n{literal(name, fields, 2)}    }}\n"
        )
        if words.has_status(record):
            status = next(local(item.name) for item in record.fields if item.enum == "status")
            self.out.append(
                f"\n    fn status(&self) -> Option<Status> {{\n        Some(self.{status})\n    }}\n\n"
                f"    fn set_status(&mut self, status: Status) {{\n        self.{status} = status;\n    }}\n"
            )
        self.out.append("}\n\n")

    def record_native(self, record: Record, name: str) -> None:
        fields = []
        for item in record.fields:
            value = f"self.{local(item.name)}"
            if item not in visible(record):
                value = zero(item)
            elif item.count > 1:
                made = to_c(item, "value")
                value = value if made == "value" else f"{value}.map({made.split('(')[0]})"
            else:
                value = to_c(item, value)
            fields.append(f"{item.name}: {value}")
        self.out.append(
            f"impl {name} {{\n    fn native(&self) -> sys::{record.c_name} {{\n"
            f"{literal(f'sys::{record.c_name}', fields, 2)}    }}\n}}\n\n"
        )

    def options(self, record: Record) -> None:
        name = pascal(record.name)
        fields = visible(record)
        self.doc(record.doc)
        self.out.append(f"#[derive(Clone, Debug, Default)]\npub struct {name} {{\n")
        for item in fields:
            self.out.append(f"    pub(crate) {local(item.name)}: Option<{owned(item)}>,\n")
        self.out.append(
            f"}}\n\nimpl {name} {{\n    /// All of them by default.\n"
            "    pub fn new() -> Self {\n        Self::default()\n    }\n\n"
        )
        for item in fields:
            word = local(item.name)
            taken, value = ("impl Into<String>", f"{word}.into()") if item.type == "text" else (owned(item), word)
            self.doc(words.described(self.model, item), "    ")
            self.out.append(
                f"    pub fn {word}(mut self, {word}: {taken}) -> Self {{\n"
                f"        self.{word} = Some({value});\n        self\n    }}\n\n"
            )
        texts = any(item.type == "text" for item in fields)
        values = [f"size: size_of::<sys::{record.c_name}>() as u32", "flags: 0"]
        for item in record.fields:
            values.append(f"{item.name}: {option_value(item) if item in fields else zero(item)}")
        head = f"sys::{record.c_name}"
        if texts:
            self.out.append(f"    pub(crate) fn native(&self, texts: &mut Texts) -> Result<{head}> {{\n")
            self.out.append(literal(head, values, 2, "Ok(", ")"))
        else:
            self.out.append(f"    fn native(&self) -> {head} {{\n{literal(head, values, 2)}")
        self.out.append("    }\n}\n\n")

    def handle(self, handle: Handle) -> None:
        self.out.append(
            f"impl Native for sys::{handle.c_name} {{\n    unsafe fn free(handle: *mut Self) {{\n"
            f"        unsafe {{ sys::{handle.c_name}_free(handle) }}\n    }}\n}}\n\n"
        )
        self.out.append(
            f"// SAFETY: its documentation allows any thread.\nunsafe impl Send for Raw<sys::{handle.c_name}> {{}}\n\n"
        )
        if handle.shared:
            self.out.append(
                "// SAFETY: its documentation allows many threads at once.\n"
                f"unsafe impl Sync for Raw<sys::{handle.c_name}> {{}}\n\n"
            )
        if handle.name == "client":
            return
        for prefix, how in (("", "Its operations block."), ("Async", "Its operations are awaited, on any executor.")):
            self.doc(f"{handle.doc} {how} A clone is the same {handle.name}.")
            self.out.append(
                f"#[derive(Clone, Debug)]\npub struct {prefix}{pascal(handle.name)} {{\n"
                f"    {self.seen(handle)}handle: {prefix}Handle<sys::{handle.c_name}>,\n}}\n\n"
            )

    def seen(self, handle: Handle) -> str:
        """Other modules reach the handle where one of theirs is made of several such."""
        taken = any(
            argument.type == "handles" and argument.handle == handle.name
            for module in self.model.modules
            if module is not self.module
            for function in module.functions
            for argument in function.args
        )
        return "pub(crate) " if taken else ""

    def called(self, operation: Operation) -> str:
        """Other modules make what C takes where several such calls are an argument of theirs."""
        taken = any(
            argument.type == "calls" and argument.of == operation.full_name
            for module in self.model.modules
            if module is not self.module
            for other in module.operations
            for argument in other.args
        )
        return "pub(crate) " if taken else ""

    def many_item(self, operation: Operation) -> None:
        name = f"{pascal(operation.handle)}{pascal(operation.name)}"
        self.doc(f"One of the calls that `{pascal(operation.handle)}::{operation.name}_many` makes.")
        borrows = any(type_of(item).startswith("&") for item in operation.args)
        self.out.append(
            f"#[derive(Clone, Copy, Debug)]\npub struct {name}{'<' + chr(39) + 'a>' if borrows else ''} {{\n"
        )
        for item in operation.args:
            kind = type_of(item).replace("&", "&'a ")
            self.doc(words.described(self.model, item), "    ")
            self.out.append(f"    pub {local(item.name)}: {kind},\n")
        fields = [f"size: size_of::<sys::{operation.c_name}_args>() as u32", "reserved: 0"]
        for item in operation.args:
            value = f"self.{local(item.name)}"
            if type_of(item) == "&[u8]":
                fields += [f"{item.name}: {value}.as_ptr().cast()", f"{item.name}_length: {value}.len()"]
            else:
                fields.append(f"{item.name}: {to_c(item, value)}")
        head = f"sys::{operation.c_name}_args"
        self.out.append(
            f"}}\n\nimpl {name}{'<' + chr(39) + '_>' if borrows else ''} {{\n"
            f"    {self.called(operation)}fn native(&self) -> {head} {{\n"
            f"{literal(head, fields, 2)}    }}\n"
        )
        checks = words.item_checks(operation)
        if checks:
            self.item_check(checks)
        self.out.append("}\n\n")

    def item_check(self, checks: list[tuple[Argument, str, int, int]]) -> None:
        reasons = self.model.enum("reason")
        self.out.append("\n    fn check(&self) -> Result<()> {\n")
        for index, (item, reason, least, most) in enumerate(checks):
            field = f"self.{local(item.name)}"
            value = f"{field}.len() as i64" if item.type in BYTES else field
            end = ";" if index == len(checks) - 1 else "?;"
            made = f'within(Reason::{value_name(reasons, reason)}, "{local(item.name)}", {value}, {least}..={most})'
            self.out.append(f"        {made}{'' if end == ';' else end}\n")
        self.out.append("    }\n")


def plain(text: str) -> str:
    """A documented text as a string that programs show."""
    return text.replace("`", "").replace("\\", "").replace('"', '\\"')


def field_type(item: Field) -> str:
    if item.inner:
        return type_of(item)
    if item.type in ("name", "bytes"):
        return "Vec<u8>"
    return f"[{type_of(item)}; {item.count}]" if item.count > 1 and item.type != "char" else type_of(item)


def owned(item: Field) -> str:
    return "String" if item.type == "text" else type_of(item)


def option_value(item: Field) -> str:
    """What C is given for an option that may not be set."""
    value = f"self.{local(item.name)}"
    if item.type == "text":
        return f'texts.option("{bare(item.name)}", {value}.as_deref())?'
    if item.enum:
        return f"{value}.map_or(0, {pascal(item.enum)}::code)"
    if words.is_switch(item):
        return f"{value}.map_or(0, {item.type}::from)"
    return f"{value}.map_or(0, microseconds)" if item.unit == "us" else f"{value}.unwrap_or(0)"
