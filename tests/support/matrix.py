"""Runs the C and the Python tests on each server that can be had, and prints one table.

    python matrix.py [--write] [SERVER...]      --write puts what a whole run found into docs/servers.md

Servers are named as in servers.py, and come from there.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from servers import NotHere, chosen, obtain, version_of
from totals import Result, results

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "servers.md"
RESULTS = ROOT / ".dev" / "results"
PARTS = ["c", "python"]
OUTCOMES = ["passed", "failed", "skipped"]
BEGIN, END = "<!-- ./dev matrix --write -->\n", "<!-- end -->\n"
HEAD = "| server | version | part | passed | failed | skipped |\n|---|---|---|---:|---:|---:|\n"


def run_part(part: str, program: Path) -> list[Result]:
    file = RESULTS / f"{part}.xml"
    file.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "KEYWRIGHT_SERVER"}
    subprocess.run([ROOT / "dev", "test", "--server", program, part], cwd=ROOT, env=environment)
    return list(results(file))


def write(text: str) -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")


def main(arguments: list[str]) -> int:
    names = [argument for argument in arguments if argument != "--write"]
    table, failures = HEAD, []
    total, skips = Counter[str](), Counter[str]()
    for server in chosen(names):
        title = server.name.replace("-", " ").capitalize()
        try:
            program = obtain(server)
        except NotHere as reason:
            table += f"| {title} | not to be had here | | | | |\n"
            print(f"{title}: {reason}")
            continue
        for part in PARTS:
            found = run_part(part, program)
            counts = Counter(outcome for outcome, _, _ in found)
            total += counts
            cells = " | ".join(str(counts[outcome]) for outcome in OUTCOMES)
            table += f"| {title} | {version_of(program)} | {part} | {cells} |\n"
            skips.update(f"{title}, {part}: {reason}" for outcome, _, reason in found if outcome == "skipped")
            failures += [f"{title}, {part}: {name} failed" for outcome, name, _ in found if outcome == "failed"]
    text = table + "".join(f"\n- {count} skipped on {reason}" for reason, count in skips.items()) + "\n" * bool(skips)
    print("\n".join(["", text, *failures]))
    if "--write" in arguments and not names:
        write(text)
    print(", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES))
    return int(total["failed"] > 0 or not total["passed"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
