"""The table that people read, and the picture."""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frame import machine

Row = dict[str, Any]
FIGURES = {
    "p50_us": "p50",
    "ops_per_s": "rate",
    "client_us": "client time",
    "server_us": "server time",
    "bytes_per_item": "bytes",
}
TIMES = ("p50_us", "p99_us", "client_us", "server_us")
UNITS = {"p50_us": " us", "client_us": " us", "server_us": " us", "bytes_per_item": " bytes", "ops_per_s": " a second"}


def table(rows: list[Row], compared: dict[str, str], server: str) -> Iterator[str]:
    """`compared` tells for each work by which figure its rows are compared with the first."""
    described = machine.describe()
    yield f"{described['cpu']}, {described['cores']} cores, {described['kernel']}; {server}, Unix socket"
    for (work, placement), group in itertools.groupby(rows, key=lambda row: (row["work"], row["placement"])):
        yield ""
        yield f"{work}: {machine.PLACEMENTS[placement]}"
        yield from _lines(list(group), compared[work])


def _lines(rows: list[Row], figure: str) -> Iterator[str]:
    first = rows[0]
    width = max(len(row["subject"]) for row in rows)
    heads = ["callers", "ops/s", *(name.replace("_", " ") for name in TIMES), "bytes"]
    against = "p50" if figure == "p50_us" else "rate"
    yield "  ".join(["", " " * width, *(f"{head:>9}" for head in heads), f"{against}/{first['subject']}"])
    for row in rows:
        cells = [str(row["callers"]), f"{row['ops_per_s']:,}", *(_number(row[name]) for name in TIMES)]
        cells.append(str(row["bytes_per_item"] or "-"))
        ratio = row[figure] / first[figure] if first[figure] else 0
        yield "  ".join(["", f"{row['subject']:{width}}", *(f"{cell:>9}" for cell in cells), f"{ratio:.2f}"])
    for row in rows:
        for one in judgements(row):
            yield f"  {'met    ' if one['met'] else 'NOT MET'}  {_sentence(row, one, rows)}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def judgements(row: Row) -> list[Row]:
    return [one for one in (row, *row.get("also", [])) if one["target"]]


def _sentence(row: Row, one: Row, rows: list[Row]) -> str:
    target = one["target"]
    figure = target["figure"]
    begin = f"{row['subject']}: {FIGURES[figure]}"
    if "below" in target:
        return f"{begin} {row[figure]:.2f}{UNITS[figure]} (below {target['below']:g}{UNITS[figure]})"
    if "at_most_above" in target:
        above = row[figure] - next(other[figure] for other in rows if other["subject"] == target["of"])
        asked = f"at most {target['at_most_above']:g}{UNITS[figure]} above"
        return f"{begin} {above:.1f}{UNITS[figure]} above that of {target['of']} ({asked})"
    asked = f"at most {target['at_most']:.2f}" if "at_most" in target else f"at least {target['at_least']:.2f}"
    return f"{begin} {one['ratio']:.2f} x that of {target['of']} ({asked})"


def sizes(rows: list[Row]) -> Iterator[str]:
    """What has no rate: how large things are. Nothing where nothing was looked at."""
    if not rows:
        return
    width = max(len(row["what"]) for row in rows)
    yield ""
    yield "size and memory"
    yield f"  {'':{width}}  {'bytes':>9}  {'resident':>9}"
    for row in rows:
        cells = ("-" if row[name] is None else f"{row[name]:,}" for name in ("bytes", "resident_bytes"))
        yield "  ".join(["", f"{row['what']:{width}}", *(f"{cell:>9}" for cell in cells)])


def versions(rows: list[Row]) -> Iterator[str]:
    named = dict.fromkeys((row["subject"], row["version"]) for row in rows)
    for version, group in itertools.groupby(sorted(named, key=lambda pair: pair[1]), key=lambda pair: pair[1]):
        yield f"{version}: {', '.join(dict.fromkeys(subject for subject, _ in group))}"


def picture(rows: list[Row], server: str) -> str:
    """Bars of operations a second, one group for each work and placement, as SVG."""
    described = machine.describe()
    left, bar, gap, width = 210, 16, 34, 460
    parts: list[str] = []
    y = 44
    for (work, placement), group in itertools.groupby(rows, key=lambda row: (row["work"], row["placement"])):
        members = list(group)
        most = max(row["ops_per_s"] for row in members) or 1
        title = html.escape(f"{work}: {machine.PLACEMENTS[placement]}; operations a second")
        parts.append(f'<text x="10" y="{y}" font-weight="bold">{title}</text>')
        y += 8
        for row in members:
            length = max(1, round(width * row["ops_per_s"] / most))
            colour = "#2a6f97" if row["subject"].startswith("keywright") else "#b8c4cc"
            middle = y + bar - 4
            parts.append(f'<text x="{left - 8}" y="{middle}" text-anchor="end">{html.escape(row["subject"])}</text>')
            parts.append(f'<rect x="{left}" y="{y}" width="{length}" height="{bar - 3}" fill="{colour}"/>')
            parts.append(f'<text x="{left + length + 6}" y="{middle}">{row["ops_per_s"]:,}</text>')
            y += bar
        y += gap - bar
    head = html.escape(f"{described['cpu']}, {described['cores']} cores; {server}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{y}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="10" y="18">{head}</text>' + "".join(parts) + "</svg>\n"
    )


def write_picture(path: Path, rows: list[Row], server: str) -> None:
    path.write_text(picture(rows, server), encoding="utf-8")
