"""Doing a scenario step by step, and comparing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import keywright
from keywright import Reason, Status

from .read import MODULES
from .words import Step, Wrong, bytes_of

#: Waits for what a method of an object returned, where that must be awaited.
Finish = Callable[[Callable[[], Any]], Any]


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
            except (Wrong, keywright.Error) as error:
                raise Wrong(f"step {number}, {json.dumps(step)}: {error}") from error

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
        operation = self.words.operations[step["do"]]
        if operation.item:
            self.many(call, step)
            return
        if operation.entry:
            self.listed(call(), step["expect"])
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

    def listed(self, entries: list[Any], expected: list[Step]) -> None:
        """All that are listed, in their order."""
        self.same(len(entries), len(expected))
        for entry, fields in zip(entries, expected, strict=True):
            self.same({name: self.words.fields[name](entry) for name in fields}, fields)

    def many(self, call: Callable[[], Any], step: Step) -> None:
        """Each its own answer; where one failed, the first failure is raised, and has the answers of the others."""
        expected = step["expect"]
        failures = [fields["status"] for fields in expected if Status[fields["status"]] < 0]
        try:
            made = call()
            answers = self.words.answers(made)
            if "save" in step:
                self.saved[step["save"]] = made
        except keywright.Error as error:
            if error.answers is None or not failures:
                raise
            self.same(error.code, Status[failures[0]])
            answers = error.answers
        self.same([answer is None for answer in answers], [Status[fields["status"]] < 0 for fields in expected])
        for answer, fields in zip(answers, expected, strict=True):
            if answer is not None:
                self.compare(answer, fields)
