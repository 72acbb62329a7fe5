"""Building a scenario of limiters: each step is done to the model, and written down with what the model answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from .scenario import SECOND, YEAR_2026, Step, Tale, escape, put

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from support.limiter_model import Answer, FixedWindow, Gcra  # noqa: E402

UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}

Model = Gcra | FixedWindow
#: What tells the state of one key from all others: name, key, label, algorithm.
Place = tuple[bytes, bytes, str, str]

#: The files of the folder `limiter`: what each is about, and its scenarios.
FILES: dict[str, tuple[str, list[Tale]]] = {}


def file(name: str, about: str) -> None:
    FILES[name] = (about, [])


class Limiter:
    """One limiter of a scenario: its limit taken apart, and how the file names it."""

    def __init__(
        self, limit: str, algorithm: str = "gcra", name: bytes = b"api", max_wait_us: int | None = None
    ) -> None:
        count, rest = limit.split("/")
        unit, *words = rest.split()
        clauses = dict(zip(words[::2], words[1::2], strict=True))
        self.name, self.algorithm, self.max_wait_us = name, algorithm, max_wait_us or 60 * SECOND
        self.count, self.period = int(count), UNITS[unit]
        self.burst = int(clauses.get("burst", count))
        self.label = clauses.get("as", str(self.period))
        self.written: Step = {}
        put(self.written, "name", name)
        self.written |= {"limits": limit, "algorithm": algorithm}
        if max_wait_us is not None:
            self.written["max_wait_us"] = max_wait_us

    def model(self) -> Model:
        if self.algorithm == "fixed_window":
            return FixedWindow(self.count, self.period)
        return Gcra(self.count, self.period, self.burst)


def read_by(reader: Model, left: Model) -> None:
    """Gives a model what another limiter left in the key that they share."""
    if isinstance(reader, FixedWindow) and isinstance(left, FixedWindow):
        reader.ends, reader.count = left.ends, left.count
    elif isinstance(reader, Gcra) and isinstance(left, Gcra) and left.value is not None:
        us, rest = int(left.value[:16]), int(left.value[16:] or 0)
        if reader.parts == 1:
            reader.tat = Fraction(us + (rest > 0))
        else:
            reader.tat = us + Fraction(min(rest, reader.parts - 1), reader.parts)
    if isinstance(reader, Gcra) and isinstance(left, Gcra):
        reader.refunds, reader.refunds_expire_ms = list(left.refunds), left.refunds_expire_ms
    reader.expires_ms = left.expires_ms


class Scenario(Tale):
    def __init__(self, name: str, start: int, limiters: dict[str, Limiter]) -> None:
        super().__init__("limiter", name, start, {alias: made.written for alias, made in limiters.items()})
        self.limiters = limiters
        self.default = next(iter(limiters))
        self.left: dict[Place, Model] = {}  # by whoever wrote last
        self.saved: dict[str, tuple[Answer, str, str | bytes]] = {}

    @property
    def capacity(self) -> int:
        return self.limiters[self.default].burst

    # ---- what is done

    def hit(self, cost: int = 1, key: str | bytes = "u", on: str = "", save: str = "", repeat: int = 0) -> Answer:
        step = self._step("hit", key, on, cost=cost)
        if repeat:
            step["repeat"], step["admitted"] = repeat, 0
        for _ in range(repeat or 1):
            answer = self._write(key, on, self._hitting(cost))
            if repeat:
                step["admitted"] += answer.status == "OK"
        return self._expect(step, answer, on, save, key)

    def _hitting(self, cost: int) -> Callable[[Model], Answer]:
        return lambda model: model.hit(self.now, cost)

    def wait(self, wait_us: int, cost: int = 1, on: str = "", save: str = "") -> Answer:
        step = self._step("wait", "u", on, cost=cost, wait_us=wait_us)
        patience = min(wait_us, self.limiters[on or self.default].max_wait_us)

        def book(model: Model) -> Answer:
            return model.hit(self.now, cost, patience) if isinstance(model, Gcra) else model.hit(self.now, cost)

        return self._expect(step, self._write("u", on, book), on, save, "u")

    def peek(self, cost: int = 1, key: str | bytes = "u", on: str = "") -> Answer:
        step = self._step("peek", key, on, cost=cost)
        return self._expect(step, self._read(key, on).peek(self.now, cost), on, "", key)

    def hit_many(self, *items: tuple[str, int], on: str = "") -> list[Answer]:
        """Each item a key of its own: there is no order among them."""
        assert len({key for key, _ in items}) == len(items)
        step: Step = {"do": "hit_many"} | self._named(on)
        step["items"] = [{"key": key, "cost": cost} for key, cost in items]
        answers = [self._write(key, on, self._hitting(cost)) for key, cost in items]
        step["expect"] = [fields_of(answer) for answer in answers]
        self.steps.append(step)
        return answers

    def refund(self, of: str, count: int, on: str = "") -> None:
        answer, made_by, key = self.saved[of]
        self._step("refund", key, on or made_by, decision=of, count=count)
        self._write(key, on or made_by, lambda model: model.refund(self.now, answer, count))

    def reset(self, key: str = "u", on: str = "") -> None:
        self._step("reset", key, on)
        self._write(key, on, lambda model: model.forget())

    def refused(self, do: str, status: str, reason: str = "", position: int | None = None, **fields: Any) -> None:
        """An operation on the key u that fails."""
        self.fails(do, status, reason, position, key="u", **fields)

    def cannot_open(self, limits: str, status: str, reason: str = "", position: int | None = None, **more: Any) -> None:
        self.fails("open", status, reason, position, **({"name": "api", "limits": limits} | more))

    def passed(self) -> None:
        for model in self.left.values():
            model.pass_to(self.now)

    def persist(self) -> None:
        self._write("u", "", lambda model: model.persist())
        self.command("PERSIST", self._server_key("u", "").decode())

    def state(self, key: str | bytes = "u", on: str = "") -> None:
        model = self.left.get(self._place(key, on)) or self._read(key, on)  # as whoever wrote last left it
        step: Step = {"do": "state"}
        put(step, "key", self._server_key(key, on))
        step["value"] = model.value
        if model.value is not None:
            step["expires_at_ms"] = -1 if model.expires_ms is None else model.expires_ms
        self.steps.append(step)

    # ---- how

    def _place(self, key: str | bytes, on: str) -> Place:
        limiter = self.limiters[on or self.default]
        return limiter.name, key if isinstance(key, bytes) else key.encode(), limiter.label, limiter.algorithm

    def _server_key(self, key: str | bytes, on: str) -> bytes:
        name, inner, label, algorithm = self._place(key, on)
        shape = b"tat" if algorithm == "gcra" else b"window"
        return b"kw:limiter:{%b:%b}:%b:%b" % (escape(name), escape(inner), shape, label.encode())

    def _read(self, key: str | bytes, on: str) -> Model:
        model = self.limiters[on or self.default].model()
        left = self.left.get(self._place(key, on))
        if left is not None:
            read_by(model, left)
        return model

    def _write(self, key: str | bytes, on: str, operation: Callable[[Model], Any]) -> Any:
        """Does something to a model, and keeps it if it wrote: a denial leaves what it read as another wrote it."""
        model = self._read(key, on)
        before = model.value, model.expires_ms
        answer = operation(model)
        if (model.value, model.expires_ms) != before or (isinstance(answer, Answer) and answer.count > 0):
            self.left[self._place(key, on)] = model
        return answer

    def _named(self, on: str) -> Step:
        return {"on": on or self.default} if len(self.limiters) > 1 else {}

    def _step(self, do: str, key: str | bytes, on: str, **fields: Any) -> Step:
        step: Step = {"do": do}
        put(step, "key", key if isinstance(key, bytes) else key.encode())
        step |= self._named(on)
        step |= fields
        self.steps.append(step)
        return step

    def _expect(self, step: Step, answer: Answer, on: str, save: str, key: str | bytes) -> Answer:
        if save:
            step["save"], self.saved[save] = save, (answer, on, key)
        step["expect"] = fields_of(answer)
        return answer


def fields_of(answer: Answer) -> Step:
    return {
        "status": answer.status,
        "count": answer.count,
        "limit": answer.limit,
        "remaining": answer.remaining,
        "retry_after_us": answer.retry_after_us,
        # Of a booked hit: as it is when the caller hears of it.
        "reset_after_us": answer.reset_after_us - answer.delay_us,
        "denied_by": answer.denied_by,
    } | ({"delay_us": answer.delay_us} if answer.delay_us else {})


Body = Callable[[Scenario], None]


def tell(name: str, body: Body, start: int = YEAR_2026, limit: str = "10/s", **limiters: Limiter) -> None:
    """One scenario of the last file: of one GCRA limiter, or of those given."""
    scenario = Scenario(name, start, limiters or {"main": Limiter(limit)})
    body(scenario)
    tales = list(FILES.values())[-1][1]
    assert name not in [tale.name for tale in tales], f"told twice: {name}"
    tales.append(scenario)


def window(limit: str, **more: object) -> Limiter:
    return Limiter(limit, "fixed_window", **more)  # type: ignore[arg-type]
