"""./dev bench: what an operation costs, beside the floor and beside the libraries that people use instead.

Everything is measured in one run on one private server, over a Unix socket, in alternating rounds; medians are quoted.
docs/benchmarks.md says what each row is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from frame import machine, report  # noqa: E402
from frame.measure import Effort, Failed, measure, rows_of  # noqa: E402
from frame.server import Server  # noqa: E402

BENCHES = ["limiter", "crossing", "footprint"]
FULL, QUICK = Effort(rounds=7, seconds=0.5), Effort(rounds=3, seconds=0.12)
NOISY = 0.25


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n\n")[0].split(": ", 1)[1])
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(BENCHES)}; default all")
    parser.add_argument("--work", metavar="WORD", help="only the work of that name, or those in whose name it stands")
    parser.add_argument("--quick", action="store_true", help="short rounds, few of them: a look, no measurement")
    parser.add_argument(
        "--placement",
        choices=[*machine.PLACEMENTS, "both"],
        default="one",
        help="client and server on one core (default), on two, free, or both one and two",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a picture there (SVG)")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.name if name not in BENCHES]
    if unknown:
        parser.error(f"nothing is called {unknown[0]}: choose from {', '.join(BENCHES)}")
    return chosen


def placements_of(asked: str, always: tuple[str, ...]) -> list[str]:
    wanted = dict.fromkeys((*(("one", "two") if asked == "both" else (asked,)), *always))
    return [placement for placement in wanted if machine.can_place(placement)] or ["free"]


def say(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


@dataclass
class Found:
    """What a run brings together."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    sizes: list[dict[str, Any]] = field(default_factory=list)
    compared: dict[str, str] = field(default_factory=dict)  # by work: the figure of its ratios
    absent: list[str] = field(default_factory=list)


def measure_all(server: Server, chosen: argparse.Namespace) -> Found:
    found = Found()
    effort = QUICK if chosen.quick else FULL
    for name in chosen.name or BENCHES:
        module = importlib.import_module(name)
        if not hasattr(module, "works"):  # sizes, which no round changes
            rows, absent = module.sizes(server) if not chosen.work else ([], [])
            found.sizes += rows
            found.absent += absent
            continue
        works = module.works(server)
        named = [work for work in works if work.name == chosen.work]
        for work in named or [work for work in works if (chosen.work or "") in work.name]:
            measured = measure(work, server, placements_of(chosen.placement, work.placements), effort, say)
            found.rows += rows_of(name, work, measured)
            found.compared[work.name] = work.figure
            found.absent += [f"{subject.name}: {subject.missing}" for subject in work.subjects if subject.missing]
    say("")
    return found


def main(arguments: list[str]) -> int:
    chosen = options(arguments)
    described = machine.describe()
    server = Server()
    try:
        name = server.name()
        found = measure_all(server, chosen)
    except Failed as failure:
        say("")
        print(failure, file=sys.stderr)
        return 1
    finally:
        server.stop()
    rows = found.rows
    print("\n".join([*report.table(rows, found.compared, name), *report.sizes(found.sizes)]))
    print()
    print("\n".join([*report.versions(rows), *dict.fromkeys(f"left out {line}" for line in found.absent)]))
    noisy = [row for row in rows if row["spread"] > NOISY]
    if noisy:
        print(
            f"{len(noisy)} of {len(rows)} rows differed by more than {NOISY:.0%} from round to round, with a load of "
            f"{described['load']} at the beginning: other programs ran."
        )
    if chosen.json:
        text = json.dumps({"machine": described, "server": name, "rows": rows, "sizes": found.sizes}, indent=1)
        chosen.json.write_text(text + "\n", encoding="utf-8")
    if chosen.plot:
        report.write_picture(chosen.plot, rows, name)
    judged = [one["met"] for row in rows for one in report.judgements(row)]
    quick = " (a quick look, not a measurement)" if chosen.quick else ""
    print(f"targets met: {sum(judged)} of {len(judged)}{quick}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
