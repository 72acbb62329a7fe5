"""Compares the library with the one of the last tag: what a program was built with must still hold (docs/abi.md).

    python abi.py LIBRARY

LIBRARY is the shared library of this tree, with debug information. The tag's is built once, and kept in .dev/abi.
Constants and records are compared by their headers, functions by abidiff's own counts: of its changes only those pass
that come from a record which grew as it may. A new major version may break with the old one; then this only tells.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = Path("core/include/keywright.h")

CONSTANT = re.compile(r"^ +(KW_\w+) = (-?\w+),", re.MULTILINE)
RECORD = re.compile(r"^typedef struct (\w+) \{\n(.*?)^\} \1;", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^ +([\w *]+?[ *])(\w+)((?:\[\w+\])?);", re.MULTILINE)
COUNTS = re.compile(r"^(.+) summary: (\d+) Removed(?: \(\d+ filtered out\))?, (?:(\d+) Changed)?", re.MULTILINE)

PROBE = """
#include <stddef.h>
#include <stdio.h>
#include "keywright.h"
int main(void) {{
{lines}
    return 0;
}}
"""


@dataclass(frozen=True)
class Field:
    offset: int
    size: int
    type: str

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass
class Record:
    size: int
    fields: dict[str, Field]

    @property
    def is_sized(self) -> bool:
        """Its caller says how much of it there is: it may grow."""
        return "size" in self.fields


def run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(str(word) for word in command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def last_tag() -> str | None:
    words = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def released(tag: str) -> Path:
    """A folder with library and header of that tag."""
    kept = ROOT / ".dev" / "abi" / run("git", "rev-parse", f"{tag}^{{commit}}")
    if (kept / "libkeywright.so").exists():
        return kept
    with tempfile.TemporaryDirectory() as made:
        tree = Path(made)
        run("git", "archive", "--output", tree / "tree.tar", tag)
        run("tar", "-xf", tree / "tree.tar", "-C", tree)
        options = ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DKEYWRIGHT_WERROR=OFF"]
        if sources := list((ROOT / "third_party" / "hiredis").glob("*.tar.gz")):
            options.append(f"-DKEYWRIGHT_HIREDIS_SDIST={sources[0]}")
        run("cmake", "-G", "Ninja", "-S", tree, "-B", tree / "build", *options)
        run("cmake", "--build", tree / "build", "--target", "keywright")
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree / HEADER, kept)
        shutil.copy(tree / "build" / "libkeywright.so", kept)
    return kept


def records(header: Path) -> dict[str, Record]:
    """Names and types as the header has them, sizes and offsets as the compiler lays them out."""
    texts = {name: FIELD.findall(body) for name, body in RECORD.findall(header.read_text(encoding="utf-8"))}
    lines = []
    for name, fields in texts.items():
        lines.append(f'printf("%zu\\n", sizeof({name}));')
        for _, field, _ in fields:
            lines.append(f'printf("%zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));')
    with tempfile.TemporaryDirectory() as made:
        source = Path(made) / "probe.c"
        source.write_text(PROBE.format(lines="\n".join(lines)), encoding="utf-8")
        run("cc", "-I", header.parent, source, "-o", source.with_suffix(""))
        answers = iter(run(source.with_suffix("")).splitlines())
    found = {}
    for name, fields in texts.items():
        size = int(next(answers))
        placed = {}
        for kind, field, length in fields:
            offset, width = map(int, next(answers).split())
            placed[field] = Field(offset, width, kind.strip() + length)
        found[name] = Record(size, placed)
    return found


def is_reserve(name: str) -> bool:
    return name.startswith("reserved")


def broken_record(name: str, old: Record, new: Record) -> Iterator[str]:
    """A field stays what and where it was; a new one lies where a reserve was, or past the end of a sized record."""
    reserves = [field for field_name, field in old.fields.items() if is_reserve(field_name)]
    for field_name, field in old.fields.items():
        if not is_reserve(field_name) and new.fields.get(field_name) != field:
            yield f"{name}.{field_name} is gone, or is not what or where it was"
    for field_name, field in new.fields.items():
        in_reserve = any(room.offset <= field.offset and field.end <= room.end for room in reserves)
        at_end = old.is_sized and field.offset >= old.size
        if field_name not in old.fields and not in_reserve and not at_end:
            yield f"{name}.{field_name} lies where no reserve was"
    if new.size != old.size and not (old.is_sized and new.size > old.size):
        yield f"{name} had {old.size} bytes and has {new.size}"


def compare_records(old: dict[str, Record], new: dict[str, Record]) -> tuple[list[str], list[str]]:
    """What is broken, and which records grew as they may."""
    broken, grown = [], []
    for name, record in old.items():
        if name not in new:
            broken.append(f"{name} is gone")
        elif record != new[name]:
            found = list(broken_record(name, record, new[name]))
            broken += found
            if not found:
                grown.append(name)
    return broken, grown


def broken_constants(old: str, new: str) -> Iterator[str]:
    values = dict(CONSTANT.findall(new))
    for name, value in CONSTANT.findall(old):
        if values.get(name) != value:
            yield f"{name} was {value} and is {values.get(name, 'gone')}"


def broken_functions(old: Path, library: Path, grown: list[str]) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".suppr") as allowed:
        allowed.write("".join(f"[suppress_type]\n  name = {name}\n\n" for name in grown))
        allowed.flush()
        words = [
            "abidiff",
            "--suppressions",
            allowed.name,
            "--headers-dir1",
            old,
            "--headers-dir2",
            (ROOT / HEADER).parent,
        ]
        words += [old / "libkeywright.so", library]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    counts = COUNTS.findall(done.stdout)
    if done.returncode & 3 or (done.returncode and not counts):
        yield f"abidiff could not compare: {done.stderr or done.stdout}"
    if any(int(removed) or int(changed or 0) for _, removed, changed in counts):
        yield done.stdout


def main(library: Path) -> int:
    tag = last_tag()
    if tag is None:
        print("no tag of a version is known here: nothing to compare with")
        return 0
    if shutil.which("abidiff") is None:
        print("abidiff is not to be had here: not compared")
        return 0
    old, header = released(tag), ROOT / HEADER
    broken, grown = compare_records(records(old / HEADER.name), records(header))
    broken += broken_constants((old / HEADER.name).read_text(encoding="utf-8"), header.read_text(encoding="utf-8"))
    broken += broken_functions(old, library, grown)
    major = (ROOT / "VERSION").read_text(encoding="utf-8").split(".")[0]
    if broken:
        print("\n".join(broken))
        print(f"programs built with {tag} would break")
    else:
        print(f"programs built with {tag} go on" + (f"; grown: {', '.join(grown)}" if grown else ""))
    return int(bool(broken) and major == tag.removeprefix("v").split(".")[0])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
