"""What scenarios of counters say."""

from __future__ import annotations

from typing import Any, ClassVar

import keywright
from keywright import Reason

from .words import Operation, Step, Words, Wrong, bytes_of, us


class CounterWords(Words):
    """What scenarios of counters say. A value is a number alone: of its other fields nothing can be expected."""

    must_open = ("name",)
    may_open = (
        *("bounds", "on_bound", "min", "max", "expiry", "zone_minutes", "ttl_us"),
        *("window_us", "buckets", "shards", "remember_us", "remember_max"),
    )
    operations: ClassVar = {
        "add": Operation(("key", "amount")),
        "add_once": Operation(("key", "once", "amount")),
        "value": Operation(("key",)),
        "take": Operation(("key",)),
        "take_once": Operation(("key", "once")),
        "add_many": Operation(("items",), item=("key", "amount")),
        "set": Operation(("key", "value"), False),
        "reset": Operation(("key",), False),
    }
    fields: ClassVar = {
        "status": lambda count: "OK" if isinstance(count, int) else count.status.name,
        "value": lambda count: count if isinstance(count, int) else count.value,
        "applied": lambda count: count.applied,
        "expires_after_us": lambda count: us(count.expires_after),
        "duplicate": lambda count: int(count.duplicate),
    }
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
