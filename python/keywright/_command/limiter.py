"""keywright limiter hit|hit-up-to|peek|reserve|commit|cancel|renew|release|refund|reset|run NAME LIMIT KEY

What is about overrides is in overrides.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from secrets import token_hex
from typing import Any, TypeAlias

from .. import Algorithm, Align, Client, DecidedBy, Decision, Limiter, Status, connect
from . import joint, output, overrides, receipt, running

Action: TypeAlias = Callable[[Limiter, argparse.Namespace], bool]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    own = commands.add_parser("limiter", help="ask a rate limiter, run a command under it, or reset a key of it")
    actions = own.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, run in (
        ("hit", "ask to be admitted, and be charged if so", hit),
        ("hit-up-to", "take as much as fits, and say how much", hit_up_to),
        ("peek", "ask without being charged", peek),
        ("reserve", "charge a cost that is settled later, or comes back when its lease ends", reserve),
        ("commit", "settle a reservation with what was used", commit),
        ("cancel", "give a reservation back", cancel),
        ("renew", "keep for another lease what a concurrent limit gave", renew),
        ("release", "give back what a concurrent limit gave", release),
        ("refund", "give back what a hit was charged", refund),
        ("reset", "forget the state of a key", reset),
        ("set-override", "give one key limits of its own", overrides.set_override),
        ("clear-override", "take them away", overrides.clear_override),
        ("overrides", "list the keys that have limits of their own", overrides.overrides),
        ("run", "run a command if it is admitted; what a concurrent limit gave is held while it runs", run_command),
    ):
        epilog = running.EXIT_CODES if name == "run" else None
        action = actions.add_parser(name, help=help_text, description=help_text, epilog=epilog, parents=[shared])
        action.add_argument("name", metavar="NAME", help="the limiter's name, as the programs say it")
        action.add_argument(
            "limits", metavar="LIMIT", help='the limit, as the programs say it: "10/s burst 20; 1000/h"'
        )
        if name != "overrides":
            action.add_argument("key", metavar="KEY", help="whose state")
        arguments_of(name, action)
        overrides.arguments_of(name, action)
        options_of(action)
        reserves = name in ("reserve", "commit", "cancel")
        action.set_defaults(run=lambda options, run=run: opened(options, run), reserves=reserves)
        if name == "run":
            action.set_defaults(failure=running.FAILED)
    joint.add(actions, shared)


def arguments_of(name: str, action: argparse.ArgumentParser) -> None:
    """What one action takes beside the limiter."""
    if name == "hit-up-to":
        action.add_argument("cost", metavar="COST", type=int, help="the most that is taken")
    if name == "reserve":
        action.add_argument("cost", metavar="COST", type=int, help="how much is reserved")
        action.add_argument(
            "--id", help="the reservation's id, unique inside the key (default: a random one, which it says)"
        )
    if name in ("commit", "cancel"):
        action.add_argument("id", metavar="ID", help="the reservation's id, as `reserve` said it")
    if name == "commit":
        action.add_argument("actual", metavar="ACTUAL", type=int, help="what was used")
    if name in ("hit", "peek", "run"):
        action.add_argument("--cost", type=int, default=1, help="how much is charged; 0 looks (default: 1)")
    if name in ("hit", "run"):
        action.add_argument("--wait", type=float, metavar="SECONDS", help="patience until it is admitted")
    if name in ("renew", "release", "refund"):
        action.add_argument("receipt", metavar="RECEIPT", help="what `hit --json` or `hit-up-to --json` said of it")
    if name == "refund":
        action.add_argument("--count", type=int, help="how much to give back (default: all of it)")
    if name == "run":
        action.add_argument("command", metavar="-- COMMAND", nargs="+", help="the program and its arguments")


def options_of(action: argparse.ArgumentParser) -> None:
    """The kind of the limiter, as the programs say it."""
    kind = action.add_argument_group("the limiter's kind, as the programs say it")
    kind.add_argument("--algorithm", choices=[each.name.lower() for each in Algorithm], help="default: gcra")
    kind.add_argument("--align", choices=[each.name.lower() for each in Align], help="when fixed windows end")
    kind.add_argument("--zone-offset", type=int, metavar="MINUTES", help="how far aligned windows are ahead of UTC")
    kind.add_argument(
        "--lease",
        type=float,
        metavar="SECONDS",
        help="how long a concurrent limit gives, and a reservation lasts (default: 60)",
    )
    kind.add_argument("--max-wait", type=float, metavar="SECONDS", help="bounds every patience (default: 60)")
    kind.add_argument(
        "--reservations", action="store_true", default=None, help="it takes reservations: a hit finds those that lapsed"
    )
    kind.add_argument("--shadow", action="store_true", default=None, help="decide and count, but never deny")
    kind.add_argument("--charge-denials", action="store_true", default=None, help="charge denials too")
    kind.add_argument("--block", type=float, metavar="SECONDS", help="how long a denial blocks its key")
    kind.add_argument("--with-overrides", action="store_true", help="go by the limits of single keys (set-override)")
    kind.add_argument("--block-max", type=float, metavar="SECONDS", help="up to which blocks in a row double")


def opened(options: argparse.Namespace, run: Action) -> bool:
    with connect(options.url) as client:
        limiter = limiter_of(client, options)
        if options.with_overrides:
            overrides.load(limiter)
        return run(limiter, options)


def limiter_of(client: Client, options: argparse.Namespace) -> Limiter:
    return client.limiter(
        options.name,
        options.limits,
        algorithm=options.algorithm,
        align=options.align,
        zone_offset=options.zone_offset,
        lease=options.lease,
        max_wait=options.max_wait,
        shadow=options.shadow,
        charge_denials=options.charge_denials,
        block=options.block,
        block_max=options.block_max,
        reservations=True if options.reserves else options.reservations,
        overrides=1 if options.with_overrides else None,
    )


def hit(limiter: Limiter, options: argparse.Namespace) -> bool:
    return show(limiter, limiter.hit(options.key, options.cost, wait=options.wait), options)


def hit_up_to(limiter: Limiter, options: argparse.Namespace) -> bool:
    return show(limiter, limiter.hit_up_to(options.key, options.cost), options)


def peek(limiter: Limiter, options: argparse.Namespace) -> bool:
    return show(limiter, limiter.peek(options.key, options.cost), options)


def reserve(limiter: Limiter, options: argparse.Namespace) -> bool:
    id = token_hex(16) if options.id is None else options.id
    decision = limiter.reserve(options.key, options.cost, id, lease=0)
    if options.json:
        output.as_json({"id": id, **answered(decision, options.key, options.cost)})
    elif decision.status in REFUSALS:
        print(REFUSALS[decision.status])
    else:
        show_rows(decision, [("id", id)] if decision else [], options.cost)
    return bool(decision)


def commit(limiter: Limiter, options: argparse.Namespace) -> bool:
    return settled(limiter.commit(options.key, options.id, options.actual), options)


def cancel(limiter: Limiter, options: argparse.Namespace) -> bool:
    return settled(limiter.cancel(options.key, options.id), options)


def settled(decision: Decision, options: argparse.Namespace) -> bool:
    """A no of these was raised."""
    if options.json:
        output.as_json({"id": options.id, **answered(decision, options.key, decision.amount)})
    else:
        remaining = f"{decision.remaining} of {decision.limit}"
        output.table([("used", str(decision.amount)), ("remaining", remaining)])
    return True


def renew(limiter: Limiter, options: argparse.Namespace) -> bool:
    renewed = limiter.renew(receipt.read(limiter, options.key, options.receipt))
    text = f"{options.key} holds it for another lease" if renewed else "the lease had ended: others may have it"
    told(options, "renewed", renewed, text)
    return renewed


def release(limiter: Limiter, options: argparse.Namespace) -> bool:
    limiter.release(receipt.read(limiter, options.key, options.receipt))
    return told(options, "released", options.key, f"{options.key} holds it no longer")


def refund(limiter: Limiter, options: argparse.Namespace) -> bool:
    limiter.refund(receipt.read(limiter, options.key, options.receipt), options.count)
    return told(options, "refunded", options.key, f"{options.key} has it back, as far as time had not given it already")


def reset(limiter: Limiter, options: argparse.Namespace) -> bool:
    limiter.reset(options.key)
    return told(options, "reset", options.key, f"{options.key} is as if never hit")


def run_command(limiter: Limiter, options: argparse.Namespace) -> bool:
    raise SystemExit(running.run(limiter, options))


def told(options: argparse.Namespace, field: str, value: object, text: str) -> bool:
    if options.json:
        output.as_json({field: value})
    else:
        print(text)
    return True


def show(limiter: Limiter, decision: Decision, options: argparse.Namespace) -> bool:
    if options.json:
        kept = receipt.write(limiter, decision) if decision and decision.amount else None
        output.as_json({**answered(decision, options.key, options.cost), "receipt": kept})
    else:
        show_rows(decision, [], options.cost)
    return decision.allowed


def show_rows(decision: Decision, more: list[tuple[str, str]], cost: int) -> None:
    rows = [
        ("decision", output.coloured("allowed", "good") if decision else output.coloured("denied", "bad")),
        *more,
        ("remaining", f"{decision.remaining} of {decision.limit}"),
    ]
    if decision.reason is not DecidedBy.SERVER:
        rows.append(("reason", REASONS[decision.reason]))
    if decision and decision.amount not in (cost, 0):
        rows.append(("charged", str(decision.amount)))
    if not decision:
        rows.append(("again in", output.seconds(decision.retry_after)))
    if decision.delay:
        rows.append(("waited", output.seconds(decision.delay)))
    rows.append(("full in", output.seconds(decision.reset_after)))
    output.table(rows)


#: Noes of reserve that no waiting mends.
REFUSALS = {
    Status.CONFLICT: "this id is open with another cost",
    Status.GONE: "this id was settled already",
    Status.EXHAUSTED: "this key has 1,000 open reservations: settle some",
}
REASONS = {DecidedBy.SHADOW: "a shadow limit would have denied it", DecidedBy.BLOCK: "an earlier denial blocks it"}


def answered(decision: Decision, key: str, cost: int) -> dict[str, Any]:
    return {
        "allowed": decision.allowed,
        "status": decision.status.name,
        "key": key,
        "cost": cost,
        "charged": decision.amount,
        "limit": decision.limit,
        "remaining": decision.remaining,
        "retry_after": decision.retry_after,
        "reset_after": decision.reset_after,
        "delay": decision.delay,
        "reason": decision.reason.name.lower(),
        "denied_by": None if decision.denied_by < 0 else decision.denied_by,
    }
