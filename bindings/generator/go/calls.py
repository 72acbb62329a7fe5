"""Functions and operations of the Go package."""

from __future__ import annotations

from collections.abc import Callable

from .. import words
from ..model import BYTES, Argument, Function, Operation
from ..words import bare, lower_first, paragraphs
from .names import Text, aligned, c_field, local, opening, pascal, to_c, type_of, value_name, wrapped


class Calls(Text):
    def receiver(self, function: Function | Operation) -> tuple[str, str]:
        """The receiver's declaration and what C is given."""
        letter = function.handle[0]
        return f"({letter} *{pascal(function.handle)}) ", f"{letter}.handle()"

    def argument_list(self, arguments: list[Argument]) -> str:
        """Go's parameters, neighbours of one type sharing it."""
        listed: list[list[str]] = []
        for argument in arguments:
            kind = self.parameter_type(argument)
            if listed and listed[-1][1] == kind and not kind.startswith("..."):
                listed[-1][0] += f", {local(argument.name)}"
            else:
                listed.append([local(argument.name), kind])
        return ", ".join(" ".join(pair) for pair in listed)

    def parameter_type(self, argument: Argument) -> str:
        if argument.type == "handles":
            return f"[]*{pascal(argument.handle)}"
        if argument.type == "calls":
            return f"[]{self.call_type(argument)}"
        if argument.type == "record":
            record = pascal(argument.record)
            return f"...{record}" if self.model.record(argument.record).sized else record
        return type_of(argument)

    def call_type(self, argument: Argument) -> str:
        """The type of one of several calls."""
        return "".join(pascal(part) for part in argument.of.split("."))

    def passed(self, argument: Argument) -> list[str]:
        """What C is given for an argument."""
        name = local(argument.name)
        match argument.type:
            case "bytes" if not argument.is_text:
                return [f"unsafe.Pointer(unsafe.SliceData({name}))", f"C.size_t(len({name}))"]
            case kind if kind in BYTES:
                return [f"data({name})", f"C.size_t(len({name}))"]
            case "text":
                return [f'texts.of("{name}", {name})']
            case "wait":
                return ["call.patience"]
            case "handles" | "calls":
                return [f"unsafe.SliceData(native{pascal(argument.name)})", f"C.size_t(len({name}))"]
            case "record":
                return [f"{name}.native()"]
            case _:
                return [to_c(argument, name)]

    def contract(self, function: Function | Operation, arguments: list[Argument], extra: list[str]) -> list[str]:
        parts = []
        for argument in arguments:
            if argument.type in ("wait", "timeout"):
                continue
            text = self.described(argument).rstrip(".")
            bounds = words.bounds(argument)
            parts.append(f"- {local(argument.name)}: {lower_first(text)}{f' ({bounds})' if bounds else ''}")
        return [*parts, *extra]

    def function(self, function: Function) -> None:
        if function.role == "constructor":
            self.constructor(function)
        elif function.role == "query":
            self.query(function)
        elif function.role == "plain":
            self.plain(function)

    def constructor(self, function: Function) -> None:
        name = pascal(function.handle)
        taken = [item for item in function.args if item.type not in ("handle", "handle_out")]
        first, *rest = paragraphs(function.doc)
        self.comment(
            [self.words(f"{name} {lower_first(first)}"), *map(self.words, rest), *self.contract(function, taken, [])]
        )
        self.out.append(
            f"func (c *Client) {name}({self.argument_list(taken)}) (*{name}, error) {{\n\tdefer runtime.KeepAlive(c)\n"
        )
        options = next((item for item in taken if item.type == "record"), None)
        if options:
            self.out.append(
                f'\tchosen, err := optional("{local(options.name)}", {local(options.name)})\n'
                "\tif err != nil {\n\t\treturn nil, err\n\t}\n"
            )
        texts = any(item.type == "text" for item in taken)
        if texts:
            self.out.append("\tvar texts texts\n\tdefer texts.free()\n")
            for item in taken:
                if item.type == "text":
                    self.out.append(
                        f'\tnative{pascal(item.name)} := texts.of("{local(item.name)}", {local(item.name)})\n'
                    )
            self.out.append("\tif texts.err != nil {\n\t\treturn nil, texts.err\n\t}\n")
        for item in taken:
            if item.type == "handles":
                self.handles(item)
        passed = []
        for argument in function.args:
            match argument.type:
                case "handle":
                    passed.append("c.handle()")
                case "handle_out":
                    passed.append("&native")
                case "record":
                    passed.append("chosen.native()")
                case "text":
                    passed.append(f"native{pascal(argument.name)}")
                case _:
                    passed.extend(self.passed(argument))
        self.out.append(
            f"\tvar native *C.{self.model.handle(function.handle).c_name}\n\tvar failure C.kw_error\n"
            f"\t{wrapped(f'status := C.{function.c_name}(', [*passed, '&failure'], 1)}\n"
            "\tif status != C.KW_OK {\n\t\treturn nil, errorOf(status, &failure)\n\t}\n"
            f"\tmade := &{name}{{client: c, native: native}}\n"
            f"\truntime.AddCleanup(made, func(native *C.kw_{function.handle}) {{ "
            f"C.kw_{function.handle}_free(native) }}, native)\n\treturn made, nil\n}}\n\n"
        )

    def handles(self, argument: Argument) -> None:
        """The lines that make C's array of handles."""
        name, native = local(argument.name), f"native{pascal(argument.name)}"
        self.out.append(
            f"\tdefer runtime.KeepAlive({name})\n"
            f"\t{native} := make([]*C.{self.model.handle(argument.handle).c_name}, len({name}))\n"
            f"\tfor i, each := range {name} {{\n\t\t{native}[i] = each.handle()\n\t}}\n"
        )

    def calls_native(self, operation: Operation) -> None:
        """The function that makes C's arguments of several calls: their bytes stay where they are, pinned."""
        handle, name = pascal(operation.handle), pascal(operation.name)
        rows = [["size:", f"C.sizeof_{operation.c_name}_args,"]]
        for item in operation.args:
            field = f"item.{pascal(bare(item.name))}"
            if item.type in BYTES:
                at = f"unsafe.Pointer(unsafe.SliceData({field}))" if item.type == "bytes" else f"data({field})"
                rows.append([f"{c_field('', item.name)[1:]}:", f"pinned(pinner, {at}),"])
                rows.append([f"{item.name}_length:", f"C.size_t(len({field})),"])
            else:
                rows.append([f"{c_field('', item.name)[1:]}:", f"{to_c(item, field)},"])
        self.out.append(
            f"// native{handle}{name}s makes what C takes of several calls, with their bytes where they are.\n"
            f"func native{handle}{name}s(items []{handle}{name}, pinner *runtime.Pinner) "
            f"[]C.{operation.c_name}_args {{\n"
            f"\tnative := make([]C.{operation.c_name}_args, len(items))\n\tfor i, item := range items {{\n"
            f"\t\tnative[i] = C.{operation.c_name}_args{{\n{aligned(rows, chr(9) * 3)}\t\t}}\n\t}}\n"
            "\treturn native\n}\n\n"
        )

    def query(self, function: Function) -> None:
        receiver, native = self.receiver(function) if function.handle else ("", "")
        name = pascal(function.name)
        self.doc(name, function.doc, noun="is")
        keep = f"\tdefer runtime.KeepAlive({function.handle[0]})\n" if function.handle else ""
        self.out.append(
            f"func {receiver}{name}() string {{\n{keep}\treturn C.GoString(C.{function.c_name}({native}))\n}}\n\n"
        )

    def plain(self, function: Function) -> None:
        """A call that answers at once: what C writes by pointer is what Go returns."""
        name = pascal(function.name)
        outs = {"record_out", "record_array_out", "buffer", "size_out", "i64_out"}
        arguments = [item for item in function.args if item.type not in outs and not self.is_capacity(function, item)]
        out = next((item for item in function.args if item.type in ("record_out", "record_array_out", "buffer")), None)
        receiver, native = self.receiver(function) if function.handle else ("", "")
        before, after, zero, kind, passed = [], "", "", "", [native] if native else []
        for argument in function.args:
            match argument.type:
                case "record_out":
                    record = self.model.record(argument.record)
                    before.append(f"\tvar native C.{record.c_name}\n")
                    passed.append("&native")
                    kind, zero = pascal(argument.record), f"{pascal(argument.record)}{{}}, "
                    after = f"{local(argument.record)}Of(unsafe.Pointer(&native))"
                case "record_array_out":
                    before.append(
                        f"\tvar native [{self.capacity(function)}]C.{self.model.record(argument.record).c_name}\n"
                    )
                    passed.append("&native[0]")
                    kind, zero = f"[]{pascal(argument.record)}", "nil, "
                case "i64_out":
                    before.append("\tvar count C.int64_t\n")
                    passed.append("&count")
                case "buffer":
                    before.append(f"\tvar native [{argument.max}]C.char\n")
                    passed.extend(["&native[0]", "C.size_t(len(native))"])
                    kind, zero, after = "string", '"", ', "C.GoStringN(&native[0], C.int(length))"
                case "size_out":
                    before.append("\tvar length C.size_t\n")
                    passed.append("&length")
                case _ if self.is_capacity(function, argument):
                    passed.append("C.int64_t(len(native))")
                case _:
                    passed.extend(self.passed(argument))
        first, *rest = paragraphs(function.doc)
        self.comment(
            [
                self.words(f"{name} {lower_first(first)}"),
                *map(self.words, rest),
                *self.contract(function, arguments, []),
            ]
        )
        returns = f"({kind}, error)" if out else "error"
        self.out.append(f"func {receiver}{name}({self.argument_list(arguments)}) {returns} {{\n")
        if function.handle:
            self.out.append(f"\tdefer runtime.KeepAlive({function.handle[0]})\n")
        if any(item.type == "text" for item in arguments):
            self.out.append("\tvar texts texts\n\tdefer texts.free()\n")
            for item in arguments:
                if item.type == "text":
                    self.out.append(
                        f'\tnative{pascal(item.name)} := texts.of("{local(item.name)}", {local(item.name)})\n'
                    )
                    passed[passed.index(self.passed(item)[0])] = f"native{pascal(item.name)}"
            self.out.append(f"\tif texts.err != nil {{\n\t\treturn {zero}texts.err\n\t}}\n")
        self.out.extend(before)
        self.out.append(
            f"\tvar failure C.kw_error\n\t{wrapped(f'status := C.{function.c_name}(', [*passed, '&failure'], 1)}\n"
            f"\tif status != C.KW_OK {{\n\t\treturn {zero}errorOf(status, &failure)\n\t}}\n"
        )
        if out and out.type == "record_array_out":
            self.out.append(
                f"\t{local(out.name)} := make([]{pascal(out.record)}, count)\n"
                f"\tfor i := range {local(out.name)} {{\n"
                f"\t\t{local(out.name)}[i] = {local(out.record)}Of(unsafe.Pointer(&native[i]))\n\t}}\n"
                f"\treturn {local(out.name)}, nil\n}}\n\n"
            )
        else:
            self.out.append(f"\treturn {after + ', ' if out else ''}nil\n}}\n\n")

    def is_capacity(self, function: Function, argument: Argument) -> bool:
        return argument.name == "capacity" and any(item.type == "record_array_out" for item in function.args)

    def capacity(self, function: Function) -> int:
        return next(item.max for item in function.args if self.is_capacity(function, item))

    def operation(self, operation: Operation) -> None:
        name = pascal(operation.name)
        given = [item for item in operation.args if item.type != "wait"]
        required = [item for item in given if not words.has_default(item)]
        if words.shortened(operation):
            self.short(operation, name, given, required)
            name += "N"
        self.full(operation, name, given)
        if operation.many:
            self.many(operation, given)

    def returns(self, operation: Operation) -> str:
        if operation.items:
            return f"([]{pascal(operation.items)}, error)"
        if not operation.asks:
            return f"({pascal(operation.result)}, error)" if operation.result else "error"
        no = "bool, " if words.answers_no(self.model, operation) else ""
        return f"({pascal(operation.result)}, {no}error)" if operation.result else f"({no}error)"

    def head(self, operation: Operation, name: str, arguments: list[Argument]) -> str:
        receiver, _ = self.receiver(operation)
        listed = ", ".join(filter(None, ["ctx context.Context", self.argument_list(arguments)]))
        return f"func {receiver}{name}({listed}) {self.returns(operation)} {{\n"

    def short(self, operation: Operation, name: str, given: list[Argument], required: list[Argument]) -> None:
        defaults = [item for item in given if words.has_default(item)]
        said = " and ".join(f"{local(item.name)} {item.default}" for item in defaults)
        self.doc(name, f"Is {name}N with {said}.")
        values = ", ".join(
            ["ctx", *(str(item.default) if words.has_default(item) else local(item.name) for item in given)]
        )
        self.out.append(
            self.head(operation, name, required) + f"\treturn {operation.handle[0]}.{name}N({values})\n}}\n\n"
        )

    def full(self, operation: Operation, name: str, given: list[Argument]) -> None:
        doc = [self.words(part) for part in paragraphs(self.patient(operation))]
        doc[0] = opening(name, doc[0])
        again = words.REPEAT[operation.klass].format(unknown="ErrUnknown")
        tail = f"{words.cost(operation)} {again}"
        if words.answers_no(self.model, operation):
            said = " or ".join(f"Status{pascal(status)}" for status in operation.statuses)
            tail = f"The bool is false for a definite no ({said}). {tail}"
        self.comment([*doc, *self.contract(operation, given, [tail])])
        letter = operation.handle[0]
        self.out.append(self.head(operation, name, given))
        if any(item.type == "record" for item in given):
            for item in given:
                if item.type == "record":
                    self.out.append(f"\tnative{pascal(item.name)} := {local(item.name)}.native()\n")
        calls = [item for item in given if item.type == "calls"]
        if calls:
            self.out.append("\tvar pinner runtime.Pinner\n\tdefer pinner.Unpin()\n")
        for item in calls:
            self.out.append(
                f"\tnative{pascal(item.name)} := native{self.call_type(item)}s({local(item.name)}, &pinner)\n"
            )
        client = letter if operation.handle == "client" else f"{letter}.of()"
        send = self.send(operation, given, "call *call", lambda item: local(item.name))
        read = f"{local(operation.result)}Of, " if operation.result else ""
        if operation.items:
            self.out.append(
                f"\tlist, _, err := ask(ctx, {client}, {local(operation.items)}ListOf, {send})\n"
                "\treturn list, err\n}\n\n"
            )
        elif not operation.result:
            door = "told" if words.answers_no(self.model, operation) else "do"
            self.out.append(f"\treturn {door}(ctx, {client}, {send})\n}}\n\n")
        elif words.answers_no(self.model, operation):
            self.out.append(
                f"\tresult, status, err := ask(ctx, {client}, {read}{send})\n"
                "\treturn result, err == nil && status == StatusOK, err\n}\n\n"
            )
        elif words.has_status(self.model.record(operation.result)):
            failure = "err" if operation.asks else f"refused(status, err, {self.noes(operation)})"
            self.out.append(
                f"\tresult, status, err := ask(ctx, {client}, {read}{send})\n"
                f"\tresult.Status = status\n\treturn result, {failure}\n}}\n\n"
            )
        else:
            self.out.append(
                f"\tresult, status, err := ask(ctx, {client}, {read}{send})\n"
                f"\treturn result, refused(status, err, {self.noes(operation)})\n}}\n\n"
            )

    def noes(self, operation: Operation) -> str:
        """What its noes mean: a table that is put before the method."""
        if not operation.messages:
            return "nil"
        name = f"{local(operation.handle)}{pascal(operation.name)}Noes"
        lines = "".join(f'\tStatus{pascal(status)}: "{text}",\n' for status, text in operation.messages.items())
        self.tables.append(f"var {name} = map[Status]string{{\n{lines}}}\n\n")
        return name

    def patient(self, operation: Operation) -> str:
        """Where C takes a patience, Go has the context."""
        wait = next((item for item in operation.args if item.type == "wait"), None)
        if wait is None:
            return operation.doc
        text = " ".join(operation.doc.split())
        text = text.replace(f"take longer than {wait.name}", "outlast the context's deadline")
        text = text.replace(f" The call's deadline is {wait.name} + timeout_us.", "")
        bound = wait.doc.split("; ")[-1] if "; " in wait.doc else "it waits without end."
        return f"{text}\n\nWithout a deadline in the context: {lower_first(bound)}"

    def send(
        self, operation: Operation, given: list[Argument], signature: str, value: Callable[[Argument], str]
    ) -> str:
        letter = operation.handle[0]
        passed = [f"{letter}.native", "call.completions", "call.tag"]
        for argument in operation.args:
            if argument.type == "record":
                passed.append(f"native{pascal(argument.name)}")
            else:
                passed.extend(
                    item.replace(local(argument.name), value(argument), 1)
                    if value(argument) != local(argument.name)
                    else item
                    for item in self.passed(argument)
                )
        passed += ["call.timeout", "&call.failure"]
        call = wrapped(f"return C.kw_{operation.handle}_submit_{operation.name}(", passed, 2)
        return f"func({signature}) C.kw_status {{\n\t\tdefer runtime.KeepAlive({letter})\n\t\t{call}\n\t}}"

    def item_check(self, item_type: str, checks: list[tuple[Argument, str, int, int]]) -> None:
        letter = item_type[0].lower()
        reasons = self.model.enum("reason")
        tests = []
        for item, reason, least, most in checks:
            field = f"{letter}.{pascal(bare(item.name))}"
            value = f"int64(len({field}))" if item.type in BYTES else field
            tests.append(f'outside({value_name(reasons, reason)}, "{local(item.name)}", {value}, {least}, {most})')
        self.out.append(f"func ({letter} {item_type}) check() *Error {{\n")
        for test in tests[:-1]:
            self.out.append(f"\tif err := {test}; err != nil {{\n\t\treturn err\n\t}}\n")
        self.out.append(f"\treturn {tests[-1]}\n}}\n\n")

    def one_of_many(self, item: Argument) -> str:
        """A field of one of many; a language of zero values has no other default for it."""
        left_out = f" Left out it is 0, not {item.default}." if item.default else ""
        return f"{self.described(item)}{left_out}"

    def many(self, operation: Operation, given: list[Argument]) -> None:
        handle, name = pascal(operation.handle), pascal(operation.name)
        item_type = f"{handle}{name}"
        self.comment([f"{item_type} is one of the calls that {handle}.{name}Many makes."])
        self.out.append(f"type {item_type} struct {{\n")
        self.out.append(
            aligned([[pascal(bare(item.name)), type_of(item), f"// {self.one_of_many(item)}"] for item in given])
            + "}\n\n"
        )
        checks = words.item_checks(operation)
        if checks:
            self.item_check(item_type, checks)
        result = pascal(operation.result)
        carried = words.has_status(self.model.record(operation.result))
        told = (
            "Each result carries its own status, a failure's too."
            if carried
            else "The results of those that failed are zero."
        )
        one = f"{name}N" if words.shortened(operation) else name
        self.comment(
            [
                f"{name}Many is many of {one}, sent together and in no order. {told} The error is that of the first "
                "failure, and the others are answered all the same; but nothing is sent where an item is wrong, and "
                "the error's Position says which."
                + "".join(
                    f" A {pascal(bare(item.name))} that is left out is 0, not {item.default}: state it."
                    for item in given
                    if item.default
                )
            ]
        )
        receiver, _ = self.receiver(operation)
        letter = operation.handle[0]
        client = letter if operation.handle == "client" else f"{letter}.of()"
        send = self.send(operation, given, "call *call, i int", lambda item: f"items[i].{pascal(bare(item.name))}")
        statuses = "statuses" if carried else "_"
        self.out.append(f"func {receiver}{name}Many(ctx context.Context, items []{item_type}) ([]{result}, error) {{\n")
        if checks:
            self.out.append(
                "\tfor i, item := range items {\n\t\tif err := item.check(); err != nil {\n"
                "\t\t\terr.Position = i\n\t\t\treturn nil, err\n\t\t}\n\t}\n"
            )
        self.out.append(
            f"\tresults, {statuses}, err := askMany(ctx, {client}, len(items), {local(operation.result)}Of, {send})\n"
        )
        if carried:
            self.out.append("\tfor i, status := range statuses {\n\t\tresults[i].Status = status\n\t}\n")
        self.out.append("\treturn results, err\n}\n\n")
