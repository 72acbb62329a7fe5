"""keywright unique add NAME KEY MEMBER, and count|reset NAME KEY"""

from __future__ import annotations

import argparse
from typing import Any

from .. import Cardinality, Unique, connect
from . import output


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    own = commands.add_parser("unique", help="count different members")
    actions = own.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, run in (
        ("add", "add a member to a key", add_member),
        ("count", "say how many different members a key has seen", count),
        ("reset", "forget the members of a key", reset),
    ):
        action = actions.add_parser(name, help=help_text, description=help_text, parents=[shared])
        action.add_argument("name", metavar="NAME", help="the counter's name, as the programs say it")
        action.add_argument("key", metavar="KEY", help="who counts")
        if name == "add":
            action.add_argument("member", metavar="MEMBER", help="who is counted")
            action.add_argument("--exact-until", type=int, help="up to how many members are counted exactly")
            action.add_argument("--ttl", type=float, metavar="SECONDS", help="how long the key counts")
            action.add_argument("--sliding", action="store_true", help="from the last add, not the first")
        action.set_defaults(run=lambda options, run=run: opened(options, run))


def opened(options: argparse.Namespace, run: Any) -> bool:
    with connect(options.url) as client:
        words = ("exact_until", "ttl", "sliding")
        kind: dict[str, Any] = {word: getattr(options, word) for word in words if word in options}
        yes: bool = run(client.unique(options.name, **kind), options)
        return yes


def add_member(unique: Unique, options: argparse.Namespace) -> bool:
    return show(unique.add(options.key, options.member), options)


def count(unique: Unique, options: argparse.Namespace) -> bool:
    return show(unique.count(options.key), options)


def reset(unique: Unique, options: argparse.Namespace) -> bool:
    unique.reset(options.key)
    if options.json:
        output.as_json({"reset": options.key})
    else:
        print(f"{options.key} has seen nobody")
    return True


def show(seen: Cardinality, options: argparse.Namespace) -> bool:
    exact = bool(seen.exact)
    added = "member" in options
    if options.json:
        fields: dict[str, Any] = {"key": options.key, "members": seen.members, "exact": exact}
        if added:
            fields["novelty"] = seen.novelty.name.lower()
        output.as_json({**fields, "expires_after": seen.expires_after})
        return True
    rows = [("members", f"{seen.members}" if exact else f"{seen.members} (estimated, 0.81 %)")]
    if added:
        rows.append(("the member was", seen.novelty.name.lower()))
    rows.append(("starts over in", output.seconds(seen.expires_after)))
    output.table(rows)
    return True
