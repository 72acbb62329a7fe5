"""keywright top add NAME KEY MEMBER [DELTA], best NAME KEY, standing|around|remove NAME KEY MEMBER, reset NAME KEY"""

from __future__ import annotations

import argparse
from typing import Any

from .. import Standing, Top, TopEntry, connect
from . import output


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    own = commands.add_parser("top", help="keep scores, and list who has the most")
    actions = own.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, run in (
        ("add", "add to the score of a member", add_score),
        ("standing", "tell rank and score of a member", standing),
        ("best", "list those with the highest scores", best),
        ("around", "list a member with its neighbours", around),
        ("remove", "take a member out", remove),
        ("reset", "forget all scores of a key", reset),
    ):
        action = actions.add_parser(name, help=help_text, description=help_text, parents=[shared])
        action.add_argument("name", metavar="NAME", help="the top's name, as the programs say it")
        action.add_argument("key", metavar="KEY", help="whose scores")
        if name not in ("best", "reset"):
            action.add_argument("member", metavar="MEMBER", help="whose score")
        if name == "add":
            action.add_argument("delta", metavar="DELTA", type=int, nargs="?", default=1, help="how much (default: 1)")
            action.add_argument("--keep", type=int, help="how many members the key keeps (default: 1,000)")
            action.add_argument("--ttl", type=float, metavar="SECONDS", help="how long the key lasts")
            action.add_argument("--sliding", action="store_true", help="from the last add, not the first")
        if name in ("best", "around"):
            action.add_argument("--count", type=int, default=10, help="how many, or how many on either side")
        action.set_defaults(run=lambda options, run=run: opened(options, run))


def opened(options: argparse.Namespace, run: Any) -> bool:
    with connect(options.url) as client:
        words = ("keep", "ttl", "sliding")
        kind: dict[str, Any] = {word: getattr(options, word) for word in words if word in options}
        yes: bool = run(client.top(options.name, **kind), options)
        return yes


def add_score(top: Top, options: argparse.Namespace) -> bool:
    told = top.add(options.key, options.member, options.delta)
    return show_standing(told, "the score would leave its bounds: nothing was added", options)


def standing(top: Top, options: argparse.Namespace) -> bool:
    told = top.standing(options.key, options.member)
    return show_standing(told, f"{options.member} has no score", options)


def show_standing(told: Standing, no: str, options: argparse.Namespace) -> bool:
    if options.json:
        fields = {"rank": told.rank, "score": told.score, "size": told.size, "expires_after": told.expires_after}
        output.as_json({"key": options.key, "member": options.member, **fields})
    elif told:
        rows = [("rank", f"{told.rank} of {told.size}"), ("score", str(told.score))]
        output.table([*rows, ("starts over in", output.seconds(told.expires_after))])
    else:
        print(no)
    return bool(told)


def best(top: Top, options: argparse.Namespace) -> bool:
    return show(top.best(options.key, options.count), options)


def around(top: Top, options: argparse.Namespace) -> bool:
    return show(top.around(options.key, options.member, options.count), options)


def remove(top: Top, options: argparse.Namespace) -> bool:
    top.remove(options.key, options.member)
    return done(f"{options.member} has no score", {"removed": options.member}, options)


def reset(top: Top, options: argparse.Namespace) -> bool:
    top.reset(options.key)
    return done(f"{options.key} has no scores", {"reset": options.key}, options)


def done(said: str, fields: dict[str, Any], options: argparse.Namespace) -> bool:
    if options.json:
        output.as_json(fields)
    else:
        print(said)
    return True


def show(entries: list[TopEntry], options: argparse.Namespace) -> bool:
    if options.json:
        listed = [{"rank": each.rank, "member": each.member, "score": each.score} for each in entries]
        output.as_json({"key": options.key, "entries": listed})
        return bool(entries)
    widths = [max((len(str(each[column])) for each in entries), default=0) for column in (0, 2)]
    for each in entries:
        print(f"{each.rank:<{widths[0]}}  {each.member:<{widths[1]}}  {each.score}")
    return bool(entries)
