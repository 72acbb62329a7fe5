"""keywright quota consume|peek|reserve|commit|cancel|refund|reset NAME LIMIT KEY"""

from __future__ import annotations

import argparse
from secrets import token_hex
from typing import Any

from .. import Period, Quota, Usage, connect
from . import output
from .limiter import REFUSALS


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    own = commands.add_parser("quota", help="charge a calendar quota, look at it, or reset a key of it")
    actions = own.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, run in (
        ("consume", "charge a key, all of the cost or nothing", consume),
        ("peek", "ask without charging", peek),
        ("reserve", "charge a cost that is settled later, or comes back when its lease ends", reserve),
        ("commit", "settle a reservation with what was used", commit),
        ("cancel", "give a reservation back", cancel),
        ("refund", "give back what was charged in this period", refund),
        ("reset", "forget the state of a key, reservations too", reset),
    ):
        action = actions.add_parser(name, help=help_text, description=help_text, parents=[shared])
        action.add_argument("name", metavar="NAME", help="the quota's name, as the programs say it")
        action.add_argument("limit", metavar="LIMIT", type=int, help="the most that a key may use in a period")
        action.add_argument("key", metavar="KEY", help="who uses")
        action.add_argument("--period", choices=[each.name.lower() for each in Period], default="day")
        action.add_argument("--zone-minutes", type=int, default=0, help="minutes ahead of UTC (default: 0)")
        arguments_of(name, action)
        action.set_defaults(run=lambda options, run=run: opened(options, run))


def arguments_of(name: str, action: argparse.ArgumentParser) -> None:
    """What one action takes beside the quota."""
    if name in ("consume", "peek"):
        action.add_argument("--cost", type=int, default=1, help="how much is charged; 0 looks (default: 1)")
    if name == "reserve":
        action.add_argument("cost", metavar="COST", type=int, help="how much is reserved")
        action.add_argument(
            "--id", help="the reservation's id, unique inside the key (default: a random one, which it says)"
        )
        action.add_argument(
            "--lease", type=float, metavar="SECONDS", default=60, help="how long it lasts (default: 60)"
        )
    if name in ("commit", "cancel"):
        action.add_argument("id", metavar="ID", help="the reservation's id, as `reserve` said it")
    if name == "commit":
        action.add_argument("actual", metavar="ACTUAL", type=int, help="what was used")
    if name == "refund":
        action.add_argument("count", metavar="COUNT", type=int, help="how much to give back")
        action.add_argument("resets_at_us", metavar="RESETS_AT_US", type=int, help="as `consume --json` said it")


def opened(options: argparse.Namespace, run: Any) -> bool:
    with connect(options.url) as client:
        quota = client.quota(options.name, options.limit, period=options.period, zone_minutes=options.zone_minutes)
        yes: bool = run(quota, options)
        return yes


def consume(quota: Quota, options: argparse.Namespace) -> bool:
    return show(quota.consume(options.key, options.cost), options, options.cost)


def peek(quota: Quota, options: argparse.Namespace) -> bool:
    return show(quota.peek(options.key, options.cost), options, options.cost)


def reserve(quota: Quota, options: argparse.Namespace) -> bool:
    id = token_hex(16) if options.id is None else options.id
    usage = quota.reserve(options.key, options.cost, id, lease=options.lease)
    if usage.status in REFUSALS and not options.json:
        print(REFUSALS[usage.status])
        return False
    return show(usage, options, options.cost, id)


def commit(quota: Quota, options: argparse.Namespace) -> bool:
    usage = quota.commit(options.key, options.id, options.actual)
    return show(usage, options, options.actual, options.id)


def cancel(quota: Quota, options: argparse.Namespace) -> bool:
    return show(quota.cancel(options.key, options.id), options, 0, options.id)


def refund(quota: Quota, options: argparse.Namespace) -> bool:
    quota.refund(options.key, options.count, options.resets_at_us)
    if options.json:
        output.as_json({"refunded": options.key})
    else:
        print(f"{options.key} has it back, if it was charged in this {options.period}")
    return True


def reset(quota: Quota, options: argparse.Namespace) -> bool:
    quota.reset(options.key)
    if options.json:
        output.as_json({"reset": options.key})
    else:
        print(f"{options.key} has used nothing")
    return True


def show(usage: Usage, options: argparse.Namespace, cost: int, id: str | None = None) -> bool:
    if options.json:
        named = {} if id is None else {"id": id}
        output.as_json({**named, **answered(usage, options.key, cost)})
        return bool(usage)
    rows = [("answer", output.coloured("allowed", "good") if usage else output.coloured("denied", "bad"))]
    if usage and id is not None:
        rows.append(("id", id))
    rows += [
        ("used", f"{usage.used} of {usage.limit} this {options.period}"),
        ("remaining", str(usage.remaining)),
    ]
    if not usage:
        rows.append(("again in", output.seconds(usage.retry_after)))
    rows.append(("starts over in", output.seconds(usage.reset_after)))
    output.table(rows)
    return bool(usage)


def answered(usage: Usage, key: str, cost: int) -> dict[str, Any]:
    return {
        "allowed": bool(usage),
        "status": usage.status.name,
        "key": key,
        "cost": cost,
        "charged": usage.amount,
        "limit": usage.limit,
        "used": usage.used,
        "remaining": usage.remaining,
        "retry_after": usage.retry_after,
        "reset_after": usage.reset_after,
        "resets_at_us": usage.resets_at_us,
    }
