"""Runs the scenarios of tests/vectors, in the form that tests/vectors/README.md tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Any

import keywright
from keywright import Reason, Status

FOLDER = Path(__file__).resolve().parents[2] / "vectors"

Step = dict[str, Any]
#: Waits for what a method of an object returned, where that must be awaited.
Finish = Callable[[Callable[[], Any]], Any]


class Wrong(Exception):
    """The file is not one that can be run, or something is not as it says."""


def known(item: Step, where: str, must: Iterable[str], may: Iterable[str] = ()) -> None:
    """Refuses what nobody would look at, and what lacks something. A field may stand as its bytes in hex."""
    names = {name.removesuffix("_hex") for name in item}
    if unknown := names - {*must, *may}:
        raise Wrong(f"{where}: unknown: {', '.join(sorted(unknown))}")
    if missing := {*must} - names:
        raise Wrong(f"{where}: missing: {', '.join(sorted(missing))}")


def bytes_of(item: Step, name: str) -> bytes:
    return bytes.fromhex(item[f"{name}_hex"]) if f"{name}_hex" in item else item[name].encode()


def us(seconds: float) -> int | str:
    return "never" if seconds == inf else round(seconds * 1_000_000)


class LimiterWords:
    """What scenarios of limiters say."""

    must_open = ("name", "limits")
    #: Options by C's names, and what each is here: those in us are seconds.
    options = {
        "algorithm": "algorithm",
        "max_wait_us": "max_wait",
        "align": "align",
        "zone_offset": "zone_offset",
        "shadow": "shadow",
        "charge_denials": "charge_denials",
        "block_us": "block",
        "block_max_us": "block_max",
        "lease_us": "lease",
        "reservations": "reservations",
    }
    may_open = tuple(options)
    #: Of each operation: its arguments, and whether it has an answer.
    operations = {
        "hit": (("key", "cost"), True),
        "peek": (("key", "cost"), True),
        "wait": (("key", "cost", "wait_us"), True),
        "hit_up_to": (("key", "cost"), True),
        "hit_many": (("items",), True),
        "renew": (("key", "decision"), True),
        "release": (("key", "decision"), False),
        "refund": (("key", "decision", "count"), False),
        "reset": (("key",), False),
        "reserve": (("key", "cost", "id", "lease_us"), True),
        "commit": (("key", "id", "actual"), True),
        "cancel": (("key", "id"), True),
    }
    item = ("key", "cost")
    fields: dict[str, Callable[[Any], Any]] = {
        # Of a renewal whether the lease is held still is all of the answer.
        "status": lambda decision: ("LOST", "OK")[decision] if isinstance(decision, bool) else decision.status.name,
        "reason": lambda decision: decision.reason.name,
        "denied_by": lambda decision: decision.denied_by,
        "limits": lambda decision: decision.limits,
        "binding": lambda decision: decision.binding,
        "decided_at_us": lambda decision: decision.decided_at_us,
        "lease": lambda decision: decision.lease,
        "count": lambda decision: decision.amount,
        "limit": lambda decision: decision.limit,
        "remaining": lambda decision: decision.remaining,
        "retry_after_us": lambda decision: us(decision.retry_after),
        "reset_after_us": lambda decision: us(decision.reset_after),
        "delay_us": lambda decision: 0 if isinstance(decision, bool) else us(decision.delay),
    }
    unless_told = {"delay_us": 0}
    #: The argument that names a kept answer.
    record = "decision"

    @staticmethod
    def open(client: Any, spec: Step) -> Any:
        options: Step = {}
        for name, here in LimiterWords.options.items():
            if name in spec:
                value = spec[name]
                options[here] = value / 1_000_000 if name.endswith("_us") else value
                if name in ("shadow", "charge_denials", "reservations"):
                    options[here] = bool(value)
        return client.limiter(bytes_of(spec, "name"), spec["limits"], **options)

    @staticmethod
    def call(limiter: Any, step: Step, saved: dict[str, Any]) -> Any:
        match step["do"]:
            case "hit_many":
                return limiter.hit_many([(bytes_of(item, "key"), item["cost"]) for item in step["items"]])
            case "refund":
                return limiter.refund(saved[step["decision"]], step["count"])
            case "renew":
                return limiter.renew(saved[step["decision"]])
            case "release":
                return limiter.release(saved[step["decision"]])
            case "reset":
                return limiter.reset(bytes_of(step, "key"))
            case "reserve":
                lease = step["lease_us"] / 1_000_000
                return limiter.reserve(bytes_of(step, "key"), step["cost"], bytes_of(step, "id"), lease=lease)
            case "commit":
                return limiter.commit(bytes_of(step, "key"), bytes_of(step, "id"), step["actual"])
            case "cancel":
                return limiter.cancel(bytes_of(step, "key"), bytes_of(step, "id"))
            case "hit_up_to":
                return limiter.hit_up_to(bytes_of(step, "key"), step["cost"])
            case "wait":
                return limiter.wait(bytes_of(step, "key"), step["cost"], wait=step["wait_us"] / 1_000_000)
            case "peek":
                return limiter.peek(bytes_of(step, "key"), step["cost"])
            case "hit":
                return limiter.hit(bytes_of(step, "key"), step["cost"])
        raise Wrong(f"nobody does {step['do']}")


class CounterWords:
    """What scenarios of counters say. A value is a number alone: of its other fields nothing can be expected."""

    must_open = ("name",)
    may_open = (
        *("bounds", "on_bound", "min", "max", "expiry", "zone_minutes", "ttl_us"),
        *("window_us", "buckets", "shards", "remember_us", "remember_max"),
    )
    operations = {
        "add": (("key", "amount"), True),
        "add_once": (("key", "once", "amount"), True),
        "value": (("key",), True),
        "take": (("key",), True),
        "take_once": (("key", "once"), True),
        "add_many": (("items",), True),
        "set": (("key", "value"), False),
        "reset": (("key",), False),
    }
    item = ("key", "amount")
    fields: dict[str, Callable[[Any], Any]] = {
        "status": lambda count: "OK" if isinstance(count, int) else count.status.name,
        "value": lambda count: count if isinstance(count, int) else count.value,
        "applied": lambda count: count.applied,
        "expires_after_us": lambda count: us(count.expires_after),
        "duplicate": lambda count: int(count.duplicate),
    }
    unless_told: dict[str, Any] = {}
    record = "count"

    @staticmethod
    def open(client: Any, spec: Step) -> Any:
        options = {name.removesuffix("_us"): value for name, value in spec.items() if name in CounterWords.may_open}
        for name in ("ttl_us", "window_us", "remember_us"):
            if name in spec:
                options[name.removesuffix("_us")] = spec[name] / 1_000_000
        bounds = options.pop("bounds", "none")
        for name in ("min", "max"):
            if bounds in (name, "both"):
                options.setdefault(name, 0)
            elif name in options:  # Python has no bounds: to give one is to say that it holds
                raise keywright.Invalid("a bound that does not hold", reason=Reason.OPTION)
        return client.counter(bytes_of(spec, "name"), **options)

    @staticmethod
    def call(counter: Any, step: Step, saved: dict[str, Any]) -> Any:
        if step["do"] == "add_many":
            return counter.add_many([(bytes_of(item, "key"), item["amount"]) for item in step["items"]])
        key = bytes_of(step, "key")
        match step["do"]:
            case "add":
                return counter.add(key, step["amount"])
            case "add_once":
                return counter.add(key, step["amount"], once=bytes_of(step, "once"))
            case "value":
                return counter.value(key)
            case "take":
                return counter.take(key)
            case "take_once":
                return counter.take(key, once=bytes_of(step, "once"))
            case "set":
                return counter.set(key, step["value"])
            case "reset":
                return counter.reset(key)
        raise Wrong(f"nobody does {step['do']}")


Words = type[LimiterWords] | type[CounterWords]
MODULES: dict[str, Words] = {"counter": CounterWords, "limiter": LimiterWords}


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


def check_step(step: Step, words: Words, where: str) -> bool:
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
        arguments, answers = words.operations[do]
        outcome = [name for name in ("expect", "fails") if name in step]
        if len(outcome) > 1 or (answers and not outcome) or ("expect" in step and not answers):
            raise Wrong(f"{where}: it must expect an answer or fail")
        repeats = ("repeat", "admitted") if "repeat" in step else ()
        known(step, where, ("do", *arguments, *outcome, *repeats), ("on", "save"))
        for item in step.get("items", ()):
            known(item, where, words.item)
        expected = step.get("expect", [])
        for fields in expected if isinstance(expected, list) else [expected]:
            known(fields, where, ("status",), words.fields)
    else:
        raise Wrong(f"{where}: nobody does {do}")
    if "fails" in step:
        known(step["fails"], where, ("status",), ("reason", "position"))
    return do not in ("clock", "command") or "reply" in step


def text_of(reply: Any) -> Any:
    if isinstance(reply, list):
        return [text_of(one) for one in reply]
    return reply.decode() if isinstance(reply, bytes) else reply if reply is None else str(reply)


class Runner:
    """Does one scenario, on an empty server."""

    def __init__(self, client: Any, server: Any, clock: Any, scenario: Step, finish: Finish) -> None:
        self.words = MODULES[scenario["module"]]
        self.client, self.server, self.clock, self.finish = client, server, clock, finish
        self.objects = {alias: self.words.open(client, spec) for alias, spec in scenario["objects"].items()}
        self.first = next(iter(scenario["objects"]))
        self.steps = scenario["steps"]
        self.saved: dict[str, Any] = {}
        self.now = 0
        # What is looked at anywhere in the scenario, so that moving the clock can touch it.
        self.looked_at = {bytes_of(step, "key") for step in self.steps if step["do"] == "state"}

    def run(self) -> None:
        for number, step in enumerate(self.steps):
            try:
                getattr(self, f"do_{step['do']}", self.operation)(step)
            except Wrong as error:
                raise Wrong(f"step {number}, {json.dumps(step)}: {error}") from None

    @staticmethod
    def same(got: Any, wanted: Any) -> None:
        if got != wanted:
            raise Wrong(f"{got!r} instead of {wanted!r}")

    def do_clock(self, step: Step) -> None:
        self.now = step["at_us"] if "at_us" in step else self.now + step["by_us"]
        self.clock.freeze(self.now)
        for key in self.looked_at:
            self.server.command("TYPE", key)

    def do_command(self, step: Step) -> None:
        reply = text_of(self.server.command(*step["words"]))
        if "reply" in step:
            self.same(reply, step["reply"])

    def do_state(self, step: Step) -> None:
        key = bytes_of(step, "key")
        self.same(text_of(self.server.command("GET", key)), step["value"])
        if step["value"] is not None:
            self.same(self.server.command("PEXPIRETIME", key), step["expires_at_ms"])

    def do_open(self, step: Step) -> None:
        self.failing(lambda: self.words.open(self.client, step), step["fails"])

    def failing(self, call: Callable[[], Any], wanted: Step) -> None:
        try:
            call()
        except keywright.Error as error:
            self.same(error.code, Status[wanted["status"]])
            if "reason" in wanted:
                self.same(error.reason, Reason[wanted["reason"]])
            if "position" in wanted:
                self.same(error.position, wanted["position"])
        else:
            raise Wrong("it did not fail")

    def operation(self, step: Step) -> None:
        on = self.objects[step.get("on", self.first)]

        def call() -> Any:
            return self.finish(lambda: self.words.call(on, step, self.saved))

        if "fails" in step:
            self.failing(call, step["fails"])
            return
        if step["do"].endswith("_many"):
            self.many(call, step["expect"])
            return
        admitted = 0
        for _ in range(step.get("repeat", 1)):
            answer = call()
            admitted += bool(answer)
        if "repeat" in step:
            self.same(admitted, step["admitted"])
        if "save" in step:
            self.saved[step["save"]] = answer
        if "expect" in step:
            self.compare(answer, step["expect"])

    def compare(self, answer: Any, expected: Step) -> None:
        expected = {**self.words.unless_told, **expected}
        self.same({name: self.words.fields[name](answer) for name in expected}, expected)

    def many(self, call: Callable[[], Any], expected: list[Step]) -> None:
        """Each its own answer; where one failed, the first failure is raised, and has the answers of the others."""
        failures = [fields["status"] for fields in expected if Status[fields["status"]] < 0]
        try:
            answers = call()
        except keywright.Error as error:
            if error.answers is None or not failures:
                raise
            self.same(error.code, Status[failures[0]])
            answers = error.answers
        self.same([answer is None for answer in answers], [Status[fields["status"]] < 0 for fields in expected])
        for answer, fields in zip(answers, expected, strict=True):
            if answer is not None:
                self.compare(answer, fields)
