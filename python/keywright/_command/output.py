"""How commands print: for people on a terminal, for programs as JSON."""

from __future__ import annotations

import json
import os
import sys
from math import inf, isinf
from typing import Any

COLOURS = {"good": "32", "bad": "31", "warning": "33"}


def coloured(text: str, kind: str) -> str:
    """The text in a colour, where a person can see it."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m"


def as_json(fields: dict[str, Any]) -> None:
    """One object on one line. For ever is null."""
    print(json.dumps({name: None if value == inf else value for name, value in fields.items()}))


def table(rows: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


def seconds(value: float) -> str:
    """A duration as people say it."""
    if isinf(value):
        return "never"
    if value == 0:
        return "now"
    if value < 1e-3:
        return f"{value * 1e6:.0f} us"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    if value < 120:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
