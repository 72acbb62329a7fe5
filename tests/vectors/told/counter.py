"""Scenarios of counters: each step is done to the model, and written down with what the model answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .scenario import SECOND, YEAR_2026, YEAR_2100, Keyed, Step, Tale

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from support.counter_model import INT_MAX, INT_MIN, Answer, Exact, Shards, Window  # noqa: E402

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
Model = Exact | Window | Shards

#: The files of the folder `counter`: what each is about, and its scenarios.
FILES: dict[str, tuple[str, list[Tale]]] = {}


def model_of(options: Step) -> Model:
    if "window_us" in options:
        buckets = options.get("buckets", 60)
        made: Model = Window(-(-options["window_us"] // buckets), buckets)
    elif "shards" in options:
        made = Shards(options["shards"])
    else:
        bounds = options.get("bounds", "none")
        expiry = options.get("expiry", "on_create" if "ttl_us" in options else "")
        made = Exact(
            options.get("min", 0) if bounds in ("min", "both") else INT_MIN,
            options.get("max", 0) if bounds in ("max", "both") else INT_MAX,
            options.get("on_bound") == "saturate",
            expiry,
            options.get("ttl_us", 0),
            options.get("zone_minutes", 0),
        )
        made.native = not expiry and bounds == "none"
    made.ids.remember = options.get("remember_us", DAY)
    made.ids.most = options.get("remember_max", 10_000)
    return made


class Scenario(Keyed):
    """Counters of names of their own; every key has a model."""

    def __init__(self, name: str, start: int, counters: dict[str, Step]) -> None:
        super().__init__("counter", name, start, counters)
        self.models: dict[tuple[bytes, bytes], Model] = {}

    def passed(self) -> None:
        for model in self.models.values():
            model.pass_to(self.now)

    # ---- what is done

    def add(self, amount: int = 1, key: str | bytes = "k", on: str = "") -> Answer:
        step = self.step("add", key, on, amount=amount)
        return self._expect(step, self._model(key, on).add(self.now, amount))

    def once(self, once: str, amount: int = 1, on: str = "") -> Answer:
        step = self.step("add_once", "k", on, once=once, amount=amount)
        return self._expect(step, self._model("k", on).add(self.now, amount, once))

    def take(self, on: str = "") -> Answer:
        step = self.step("take", "k", on)
        return self._expect(step, self._exact("k", on).take(self.now))

    def take_once(self, once: str, on: str = "") -> Answer:
        step = self.step("take_once", "k", on, once=once)
        return self._expect(step, self._exact("k", on).take(self.now, once))

    def value(self, key: str | bytes = "k", on: str = "") -> int:
        """Python gives the number alone: no other field is compared."""
        step = self.step("value", key, on)
        answer = self._model(key, on).value(self.now)
        step["expect"] = {"status": answer.status, "value": answer.value}
        return answer.value

    def set(self, value: int, on: str = "") -> None:
        self.step("set", "k", on, value=value)
        self._exact("k", on).set(self.now, value)

    def reset(self, on: str = "") -> None:
        self.step("reset", "k", on)
        self._model("k", on).forget()

    def add_many(self, *items: tuple[str, int]) -> None:
        """Each item a key of its own: there is no order among them."""
        answers = [self._model(key, "").add(self.now, amount) for key, amount in items]
        self.steps.append(
            {
                "do": "add_many",
                "items": [{"key": key, "amount": amount} for key, amount in items],
                "expect": [fields_of(answer) for answer in answers],
            }
        )

    def cannot_open(self, reason: str = "OPTION", **options: Any) -> None:
        self.fails("open", "INVALID", reason, name="hits", **options)

    def state(self, key: str | bytes = "k", on: str = "") -> None:
        """What lies there, of an exact count."""
        model = self._exact(key, on)
        self.string(self.key_of(key, on), model.stored, model.expires_ms)

    def ids(self, on: str = "") -> None:
        """What lies in both hashes of ids."""
        ids = self._model("k", on).ids
        for suffix, held, begun in (("", ids.fresh, ids.begun), (":older", ids.older, ids.older_begun)):
            key = (self.key_of("k", on) + b":once").decode() + suffix
            self.command("HLEN", key, reply=str(len(held) + 1 if held else 0))
            if held:
                self.command("HGET", key, "", reply=str(begun))
            for name, was in held.items():
                told = f"{was.value - was.applied} {was.value} {was.expires_after}"
                self.command("HGET", key, name, reply=told)

    def ring(self, on: str = "") -> None:
        """What lies in a window."""
        model = self._model("k", on)
        assert isinstance(model, Window) and model.at is not None
        key = self.key_of("k", on).decode()
        self.command("HMGET", key, "at", "sum", reply=[str(model.at), str(sum(model.counts))])
        self.command("PEXPIRETIME", key, reply=str(model.expires_ms))

    # ---- how

    def key_of(self, key: str | bytes, on: str) -> bytes:
        model = self._model(key, on)
        if isinstance(model, Window):
            part = f"window:{model.width}x{model.size}"
        else:
            assert isinstance(model, Exact)
            part = {"": "total", "on_create": "timed", "sliding": "timed"}.get(model.expiry, model.expiry)
        return self.server_key(key, on, part)

    def _model(self, key: str | bytes, on: str) -> Model:
        place = self.place(key, on)
        if place not in self.models:
            self.models[place] = model_of(self.of(on))
        return self.models[place]

    def _exact(self, key: str | bytes, on: str) -> Exact:
        model = self._model(key, on)
        assert isinstance(model, Exact)
        return model

    def _expect(self, step: Step, answer: Answer) -> Answer:
        step["expect"] = fields_of(answer)
        return answer


def fields_of(answer: Answer) -> Step:
    fields: Step = {
        "status": answer.status,
        "value": answer.value,
        "applied": answer.applied,
        "expires_after_us": answer.expires_after,
        "duplicate": int(answer.duplicate),
    }
    if answer.value is None:
        del fields["value"]  # of the shard that an add went to: any
    return fields


Body = Callable[[Scenario], None]


def file(name: str, about: str) -> None:
    FILES[name] = (about, [])


def tell(name: str, body: Body, start: int = YEAR_2026, **counters: Step) -> None:
    """One more scenario of the file that was begun last."""
    tale = Scenario(name, start, counters or {"hits": {}})
    body(tale)
    list(FILES.values())[-1][1].append(tale)


__all__ = ["DAY", "FILES", "HOUR", "INT_MAX", "INT_MIN", "MINUTE", "SECOND", "YEAR_2100", "Scenario", "file", "tell"]
