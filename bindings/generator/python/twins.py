"""Makes the sync twins: python/keywright/_aio is written by hand, python/keywright/_sync is it with words replaced."""

from __future__ import annotations

import re
from pathlib import Path

from ..model import Model
from .text import PACKAGE

ROOT = Path(__file__).resolve().parents[3]

#: In this order.
WORDS = [
    (r"from \.\._loop import Operation as Entry\n", "from .._port import Submitted as Entry\n"),
    (r"^ *from \.\._loop import Operation\n", ""),
    (r"Operation\[((?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*\])*\])*)\]", r"\1"),
    (r"\bawait ", ""),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\basync_held\b", "held"),
    (r"\bAsyncObject\b", "BlockingObject"),
    (r"\bAsyncClient\b", "BlockingClient"),
    (r"\b([A-Z]\w*)Submits\b", r"\1Calls"),
    (r"\b_aio\b", "_sync"),
    (r"\bkeywright\.aio\b", "keywright"),
]


def emit(model: Model) -> dict[str, str]:
    files = {}
    for path in sorted((ROOT / PACKAGE / "_aio").glob("*.py")):
        files[f"{PACKAGE}/_sync/{path.name}"] = twin(path.read_text(encoding="utf-8"), path.name)
    return files


def twin(text: str, name: str) -> str:
    for pattern, replacement in WORDS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    text = re.sub(r"^from (\S+) import ([\w, ]+)$", in_order, text, flags=re.MULTILINE)
    return f"# Made by bindings/generate.py from {PACKAGE}/_aio/{name}. Change that file and run ./dev gen.\n{text}"


def in_order(line: re.Match[str]) -> str:
    """An import whose names, once replaced, stand in order again."""
    names = sorted(line[2].split(", "), key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    return f"from {line[1]} import {', '.join(names)}"
