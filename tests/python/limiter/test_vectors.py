"""Runs the scenarios of tests/vectors/limiter, blocking and asynchronous. Their form: tests/vectors/README.md."""

import asyncio
import json
import subprocess
import sys
from math import inf
from pathlib import Path

import pytest

import keywright
import keywright.aio
from keywright import Reason, Status

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "limiter"
FIELDS = {
    "status": lambda decision: decision.status.name,
    "count": lambda decision: decision.amount,
    "limit": lambda decision: decision.limit,
    "remaining": lambda decision: decision.remaining,
    "retry_after_us": lambda decision: us(decision.retry_after),
    "reset_after_us": lambda decision: us(decision.reset_after),
    "delay_us": lambda decision: us(decision.delay),
    "denied_by": lambda decision: decision.denied_by,
}
KNOWN = {
    "do",
    "limiter",
    "key",
    "key_hex",
    "cost",
    "count",
    "of",
    "save",
    "repeat",
    "admitted",
    "wait_us",
    "expect",
    "fails",
}


def scenarios():
    for path in sorted(FOLDER.glob("*.json")):
        for scenario in json.loads(path.read_text(encoding="utf-8"))["scenarios"]:
            yield pytest.param(scenario, id=f"{path.stem}: {scenario['name']}")


def us(seconds):
    return "never" if seconds == inf else round(seconds * 1_000_000)


def bytes_of(item, name="key"):
    return bytes.fromhex(item[f"{name}_hex"]) if f"{name}_hex" in item else item[name].encode()


class Runner:
    """One scenario. `finish` gives the value of what a method of the limiter returned."""

    def __init__(self, client, server, clock, scenario, finish):
        self.server, self.clock, self.finish = server, clock, finish
        self.limiters = {alias: self.open(client, spec) for alias, spec in scenario["limiters"].items()}
        self.first = next(iter(scenario["limiters"]))
        self.steps = scenario["steps"]
        self.saved = {}
        self.now = 0
        # What is looked at anywhere in the scenario, so that moving the clock can touch it.
        self.looked_at = {bytes_of(step) for step in self.steps if step["do"] == "state"}

    @staticmethod
    def open(client, spec):
        assert set(spec) <= {"name", "name_hex", "limit", "algorithm", "max_wait_us"}
        wait = spec["max_wait_us"] / 1_000_000 if "max_wait_us" in spec else None
        return client.limiter(bytes_of(spec, "name"), spec["limit"], algorithm=spec["algorithm"], max_wait=wait)

    def run(self):
        for number, step in enumerate(self.steps):
            try:
                special = getattr(self, f"do_{step['do']}", None)
                if special is not None:
                    special(step)
                else:
                    self.operation(step)
            except AssertionError as error:
                raise AssertionError(f"step {number}, {json.dumps(step)}: {error}") from None

    def do_clock(self, step):
        self.now = step["at_us"] if "at_us" in step else self.now + step["by_us"]
        self.clock.freeze(self.now)
        for key in self.looked_at:
            self.server.command("TYPE", key)

    def do_command(self, step):
        self.server.command(*step["words"])

    def do_state(self, step):
        key = bytes_of(step)
        value = self.server.command("GET", key)
        assert (value and value.decode()) == step["value"]
        if value is not None:
            assert self.server.command("PEXPIRETIME", key) == step["expires_at_ms"]

    def operation(self, step):
        assert set(step) <= KNOWN
        if "fails" in step:
            with pytest.raises(keywright.Error) as caught:
                self.finish(self.call(step))
            assert caught.value.code == Status[step["fails"]["status"]]
            if "reason" in step["fails"]:
                assert caught.value.reason == Reason[step["fails"]["reason"]]
            return
        admitted = 0
        for _ in range(step.get("repeat", 1)):
            decision = self.finish(self.call(step))
            admitted += bool(decision)
        if "repeat" in step:
            assert admitted == step["admitted"]
        if "save" in step:
            self.saved[step["save"]] = decision
        if "expect" in step:
            expected = {"delay_us": 0, **step["expect"]}
            assert {name: FIELDS[name](decision) for name in expected} == expected

    def call(self, step):
        limiter, key = self.limiters[step.get("limiter", self.first)], bytes_of(step)
        if step["do"] == "wait":
            return limiter.wait(key, step["cost"], wait=step["wait_us"] / 1_000_000)
        if step["do"] == "refund":
            return limiter.refund(self.saved[step["of"]], step["count"])
        if step["do"] == "reset":
            return limiter.reset(key)
        return {"hit": limiter.hit, "peek": limiter.peek}[step["do"]](key, step["cost"])


@pytest.mark.parametrize("scenario", list(scenarios()))
def test_scenario(client, server, clock, scenario):
    Runner(client, server, clock, scenario, lambda value: value).run()


@pytest.mark.parametrize("scenario", list(scenarios()))
def test_scenario_awaited(server, clock, scenario):
    loop = asyncio.new_event_loop()

    async def awaited(operation):
        return await operation

    async def make():
        return keywright.aio.connect(server.url)

    try:
        client = loop.run_until_complete(make())
        # An operation is submitted to the running loop: the call is made inside it, too.
        runner = Runner(client, server, clock, scenario, lambda value: value)
        call = runner.call

        async def called(step):
            return await call(step)

        runner.call = lambda step: loop.run_until_complete(called(step))
        runner.run()
        loop.run_until_complete(awaited(client.close()))
    finally:
        loop.close()


def test_the_files_are_what_the_model_says():
    make = FOLDER.parent / "make.py"
    run = subprocess.run([sys.executable, str(make), "--check"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
