"""The text over a prototype: what is true afterwards, parameters, statuses, threads, since."""

from __future__ import annotations

from ..model import BYTES, BYTES_MIN, Argument, Function, Model, Operation
from .text import comment


def contract(function: Function | Operation, model: Model, submit: bool = False, many: bool = False) -> str:
    """The text over a prototype: what is true afterwards, parameters, statuses, threads, round trips, since."""
    parts = []
    if submit:
        parts.append(
            f"Submits {function.c_name}: never waits, copies its arguments; the answer is the record of that tag. "
            "KW_OK means that the record will come; after any other status none will."
        )
    elif many:
        parts.append(
            f"Many of {function.c_name} in one write, in any order. Each result carries its own status; a failure "
            "of one leaves the others alone. KW_OK when every one was answered, else the first failure."
        )
    else:
        parts.append(" ".join(function.doc.split()))
    lines = []
    if not submit and not many:
        for argument in function.args:
            lines.append(f"- {argument.name}: {argument_text(argument)}")
    if lines:
        parts.append("\n\n".join(lines))
    if isinstance(function, Operation):
        statuses = ["OK", *function.statuses]
        said = ", ".join(f"KW_{name}" for name in statuses)
        if submit:
            parts.append("Fails with KW_INVALID, KW_OVERLOADED, KW_NO_MEMORY, KW_CLOSED or KW_FORKED.")
        elif not many:
            again = {
                "read": "Safe to repeat.",
                "state": "Safe to repeat: what is sent twice is done once.",
                "record": "Safe to repeat by its operation id.",
                "never": "Never sent twice: a link lost after sending answers KW_UNKNOWN.",
            }[function.klass]
            parts.append(f"Returns {said}, or a failure. {again}")
        parts.append(f"Round trips: {function.round_trips}. Threads: {function.threads}. Since {function.since}.")
    else:
        tail = []
        if function.statuses and function.role != "query":
            tail.append("Can fail with " + ", ".join(f"KW_{name}" for name in function.statuses) + ".")
        tail.append(f"Threads: {function.threads}. Since {function.since}.")
        parts.append(" ".join(tail))
    return comment("\n\n".join(parts))


def argument_text(argument: Argument) -> str:
    text = " ".join(argument.doc.split())
    notes = []
    if argument.type in BYTES:
        notes.append(f"{BYTES_MIN[argument.type]} to {argument.max} bytes")
    elif argument.type in ("timeout", "wait", "duration"):
        notes.append("us, 0 and more")
    elif argument.min is not None and argument.max is not None:
        notes.append(f"{argument.min} to {argument.max}")
    elif argument.min is not None:
        notes.append(f"{argument.min} and more")
    if argument.nullable:
        notes.append("may be NULL")
    return f"{text} ({', '.join(notes)})" if notes else text
