"""What scenarios of unique counters say."""

from __future__ import annotations

from typing import Any, ClassVar

from .words import Operation, Step, Words, Wrong, bytes_of, lasting, us


class UniqueWords(Words):
    must_open = ("name",)
    may_open = ("exact_until", "ttl_us", "sliding")
    operations: ClassVar = {
        "add": Operation(("key", "member")),
        "count": Operation(("key",)),
        "add_many": Operation(("items",), item=("key", "member")),
        "count_many": Operation(("items",), item=("key",)),
        "reset": Operation(("key",), False),
    }
    fields: ClassVar = {
        "status": lambda seen: seen.status.name,
        "novelty": lambda seen: seen.novelty.name,
        "members": lambda seen: seen.members,
        "exact": lambda seen: int(seen.exact),
        "expires_after_us": lambda seen: us(seen.expires_after),
    }
    record = "cardinality"

    @staticmethod
    def open(client: Any, spec: Step) -> Any:
        options = {"exact_until": spec["exact_until"]} if "exact_until" in spec else {}
        return client.unique(bytes_of(spec, "name"), **options, **lasting(spec))

    @staticmethod
    def call(unique: Any, step: Step, saved: Step) -> Any:
        match step["do"]:
            case "add":
                return unique.add(bytes_of(step, "key"), bytes_of(step, "member"))
            case "count":
                return unique.count(bytes_of(step, "key"))
            case "add_many":
                return unique.add_many([(bytes_of(item, "key"), bytes_of(item, "member")) for item in step["items"]])
            case "count_many":
                return unique.count_many([(bytes_of(item, "key"),) for item in step["items"]])
            case "reset":
                return unique.reset(bytes_of(step, "key"))
        raise Wrong(f"nobody does {step['do']}")
