"""keywright limiter hit|peek|reset NAME LIMIT KEY"""

from __future__ import annotations

import argparse
from typing import Any

from .. import Algorithm, Decision, connect
from . import output


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    own = commands.add_parser("limiter", help="ask a rate limiter, or reset a key of it")
    actions = own.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, run in (
        ("hit", "ask to be admitted, and be charged if so", hit),
        ("peek", "ask without being charged", peek),
        ("reset", "forget the state of a key", reset),
    ):
        action = actions.add_parser(name, help=help_text, description=help_text, parents=[shared])
        action.add_argument("name", metavar="NAME", help="the limiter's name, as the programs say it")
        action.add_argument("limits", metavar="LIMIT", help='the limit, as the programs say it: "10/s burst 20"')
        action.add_argument("key", metavar="KEY", help="whose state")
        action.add_argument("--algorithm", choices=[each.name.lower() for each in Algorithm], default="gcra")
        if name != "reset":
            action.add_argument("--cost", type=int, default=1, help="how much is charged; 0 looks (default: 1)")
        if name == "hit":
            action.add_argument("--wait", type=float, metavar="SECONDS", help="patience until it is admitted")
        action.set_defaults(run=run)


def hit(options: argparse.Namespace) -> bool:
    with connect(options.url) as client:
        limiter = client.limiter(options.name, options.limits, algorithm=options.algorithm)
        return show(limiter.hit(options.key, options.cost, wait=options.wait), options)


def peek(options: argparse.Namespace) -> bool:
    with connect(options.url) as client:
        limiter = client.limiter(options.name, options.limits, algorithm=options.algorithm)
        return show(limiter.peek(options.key, options.cost), options)


def reset(options: argparse.Namespace) -> bool:
    with connect(options.url) as client:
        client.limiter(options.name, options.limits, algorithm=options.algorithm).reset(options.key)
    if options.json:
        output.as_json({"reset": options.key})
    else:
        print(f"{options.key} is as if never hit")
    return True


def show(decision: Decision, options: argparse.Namespace) -> bool:
    fields: dict[str, Any] = {
        "allowed": decision.allowed,
        "key": options.key,
        "cost": options.cost,
        "limit": decision.limit,
        "remaining": decision.remaining,
        "retry_after": decision.retry_after,
        "reset_after": decision.reset_after,
        "delay": decision.delay,
    }
    if options.json:
        output.as_json(fields)
        return decision.allowed
    rows = [
        ("decision", output.coloured("allowed", "good") if decision else output.coloured("denied", "bad")),
        ("remaining", f"{decision.remaining} of {decision.limit}"),
    ]
    if not decision:
        rows.append(("again in", output.seconds(decision.retry_after)))
    if decision.delay:
        rows.append(("waited", output.seconds(decision.delay)))
    rows.append(("full in", output.seconds(decision.reset_after)))
    output.table(rows)
    return decision.allowed
