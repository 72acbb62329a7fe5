"""Names and texts for Go and Rust: the spec's words in each language's own form."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

from .model import BYTES, BYTES_MIN, Argument, Field, Function, Model, Operation, Record

#: Written by hand in both languages, for they are what generated code stands on.
BY_HAND_RECORDS = {"error", "record", "list"}
BY_HAND_FUNCTIONS = {"version", "status_name", "status_text"}
BY_HAND_HANDLES = {"completions"}
BY_HAND_CLIENT = {"open", "close", "free"}

#: A blocking call that comes back in between is for languages whose main thread looks after signals.
BY_HAND_FIELDS = {("client_options", "interrupt_us")}

#: What C measures in microseconds, and what it is elsewhere.
TIMES = {"us", "unix_us"}


def by_hand(function: Function | Operation) -> bool:
    return (
        (isinstance(function, Function) and function.by_hand)
        or function.handle in BY_HAND_HANDLES
        or (not function.handle and function.name in BY_HAND_FUNCTIONS)
        or (function.handle == "client" and function.name in BY_HAND_CLIENT)
    )


def visible(record: Record) -> list[Field]:
    hidden = {"reserved"} | {name for owner, name in BY_HAND_FIELDS if owner == record.name}
    return [item for item in record.told if item.name not in hidden]


def bare(name: str) -> str:
    """A name without its unit: where durations have a type of their own, the name need not say it."""
    return name.removesuffix("_us")


def is_switch(item: Field | Argument) -> bool:
    return item.type in ("i32", "i64") and item.min == 0 and item.max == 1


def has_status(record: Record) -> bool:
    return any(item.enum == "status" for item in record.fields)


def answers_no(model: Model, operation: Operation) -> bool:
    """Whether a definite no must be told beside the result, for the result does not carry it."""
    if not operation.asks or not operation.statuses:
        return False
    return not (operation.result and has_status(model.record(operation.result)))


def has_default(argument: Argument) -> bool:
    """Whether a shorter call without it is there where arguments have no names: a duration is never left out there."""
    return argument.default is not None and argument.type != "duration"


def shortened(operation: Operation) -> bool:
    return any(has_default(argument) for argument in operation.args)


def results(model: Model) -> set[str]:
    """The records that come out of C, by name."""
    names = set()
    for module in model.modules:
        for function in [*module.functions, *module.operations]:
            names |= {item.record for item in function.args if item.type in ("record_out", "record_array_out")}
        names |= {operation.result for operation in module.operations if operation.result}
    names |= lists(model)
    names |= {nested.record for name in names if (nested := model.record(name).nested)}
    return names - BY_HAND_RECORDS


def lists(model: Model) -> set[str]:
    """The records that come out of C in lists, by name."""
    return {operation.items for module in model.modules for operation in module.operations if operation.items}


def given_enums(model: Model) -> set[str]:
    """The enums that callers give: as arguments, or in options."""
    names = set()
    for module in model.modules:
        for function in [*module.functions, *module.operations]:
            if not by_hand(function):
                names |= {item.enum for item in function.args if item.enum}
        names |= {item.enum for record in module.records if record.sized for item in record.fields if item.enum}
    return {name for name in names if not model.enum(name).flags}


def arguments(model: Model) -> set[str]:
    """The records that go into C, by name."""
    names = set()
    for module in model.modules:
        for function in [*module.functions, *module.operations]:
            names |= {item.record for item in function.args if item.type == "record"}
    return names


def camel(name: str, initialisms: frozenset[str] = frozenset()) -> str:
    return "".join(word.upper() if word in initialisms else word.capitalize() for word in name.lower().split("_"))


def lower_first(text: str) -> str:
    """The text as it goes on after a name: "Asks to" becomes "asks to", "GCRA" and "RESP" stay."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return text if len(first) > 1 and first[1].isupper() else text[:1].lower() + text[1:]


def translate(text: str, names: Callable[[str], str | None]) -> str:
    """Puts a language's own names for C's: KW_DENIED, kw_limits_parse, retry_after_us, NULL."""
    text = without_memory(" ".join(text.split()))
    return re.sub(
        r"\b(KW_[A-Z_]+|kw_[a-z_]+|[a-z]+(?:_[a-z]+)+|NULL)\b", lambda found: names(found[1]) or found[1], text
    )


def described(model: Model, item: Field | Argument) -> str:
    """The text of a field or argument for a language whose types say part of it."""
    text = " ".join(item.doc.split())
    if item.enum and text.startswith(f"A kw_{item.enum}"):
        rest = text.removeprefix(f"A kw_{item.enum}")
        if rest.startswith(":"):
            text = rest[2:3].upper() + rest[3:]
        else:
            text = model.enum(item.enum).doc.split(". ")[0].rstrip(".") + rest
    if item.unit == "unix_us":
        text = text.replace("Unix time in us", "the time")
    if isinstance(item, Argument):
        text = text.replace(", or NULL.", ".")
    if is_switch(item):
        text = re.sub(r"\b1\b(?= [a-z]|:)", "true", text)
        text = re.sub(r"\b0\b(?= [a-z]|:)", "false", text)
        text = text[0].upper() + text[1:]
    return text


def without_memory(text: str) -> str:
    """Leaves out what a text says about memory that only C's callers care for."""
    kept = [part for part in re.split(r"(?<=\.) ", text) if not part.startswith(("Borrowed until", "Static memory"))]
    return " ".join(kept)


def paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.strip().split("\n\n")]


def fill(text: str, prefix: str, width: int, hanging: str = "") -> str:
    """The text as comment lines, each behind the prefix."""
    lines = textwrap.wrap(
        text, width - len(prefix) - 1, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )
    return "".join(f"{prefix} {line}\n" for line in lines)


def bounds(argument: Argument) -> str:
    """The range of an argument, in words; empty where there is nothing to say."""
    if argument.type == "name":
        return "1 to 255 bytes"
    if argument.type in ("key", "bytes"):
        return f"up to {argument.max:,} bytes"
    if is_switch(argument):
        return ""
    if argument.min is not None and argument.max is not None:
        return f"{argument.min:,} to {argument.max:,}"
    if argument.min is not None:
        return f"{argument.min:,} and more"
    return ""


def item_checks(operation: Operation) -> list[tuple[Argument, str, int, int]]:
    """What of one call among many can be known to be wrong before any is sent: argument, reason, least and most."""
    checks = []
    for item in operation.args:
        if item.type in BYTES:
            reason = {"name": "REASON_NAME_LENGTH", "key": "REASON_KEY_LENGTH"}.get(item.type, "REASON_RANGE")
            checks.append((item, reason, BYTES_MIN[item.type], item.max or 0))
        elif item.type in ("i64", "i32") and (item.min is not None or item.max is not None):
            least = item.min if item.min is not None else -(2**63)
            checks.append((item, "REASON_RANGE", least, item.max if item.max is not None else 2**63 - 1))
    return checks


REPEAT = {
    "read": "Safe to repeat.",
    "state": "Safe to repeat: what is sent twice is done once.",
    "record": "Safe to repeat, by its operation id.",
    "never": "Never sent twice: a link lost after sending gives {unknown}.",
}


def cost(operation: Operation) -> str:
    trips = operation.round_trips
    return f"{'One round trip' if trips == '1' else 'Round trips: ' + trips}."
