"""keywright quota consume|peek|reset NAME LIMIT KEY"""

from __future__ import annotations

import argparse
from typing import Any

from .. import Period, Quota, Usage, connect
from . import output


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    own = commands.add_parser("quota", help="charge a calendar quota, look at it, or reset a key of it")
    actions = own.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, run in (
        ("consume", "charge a key, all of the cost or nothing", consume),
        ("peek", "ask without charging", peek),
        ("reset", "forget the state of a key, reservations too", reset),
    ):
        action = actions.add_parser(name, help=help_text, description=help_text, parents=[shared])
        action.add_argument("name", metavar="NAME", help="the quota's name, as the programs say it")
        action.add_argument("limit", metavar="LIMIT", type=int, help="the most that a key may use in a period")
        action.add_argument("key", metavar="KEY", help="who uses")
        action.add_argument("--period", choices=[each.name.lower() for each in Period], default="day")
        action.add_argument("--zone-minutes", type=int, default=0, help="minutes ahead of UTC (default: 0)")
        if name != "reset":
            action.add_argument("--cost", type=int, default=1, help="how much is charged; 0 looks (default: 1)")
        action.set_defaults(run=lambda options, run=run: opened(options, run))


def opened(options: argparse.Namespace, run: Any) -> bool:
    with connect(options.url) as client:
        quota = client.quota(options.name, options.limit, period=options.period, zone_minutes=options.zone_minutes)
        yes: bool = run(quota, options)
        return yes


def consume(quota: Quota, options: argparse.Namespace) -> bool:
    return show(quota.consume(options.key, options.cost), options)


def peek(quota: Quota, options: argparse.Namespace) -> bool:
    return show(quota.peek(options.key, options.cost), options)


def reset(quota: Quota, options: argparse.Namespace) -> bool:
    quota.reset(options.key)
    if options.json:
        output.as_json({"reset": options.key})
    else:
        print(f"{options.key} has used nothing")
    return True


def show(usage: Usage, options: argparse.Namespace) -> bool:
    if options.json:
        output.as_json(
            {
                "allowed": bool(usage),
                "key": options.key,
                "cost": options.cost,
                "limit": usage.limit,
                "used": usage.used,
                "remaining": usage.remaining,
                "retry_after": usage.retry_after,
                "reset_after": usage.reset_after,
            }
        )
        return bool(usage)
    rows = [
        ("answer", output.coloured("allowed", "good") if usage else output.coloured("denied", "bad")),
        ("used", f"{usage.used} of {usage.limit} this {options.period}"),
        ("remaining", str(usage.remaining)),
    ]
    if not usage:
        rows.append(("again in", output.seconds(usage.retry_after)))
    rows.append(("starts over in", output.seconds(usage.reset_after)))
    output.table(rows)
    return bool(usage)
