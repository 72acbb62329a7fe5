#!/usr/bin/env python3
"""Writes everything that follows from bindings/api/*.toml and core/lua/*.lua. With --check it only compares."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bindings"))

from generator.model import SpecError  # noqa: E402
from generator.spec import load  # noqa: E402

#: As many written files are named.
FEW = 30
EMITTERS = ["c", "python", "go", "rust", "reference"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of step")
    options = parser.parse_args()
    try:
        model = load(ROOT)
        files: dict[str, str] = {}
        for name in EMITTERS:
            files.update(import_module(f"generator.{name}").emit(model))
    except SpecError as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    stale = [path for path, text in files.items() if not same(ROOT / path, text)]
    if options.check:
        for path in stale:
            print(f"generate: {path} is out of step with the spec: run ./dev gen", file=sys.stderr)
        print(f"generate: {len(files)} files, {len(stale)} out of step")
        return 1 if stale else 0
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text_of(files[path]))
    if len(stale) <= FEW:
        print("".join(f"  {path}\n" for path in stale), end="")
    print(f"generate: {len(files)} files, {len(stale)} written")
    return 0


def same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text_of(text)


def text_of(text: str) -> str:
    return text.rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.exit(main())
