"""Turns what `go test -json` or `cargo test` prints into a JUnit file, and shows it as it comes.

go test -json ./... | python to_junit.py go FILE
cargo test 2>&1 | python to_junit.py cargo FILE
"""

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, field

NOISE = re.compile(r"\s*(=== (RUN|PAUSE|CONT|NAME)|--- PASS|PASS$)")


@dataclass
class Case:
    suite: str
    name: str
    outcome: str = "failed"  # a test that began and never ended
    output: list[str] = field(default_factory=list)


def read_go(lines: Iterable[str]) -> list[Case]:
    """A test with subtests counts by its subtests; a package that does not build counts as one failure."""
    cases: dict[tuple[str, str], Case] = {}
    failed_packages: dict[str, Case] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            print(line, end="", flush=True)
            continue
        package = event.get("Package") or event.get("ImportPath", "")
        name = event.get("Test")
        action = event["Action"]
        if action in ("output", "build-output") and not NOISE.match(event["Output"]):
            print(event["Output"], end="", flush=True)
        if name is None:
            if action in ("fail", "build-fail"):
                failed_packages[package.split(" ")[0]] = Case(package, "package", "failed")
            continue
        case = cases.setdefault((package, name), Case(package, name))
        if action == "output":
            case.output.append(event["Output"])
        elif action in ("pass", "fail", "skip"):
            case.outcome = {"pass": "passed", "fail": "failed", "skip": "skipped"}[action]
    parents = {(package, name.rsplit("/", 1)[0]) for package, name in cases if "/" in name}
    found = [case for key, case in cases.items() if key not in parents or case.outcome == "failed"]
    told = {case.suite for case in found if case.outcome == "failed"}
    return found + [case for package, case in failed_packages.items() if package not in told]


def read_cargo(lines: Iterable[str]) -> list[Case]:
    """Lines `test NAME ... ok|FAILED|ignored, REASON`; output that has none and a failing end is one failure."""
    cases: list[Case] = []
    suite = "rust"
    for line in lines:
        print(line, end="", flush=True)
        if target := re.match(r"\s+(?:Running|Doc-tests) (.+?)(?: \(.*)?$", line):
            suite = target[1]
        elif done := re.match(r"test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)(?:, (.*))?$", line):
            outcome = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}[done[2]]
            cases.append(Case(suite, done[1], outcome, [done[3] or ""]))
        elif line.startswith("error"):
            cases.append(Case(suite, "cargo", "failed", [line]))
    if any(case.name != "cargo" and case.outcome == "failed" for case in cases):
        cases = [case for case in cases if case.name != "cargo"]
    elif errors := [case for case in cases if case.name == "cargo"]:
        cases = [case for case in cases if case.name != "cargo"] + errors[:1]
    return cases


def write(cases: list[Case], file: str) -> None:
    root = ET.Element("testsuite", name="tests")
    for case in cases:
        element = ET.SubElement(root, "testcase", classname=case.suite, name=case.name)
        text = "".join(case.output)
        if case.outcome == "failed":
            ET.SubElement(element, "failure", message="failed").text = printable(text)
        elif case.outcome == "skipped":
            lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("===", "---"))]
            reason = re.sub(r"^\S+\.go:\d+: ", "", lines[-1]) if lines else "no reason given"
            ET.SubElement(element, "skipped", message=printable(reason))
    ET.ElementTree(root).write(file, encoding="unicode")


def printable(text: str) -> str:
    """XML has no way to write control characters."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", text)


if __name__ == "__main__":
    write({"go": read_go, "cargo": read_cargo}[sys.argv[1]](sys.stdin), sys.argv[2])
