"""How large the library is, and what its objects take in memory."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from frame.make import PROGRAMS
from frame.measure import Failed
from frame.server import Server

RELEASE = PROGRAMS.parents[1] / "release"  # as it is released; the rows of other benchmarks come from a tree for tests
COUNT = 200  # of each kind: few enough for a process that may open 1,024 files

Size = dict[str, Any]


def sizes(server: Server) -> tuple[list[Size], list[str]]:
    """Rows, and what is missing from them."""
    library, missing = _library()
    return library + _memory(server), missing


def _library() -> tuple[list[Size], list[str]]:
    found = [path for name in ("libkeywright.so", "libkeywright.dylib") for path in RELEASE.glob(name)]
    if not found:
        return [], [f"the library's size: nothing is built in {RELEASE.name}"]
    if not shutil.which("strip") or not shutil.which("size"):
        return [], ["the library's size: strip and size are not there"]
    with tempfile.TemporaryDirectory() as directory:
        stripped = Path(directory) / "stripped"
        _run("strip", "-x", "-o", str(stripped), str(found[0].resolve()))
        whole = stripped.stat().st_size
    rows = [_size(f"{found[0].name}, stripped; OpenSSL is the system's", whole)]
    parts = sorted(map(str, RELEASE.glob("CMakeFiles/kw_hiredis.dir/**/*.o")))
    if parts:
        told = re.findall(r"(\d+)\s+[0-9a-f]+\s+\S+\.o$", _run("size", *parts), re.MULTILINE)
        rows.append(_size("of it hiredis", sum(map(int, told))))
    return rows, []


def _memory(server: Server) -> list[Size]:
    told = json.loads(_run(str(PROGRAMS / "memory"), server.socket, str(COUNT)))
    return [_size(one["what"], one["malloc"], one["rss"], one["count"]) for one in told["each"]]


def _size(what: str, size: int | None, resident: int | None = None, count: int = 1) -> Size:
    return {"what": what, "bytes": size, "resident_bytes": resident, "count": count}


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Failed(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout
