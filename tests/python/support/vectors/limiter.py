"""What scenarios of limiters say."""

from __future__ import annotations

from typing import Any, ClassVar

from .words import Operation, Step, Words, Wrong, bytes_of, name_of, us


class LimiterWords(Words):
    """What scenarios of limiters say."""

    must_open = ("name", "limits")
    #: Options by C's names, and what each is here: those in us are seconds.
    options: ClassVar = {
        "algorithm": "algorithm",
        "max_wait_us": "max_wait",
        "align": "align",
        "zone_offset": "zone_offset",
        "shadow": "shadow",
        "charge_denials": "charge_denials",
        "block_us": "block",
        "block_max_us": "block_max",
        "lease_us": "lease",
        "reservations": "reservations",
        "overrides_us": "overrides",
        "token_lease": "token_lease",
        "token_ttl_us": "token_ttl",
    }
    may_open = tuple(options)
    operations: ClassVar = {
        "hit": Operation(("key", "cost")),
        "peek": Operation(("key", "cost")),
        "wait": Operation(("key", "cost", "wait_us")),
        "hit_up_to": Operation(("key", "cost")),
        "hit_many": Operation(("items",), item=("key", "cost")),
        "renew": Operation(("key", "decision")),
        "release": Operation(("key", "decision"), False),
        "refund": Operation(("key", "decision", "count"), False),
        "reset": Operation(("key",), False),
        "reserve": Operation(("key", "cost", "id", "lease_us")),
        "commit": Operation(("key", "id", "actual")),
        "cancel": Operation(("key", "id")),
        "set_override": Operation(("key", "limits", "ttl_us")),
        "clear_override": Operation(("key",)),
        "overrides": Operation(("after", "count"), entry=("key", "limits", "version", "ends_at_us")),
    }
    fields: ClassVar = {
        # Of a renewal whether the lease is held still is all of the answer.
        "status": lambda decision: ("LOST", "OK")[decision] if isinstance(decision, bool) else decision.status.name,
        "reason": lambda decision: decision.reason.name,
        "denied_by": lambda decision: decision.denied_by,
        "limits": lambda decision: decision.limits,
        "binding": lambda decision: decision.binding,
        "decided_at_us": lambda decision: decision.decided_at_us,
        "lease": lambda decision: decision.lease,
        "count": lambda decision: decision.amount,
        "limit": lambda decision: decision.limit,
        "remaining": lambda decision: decision.remaining,
        "retry_after_us": lambda decision: us(decision.retry_after),
        "reset_after_us": lambda decision: us(decision.reset_after),
        "delay_us": lambda answer: us(answer.delay) if hasattr(answer, "delay") else 0,
        # Of an override and its change; the limits of one are a text.
        "version": lambda change: change.version,
        "ends_at_us": lambda change: change.ends_at_us,
        "changed_at_us": lambda change: change.changed_at_us,
        "key": lambda override: name_of(override.key).decode(),
        "key_hex": lambda override: name_of(override.key).hex(),
    }
    unless_told: ClassVar = {"delay_us": 0}
    record = "decision"

    @staticmethod
    def open(client: Any, spec: Step) -> Any:
        options: Step = {}
        for name, here in LimiterWords.options.items():
            if name in spec:
                value = spec[name]
                options[here] = value / 1_000_000 if name.endswith("_us") else value
                if name in ("shadow", "charge_denials", "reservations"):
                    options[here] = bool(value)
        return client.limiter(bytes_of(spec, "name"), spec["limits"], **options)

    @staticmethod
    def call(limiter: Any, step: Step, saved: dict[str, Any]) -> Any:
        match step["do"]:
            case "hit_many":
                return limiter.hit_many([(bytes_of(item, "key"), item["cost"]) for item in step["items"]])
            case "refund":
                return limiter.refund(saved[step["decision"]], step["count"])
            case "renew":
                return limiter.renew(saved[step["decision"]])
            case "release":
                return limiter.release(saved[step["decision"]])
            case "reset":
                return limiter.reset(bytes_of(step, "key"))
            case "reserve":
                lease = step["lease_us"] / 1_000_000
                return limiter.reserve(bytes_of(step, "key"), step["cost"], bytes_of(step, "id"), lease=lease)
            case "commit":
                return limiter.commit(bytes_of(step, "key"), bytes_of(step, "id"), step["actual"])
            case "cancel":
                return limiter.cancel(bytes_of(step, "key"), bytes_of(step, "id"))
            case "set_override":
                limits = bytes_of(step, "limits").decode()
                return limiter.set_override(bytes_of(step, "key"), limits, ttl=step["ttl_us"] / 1_000_000)
            case "clear_override":
                return limiter.clear_override(bytes_of(step, "key"))
            case "overrides":
                return limiter.overrides(step["after"], step["count"])
            case "hit_up_to":
                return limiter.hit_up_to(bytes_of(step, "key"), step["cost"])
            case "wait":
                return limiter.wait(bytes_of(step, "key"), step["cost"], wait=step["wait_us"] / 1_000_000)
            case "peek":
                return limiter.peek(bytes_of(step, "key"), step["cost"])
            case "hit":
                return limiter.hit(bytes_of(step, "key"), step["cost"])
        raise Wrong(f"nobody does {step['do']}")
