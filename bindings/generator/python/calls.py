"""Emits the calls: for each handle a class that waits for its answers and one that submits, from the same entries."""

from __future__ import annotations

from .. import words
from ..model import BYTES, Argument, Function, Handle, Model, Module, Operation, Record
from .arguments import kept, parameter, passed, prepared, row_types
from .readers import noes_name, readers
from .text import (
    BY_HAND_CLASSES,
    PACKAGE,
    WIDTH,
    call,
    class_name,
    docstring,
    dots,
    field_name,
    head,
    imports,
    is_time,
    lower,
    names_of,
    record_class,
    speak,
    stem,
)
from .types import field_type

#: Functions whose Python form is written by hand, for it does more than pass on.
BY_HAND = {"kw_client_close"}
CAST = 'cast("Lib", library.lib)'
PARTS = {
    "Handle": "_handle",
    "Opener": "_handle",
    "Library": "_library",
    "NATIVE": "_library",
    "BlockingObject": "_objects",
    "AsyncObject": "_objects",
    "Object": "_objects",
    "Operation": "_loop",
    "read_done": "_answers",
    "places": "_answers",
    "read_yes": "_answers",
    "raise_no": "_answers",
    "Key": "_convert",
    "Duration": "_convert",
    "to_bytes": "_convert",
    "to_payload": "_convert",
    "to_rows": "_convert",
    "to_text": "_convert",
    "to_us": "_convert",
    "to_timeout": "_convert",
    "to_enum": "_convert",
    "to_str": "_convert",
    "from_seconds": "_convert",
    "checked": "_convert",
    "to_switch": "_convert",
    "whole": "_convert",
    "within": "_convert",
    "in_item": "_convert",
    "Buffer": "_native",
    "CData": "_native",
}
TYPES_ONLY = {"Buffer", "CData", "Key", "Duration", "Library", "Operation", "Handle"}


def emit(model: Model) -> dict[str, str]:
    return {f"{PACKAGE}/{stem(module)}_calls.py": calls(model, module) for module in model.modules}


def calls(model: Model, module: Module) -> str:
    parts = [readers(model, module)]
    for handle in module.handles:
        own = [item for item in module.functions if item.handle == handle.name and item.c_name not in BY_HAND]
        parts.extend(opener(model, handle, item) for item in own if item.role == "constructor")
        functions = [item for item in own if item.role == "plain" and not item.asks]
        operations = [item for item in module.operations if item.handle == handle.name]
        if functions:
            parts.append(functions_class(model, handle, functions))
        if operations:
            parts.append(blocking_class(model, handle, operations, bool(functions)))
            parts.append(async_class(model, handle, operations, bool(functions)))
    parts.extend(
        free_function(model, item)
        for item in module.functions
        if not item.handle and item.role == "plain" and not item.by_hand
    )
    body = "\n\n".join(part for part in parts if part)
    local, only = places(model, module)
    doc = f"The calls of {module.name}: what turns Python's arguments into C's, and C's answers into Python's."
    return f"{head(module.source, doc)}\n{imports(body, local, only)}{'' if body[0] in '_[' else chr(10)}{body}"


def places(model: Model, module: Module) -> tuple[dict[str, str], dict[str, str]]:
    """Where each name is imported from; the second for those that only type checkers need."""
    start = dots(module)
    local = {name: f"{start}{place}" for name, place in PARTS.items() if name not in TYPES_ONLY}
    only = {name: f"{start}{place}" for name, place in PARTS.items() if name in TYPES_ONLY}
    for other in model.modules:
        types = "." + (stem(other).split("/")[-1] if other.library == module.library else stem(other).replace("/", "."))
        local.update({class_name(enum.name): types for enum in other.enums})
        only.update({names_of(enum.name): types for enum in other.enums if enum.name in words.given_enums(model)})
        local.update({constant.name: types for constant in other.constants})
        for record in other.records:
            if record.name not in words.results(model):
                continue
            if record.name in BY_HAND_CLASSES:
                name, place = record_class(record), BY_HAND_CLASSES[record.name]
                local[f"{name} as Async{name}"] = f"{start}_aio.{place}"
                local[name] = f"{start}_sync.{place}"
                local[f"Any{name}"] = f"{start}_{place}"
            else:
                local[record_class(record)] = types
            if other is not module:
                local[f"read_{record.name}"] = f"{types}_calls"
    if module.library == "test":
        only["Lib"] = "._test"
    return local, only


def result_of(model: Model, operation: Operation, name: str = "") -> tuple[str, str, str]:
    """The type of an operation's answer, its reader, and what the reader is given besides."""
    if operation.items:
        return f"list[{record_class(model.record(operation.items))}]", f"read_{operation.items}_list", "()"
    if not operation.result:
        if operation.asks and operation.statuses:
            return "bool", "read_yes", "()"
        return "None", "read_done", f"({noes_name(operation)},)" if operation.messages else "()"
    record = model.record(operation.result)
    kind = name + record_class(record)
    if operation.shows:
        item = next(item for item in record.fields if item.name == operation.shows)
        return field_type(item), f"read_{record.name}_{field_name(item)}", "()"
    raised = [noes_name(operation)] if operation.statuses and not operation.asks else []
    raises = "_or_raise" if raised else ""
    if record.name in BY_HAND_CLASSES:
        asked = [f"{item.name}_rows" for item in operation.args if item.type == "calls" and record.nested]
        return kind, f"read_{record.name}{raises}", f"({', '.join([kind, 'self', *record.keeps, *asked, *raised])})"
    if words.answers_no(model, operation):
        return f"{kind} | None", f"read_{record.name}_or_none", "()"
    return kind, f"read_{record.name}{raises}", f"({raised[0]},)" if raised else "()"


# Arguments


def signature(model: Model, operation: Operation) -> list[str]:
    taken = kept(model, operation)
    positional, named = [], []
    for argument in operation.args:
        if argument.name not in taken:
            (named if argument.type in ("duration", "wait") else positional).append(parameter(model, argument))
    positional.sort(key=lambda text: " = " in text)
    patience = ["wait: Duration | None = None"] if operation.patient else []
    return ["self", *positional, "*", *named, *patience, "timeout: Duration | None = None"]


def described(model: Model, operation: Operation) -> str:
    """The docstring of a method."""
    taken = kept(model, operation)
    lines = ["Args:"]
    for argument in operation.args:
        if argument.name not in taken:
            limits = words.bounds(argument)
            text = speak(model, argument.doc, operation).rstrip(".")
            if argument.type == "duration" and argument.default == 0:
                text = text.replace(" 0 for ", " None for ")
            lines.append(f"    {words.bare(argument.name)}: {lower(text)}{f' ({limits})' if limits else ''}")
    if operation.patient:
        lines.append(f"    wait: patience; see {operation.patient}")
    lines.append("    timeout: deadline of this call; the client's when None")
    again = words.REPEAT[operation.klass].format(unknown="raises Unknown").replace("gives raises", "raises")
    return "\n\n".join([speak(model, operation.doc, operation), "\n".join(lines), f"{words.cost(operation)} {again}"])


# Handles


def opener(model: Model, handle: Handle, function: Function) -> str:
    """A function that gives an Opener: what makes the handle, now and again after a fork."""
    parent = next((item.name for item in function.args if item.type == "handle"), "")
    params, lines, sent, texts = [], [], [], []
    for argument in function.args:
        label = argument.name
        match argument.type:
            case "handle":
                sent.append(label)
            case "handle_out":
                sent.append("out")
            case "handles":
                params.append(f"{label}: Sequence[Handle]")
                texts.append(f"    for each in {label}:\n        each.reopen()\n")
                made = f'ffi.new("{model.handle(argument.handle).c_name} *[]", [each.pointer for each in {label}])'
                texts.append(f"    {label}_data = {made}\n")
                sent.extend([f"{label}_data", f"len({label})"])
            case "record":
                fields, text = option_fields(model, model.record(argument.record), texts)
                params.extend(["*", *fields])
                lines.append(text)
                sent.append("options")
            case kind if kind in BYTES:
                params.append(parameter(model, argument))
                lines.append(f"    {prepared(model, argument, label)}")
                sent.extend(passed(model, argument, label))
            case "text":
                params.append(parameter(model, argument))
                lines.append(f'    {label}_text = to_text({label}, "{label}")\n')
                sent.append(f"{label}_text")
            case _:
                params.append(parameter(model, argument))
                lines.append(f"    {label} = {passed(model, argument, words.bare(label))[0]}\n")
                sent.append(label)
    first = f"{parent or '_parent'}: CData"
    out = [
        call(f"def {handle.name}_opener", ["library: Library", *params], " -> Opener:"),
        docstring(speak(model, function.doc), "    "),
        f"    lib = {CAST if in_test(model, handle) else 'library.lib'}\n",
    ]
    if any("library.ffi" in line or "ffi." in line for line in lines):
        out.append("    ffi = library.ffi\n")
    if not texts:
        out.extend(lines)
    out.append(f"\n    def opening({first}, out: CData, error: CData) -> int:\n")
    if texts:  # what an options record points to must live as long as the call: it is made inside
        out.extend("    " + line for line in "".join([*texts, *lines]).splitlines(keepends=True))
    out.append(call(f"return lib.{function.c_name}", [*sent, "error"], "", "        "))
    out.append(f'\n    return Opener(library, "{handle.c_name} **", opening, lib.kw_{handle.name}_free)\n')
    return "".join(out)


def option_fields(model: Model, record: Record, texts: list[str]) -> tuple[list[str], str]:
    """Keyword arguments for an options record, and the lines that fill it."""
    params, values = [], [f'"size": ffi.sizeof("{record.c_name}")']
    for item in record.fields:
        label = field_name(item)
        if item.name == "reserved":
            continue
        if item.type == "text":
            params.append(f"{label}: str | None = None")
            text = f'ffi.new("char[]", to_text({label}, "{label}"))'
            texts.append(f"    {label}_text = ffi.NULL if {label} is None else {text}\n")
            values.append(f'"{item.name}": {label}_text')
        elif item.enum:
            kind = class_name(item.enum)
            names = names_of(item.enum) if not model.enum(item.enum).flags else "str"
            params.append(f"{label}: {kind} | {names} | None = None")
            values.append(f'"{item.name}": 0 if {label} is None else to_enum({label}, {kind}, "{label}")')
        elif is_time(item):
            params.append(f"{label}: Duration | None = None")
            values.append(f'"{item.name}": 0 if {label} is None else to_us({label}, "{label}")')
        elif words.is_switch(item):
            params.append(f"{label}: bool | None = None")
            values.append(f'"{item.name}": 0 if {label} is None else to_switch({label}, "{label}")')
        else:
            params.append(f"{label}: int | None = None")
            values.append(f'"{item.name}": 0 if {label} is None else whole({label}, "{label}")')
    inner = "".join(f"            {item},\n" for item in values)
    return params, f'    options = ffi.new(\n        "{record.c_name} *",\n        {{\n{inner}        }},\n    )\n'


def functions_class(model: Model, handle: Handle, functions: list[Function]) -> str:
    out = [
        f"class {class_name(handle.name)}Functions(Object):\n",
        docstring(f"{speak(model, handle.doc)} What needs no round trip.", "    "),
        slots(model, handle),
    ]
    for function in functions:
        params, lines, sent, result, after = [], [], [], None, ""
        args = iter(function.args)
        for argument in args:
            if argument.type == "record_out":
                result = model.record(argument.record)
            elif argument.type == "buffer":
                made, given, after = room(argument, next(args))
                lines.extend(f"        {line}" for line in ["ffi = self._library.ffi\n", *made])
                sent.extend(given)
            else:
                params.append(parameter(model, argument))
                line = prepared(model, argument, argument.name)
                lines.append(f"        {line}" if line else "")
                sent.extend(passed(model, argument, words.bare(argument.name)))
        kind = record_class(result) if result else "bytes" if after else "None"
        out.append("\n" + call(f"def {function.name}", ["self", *params], f" -> {kind}:", "    "))
        out.append(docstring(speak(model, function.doc), "        "))
        out.extend(lines)
        door = [f"self._lib.{function.c_name}", *([f"read_{result.name}"] if result else []), *sent]
        out.append(call(f"{'return self._get' if result else 'self._do'}", door, "", "        "))
        out.append(f"        {after}" if after else "")
    return "".join(out)


def room(buffer: Argument, length: Argument) -> tuple[list[str], list[str], str]:
    """Where C writes bytes and their number: the lines that make it, what C is given, the line that returns them."""
    made = [f'{buffer.name} = ffi.new("char[]", {buffer.max})\n', f'{length.name} = ffi.new("size_t *")\n']
    given = [buffer.name, str(buffer.max), length.name]
    return made, given, f"return ffi.buffer({buffer.name}, {length.name}[0])[:]\n"


def in_test(model: Model, handle: Handle) -> bool:
    return any(handle in module.handles for module in model.of("test"))


def slots(model: Model, handle: Handle) -> str:
    """What a class has besides methods: nothing, but for the checker which library it is of."""
    return "\n    __slots__ = ()\n" + ("    _lib: Lib\n" if in_test(model, handle) else "")


def bases(handle: Handle, door: str, functions: bool) -> str:
    return f"{class_name(handle.name)}Functions, {door}" if functions else door


def blocking_class(model: Model, handle: Handle, operations: list[Operation], functions: bool) -> str:
    out = [
        f"class {class_name(handle.name)}Calls({bases(handle, 'BlockingObject', functions)}):\n",
        docstring(f"{speak(model, handle.doc)} Each call waits for its answer.", "    "),
        slots(model, handle),
    ]
    for operation in operations:
        kind, read, besides = result_of(model, operation)
        out.append(blocking_method(model, operation, kind, read, besides))
        if operation.many:
            out.append(many_method(model, operation, kind, read, besides, False))
    return "".join(out)


def async_class(model: Model, handle: Handle, operations: list[Operation], functions: bool) -> str:
    out = [
        f"class {class_name(handle.name)}Submits({bases(handle, 'AsyncObject', functions)}):\n",
        docstring(f"{speak(model, handle.doc)} Each operation is submitted at once, and awaited.", "    "),
        slots(model, handle),
    ]
    for operation in operations:
        kind, read, besides = result_of(model, operation, "Async" if operation.result in BY_HAND_CLASSES else "")
        out.append(async_method(model, operation, kind, read, besides))
        if operation.many:
            out.append(many_method(model, operation, kind, read, besides, True))
    return "".join(out)


def method_start(model: Model, operation: Operation, kind: str) -> tuple[str, list[str]]:
    """The head of a method, up to the call, and what the call is given."""
    taken = kept(model, operation)
    out = [
        "\n",
        call(f"def {operation.name}", signature(model, operation), f" -> {kind}:", "    "),
        docstring(described(model, operation), "        "),
    ]
    if operation.patient:
        names = [words.bare(argument.name) for argument in operation.args]
        out.append("        if wait is not None:\n")
        out.append(call(f"return self.{operation.patient}", [*names, "wait=wait", "timeout=timeout"], "", " " * 12))
    for argument in operation.args:
        if argument.type == "record":
            kind = f"Any{record_class(model.record(argument.record))}"
            out.append(f'        checked({argument.name}, {kind}, "{argument.name}")\n')
    sent = []
    for argument in operation.args:
        source = taken.get(argument.name, words.bare(argument.name))
        line = prepared(model, argument, source)
        out.append(f"        {line}" if line else "")
        sent.extend(passed(model, argument, source))
    return "".join(out), [*sent, "0 if timeout is None else to_timeout(timeout)"]


def blocking_method(model: Model, operation: Operation, kind: str, read: str, besides: str) -> str:
    """Spelled out, not passed on: this is the hot path, and the checker sees that C gets what it declares."""
    head, sent = method_start(model, operation, kind)
    result = ["room.result"] if operation.result or operation.items else []
    if operation.items:
        result = ['self._library.ffi.cast("kw_list **", room.result)']
    arguments = ["self._handle.pointer", *sent, *result, "room.error"]
    reading = ["status", "room.data", "0", *(besides.strip("(),").split(", ") if besides != "()" else [])]
    size = model.record(operation.result).layout.size if operation.result else 8 if operation.items else 0
    leave = ["self._leave_grant", "room", read, *reading[3:]] if operation.grants else ["self._handle.leave", "room"]
    answer = f"answer = {read}" if operation.result or read != "read_done" else read
    if operation.items:
        answer, reading = "answer = self._library.take_list", ["room", read]
    return "".join(
        [
            head,
            "        room = self._library.room()\n",
            "        room.clear()\n" if operation.grants else "",
            "        try:\n            while True:\n",
            call(f"status = self._lib.{operation.c_name}", arguments, "", " " * 16),
            f"                if status >= 0 or (status := self._handle.recover(room, {size})) >= 0:\n",
            call(answer, reading, "", " " * 20),
            "                    break\n",
            "        except BaseException:\n",
            call(leave[0], leave[1:], "", " " * 12),
            "            raise\n",
            "        self._library.rooms.append(room)\n",
            "        return answer\n" if answer != read else "",
        ]
    )


def async_method(model: Model, operation: Operation, kind: str, read: str, besides: str) -> str:
    head, sent = method_start(model, operation, f"Operation[{kind}]")
    function = f"self._lib.kw_{operation.handle}_submit_{operation.name}"
    arguments = f"({', '.join(sent)}{',' if len(sent) == 1 else ''})"
    if len(arguments) > WIDTH - 13:
        arguments = call("", sent, "", " " * 12).strip()
    door = ["self._handle", function, read, besides, arguments]
    grants = ["grants=True"] if operation.grants else []
    return head + call("return self._ports.current().submit", [*door, *grants], "", "        ")


def bounded(model: Model, operation: Operation, argument: Argument) -> tuple[str, list[str]]:
    """The line that sees to a range of one of many that are submitted one by one, and what C is given: C itself would
    refuse it when others are on their way."""
    given = passed(model, argument, words.bare(argument.name))
    for item, reason, least, most in words.item_checks(operation):
        if item is argument:
            name = f"{argument.name}_size" if argument.type in BYTES else words.bare(argument.name)
            bounds = f'{least}, {most}, "{argument.name}", Reason.{reason.removeprefix("REASON_")}'
            return f"                {name} = within({given[-1]}, {bounds})\n", [*given[:-1], name]
    return "", given


def many_method(model: Model, operation: Operation, kind: str, read: str, besides: str, submits: bool) -> str:
    """The method that takes many: an iterable of the arguments of each."""
    names = [words.bare(argument.name) for argument in operation.args]
    types = row_types(model, operation)
    result = f"Operation[list[{kind}]]" if submits else f"list[{kind}]"
    out = [
        "\n",
        call(
            f"def {operation.name}_many",
            ["self", f"items: Iterable[tuple[{types}]]", "*", "timeout: Duration | None = None"],
            f" -> {result}:",
            "    ",
        ),
    ]
    out.append(
        docstring(
            f"Many of {operation.name}, sent together and answered together, in any order.\n\n"
            f"Args:\n    items: {', '.join(names)} of each\n"
            "    timeout: deadline of this call; the client's when None\n\n"
            "The answers come in the order of the items. If one failed the first failure is raised, and its `answers` "
            f"has what the others were told. {words.cost(operation)}",
            "        ",
        )
    )
    listed = ", ".join(f'"{name}"' for name in names)
    out.append("        rows: list[tuple[tuple[Any, ...], tuple[Any, ...]]] = []\n")
    out.append(f"        listed = to_rows(items, ({listed}{',' if len(names) == 1 else ''}))\n")
    out.append("        try:\n")
    out.append(f"            for {', '.join(names) if len(names) > 1 else f'({names[0]},)'} in listed:\n")
    sent = []
    for argument in operation.args:
        line = prepared(model, argument, argument.name)
        out.append(f"                {line}" if line else "")
        if submits:
            line, given = bounded(model, operation, argument)
            out.append(line)
            sent.extend(given)
        elif argument.type in BYTES:
            sent.append(f"{argument.name}_data")
        else:
            sent.extend(passed(model, argument, words.bare(argument.name)))
    row = f"({', '.join(sent)}{',' if len(sent) == 1 else ''})"
    out.append(call("rows.append", [f"({besides}, {row})"], "", " " * 16))
    out.append("        except (TypeError, ValueError) as error:\n")
    out.append("            raise in_item(len(rows), error) from None\n")
    if submits:
        function = f"self._lib.kw_{operation.handle}_submit_{operation.name}"
        door = ["self._handle", function, read, "rows", "to_timeout(timeout)"]
        out.append(call("return self._ports.current().submit_many", door, "", "        "))
    else:
        record = model.record(operation.result)
        door = [
            f"self._lib.{operation.c_name}_many",
            f"_{operation.name.upper()}_ITEM",
            f'"{operation.c_name}_args *"',
            read,
            str(record.layout.size),
            "rows",
            "to_timeout(timeout)",
        ]
        out.append(call("return self._call_many", door, "", "        "))
    return "".join(out)


# Functions of no handle


def free_function(model: Model, function: Function) -> str:
    params, lines, sent, kind, result = [], [], [], "None", []
    args = iter(function.args)
    for argument in args:
        match argument.type:
            case "buffer":
                made, given, after = room(argument, next(args))
                lines.extend(f"    {line}" for line in made)
                sent.extend(given)
                kind, result = "bytes", [f"    {after}"]
            case "record_array_out":
                capacity, count = next(args), next(args)
                record = model.record(argument.record)
                lines.append(
                    f'    {argument.name} = ffi.new("{record.c_name}[]", {capacity.max})\n'
                    f'    {count.name} = ffi.new("int64_t *")\n'
                )
                sent.extend([argument.name, str(capacity.max), count.name])
                kind = f"list[{record_class(record)}]"
                result = [
                    f"    data = ffi.buffer({argument.name})\n",
                    f"    return [read_{record.name}(0, data, {record.layout.size} * index) "
                    f"for index in range({count.name}[0])]\n",
                ]
            case _:
                params.append(parameter(model, argument))
                line = prepared(model, argument, argument.name)
                lines.append(f"    {line}" if line else "")
                sent.extend(passed(model, argument, words.bare(argument.name)))
    out = [
        call(f"def {function.name}", params, f" -> {kind}:"),
        docstring(speak(model, function.doc), "    "),
        "    ffi = NATIVE.ffi\n",
        *lines,
    ]
    out.append(call("NATIVE.check", [f"NATIVE.lib.{function.c_name}", *sent], "", "    "))
    return "".join([*out, *result])
