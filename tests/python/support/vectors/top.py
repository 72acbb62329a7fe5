"""What scenarios of tops say."""

from __future__ import annotations

from typing import Any, ClassVar

from .words import Operation, Step, Words, Wrong, bytes_of, lasting, name_of, us

ENTRY = ("rank", "score", "member")


class TopWords(Words):
    must_open = ("name",)
    may_open = ("keep", "ttl_us", "sliding")
    operations: ClassVar = {
        "add": Operation(("key", "member", "delta")),
        "standing": Operation(("key", "member")),
        "best": Operation(("key", "count"), entry=ENTRY),
        "around": Operation(("key", "member", "count"), entry=ENTRY),
        "add_many": Operation(("items",), item=("key", "member", "delta")),
        "standing_many": Operation(("items",), item=("key", "member")),
        "remove": Operation(("key", "member"), False),
        "reset": Operation(("key",), False),
    }
    fields: ClassVar = {
        "status": lambda standing: standing.status.name,
        "rank": lambda found: found.rank,
        "score": lambda found: found.score,
        "size": lambda standing: standing.size,
        "expires_after_us": lambda standing: us(standing.expires_after),
        "member": lambda entry: name_of(entry.member).decode(),
        "member_hex": lambda entry: name_of(entry.member).hex(),
    }
    record = "standing"

    @staticmethod
    def open(client: Any, spec: Step) -> Any:
        options = {"keep": spec["keep"]} if "keep" in spec else {}
        return client.top(bytes_of(spec, "name"), **options, **lasting(spec))

    @staticmethod
    def call(top: Any, step: Step, saved: Step) -> Any:
        items = [{name: bytes_of(item, name) for name in ("key", "member")} | item for item in step.get("items", ())]
        match step["do"]:
            case "add":
                return top.add(bytes_of(step, "key"), bytes_of(step, "member"), step["delta"])
            case "standing":
                return top.standing(bytes_of(step, "key"), bytes_of(step, "member"))
            case "best":
                return top.best(bytes_of(step, "key"), step["count"])
            case "around":
                return top.around(bytes_of(step, "key"), bytes_of(step, "member"), step["count"])
            case "add_many":
                return top.add_many([(item["key"], item["member"], item["delta"]) for item in items])
            case "standing_many":
                return top.standing_many([(item["key"], item["member"]) for item in items])
            case "remove":
                return top.remove(bytes_of(step, "key"), bytes_of(step, "member"))
            case "reset":
                return top.reset(bytes_of(step, "key"))
        raise Wrong(f"nobody does {step['do']}")
