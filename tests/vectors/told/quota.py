"""Building a scenario of quotas: each step is done to the model, and written down with what the model answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .scenario import YEAR_2026, Keyed, Step, Tale

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from support.quota_model import DAY, SECOND, Quota  # noqa: E402

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
#: What settling raises where it does not answer it.
RAISED = ("NOT_FOUND", "CONFLICT")

#: The files of the folder `quota`: what each is about, and its scenarios.
FILES: dict[str, tuple[str, list[Tale]]] = {}


class Scenario(Keyed):
    """Every name and period has a model for each key."""

    def __init__(self, name: str, start: int, quotas: dict[str, Step]) -> None:
        super().__init__("quota", name, start, quotas)
        self.models: dict[tuple[bytes, bytes, str], Quota] = {}

    def passed(self) -> None:
        for model in self.models.values():
            model.pass_to(self.now)

    # ---- what is done

    def consume(self, cost: int = 1, key: str | bytes = "k", on: str = "") -> str:
        step, model = self.step("consume", key, on, cost=cost), self.model(key, on)
        return self._expect(step, model, model.consume(self.now, cost), cost, cost)

    def peek(self, cost: int = 1, key: str | bytes = "k", on: str = "") -> str:
        step, model = self.step("peek", key, on, cost=cost), self.model(key, on)
        return self._expect(step, model, model.peek(self.now, cost), cost, 0)

    def consume_many(self, *items: tuple[str, int]) -> None:
        """Each item a key of its own: there is no order among them."""
        told: Step = {"do": "consume_many", "items": [{"key": key, "cost": cost} for key, cost in items]}
        told["expect"] = []
        for key, cost in items:
            model = self.model(key, "")
            told["expect"].append(self._fields(model, model.consume(self.now, cost), cost, cost))
        self.steps.append(told)

    def reserve(self, cost: int, id: str, lease: int = HOUR, on: str = "") -> str:
        step, model = self.step("reserve", "k", on, cost=cost, id=id, lease_us=lease), self.model("k", on)
        return self._expect(step, model, model.reserve(self.now, cost, id, lease), cost, cost)

    def commit(self, id: str, actual: int, on: str = "") -> str:
        return self._settle(self.step("commit", "k", on, id=id, actual=actual), id, f"c {actual}", actual, on)

    def cancel(self, id: str, on: str = "") -> str:
        return self._settle(self.step("cancel", "k", on, id=id), id, "x", 0, on)

    def refund(self, count: int, resets_at: int, on: str = "") -> None:
        self.step("refund", "k", on, count=count, resets_at_us=resets_at)
        self.model("k", on).refund(self.now, count, resets_at)

    def reset(self, on: str = "") -> None:
        self.step("reset", "k", on)
        self.model("k", on).forget()

    def persist(self) -> None:
        self.command("PERSIST", self._key("k", "").decode())

    def cannot_open(self, reason: str = "OPTION", **options: Any) -> None:
        self.fails("open", "INVALID", reason, **({"name": "api", "limit": 10} | options))

    def state(self, key: str | bytes = "k", on: str = "") -> None:
        """What lies in the state, and in the reservations where there ever were any."""
        model = self.model(key, on)
        self.string(self._key(key, on), model.stored, model.expires_ms)
        if not any(step["do"] == "reserve" for step in self.steps):
            return
        reservations, leases, settled = (
            self._key(key, on, part).decode() for part in ("reservations", "leases", "settled")
        )
        self.command("HLEN", reservations, reply=str(len(model.open) + len(model.settled)))
        for id, each in model.open.items():
            self.command("HGET", reservations, id, reply=f"o {each.cost} {each.ends}")
        for id, (entry, _) in model.settled.items():
            self.command("HGET", reservations, id, reply=entry)
        open_ones = sorted((each.lapses, id) for id, each in model.open.items())
        settled_ones = sorted((until, id) for id, (_, until) in model.settled.items())
        for name, pairs in ((leases, open_ones), (settled, settled_ones)):
            flat = [word for moment, id in pairs for word in (id, str(moment))]
            self.command("ZRANGE", name, "0", "-1", "WITHSCORES", reply=flat)
            if pairs:
                self.command("PEXPIRETIME", name, reply=str(model.kept_ms))
        if model.kept_ms is not None:
            self.command("PEXPIRETIME", reservations, reply=str(model.kept_ms))

    # ---- how

    def model(self, key: str | bytes, on: str) -> Quota:
        """The state that is meant, as this quota sees it: another of its name may have another limit or zone."""
        options = self.of(on)
        period, zone = options.get("period", "day"), options.get("zone_minutes", 0)
        made = self.models.setdefault((*self.place(key, on), period), Quota(options["limit"], period, zone))
        made.limit, made.zone = options["limit"], zone
        return made

    def _key(self, key: str | bytes, on: str, part: str = "") -> bytes:
        period = self.of(on).get("period", "day")
        return self.server_key(key, on, f"{period}:{part}" if part else period)

    def _settle(self, step: Step, id: str, entry: str, actual: int, on: str) -> str:
        model = self.model("k", on)
        status = model.settle(self.now, id, entry, actual)
        if status in RAISED:
            step["fails"] = {"status": status}
            return status
        return self._expect(step, model, status, actual, model.counted)

    def _expect(self, step: Step, model: Quota, status: str, cost: int, charged: int) -> str:
        step["expect"] = self._fields(model, status, cost, charged)
        return status

    def _fields(self, model: Quota, status: str, cost: int, charged: int) -> Step:
        seen = model.seen(self.now)
        left = seen.ends - self.now
        retry: int | str = 0
        if status == "DENIED":
            retry = "never" if cost > model.limit else left
        return {
            "status": status,
            "period": model.period.upper(),
            "count": charged if status == "OK" else 0,
            "limit": model.limit,
            "used": seen.charged,
            "remaining": max(0, model.limit - seen.charged),
            "retry_after_us": retry,
            "reset_after_us": left,
            "resets_at_us": seen.ends,
        }


def file(name: str, about: str) -> None:
    FILES[name] = (about, [])


def tell(name: str, body: Callable[[Scenario], None], start: int = YEAR_2026, **quotas: Step) -> None:
    tale = Scenario(name, start, quotas or {"api": {"limit": 10}})
    body(tale)
    list(FILES.values())[-1][1].append(tale)


__all__ = ["DAY", "FILES", "HOUR", "MINUTE", "SECOND", "Scenario", "file", "tell"]
