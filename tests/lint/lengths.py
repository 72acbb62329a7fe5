"""Checks that dev stays under 300 lines, and names sources written by hand that reach 600: they want splitting."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {".c", ".h", ".py", ".go", ".rs", ".lua", ".cmake"}
LONGEST = 600
LONGEST_DEV = 300


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def main() -> int:
    failed = 0
    for path in tracked():
        if path.suffix not in SOURCES and path != ROOT / "dev":
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        if lines and any("enerated by bindings/generate.py" in line for line in lines[:3]):
            continue
        longest = LONGEST_DEV if path == ROOT / "dev" else LONGEST
        if len(lines) >= longest:
            print(f"{path.relative_to(ROOT)} has {len(lines)} lines; it should stay under {longest}")
            failed |= longest == LONGEST_DEV
    return failed


if __name__ == "__main__":
    sys.exit(main())
