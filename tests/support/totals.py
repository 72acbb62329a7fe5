"""Reads JUnit files and prints each skip with its reason, each failure's name, and one line of totals at the very end.

    python totals.py FILE...

The name of a file is the name of its part (c.xml: C). A file that is missing or holds no test counts as one failure.
"""

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

Result = tuple[str, str, str]  # outcome, name, reason

# What cmocka prints for each test of a program, and what test_skip prints before it.
CMOCKA = re.compile(
    r"^\[\s+(OK|FAILED|SKIPPED|ERROR)\s+\] (?!(?:\w+: )?\d+ test|---)(\S.*?)\s*$|^reason: (.*)$", re.MULTILINE
)


def outcome_of(case: ET.Element) -> tuple[str, str]:
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        found = case.find(tag)
        if found is not None:
            return outcome, found.get("message") or (found.text or "").strip() or "no reason given"
    return ("failed", "not run") if case.get("status") in ("fail", "notrun") else ("passed", "")


def of_cmocka(program: str, output: str) -> Iterator[Result]:
    """The single tests of one C program. The summary names the failed ones again: each counts once."""
    seen: dict[str, tuple[str, str]] = {}
    reason = ""
    for word, name, said in CMOCKA.findall(output):
        if said:
            reason = said
        elif name not in seen:
            outcome = {"OK": "passed", "SKIPPED": "skipped"}.get(word, "failed")
            seen[name] = (outcome, reason or "no reason given")
            reason = ""
    for name, (outcome, why) in seen.items():
        yield outcome, f"{program}: {name}", why


def results(file: Path) -> Iterator[Result]:
    try:
        cases = list(ET.parse(file).iter("testcase"))
    except (OSError, ET.ParseError):
        cases = []
    if not cases:
        yield "failed", file.stem, "ended without a result"
    for case in cases:
        name = case.get("name", "")
        suite = case.get("classname", "")
        outcome, reason = outcome_of(case)
        inner = list(of_cmocka(name, case.findtext("system-out") or ""))
        yield from inner
        if outcome == "failed" and inner and all(result[0] != "failed" for result in inner):
            yield "failed", name, "the program failed, but none of its tests did"
        elif not inner:
            yield outcome, name if suite in ("", name) else f"{suite}.{name}", reason


def main(files: list[str]) -> int:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    shown = []
    for file in map(Path, files):
        part = dict.fromkeys(counts, 0)
        for outcome, name, reason in results(file):
            counts[outcome] += 1
            part[outcome] += 1
            if outcome != "passed":
                shown.append(f"{outcome} {file.stem} {name}: {reason.splitlines()[0]}")
        shown.append(f"{file.stem}: " + ", ".join(f"{count} {outcome}" for outcome, count in part.items()))
    print("\n".join(sorted(shown, key=lambda line: (line.startswith("failed"), line.startswith("skipped")))))
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
