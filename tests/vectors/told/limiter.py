"""Building a scenario of limiters: each step is done to the model, and written down with what the model answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .scenario import SECOND, YEAR_2026, Step, Tale, escape, put

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from support.limits_model import Decision, Keys, Several  # noqa: E402
from support.limits_run import Limit, Options  # noqa: E402
from support.overrides_model import Overrides  # noqa: E402
from support.tokens_model import Tokens  # noqa: E402

#: Options that are no model's of the limits.
BESIDE = ("overrides_us", "token_lease", "token_ttl_us")

#: The files of the folder `limiter`: what each is about, and its scenarios.
FILES: dict[str, tuple[str, list[Tale]]] = {}


def file(name: str, about: str) -> None:
    FILES[name] = (about, [])


def limit_of(text: str) -> Limit:
    """Of what scenarios write: "10/s burst 20 as plan", "3 concurrent", "5/month shadow"."""
    rate, *words = text.split()
    shadow = "shadow" in words
    words = [word for word in words if word not in ("shadow", "concurrent")]
    clauses = dict(zip(words[::2], words[1::2], strict=True))
    label = clauses.get("as", "")
    if "/" not in rate:
        return Limit(int(rate), label=label, shadow=shadow, concurrent=True)
    count, unit = rate.split("/")
    burst = int(clauses["burst"]) if "burst" in clauses else None
    return Limit(int(count), 1, unit, burst, label, shadow)


class Limiter:
    """One limiter of a scenario: its limits taken apart, and how the file names it."""

    def __init__(
        self, limits: str, algorithm: str = "gcra", name: bytes = b"api", max_wait_us: int | None = None, **options: Any
    ) -> None:
        self.name, self.max_wait_us = name, max_wait_us or 60 * SECOND
        self.limits = [limit_of(text) for text in limits.split(";")]
        self.options = Options(algorithm, **{name: value for name, value in options.items() if name not in BESIDE})
        self.model: Several = self.options.model(self.limits)
        self.takes_overrides, self.token_lease = "overrides_us" in options, options.get("token_lease", 0)
        self.count, self.period = self.limits[0].count, self.limits[0].period_us
        self.burst = self.limits[0].burst or self.count
        self.written: Step = {}
        put(self.written, "name", name)
        self.written |= {"limits": limits, "algorithm": algorithm}
        if max_wait_us is not None:
            self.written["max_wait_us"] = max_wait_us
        self.written |= {option: int(value) if value in (True, False) else value for option, value in options.items()}

    def under(self, text: str) -> Several:
        """What decides of a key whose limits are overridden: the state stays under the own limits' labels."""
        if text.endswith("x"):
            by = int(text[:-1])
            burst = [limit.burst and limit.burst * by for limit in self.limits]
            limits = [replace(own, count=own.count * by, burst=b) for own, b in zip(self.limits, burst, strict=True)]
        else:
            limits = [limit_of(one) for one in text.split(";")]
        labels = [shape.part.partition(":")[2] for shape in self.model.shapes]
        return self.options.model([replace(one, label=name) for one, name in zip(limits, labels, strict=True)])


class Scenario(Tale):
    def __init__(self, name: str, start: int, limiters: dict[str, Limiter]) -> None:
        super().__init__("limiter", name, start, {alias: made.written for alias, made in limiters.items()})
        self.limiters = limiters
        self.default = next(iter(limiters))
        self.kept: dict[tuple[bytes, bytes], Keys] = {}  # by name and key
        self.saved: dict[str, tuple[Decision, str, str | bytes]] = {}
        self.overridden: dict[bytes, Overrides] = {
            name: Overrides() for name in {one.name for one in limiters.values()}
        }
        self.known: dict[tuple[str, bytes], Several] = {}  # by limiter and key
        self.leased: dict[tuple[str, bytes], Tokens] = {}

    @property
    def capacity(self) -> int:
        return self.limiters[self.default].burst

    # ---- what is done

    def hit(self, cost: int = 1, key: str | bytes = "u", on: str = "", save: str = "", repeat: int = 0) -> Decision:
        step = self._step("hit", key, on, cost=cost)
        if repeat:
            step["repeat"], step["admitted"] = repeat, 0
        for _ in range(repeat or 1):
            answer = self._hit(key, on, cost)
            if repeat:
                step["admitted"] += answer.status == "OK"
        return self._expect(step, answer, on, save, key)

    def hit_up_to(self, cost: int, key: str | bytes = "u", on: str = "", save: str = "") -> Decision:
        step = self._step("hit_up_to", key, on, cost=cost)
        answer = self._model(on, key).hit(self._keys(key, on), self.now, cost, up_to=True)
        return self._expect(step, answer, on, save, key)

    def wait(self, wait_us: int, cost: int = 1, on: str = "", save: str = "") -> Decision:
        step = self._step("wait", "u", on, cost=cost, wait_us=wait_us)
        patience = min(wait_us, self.limiters[on or self.default].max_wait_us)
        answer = self._hit("u", on, cost, patience)
        return self._expect(step, answer, on, save, "u")

    def peek(self, cost: int = 1, key: str | bytes = "u", on: str = "") -> Decision:
        step = self._step("peek", key, on, cost=cost)
        return self._expect(step, self._model(on, key).peek(self._keys(key, on), self.now, cost), on, "", key)

    def hit_many(self, *items: tuple[str, int], on: str = "") -> list[Decision]:
        """Each item a key of its own: there is no order among them."""
        assert len({key for key, _ in items}) == len(items)
        step: Step = {"do": "hit_many"} | self._named(on)
        step["items"] = [{"key": key, "cost": cost} for key, cost in items]
        answers = [self._hit(key, on, cost) for key, cost in items]
        step["expect"] = [fields_of(answer) for answer in answers]
        self.steps.append(step)
        return answers

    def refund(self, of: str, count: int, on: str = "") -> None:
        answer, made_by, key = self.saved[of]
        on = on or made_by
        self._step("refund", key, on, decision=of, count=count)
        if answer.reason == "TOKEN_LEASE":
            self._tokens(key, on).give_back(count)
        else:
            self._model(on, key).refund(self._keys(key, on), self.now, answer, count)

    def renew(self, of: str, on: str = "") -> bool:
        """Says whether the lease was still held."""
        answer, made_by, key = self.saved[of]
        on = on or made_by
        step = self._step("renew", key, on, decision=of)
        held = self._model(on, key).renew(self._keys(key, on), self.now, answer)
        step["expect"] = {"status": "OK" if held else "LOST"}
        return held

    def release(self, of: str) -> None:
        answer, on, key = self.saved[of]
        self._step("release", key, on, decision=of)
        self._model(on, key).release(self._keys(key, on), self.now, answer)

    def reset(self, key: str = "u", on: str = "") -> None:
        self._step("reset", key, on)
        self._model(on, key).reset(self._keys(key, on))
        self._tokens(key, on).forget()

    def set_override(self, limits: str, key: str | bytes = "u", ttl_us: int = 0, on: str = "") -> None:
        """Who sets it goes by it at once, if overrides are taken there."""
        name, inner = self._place(key, on)
        step = self._step("set_override", key, on, limits=limits, ttl_us=ttl_us)
        ends = self.overridden[name].set(self.now, inner, limits, ttl_us)
        limiter = self.limiters[on or self.default]
        model = limiter.under(limits)  # seen by whoever sets it
        if limiter.takes_overrides:
            self.known[on or self.default, inner] = model
            self._tokens(key, on).forget()
        step["expect"] = self._change(name, ends)

    def clear_override(self, key: str | bytes = "u", on: str = "") -> None:
        name, inner = self._place(key, on)
        step = self._step("clear_override", key, on)
        self.overridden[name].clear(self.now, inner)
        if self.known.pop((on or self.default, inner), None):
            self._tokens(key, on).forget()
        step["expect"] = self._change(name, 0)

    def _change(self, name: bytes, ends: int) -> Step:
        version = self.overridden[name].version
        return {"status": "OK", "version": version, "ends_at_us": ends, "changed_at_us": self.now}

    def overrides(self, after: int = 0, count: int = 100, on: str = "") -> list[bytes]:
        """The keys that are listed."""
        step: Step = {"do": "overrides"} | self._named(on) | {"after": after, "count": count, "expect": []}
        found = self.overridden[self.limiters[on or self.default].name].listed(after, count)
        for key, one in found:
            entry: Step = {"version": one.version, "ends_at_us": one.ends_at_us}
            put(entry, "key", key)
            step["expect"].append(entry | {"limits": one.limits})
        self.steps.append(step)
        return [key for key, _ in found]

    def refused(self, do: str, status: str, reason: str = "", position: int | None = None, **fields: Any) -> None:
        """An operation on the key u that fails."""
        self.fails(do, status, reason, position, key="u", **fields)

    def cannot_open(self, limits: str, status: str, reason: str = "", position: int | None = None, **more: Any) -> None:
        self.fails("open", status, reason, position, **({"name": "api", "limits": limits} | more))

    def passed(self) -> None:
        for keys in self.kept.values():
            keys.pass_to(self.now)

    def persist(self) -> None:
        part = self._model("").shapes[0].part
        self._keys("u", "").persist(part)
        self.command("PERSIST", self._server_key("u", "", part).decode())

    def state(self, key: str | bytes = "u", on: str = "") -> None:
        """What lies in the server of each limit, and the block."""
        model, keys = self._model(on, key), self._keys(key, on)
        for part in [shape.part for shape in model.shapes] + (["block"] if model.block else []):
            self._part(keys.get(part), keys.expires(part), self._server_key(key, on, part))

    def _part(self, value: Any, expires: int | None, name: bytes) -> None:
        if isinstance(value, list | dict):
            flat = list(map(str, value))
            look = ["LRANGE", name.decode(), "0", "-1"]
            if isinstance(value, dict):
                pairs = sorted((ends, member) for member, ends in value.items())
                flat = [word for ends, member in pairs for word in (member, str(ends))]
                look = ["ZRANGE", name.decode(), "0", "-1", "WITHSCORES"]
            self.command(*look, reply=flat)
            self.command("PEXPIRETIME", name.decode(), reply=str(expires))
            return
        step: Step = {"do": "state"}
        put(step, "key", name)
        step["value"] = value
        if value is not None:
            step["expires_at_ms"] = expires
        self.steps.append(step)

    # ---- how

    def _model(self, on: str, key: str | bytes = "u") -> Several:
        alias = on or self.default
        return self.known.get((alias, self._place(key, on)[1]), self.limiters[alias].model)

    def _tokens(self, key: str | bytes, on: str) -> Tokens:
        alias = on or self.default
        made = Tokens(self.limiters[alias].token_lease)
        return self.leased.setdefault((alias, self._place(key, on)[1]), made)

    def _hit(self, key: str | bytes, on: str, cost: int, patience_us: int = 0) -> Decision:
        model, keys, tokens = self._model(on, key), self._keys(key, on), self._tokens(key, on)
        if tokens.most == 0:
            return model.hit(keys, self.now, cost, patience_us=patience_us)
        assert patience_us == 0, "a wait asks for no tokens"
        return tokens.spend(cost) or tokens.hit(model, keys, self.now, cost)

    def _place(self, key: str | bytes, on: str) -> tuple[bytes, bytes]:
        return self.limiters[on or self.default].name, key if isinstance(key, bytes) else key.encode()

    def _keys(self, key: str | bytes, on: str) -> Keys:
        return self.kept.setdefault(self._place(key, on), Keys())

    def _server_key(self, key: str | bytes, on: str, part: str) -> bytes:
        name, inner = self._place(key, on)
        return b"kw:limiter:{%b:%b}:%b" % (escape(name), escape(inner), part.encode())

    def _named(self, on: str) -> Step:
        return {"on": on or self.default} if len(self.limiters) > 1 else {}

    def _step(self, do: str, key: str | bytes, on: str, **fields: Any) -> Step:
        step: Step = {"do": do}
        put(step, "key", key if isinstance(key, bytes) else key.encode())
        step |= self._named(on)
        step |= fields
        self.steps.append(step)
        return step

    def _expect(self, step: Step, answer: Decision, on: str, save: str, key: str | bytes) -> Decision:
        if save:
            step["save"], self.saved[save] = save, (answer, on, key)
        step["expect"] = fields_of(answer)
        if answer.reason == "TOKEN_LEASE":
            del step["expect"]["reset_after_us"]  # of the whole lease, and told by the client's own clock
        if len(self._model(on, key).shapes) > 1 or answer.reason != "SERVER" or self._tokens(key, on).most:
            step["expect"] |= {"binding": answer.binding, "reason": answer.reason}
        if answer.lease:
            step["expect"] |= {"lease": answer.lease, "decided_at_us": self.now}
        return answer


def fields_of(answer: Decision) -> Step:
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
