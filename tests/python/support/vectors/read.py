"""Reading files of scenarios, and refusing what is not made of known words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .counter import CounterWords
from .joint import JointWords
from .limiter import LimiterWords
from .quota import QuotaWords
from .top import TopWords
from .unique import UniqueWords
from .words import Step, Words, Wrong, known

FOLDER = Path(__file__).resolve().parents[3] / "vectors"

MODULES: dict[str, type[Words]] = {
    "counter": CounterWords,
    "joint": JointWords,
    "limiter": LimiterWords,
    "quota": QuotaWords,
    "top": TopWords,
    "unique": UniqueWords,
}


def scenarios(folder: Path) -> Iterator[tuple[str, Step]]:
    """All of a folder, each seen to be made of known words."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise Wrong(f"{folder} has no file")
    for file in files:
        for scenario in of_file(file):
            yield f"{folder.name}/{file.stem}: {scenario['name']}", scenario


def of_file(file: Path) -> list[Step]:
    told = json.loads(file.read_text(encoding="utf-8"))
    known(told, file.name, ("about", "scenarios"))
    if not told["scenarios"]:
        raise Wrong(f"{file.name} has no scenario")
    for scenario in told["scenarios"]:
        check(scenario, f"{file.name}: {scenario.get('name')}")
    return list(told["scenarios"])


def check(scenario: Step, where: str) -> None:
    known(scenario, where, ("name", "module", "objects", "steps"))
    words = MODULES.get(scenario["module"])
    if words is None:
        raise Wrong(f"{where}: there is no module {scenario['module']}")
    if not scenario["objects"]:
        raise Wrong(f"{where}: no object")
    for made in scenario["objects"].values():
        known(made, where, words.must_open, words.may_open)
    looked = [check_step(step, words, f"{where}: {json.dumps(step)}") for step in scenario["steps"]]
    several = len(scenario["objects"]) > 1
    saved: set[str] = set()
    for step in scenario["steps"]:
        if step["do"] in words.operations and ("on" in step) != several:
            raise Wrong(f"{where}: {json.dumps(step)}: it must say on which of several objects")
        if step.get("on") not in (None, *scenario["objects"]) or step.get(words.record) not in (None, *saved):
            raise Wrong(f"{where}: {json.dumps(step)}: nobody made that")
        saved |= {step["save"]} if "save" in step else set()
    if not any(looked):
        raise Wrong(f"{where}: no step that looks at anything")


def check_step(step: Step, words: type[Words], where: str) -> bool:
    """Says whether the step looks at something."""
    do = step.get("do")
    if do == "clock":
        known(step, where, ("do", "at_us" if "at_us" in step else "by_us"))
    elif do == "command":
        known(step, where, ("do", "words"), ("reply",))
    elif do == "state":
        ends = step.get("value") is not None
        known(step, where, ("do", "key", "value", *(["expires_at_ms"] if ends else [])))
    elif do == "open":
        known(step, where, ("do", "fails", *words.must_open), words.may_open)
    elif do in words.operations:
        operation = words.operations[do]
        outcome = [name for name in ("expect", "fails") if name in step]
        if len(outcome) > 1 or (operation.answers and not outcome) or ("expect" in step and not operation.answers):
            raise Wrong(f"{where}: it must expect an answer or fail")
        repeats = ("repeat", "admitted") if "repeat" in step else ()
        known(step, where, ("do", *operation.arguments, *outcome, *repeats), ("on", "save"))
        for item in step.get("items", ()):
            known(item, where, operation.item)
        expected = step.get("expect", [])
        for fields in expected if isinstance(expected, list) else [expected]:
            known(fields, where, *((operation.entry,) if operation.entry else (("status",), words.fields)))
    else:
        raise Wrong(f"{where}: nobody does {do}")
    if "fails" in step:
        known(step["fails"], where, ("status",), ("reason", "position"))
    return do not in ("clock", "command") or "reply" in step
