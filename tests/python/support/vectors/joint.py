"""What scenarios of joint limiters say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .limiter import LimiterWords
from .words import Operation, Step, Words, Wrong, bytes_of


class JointWords(Words):
    """What scenarios of joint limiters say. Of an answer the first is that of the whole, then come its limiters'."""

    must_open = ("limiters", "limits", "algorithms")
    may_open = ()
    operations: ClassVar = {
        "hit": Operation(("items",), item=("key", "cost")),
        "peek": Operation(("items",), item=("key", "cost")),
        "refund": Operation(("limiter", "key", "decision", "count"), False),
    }
    fields: ClassVar[dict[str, Callable[[Any], Any]]] = {
        **LimiterWords.fields,
        "limiters": lambda whole: whole.limiters,
    }
    record = "decision"

    @staticmethod
    def open(client: Any, spec: Step) -> Any:
        rows = zip(spec["limiters"], spec["limits"], spec["algorithms"], strict=True)
        return client.joint([client.limiter(name, limits, algorithm=each) for name, limits, each in rows])

    @staticmethod
    def call(joint: Any, step: Step, saved: dict[str, Any]) -> Any:
        if step["do"] == "refund":
            return joint.limiters[step["limiter"]].refund(
                saved[step["decision"]].decisions[step["limiter"]], step["count"]
            )
        if step["do"] not in ("hit", "peek"):
            raise Wrong(f"nobody does {step['do']}")
        return getattr(joint, step["do"])([(bytes_of(item, "key"), item["cost"]) for item in step["items"]])

    @staticmethod
    def answers(answer: Any) -> list[Any]:
        return [answer, *answer.decisions]
