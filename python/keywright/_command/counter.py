"""keywright counter add|value|take|set|reset NAME KEY"""

from __future__ import annotations

import argparse
from typing import Any

from .. import Count, Counter, Expiry, OnBound, Status, connect
from . import output


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    own = commands.add_parser("counter", help="add to a counter, read it, or reset a key of it")
    actions = own.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, run in (
        ("add", "add an amount, 1 unless told", add_to),
        ("value", "read the value", value),
        ("take", "read the value and begin anew at 0", take),
        ("set", "write a value", set_to),
        ("reset", "forget the count of a key", reset),
    ):
        action = actions.add_parser(name, help=help_text, description=help_text, parents=[shared])
        action.add_argument("name", metavar="NAME", help="the counter's name, as the programs say it")
        action.add_argument("key", metavar="KEY", help="whose count")
        if name == "add":
            action.add_argument("amount", metavar="AMOUNT", type=int, nargs="?", default=1, help="may be negative")
        if name == "set":
            action.add_argument("value", metavar="VALUE", type=int, help="within the bounds")
        if name in ("add", "take"):
            action.add_argument("--once", metavar="ID", help="an operation id: done once, however often it is asked")
        options_of(action)
        action.set_defaults(run=lambda options, run=run: opened(options, run))


def options_of(action: argparse.ArgumentParser) -> None:
    """The kind of the counter, as the programs say it."""
    kind = action.add_argument_group("the counter's kind, as the programs say it")
    kind.add_argument("--min", type=int, help="the least value")
    kind.add_argument("--max", type=int, help="the greatest value")
    kind.add_argument("--on-bound", choices=[each.name.lower() for each in OnBound])
    kind.add_argument("--ttl", type=float, metavar="SECONDS", help="how long a count lasts")
    kind.add_argument("--expiry", choices=[each.name.lower() for each in Expiry], help="when it ends")
    kind.add_argument("--zone-minutes", type=int, help="minutes ahead of UTC (default: 0)")
    kind.add_argument(
        "--window", type=float, metavar="SECONDS", help="count what was added in the last so many seconds"
    )
    kind.add_argument("--buckets", type=int, help="how many buckets a window has (default: 60)")
    kind.add_argument("--shards", type=int, help="over how many keys a count is spread")
    kind.add_argument("--remember", type=float, metavar="SECONDS", help="how long ids are known (default: a day)")
    kind.add_argument("--remember-max", type=int, help="how many ids a key knows at most (default: 10,000)")


def opened(options: argparse.Namespace, run: Any) -> bool:
    with connect(options.url) as client:
        counter = client.counter(
            options.name,
            min=options.min,
            max=options.max,
            on_bound=options.on_bound,
            ttl=options.ttl,
            expiry=options.expiry,
            zone_minutes=options.zone_minutes,
            window=options.window,
            buckets=options.buckets,
            shards=options.shards,
            remember=options.remember,
            remember_max=options.remember_max,
        )
        yes: bool = run(counter, options)
        return yes


def add_to(counter: Counter, options: argparse.Namespace) -> bool:
    return show(counter.add(options.key, options.amount, once=options.once), options)


def take(counter: Counter, options: argparse.Namespace) -> bool:
    return show(counter.take(options.key, once=options.once), options)


def value(counter: Counter, options: argparse.Namespace) -> bool:
    return show(counter.add(options.key, 0), options)


def set_to(counter: Counter, options: argparse.Namespace) -> bool:
    counter.set(options.key, options.value)
    return told(options, "value", options.value, f"{options.key} is {options.value}")


def reset(counter: Counter, options: argparse.Namespace) -> bool:
    counter.reset(options.key)
    return told(options, "reset", options.key, f"{options.key} is 0")


def told(options: argparse.Namespace, field: str, value: object, text: str) -> bool:
    if options.json:
        output.as_json({field: value})
    else:
        print(text)
    return True


def show(count: Count, options: argparse.Namespace) -> bool:
    if options.json:
        output.as_json(
            {
                "ok": bool(count),
                "status": count.status.name,
                "key": options.key,
                "value": count.value,
                "applied": count.applied,
                "duplicate": count.duplicate,
                "expires_after": count.expires_after,
            }
        )
        return bool(count)
    rows = [("value", str(count.value)), ("applied", str(count.applied))]
    if count.status == Status.OUT_OF_RANGE:
        rows.insert(0, ("refused", output.coloured("it would pass a bound", "bad")))
    if count.status == Status.EXHAUSTED:
        rows.insert(0, ("refused", output.coloured("the key remembers too many ids", "bad")))
    if count.duplicate:
        rows.append(("duplicate", "this id was known: nothing was changed"))
    rows.append(("ends in", output.seconds(count.expires_after)))
    output.table(rows)
    return bool(count)
