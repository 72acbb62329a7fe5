"""The text over a prototype: what is true afterwards, parameters, statuses, threads, since."""

from __future__ import annotations

from ..model import BYTES, BYTES_MIN, Argument, Function, Model, Module, Operation
from ..words import lower_first
from .text import comment

AGAIN = {
    "read": "Safe to repeat.",
    "state": "Safe to repeat: what is sent twice is done once.",
    "record": "Safe to repeat by its operation id.",
    "never": "Never sent twice: a link lost after sending answers KW_UNKNOWN.",
}


def common(module: Module) -> list[str]:
    """What holds for all operations of a module: paragraphs for its head, so that no contract need say it."""
    if not module.operations:
        return []
    results = ", the result, which is always written," if any(item.result for item in module.operations) else ""
    return [
        f"Each operation takes timeout_us, its deadline from now (0: the client's){results} and error, where a failure "
        "is told (may be NULL).",
        "Each can be submitted too: that never waits, and copies the arguments. KW_OK means that a record with that "
        "tag will come out of the completions; after any other status (KW_INVALID, KW_OVERLOADED, KW_NO_MEMORY, "
        "KW_CLOSED, KW_FORKED) none will.",
    ]


def contract(function: Function | Operation) -> str:
    parts = [" ".join(function.doc.split())]
    if function.args:
        parts.append(
            "\n".join(
                [f"- {argument.name}: {argument_text(argument)}" for argument in function.args] + listed(function)
            )
        )
    if isinstance(function, Operation):
        said = ", ".join(f"KW_{name}" for name in ["OK", *function.statuses])
        parts.append(
            f"Returns {said}, or a failure. {AGAIN[function.klass]} Round trips: {function.round_trips}. "
            f"Threads: {function.threads}. Since {function.since}."
        )
    else:
        tail = []
        if function.statuses and function.role != "query":
            tail.append("Can fail with " + ", ".join(f"KW_{name}" for name in function.statuses) + ".")
        tail.append(f"Threads: {function.threads}. Since {function.since}.")
        parts.append(" ".join(tail))
    return comment("\n\n".join(parts))


def listed(function: Function | Operation) -> list[str]:
    """Of an operation that answers a list."""
    if not isinstance(function, Operation) or not function.items:
        return []
    return [f"- list: where the list of kw_{function.items} is put, to be freed by kw_list_free; NULL on failure"]


def contract_of_submit(model: Model, operation: Operation) -> str:
    data = f", with a {model.record(operation.result).c_name} unless it failed" if operation.result else ""
    if operation.items:
        data = ", with a kw_list as its data unless it failed, which ends with the next drain"
    return comment(f"Submits {operation.c_name}; the record of that tag answers it{data}.")


def contract_of_many(operation: Operation) -> str:
    return comment(
        f"Many of {operation.c_name} in one write, in any order. Each result carries its own status; a failure of one "
        "leaves the others alone. KW_OK when every one was answered, else the first failure; a refusal of the whole "
        "stands in each result.\n\n"
        "- items: the arguments; size of the first is the step from one to the next\n"
        "- count: how many\n"
        "- results: as many"
    )


def argument_text(argument: Argument) -> str:
    """What an argument is and may be, as it goes on after a name: "whose state: any bytes (0 to 1,024 bytes)"."""
    first, dot, rest = lower_first(" ".join(argument.doc.split())).removesuffix(".").partition(". ")
    notes = bounds(argument)
    if argument.nullable and "NULL" not in argument.doc:
        notes.append("may be NULL")
    noted = f"{first} ({', '.join(notes)})" if notes else first
    return f"{noted}{dot}{rest}{'.' if rest else ''}"


def bounds(argument: Argument) -> list[str]:
    if argument.type in BYTES:
        return [f"{BYTES_MIN[argument.type]} to {argument.max:,} bytes"]
    if argument.type in ("timeout", "wait", "duration"):
        return ["us, 0 and more"]
    if argument.min is not None and argument.max is not None:
        return [f"{argument.min:,} to {argument.max:,}"]
    return [f"{argument.min:,} and more"] if argument.min is not None else []
