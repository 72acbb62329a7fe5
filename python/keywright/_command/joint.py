"""keywright limiter hit-all|peek-all NAME LIMIT KEY [NAME LIMIT KEY ...]"""

from __future__ import annotations

import argparse
from itertools import repeat
from typing import Any

from .. import Algorithm, Client, Invalid, JointDecision, connect
from . import output

Triple = tuple[str, str, str]


def add(actions: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    for name, help_text in (
        ("hit-all", "ask several limiters in one step, each with a key of its own: all are charged, or none"),
        ("peek-all", "ask them without being charged"),
    ):
        action = actions.add_parser(name, help=help_text, description=help_text, parents=[shared])
        action.add_argument(
            "words", metavar="NAME LIMIT KEY", nargs="+", help="of each limiter its name, its limit and the key"
        )
        action.add_argument("--costs", type=int, nargs="+", metavar="COST", help="of each in order (default: 1 each)")
        kind = action.add_argument_group("the limiters' kind, as the programs say it")
        kind.add_argument("--algorithm", choices=[each.name.lower() for each in Algorithm], help="default: gcra")
        kind.add_argument("--lease", type=float, metavar="SECONDS", help="how long a concurrent limit gives")
        action.set_defaults(run=lambda options, name=name: opened(options, name == "peek-all"))


def opened(options: argparse.Namespace, looks: bool) -> bool:
    if len(options.words) % 3:
        raise Invalid("each limiter takes three words: NAME LIMIT KEY")
    words = iter(options.words)
    triples: list[Triple] = list(zip(words, words, words, strict=True))
    if options.costs is not None and len(options.costs) != len(triples):
        raise Invalid(f"--costs has {len(options.costs)} numbers, and there are {len(triples)} limiters")
    with connect(options.url) as client:
        return show(ask(client, triples, options, looks), triples, options)


def ask(client: Client, triples: list[Triple], options: argparse.Namespace, looks: bool) -> JointDecision:
    joint = client.joint(
        client.limiter(name, limits, algorithm=options.algorithm, lease=options.lease) for name, limits, _ in triples
    )
    hits = list(zip((key for _, _, key in triples), options.costs or repeat(1), strict=False))
    return joint.peek(hits) if looks else joint.hit(hits)


def show(answer: JointDecision, triples: list[Triple], options: argparse.Namespace) -> bool:
    if options.json:
        output.as_json(fields(answer, triples))
        return answer.allowed
    rows = [("decision", output.coloured("allowed", "good") if answer else output.coloured("denied", "bad"))]
    if not answer:
        rows.append(("denied by", triples[answer.denied_by][0]))
        rows.append(("again in", output.seconds(answer.retry_after)))
    for (name, _, key), decision in zip(triples, answer.decisions, strict=True):
        rows.append((f"{name} {key}", f"{decision.remaining} of {decision.limit} remaining"))
    output.table(rows)
    return answer.allowed


def fields(answer: JointDecision, triples: list[Triple]) -> dict[str, Any]:
    return {
        "allowed": answer.allowed,
        "denied_by": None if answer.denied_by < 0 else triples[answer.denied_by][0],
        "retry_after": answer.retry_after,
        "limiters": [
            {
                "name": name,
                "key": key,
                "charged": decision.amount,
                "limit": decision.limit,
                "remaining": decision.remaining,
                "retry_after": None if decision.retry_after == float("inf") else decision.retry_after,
            }
            for (name, _, key), decision in zip(triples, answer.decisions, strict=True)
        ],
    }
