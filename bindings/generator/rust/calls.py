"""Functions and operations of the crate keywright, blocking and awaited."""

from __future__ import annotations

from .. import words
from ..model import BYTES, Argument, Function, Operation
from ..words import lower_first
from .names import WIDTH, Text, call, local, pascal, to_c, type_of

OUTS = {"record_out", "record_array_out", "buffer", "size_out", "i64_out"}
SAFETY = "// SAFETY: what is passed outlives the call.\n"


class Calls(Text):
    # What a method takes, and what it passes on

    def call_type(self, argument: Argument) -> str:
        """The type of one of several calls."""
        return "".join(pascal(part) for part in argument.of.split("."))

    def taken(self, argument: Argument, prefix: str = "") -> str:
        """A parameter of a method; prefix is put before what exists blocking and awaited."""
        name = local(argument.name)
        if argument.type in BYTES:
            return f"{name}: impl AsRef<[u8]>"
        if argument.type == "wait":
            return f"{name}: impl Into<Wait>"
        if argument.type == "record":
            return f"{name}: &{pascal(argument.record)}"
        if argument.type == "handles":
            return f"{name}: &[&{prefix}{pascal(argument.handle)}]"
        if argument.type == "calls":
            borrows = any(type_of(item).startswith("&") for item in self.model.operation(argument.of).args)
            return f"{name}: &[{self.call_type(argument)}{'<' + chr(39) + '_>' if borrows else ''}]"
        return f"{name}: {type_of(argument)}"

    def prepared(self, argument: Argument) -> str:
        """The line that makes of a parameter what C takes; empty where it is that already."""
        name = local(argument.name)
        if argument.type in BYTES:
            return f"let {name} = {name}.as_ref();"
        if argument.type in ("handles", "calls"):
            return ""
        if argument.type == "text":
            return f'let {name} = texts.of("{name}", {name})?;'
        if argument.type == "record":
            fallible = any(item.type == "text" for item in self.model.record(argument.record).fields)
            return f"let {name} = {name}.native({'&mut texts' if fallible else ''}){'?' if fallible else ''};"
        made = to_c(argument, name)
        return "" if made == name or made.endswith(".into()") else f"let {name} = {made};"

    def passed(self, argument: Argument) -> list[str]:
        name = local(argument.name)
        if argument.type in BYTES:
            return [f"{name}.as_ptr().cast()", f"{name}.len()"]
        if argument.type == "record":
            return [f"&{name}"]
        if argument.type == "handles":
            return [f"natives({name}, |each| each.handle.as_ptr()).as_ptr()", f"{name}.len()"]
        if argument.type == "calls":
            return [f"natives({name}, {self.call_type(argument)}::native).as_ptr()", f"{name}.len()"]
        return [f"{name}.into()" if words.is_switch(argument) else name]

    def head(self, name: str, taken: list[str], result: str, indent: int, prefix: str = "pub fn") -> None:
        space = " " * 4 * indent
        self.out.append(space + call(f"{prefix} {name}", taken, indent, f" -> {result} {{") + "\n")

    def prepare(self, arguments: list[Argument], indent: int) -> None:
        space = " " * 4 * indent
        if any(item.type == "text" for item in arguments):
            self.out.append(f"{space}let mut texts = Texts::default();\n")
        self.out.extend(f"{space}{line}\n" for line in map(self.prepared, arguments) if line)

    def closure(self, params: list[str], function: str, passed: list[str], indent: int) -> None:
        """The one call of C, as rustfmt sets it: in one line, in the next one, or as a block."""
        space = " " * 4 * indent
        self.out.append(space + SAFETY)
        one = f"|{', '.join(params)}| unsafe {{ sys::{function}({', '.join(passed)}) }};"
        if len(space) + len("let call = ") + len(one) <= WIDTH:
            self.out.append(f"{space}let call = {one}\n")
        elif len(space) + 4 + len(one) <= WIDTH:
            self.out.append(f"{space}let call =\n{space}    {one}\n")
        else:
            inner = call(f"sys::{function}", passed, indent + 1)
            self.out.append(f"{space}let call = |{', '.join(params)}| unsafe {{\n{space}    {inner}\n{space}}};\n")

    def contract(self, function: Function | Operation, arguments: list[Argument], extra: list[str]) -> list[str]:
        parts = []
        for argument in arguments:
            bounds = words.bounds(argument)
            text = lower_first(self.described(argument).rstrip("."))
            parts.append(f"- `{local(argument.name)}`: {text}{f' ({bounds})' if bounds else ''}")
        return [*parts, *extra]

    # Functions without a handle

    def free_function(self, function: Function) -> None:
        arguments = [item for item in function.args if item.type not in OUTS and item.name != "capacity"]
        out = next(item for item in function.args if item.type in ("record_array_out", "buffer"))
        name, array = local(out.name), out.type == "record_array_out"
        capacity = next(item.max for item in function.args if item.name == "capacity") if array else out.max
        self.doc(function.doc, more=self.contract(function, arguments, []))
        result = f"Vec<{pascal(out.record)}>" if array else "Vec<u8>"
        self.head(function.name, [self.taken(item) for item in arguments], f"Result<{result}>", 0)
        self.prepare(arguments, 1)
        if array:
            record = self.model.record(out.record).c_name
            self.out.append(
                "    // SAFETY: records of C hold numbers and bytes, for which zero is a value.\n"
                f"    let mut {name} = [unsafe {{ zeroed::<sys::{record}>() }}; {capacity}];\n"
            )
        else:
            self.out.append(f"    let mut {name} = vec![0; {capacity}];\n")
        passed, counted = [], ""
        for item in function.args:
            match item.type:
                case "record_array_out":
                    passed.append(f"{name}.as_mut_ptr()")
                case "buffer":
                    passed += [f"{name}.as_mut_ptr().cast()", f"{name}.len()"]
                case "size_out" | "i64_out":
                    counted = local(item.name)
                    passed.append(f"&mut {counted}")
                    self.out.append(f"    let mut {counted} = 0;\n")
                case _ if item.name == "capacity":
                    passed.append(f"{capacity}")
                case _:
                    passed += self.passed(item)
        self.closure(["error"], function.c_name, [*passed, "error"], 1)
        self.out.append("    check(call)?;\n")
        if array:
            self.out.append(
                f"    Ok({name}.iter().take({counted} as usize).map({pascal(out.record)}::from_native).collect())\n"
            )
        else:
            self.out.append(f"    {name}.truncate({counted});\n    Ok({name})\n")
        self.out.append("}\n\n")

    # Methods

    def methods(self) -> None:
        for handle in self.module.handles:
            if handle.name in words.BY_HAND_HANDLES:
                continue
            opening = next(
                (item for item in self.module.functions if item.handle == handle.name and item.role == "constructor"),
                None,
            )
            if handle.name != "client" and opening:
                for prefix in ("", "Async"):
                    self.out.append(f"impl {prefix}Client {{\n")
                    self.constructor(opening, prefix)
                    self.close_block()
            for prefix in ("", "Async"):
                self.out.append(f"impl {prefix}{pascal(handle.name)} {{\n")
                if handle.name != "client":
                    self.with_timeout(handle.name, prefix)
                for function in self.module.functions:
                    if function.handle == handle.name and not words.by_hand(function):
                        self.function(function, prefix)
                for operation in self.module.operations:
                    if operation.handle == handle.name:
                        self.operation(operation, prefix)
                self.close_block()

    def close_block(self) -> None:
        self.out[-1] = self.out[-1].rstrip("\n") + "\n"
        self.out.append("}\n\n")

    def with_timeout(self, handle: str, prefix: str) -> None:
        name = prefix + pascal(handle)
        self.out.append(
            f"    /// The same {handle}, for calls of another deadline.\n"
            f"    pub fn with_timeout(&self, timeout: Duration) -> Self {{\n"
            f"        {name} {{ handle: self.handle.with_timeout(timeout) }}\n    }}\n\n"
        )

    def constructor(self, function: Function, prefix: str) -> None:
        name, made = function.handle, prefix + pascal(function.handle)
        arguments = [item for item in function.args if item.type not in ("handle", "handle_out")]
        options = next((item for item in arguments if item.type == "record"), None)
        plain = [item for item in arguments if item is not options]
        doc = self.contract(function, plain, [])
        self.doc(function.doc, "    ", doc)
        if options:
            self.head(name, ["&self", *(self.taken(item, prefix) for item in plain)], f"Result<{made}>", 1)
            passed = [*(local(item.name) for item in plain), f"&{pascal(options.record)}::default()"]
            self.out.append(f"        self.{name}_with({', '.join(passed)})\n    }}\n\n")
            name += "_with"
            self.out.append(f"    /// [`{prefix}Client::{function.handle}`], with options.\n")
        self.head(name, ["&self", *(self.taken(item, prefix) for item in arguments)], f"Result<{made}>", 1)
        self.prepare(arguments, 2)
        passed = []
        for item in function.args:
            match item.type:
                case "handle":
                    passed.append("client")
                case "handle_out":
                    passed.append("out")
                case _:
                    passed += self.passed(item)
        self.closure(["client", "out", "error"], function.c_name, [*passed, "error"], 2)
        self.out.append(f"        Ok({made} {{ handle: self.handle.make(call)? }})\n    }}\n\n")

    def function(self, function: Function, prefix: str) -> None:
        if function.role == "query":
            self.doc(function.doc, "    ")
            self.out.append(
                f"    pub fn {function.name}(&self) -> String {{\n"
                "        // SAFETY: the handle is alive, and owns the text.\n"
                f"        unsafe {{ borrowed(sys::{function.c_name}(self.handle.as_ptr())) }}\n    }}\n\n"
            )
        elif function.role == "plain":
            self.plain(function, prefix)

    def plain(self, function: Function, prefix: str) -> None:
        arguments = [item for item in function.args if item.type not in OUTS]
        out = next((item for item in function.args if item.type == "record_out"), None)
        buffer = next((item for item in function.args if item.type == "buffer"), None)
        self.doc(function.doc, "    ", self.contract(function, arguments, []))
        result = pascal(out.record) if out else "Vec<u8>" if buffer else "()"
        self.head(function.name, ["&self", *map(self.taken, arguments)], f"Result<{result}>", 1)
        self.prepare(arguments, 2)
        handle = "self.handle.handle" if prefix else "self.handle"
        passed, length = [function.handle], ""
        for item in function.args:
            match item.type:
                case "record_out":
                    passed.append(local(item.name))
                case "buffer":
                    self.out.append(f"        let mut {local(item.name)} = vec![0; {item.max}];\n")
                    passed += [f"{local(item.name)}.as_mut_ptr().cast()", f"{local(item.name)}.len()"]
                case "size_out":
                    length = local(item.name)
                    self.out.append(f"        let mut {length} = 0;\n")
                    passed.append(f"&mut {length}")
                case _:
                    passed += self.passed(item)
        params = [function.handle, "_", *([local(out.name)] if out else []), "error"]
        self.closure(params, function.c_name, [*passed, "error"], 2)
        if out:
            self.out.append(
                f"        let ({local(out.name)}, _) = {handle}.ask(call)?;\n        Ok({local(out.name)})\n    }}\n\n"
            )
        elif buffer:
            name = local(buffer.name)
            self.out.append(
                f"        {handle}.run(call)?;\n        {name}.truncate({length});\n        Ok({name})\n    }}\n\n"
            )
        else:
            self.out.append(f"        {handle}.run(call)\n    }}\n\n")

    # Operations

    def operation(self, operation: Operation, prefix: str) -> None:
        name = operation.name
        if words.shortened(operation):
            self.short(operation, prefix)
            name += "_n"
        self.full(operation, name, prefix)
        if operation.many:
            (self.many_awaited if prefix else self.many)(operation)

    def returns(self, operation: Operation) -> str:
        if operation.items:
            return f"Result<Vec<{pascal(operation.items)}>>"
        if not operation.result:
            return "Result<bool>" if words.answers_no(self.model, operation) else "Result<()>"
        name = pascal(operation.result)
        return f"Result<Option<{name}>>" if words.answers_no(self.model, operation) else f"Result<{name}>"

    def short(self, operation: Operation, prefix: str) -> None:
        defaults = [item for item in operation.args if words.has_default(item)]
        required = [item for item in operation.args if not words.has_default(item)]
        said = " and ".join(f"`{local(item.name)}` {item.default}" for item in defaults)
        full = f"{prefix}{pascal(operation.handle)}::{operation.name}_n"
        self.out.append(f"    /// [`{full}`] with {said}.\n")
        fn = "pub async fn" if prefix else "pub fn"
        self.head(operation.name, ["&self", *map(self.taken, required)], self.returns(operation), 1, fn)
        values = [str(item.default) if words.has_default(item) else local(item.name) for item in operation.args]
        end = ".await" if prefix else ""
        self.out.append(f"        self.{operation.name}_n({', '.join(values)}){end}\n    }}\n\n")

    def full(self, operation: Operation, name: str, prefix: str) -> None:
        again = words.REPEAT[operation.klass].format(unknown="`Status::UNKNOWN`")
        tail = f"{words.cost(operation)} {again}"
        if words.answers_no(self.model, operation):
            said = " or ".join(f"`Status::{status}`" for status in operation.statuses)
            tail = f"None is a definite no ({said}). {tail}"
        self.doc(
            operation.doc.replace("timeout_us", "the timeout"), "    ", self.contract(operation, operation.args, [tail])
        )
        fn = "pub async fn" if prefix else "pub fn"
        self.head(name, ["&self", *map(self.taken, operation.args)], self.returns(operation), 1, fn)
        self.prepare(operation.args, 2)
        if prefix:
            function, passed, params = self.submitted(operation)
        else:
            out = ["result"] if operation.result or operation.items else []
            params = [operation.handle, "timeout", *out, "error"]
            function = operation.c_name
            passed = [operation.handle, *self.all_passed(operation), "timeout", *out, "error"]
        self.closure(params, function, passed, 2)
        wait = ".await" if prefix else ""
        if not operation.result and not operation.items:
            door = "told" if words.answers_no(self.model, operation) else "run"
            self.out.append(f"        self.handle.{door}(call){wait}\n    }}\n\n")
            return
        status = "_" if operation.asks and not words.answers_no(self.model, operation) else "status"
        asked = self.granted_to(operation) if prefix and operation.result else None
        door = f"ask_granted({asked}, call)" if asked else "ask(call)"
        self.out.append(f"        let (result, {status}) = self.handle.{door}{wait}?;\n")
        if not operation.asks:
            self.out.append(f"        settled(status, {self.noes(operation)})?;\n")
        answer = "Ok(result)" if status == "_" or not operation.asks else "Ok((status == Status::OK).then_some(result))"
        self.out.append(f"        {answer}\n    }}\n\n")

    def noes(self, operation: Operation) -> str:
        """What its noes mean: a table that is put behind the methods."""
        if not operation.messages:
            return "&[]"
        name = f"{operation.handle}_{operation.name}_noes".upper()
        lines = ""
        for status, text in operation.messages.items():
            one = f'    (Status::{status}, "{text}"),\n'
            lines += one if len(one) <= 119 else f'    (\n        Status::{status},\n        "{text}",\n    ),\n'
        start, alone = f"const {name}: &[(Status, &str)] =", f"    &[{lines.strip().rstrip(',')}];\n"
        if len(operation.messages) == 1 and len(alone) <= 119:
            self.tables[name] = f"{start}\n{alone}"
        else:
            self.tables[name] = f"{start} &[\n{lines}];\n"
        return name

    def granted_to(self, operation: Operation) -> str | None:
        """The key that an operation hands something out to, which by what its result keeps can be taken back."""
        if not operation.grants or not operation.result:
            return None
        record = self.model.record(operation.result)
        return local(record.keeps[0]) if record.keeps else None

    def all_passed(self, operation: Operation) -> list[str]:
        return [word for item in operation.args for word in self.passed(item)]

    def submitted(self, operation: Operation) -> tuple[str, list[str], list[str]]:
        function = f"kw_{operation.handle}_submit_{operation.name}"
        passed = [operation.handle, "completions", "tag", *self.all_passed(operation), "timeout", "error"]
        return function, passed, [operation.handle, "completions", "tag", "timeout", "error"]

    def many_head(self, operation: Operation, fn: str) -> None:
        borrows = any(type_of(item).startswith("&") for item in operation.args)
        item_type = f"{pascal(operation.handle)}{pascal(operation.name)}{'<' + chr(39) + '_>' if borrows else ''}"
        self.doc(
            f"Many of `{operation.name}_n`, sent together and in no order. Each has an answer or a failure of its own; "
            "but nothing is sent where an item is wrong, and the error's position, the same for all, says which.",
            "    ",
        )
        taken = ["&self", f"items: &[{item_type}]"]
        self.head(f"{operation.name}_many", taken, f"Vec<Result<{pascal(operation.result)}>>", 1, fn)

    def many(self, operation: Operation) -> None:
        self.many_head(operation, "pub fn")
        item_type = f"{pascal(operation.handle)}{pascal(operation.name)}"
        self.out.append(f"        let items: Vec<_> = items.iter().map({item_type}::native).collect();\n")
        params = [operation.handle, "items", "count", "timeout", "results", "error"]
        self.closure(params, f"{operation.c_name}_many", params, 2)
        self.out.append("        self.handle.ask_many(&items, call)\n    }\n\n")

    def many_awaited(self, operation: Operation) -> None:
        self.many_head(operation, "pub async fn")
        if words.item_checks(operation):
            item_type = f"{pascal(operation.handle)}{pascal(operation.name)}"
            self.out.append(
                f"        if let Some(refused) = refused(items, {item_type}::check) {{\n"
                "            return refused;\n        }\n"
            )
        self.out.append("        let mut calls = Vec::with_capacity(items.len());\n        for item in items {\n")
        function, passed, params = self.submitted(operation)
        for item in operation.args:
            name = local(item.name)
            passed = [word.replace(name, f"item.{name}", 1) if word.split(".")[0] == name else word for word in passed]
        self.closure(params, function, passed, 3)
        self.out.append(
            "            calls.push(self.handle.submit(call).await);\n        }\n"
            "        answers(calls).await\n    }\n\n"
        )
