"""./dev bench: what an operation costs, beside the floor and beside the libraries that people use instead.

Everything is measured in one run on one private server, over a Unix socket, in alternating rounds; medians are quoted.
docs/benchmarks.md says what each row is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from frame import machine, report  # noqa: E402
from frame.measure import Effort, Failed, measure, rows_of  # noqa: E402
from frame.server import Server  # noqa: E402

BENCHES = ["limiter"]
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


def measure_all(server: Server, chosen: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str], list[str]]:
    rows: list[dict[str, Any]] = []
    compared: dict[str, str] = {}
    absent: list[str] = []
    effort = QUICK if chosen.quick else FULL
    for name in chosen.name or BENCHES:
        works = importlib.import_module(name).works(server)
        named = [work for work in works if work.name == chosen.work]
        for work in named or [work for work in works if (chosen.work or "") in work.name]:
            measured = measure(work, server, placements_of(chosen.placement, work.placements), effort, say)
            rows += rows_of(name, work, measured)
            compared[work.name] = work.figure
            absent += [f"{subject.name}: {subject.missing}" for subject in work.subjects if subject.missing]
    say("")
    return rows, compared, absent


def main(arguments: list[str]) -> int:
    chosen = options(arguments)
    described = machine.describe()
    server = Server()
    try:
        name = server.name()
        rows, compared, absent = measure_all(server, chosen)
    except Failed as failure:
        say("")
        print(failure, file=sys.stderr)
        return 1
    finally:
        server.stop()
    print("\n".join(report.table(rows, compared, name)))
    print()
    print("\n".join([*report.versions(rows), *dict.fromkeys(f"left out {line}" for line in absent)]))
    noisy = [row for row in rows if row["spread"] > NOISY]
    if noisy:
        print(
            f"{len(noisy)} of {len(rows)} rows differed by more than {NOISY:.0%} from round to round, with a load of "
            f"{described['load']} at the beginning: other programs ran."
        )
    if chosen.json:
        text = json.dumps({"machine": described, "server": name, "rows": rows}, indent=1)
        chosen.json.write_text(text + "\n", encoding="utf-8")
    if chosen.plot:
        report.write_picture(chosen.plot, rows, name)
    judged = [one["met"] for row in rows for one in report.judgements(row)]
    quick = " (a quick look, not a measurement)" if chosen.quick else ""
    print(f"targets met: {sum(judged)} of {len(judged)}{quick}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
