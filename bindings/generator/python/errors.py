"""Emits the exceptions: one class for each status that is not yes, under the two branches Refused and Failed."""

from __future__ import annotations

from .. import words
from ..model import Model, Value
from .text import PACKAGE, docstring, head, imports, speak

#: Where the class is not just the status in Python's form: its name, what it stands under, what it is besides.
CLASSES = {
    "STOLEN": ("Stolen", "Lost", ""),
    "INVALID": ("Invalid", "Failed", "ValueError"),
    "NO_MEMORY": ("NoMemory", "Failed", "MemoryError"),
    "TIMEOUT": ("Timeout", "Failed", "TimeoutError"),
    "CONNECTION": ("ConnectionFailed", "Failed", "ConnectionError"),
    "RESOLVE": ("ResolveFailed", "ConnectionFailed", ""),
    "TLS": ("TlsFailed", "ConnectionFailed", ""),
    "PROTOCOL": ("ProtocolError", "Failed", ""),
    "SERVER": ("ServerError", "Failed", ""),
    "AUTH": ("AuthenticationFailed", "ServerError", ""),
    "PERMISSION": ("PermissionDenied", "ServerError", ""),
    "READONLY": ("ReadOnly", "ServerError", ""),
    "LOADING": ("Loading", "ServerError", ""),
    "SERVER_MEMORY": ("ServerMemory", "ServerError", ""),
    "WRONG_TYPE": ("WrongType", "ServerError", ""),
}

#: What an exception carries besides.
CARRIES = {"DENIED": ("decision", "AnyDecision | None", "The decision that said no.")}


def emit(model: Model) -> dict[str, str]:
    return {f"{PACKAGE}/_generated/errors.py": errors(model)}


def described(value: Value) -> tuple[str, str, str]:
    branch = "Refused" if value.value > 0 else "Failed"
    return CLASSES.get(value.name, (words.camel(value.name), branch, ""))


def errors(model: Model) -> str:
    enum = model.enum("status")
    waiting = [value for value in enum.values if value.name != "OK"]
    known = {"Refused", "Failed"}
    ordered: list[Value] = []
    while waiting:
        value = next(value for value in waiting if described(value)[1] in known)
        waiting.remove(value)
        ordered.append(value)
        known.add(described(value)[0])
    parts = [error_class(model, value) for value in ordered]
    table = "".join(f"    {value.value}: {described(value)[0]},\n" for value in enum.values if value.name != "OK")
    parts.append(f"#: The exception that stands for a status.\nEXCEPTIONS: dict[int, type[Error]] = {{\n{table}}}\n")
    parts.append(reader(model))
    body = "\n\n".join(parts)
    local = {
        "Error": ".._error",
        "Failed": ".._error",
        "Refused": ".._error",
        "to_str": ".._convert",
        "Reason": ".keywright",
        "Status": ".keywright",
    }
    only = {"AnyDecision": ".._decision", "Buffer": ".._native"}
    doc = "What a call can raise: one class for each status that is not yes."
    return f"{head('bindings/api/keywright.toml', doc)}\n{imports(body, local, only)}\n{body}"


def error_class(model: Model, value: Value) -> str:
    name, parent, besides = described(value)
    bases = f"{parent}, {besides}" if besides else parent
    out = [
        f"class {name}({bases}):\n",
        docstring(speak(model, value.doc), "    "),
        f"\n    code: ClassVar[Status] = Status.{value.name}\n",
    ]
    if value.name in CARRIES:
        field, kind, doc = CARRIES[value.name]
        out.append(f"    #: {doc}\n    {field}: {kind} = None\n")
    return "".join(out)


def reader(model: Model) -> str:
    record = model.record("error")
    layout = dict(zip(record.layout.names, record.layout.offsets, strict=True))
    interrupted = next(value.value for value in model.enum("status").values if value.name == "INTERRUPTED")
    names = ["code", "reason", "retryable", "maybe_applied", "call", "position", "message", "server"]
    if [layout[name] for name in names] != [0, 4, 8, 9, 16, 24, 32, 368]:
        raise ValueError("the layout of kw_error never changes")
    return f'''_ERROR = Struct("=iiBB14xq336s144s")
_CALL = Struct("=i12xQ")


def interrupted_call(data: Buffer) -> int:
    """The number of the call that was interrupted, 0 when none was."""
    code, call = _CALL.unpack_from(data)
    return call if code == {interrupted} else 0


def read_error(data: Buffer, offset: int = 0) -> Error:
    """The exception for what the library wrote about a failure."""
    code, reason, retryable, maybe_applied, position, message, server = _ERROR.unpack_from(data, offset)
    return EXCEPTIONS[code](
        to_str(message),
        reason=Reason(reason),
        retryable=bool(retryable),
        maybe_applied=bool(maybe_applied),
        position=position if position >= 0 else None,
        server_message=to_str(server),
    )
'''
