"""Enums, constants and records of the Go package."""

from __future__ import annotations

from .. import words
from ..model import Enum, Handle, Record
from ..words import bare, lower_first, visible
from .names import Text, aligned, c_field, from_c, local, pascal, quoted, to_c, type_of, value_name


class Types(Text):
    def enum(self, enum: Enum) -> None:
        name = pascal(enum.name)
        self.doc(name, enum.doc, noun="is")
        self.out.append(f"type {name} {'uint64' if enum.flags else 'int32'}\n\nconst (\n")
        self.out.append(
            aligned(
                [
                    [value_name(enum, value.name), name, f"= {value.value}", f"// {self.words(value.doc)}"]
                    for value in enum.values
                ]
            )
        )
        self.out.append(")\n\n")
        if enum.flags:
            self.out.append(
                f"// Has says whether all of those are set.\n"
                f"func (c {name}) Has(those {name}) bool {{ return c&those == those }}\n\n"
            )
            return
        stem = f"{enum.name}_".upper()
        self.out.append(f"func ({name[0].lower()} {name}) String() string {{\n\tswitch {name[0].lower()} {{\n")
        for value in enum.values:
            text = value.name if enum.name == "status" else value.name.removeprefix(stem).replace("_", " ").lower()
            self.out.append(f'\tcase {value_name(enum, value.name)}:\n\t\treturn "{text}"\n')
        self.out.append(f'\tdefault:\n\t\treturn fmt.Sprintf("{name}(%d)", int32({name[0].lower()}))\n\t}}\n}}\n\n')
        if enum.name == "status":
            self.out.append(
                "// Text says what the status means, in one sentence.\nfunc (s Status) Text() string {\n\tswitch s {\n"
            )
            for value in enum.values:
                self.out.append(
                    f'\tcase {value_name(enum, value.name)}:\n\t\treturn "{quoted(self.words(value.doc))}"\n'
                )
            self.out.append('\tdefault:\n\t\treturn "a status that this version does not know"\n\t}\n}\n\n')

    def constants(self) -> None:
        self.out.append("const (\n")
        for constant in self.module.constants:
            if constant.name == "DEFAULT_TIMEOUT":
                continue
            self.doc(pascal(constant.name), constant.doc, "\t", noun="is")
            value = "time.Duration(math.MaxInt64)" if constant.value == "INT64_MAX" else constant.value
            self.out.append(f"\t{pascal(constant.name)} = {value}\n\n")
        self.out[-1] = self.out[-1].rstrip("\n") + "\n"
        self.out.append(")\n\n")

    def sentinels(self) -> None:
        self.out.append(
            "// One error for each status but OK: errors.Is(err, ErrTimeout) asks whether that became of a call.\n"
            "var (\n"
        )
        names = [pascal(value.name) for value in self.model.enum("status").values if value.value != 0]
        self.out.append(aligned([[f"Err{name}", f"error = kind(Status{name})"] for name in names]) + ")\n\n")

    def record(self, record: Record) -> None:
        name = pascal(record.name)
        self.doc(name, record.doc, noun="holds")
        self.out.append(f"type {name} struct {{\n")
        counts = [
            f"[{item.count}]" if item.count > 1 and item.type not in ("char", "record") else ""
            for item in visible(record)
        ]
        self.out.append(
            aligned(
                [
                    [pascal(bare(item.name)), count + type_of(item), f"// {self.described(item)}"]
                    for item, count in zip(visible(record), counts, strict=True)
                ]
            )
            + "}\n\n"
        )
        if record.sized:
            self.options_native(record, name)
            return
        if record.name in words.lists(self.model):
            self.list_from_c(record, name)
        elif record.name in words.results(self.model):
            self.record_from_c(record, name)
        if record.name in words.arguments(self.model):
            self.record_native(record, name)

    def list_from_c(self, record: Record, name: str) -> None:
        """The reader of a whole list, which lies in memory of Go's: what its items name is copied out of it."""
        rows = []
        for item in visible(record):
            if item.type in ("name", "bytes"):
                value = f"listed(list, native.{item.name}_offset, native.{item.name}_length)"
                value = f"string({value})" if item.type == "name" else value
            else:
                value = from_c(item, "native")
            rows.append([f"{pascal(bare(item.name))}:", f"{value},"])
        self.out.append(
            f"func {local(record.name)}ListOf(list unsafe.Pointer) []{name} {{\n"
            f"\treturn itemsOf(list, func(at unsafe.Pointer) {name} {{\n\t\tnative := (*C.{record.c_name})(at)\n"
            f"\t\treturn {name}{{\n{aligned(rows, chr(9) * 3)}\t\t}}\n\t}})\n}}\n\n"
        )

    def record_from_c(self, record: Record, name: str) -> None:
        self.out.append(
            f"func {local(record.name)}Of(at unsafe.Pointer) {name} {{\n\tnative := (*C.{record.c_name})(at)\n"
        )
        arrays = [item for item in visible(record) if item.count > 1 and item.type != "char"]
        inner = record.nested
        self.out.append(f"\t{'result :=' if arrays else 'return'} {name}{{\n")
        self.out.append(
            aligned(
                [
                    [f"{pascal(bare(item.name))}:", f"{from_c(item, 'native')},"]
                    for item in visible(record)
                    if item not in arrays
                ],
                "\t\t",
            )
            + "\t}\n"
        )
        if inner:
            field, count = pascal(bare(inner.name)), c_field("native", inner.length)
            one = c_field("native", inner.name)
            self.out.append(
                f"\tresult.{field} = make([]{pascal(inner.record)}, {count})\n\tfor i := range result.{field} {{\n"
                f"\t\tresult.{field}[i] = {local(inner.record)}Of(unsafe.Pointer(&{one}[i]))\n"
                "\t}\n"
            )
            arrays.remove(inner)
        for item in arrays:
            one = from_c(item, "native").replace(c_field("native", item.name), "value")
            self.out.append(
                f"\tfor i, value := range {c_field('native', item.name)} {{\n"
                f"\t\tresult.{pascal(bare(item.name))}[i] = {one}\n\t}}\n"
            )
        if arrays or inner:
            self.out.append("\treturn result\n")
        self.out.append("}\n\n")

    def record_native(self, record: Record, name: str) -> None:
        letter = name[0].lower()
        self.out.append(f"func ({letter} {name}) native() *C.{record.c_name} {{\n\tnative := &C.{record.c_name}{{\n")
        arrays = [item for item in visible(record) if item.count > 1]
        self.out.append(
            aligned(
                [
                    [f"{c_field('', item.name)[1:]}:", f"{to_c(item, letter + '.' + pascal(bare(item.name)))},"]
                    for item in visible(record)
                    if item not in arrays
                ],
                "\t\t",
            )
            + "\t}\n"
        )
        for item in arrays:
            self.out.append(
                f"\tfor i, value := range {letter}.{pascal(bare(item.name))} {{\n"
                f"\t\t{c_field('native', item.name)}[i] = {to_c(item, 'value')}\n\t}}\n"
            )
        self.out.append("\treturn native\n}\n\n")

    def options_native(self, record: Record, name: str) -> None:
        texts = any(item.type == "text" for item in record.fields)
        self.out.append(
            f"func (o *{name}) native({'texts *texts' if texts else ''}) *C.{record.c_name} {{\n"
            f"\tif o == nil {{\n\t\treturn nil\n\t}}\n\treturn &C.{record.c_name}{{\n"
        )
        rows = [["size:", f"C.sizeof_{record.c_name},"]]
        for item in visible(record):
            value = f"o.{pascal(bare(item.name))}"
            made = f'texts.option("{pascal(item.name)}", {value})' if item.type == "text" else to_c(item, value)
            rows.append([f"{item.name}:", f"{made},"])
        self.out.append(aligned(rows, "\t\t") + "\t}\n}\n\n")

    def handle(self, handle: Handle) -> None:
        name = pascal(handle.name)
        self.doc(name, handle.doc, noun="is")
        self.out.append(f"type {name} struct {{\n\tclient *Client\n\tnative *C.{handle.c_name}\n}}\n\n")
        letter, named = name[0].lower(), lower_first(name)
        for method, kind, field, what in (
            ("handle", f"*C.{handle.c_name}", "native", f"what C knows the {named} by"),
            ("of", "*Client", "client", f"the client of the {named}"),
        ):
            self.comment([f"{method} is {what}; nil of a nil or a zero one."])
            self.out.append(
                f"func ({letter} *{name}) {method}() {kind} {{\n"
                f"\tif {letter} == nil {{\n\t\treturn nil\n\t}}\n\treturn {letter}.{field}\n}}\n\n"
            )
