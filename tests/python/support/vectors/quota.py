"""What scenarios of quotas say."""

from __future__ import annotations

from typing import Any, ClassVar

from .words import Operation, Step, Words, Wrong, bytes_of, us


class QuotaWords(Words):
    must_open = ("name", "limit")
    may_open = ("period", "zone_minutes")
    operations: ClassVar = {
        "consume": Operation(("key", "cost")),
        "peek": Operation(("key", "cost")),
        "consume_many": Operation(("items",), item=("key", "cost")),
        "reserve": Operation(("key", "cost", "id", "lease_us")),
        "commit": Operation(("key", "id", "actual")),
        "cancel": Operation(("key", "id")),
        "refund": Operation(("key", "count", "resets_at_us"), False),
        "reset": Operation(("key",), False),
    }
    fields: ClassVar = {
        "status": lambda usage: usage.status.name,
        "period": lambda usage: usage.period.name,
        "count": lambda usage: usage.amount,
        "limit": lambda usage: usage.limit,
        "used": lambda usage: usage.used,
        "remaining": lambda usage: usage.remaining,
        "retry_after_us": lambda usage: us(usage.retry_after),
        "reset_after_us": lambda usage: us(usage.reset_after),
        "resets_at_us": lambda usage: usage.resets_at_us,
    }
    record = "usage"

    @staticmethod
    def open(client: Any, spec: Step) -> Any:
        options = {name: spec[name] for name in QuotaWords.may_open if name in spec}
        return client.quota(bytes_of(spec, "name"), spec["limit"], **options)

    @staticmethod
    def call(quota: Any, step: Step, saved: Step) -> Any:
        if step["do"] == "consume_many":
            return quota.consume_many([(bytes_of(item, "key"), item["cost"]) for item in step["items"]])
        key = bytes_of(step, "key")
        match step["do"]:
            case "consume":
                return quota.consume(key, step["cost"])
            case "peek":
                return quota.peek(key, step["cost"])
            case "reserve":
                return quota.reserve(key, step["cost"], bytes_of(step, "id"), lease=step["lease_us"] / 1_000_000)
            case "commit":
                return quota.commit(key, bytes_of(step, "id"), step["actual"])
            case "cancel":
                return quota.cancel(key, bytes_of(step, "id"))
            case "refund":
                return quota.refund(key, step["count"], step["resets_at_us"])
            case "reset":
                return quota.reset(key)
        raise Wrong(f"nobody does {step['do']}")
