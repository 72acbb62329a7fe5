"""What the scenarios of all modules have in common: their steps, the clock, and how they are written down."""

from __future__ import annotations

import json
from typing import Any

SECOND = 1_000_000
YEAR_2026 = 1_767_225_600_000_000
YEAR_2100 = 4_102_444_800_000_000

Step = dict[str, Any]


def put(step: Step, field: str, value: bytes) -> None:
    """Bytes as text where JSON can carry it."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    step.update({f"{field}_hex": value.hex()} if "\0" in text else {field: text})


def escape(name: bytes) -> bytes:
    return b"".join(b"%%%02X" % byte if byte in b"%{}:" else bytes([byte]) for byte in name)


class Tale:
    """One scenario. The server stands still at `start` until the clock is moved."""

    def __init__(self, module: str, name: str, start: int, objects: dict[str, Step]) -> None:
        self.module, self.name, self.now, self.objects = module, name, start, objects
        self.steps: list[Step] = [{"do": "clock", "at_us": start}]

    def clock(self, at: int | None = None, by: int = 0) -> None:
        self.steps.append({"do": "clock", "at_us": at} if at is not None else {"do": "clock", "by_us": by})
        self.now = at if at is not None else self.now + by
        self.passed()

    def passed(self) -> None:
        """The clock was moved: for the models of a module."""

    def command(self, *words: str, reply: Any = ...) -> None:
        """A command of the test's own; what it must reply, unless anything will do."""
        self.steps.append({"do": "command", "words": list(words)} | ({} if reply is ... else {"reply": reply}))

    def fails(self, do: str, status: str, reason: str = "", position: int | None = None, **fields: Any) -> None:
        failure: Step = {"status": status} | ({"reason": reason} if reason else {})
        if position is not None:
            failure["position"] = position
        self.steps.append({"do": do, **fields, "fails": failure})


class Keyed(Tale):
    """A scenario of objects that are options alone, named by their alias unless these say otherwise."""

    def __init__(self, module: str, name: str, start: int, options: dict[str, Step]) -> None:
        objects: dict[str, Step] = {}
        for alias, chosen in options.items():
            made: Step = {}
            put(made, "name", chosen.get("name", alias.encode()))
            objects[alias] = made | {word: value for word, value in chosen.items() if word != "name"}
        super().__init__(module, name, start, objects)
        self.options = options

    def of(self, on: str) -> Step:
        """The options of the object that is meant: of the first, unless told."""
        return self.options[on or next(iter(self.options))]

    def place(self, key: str | bytes, on: str) -> tuple[bytes, bytes]:
        """Whose state it is: objects of one name share theirs."""
        alias = on or next(iter(self.options))
        return self.of(on).get("name", alias.encode()), key if isinstance(key, bytes) else key.encode()

    def server_key(self, key: str | bytes, on: str, part: str) -> bytes:
        name, inner = self.place(key, on)
        return b"kw:%b:{%b:%b}:%b" % (self.module.encode(), escape(name), escape(inner), part.encode())

    def named(self, on: str) -> Step:
        return {"on": on or next(iter(self.options))} if len(self.options) > 1 else {}

    def step(self, do: str, key: str | bytes, on: str, **fields: Any) -> Step:
        step: Step = {"do": do} | self.named(on)
        for name, value in {"key": key, **fields}.items():
            if name == "key" or isinstance(value, bytes):
                put(step, name, value if isinstance(value, bytes) else value.encode())
            else:
                step[name] = value
        self.steps.append(step)
        return step

    def string(self, key: bytes, value: str | None, expires_ms: int | None) -> None:
        """What must lie in a key that is a string: None, there is none."""
        step: Step = {"do": "state"}
        put(step, "key", key)
        step["value"] = value
        if value is not None:
            step["expires_at_ms"] = -1 if expires_ms is None else expires_ms
        self.steps.append(step)

    def refused(self, do: str, status: str, reason: str = "", on: str = "", **fields: Any) -> None:
        """An operation on the key k that fails."""
        self.fails(do, status, reason, **self.named(on), key="k", **fields)


def text_of(about: str, tales: list[Tale]) -> str:
    """A file: one step a line, so that a change shows where it is."""

    def rows(indent: int, items: list[str]) -> str:
        return ",\n".join(" " * indent + item for item in items)

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    blocks = []
    for tale in tales:
        objects = rows(8, [f"{line(alias)}: {line(made)}" for alias, made in tale.objects.items()])
        steps = rows(8, [line(step) for step in tale.steps])
        blocks.append(
            f'    {{\n      "name": {line(tale.name)},\n      "module": {line(tale.module)},\n'
            f'      "objects": {{\n{objects}\n      }},\n      "steps": [\n{steps}\n      ]\n    }}'
        )
    return f'{{\n  "about": {line(about)},\n  "scenarios": [\n' + ",\n".join(blocks) + "\n  ]\n}\n"
