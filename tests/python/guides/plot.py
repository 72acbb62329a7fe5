"""Draws docs/guides/admitted.svg: what each algorithm admits over time, for the same traffic.

    python tests/python/guides/plot.py [FILE]

The calls are made with the library, against a real server whose clock is set to the moment of each: so the picture is
the same every time, and tests/python/guides/test_figures.py compares it with the one that is committed. Needs the clock
that `./dev test` builds.
"""

from __future__ import annotations

import os
import sys
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PICTURE = ROOT / "docs" / "guides" / "admitted.svg"
CLOCK = ROOT / ".dev" / "dev" / "support" / "kwclock.so"
START, SECOND = 1_767_225_600_000_000, 1_000_000
LENGTH, PERIOD, LIMIT = 60, 10, 10
BUSY = 4  # seconds that each call takes, for the concurrent limit


@dataclass(frozen=True)
class Panel:
    title: str
    limits: str
    options: dict[str, Any]


PANELS = [
    Panel('GCRA, "10 per 10s"', "10 per 10s", {}),
    Panel('GCRA, "10 per 10s burst 2"', "10 per 10s burst 2", {}),
    Panel("fixed window, from the first hit", "10 per 10s", {"algorithm": "fixed_window"}),
    Panel("fixed window, by the clock", "10 per 10s", {"algorithm": "fixed_window", "align": "clock"}),
    Panel("sliding window counter", "10 per 10s", {"algorithm": "sliding_counter"}),
    Panel("sliding window log", "10 per 10s", {"algorithm": "sliding_log"}),
    Panel(f'"10 concurrent", each call takes {BUSY} s', "10 concurrent", {}),
]


def traffic() -> list[int]:
    """Moments in us: now and then, a rush over an edge of the clock, twice the rate, and all at once two times."""
    now_and_then = [at * SECOND for at in (1, 3, 5, 7)]
    rush = [8 * SECOND + i * SECOND // 10 for i in range(40)]
    twice = [20 * SECOND + i * SECOND // 2 for i in range(40)]
    at_once = [49 * SECOND + i * 1000 for i in range(15)] + [51 * SECOND + i * 1000 for i in range(15)]
    return [at + 137 for at in now_and_then + rush + twice + at_once]


def ask(client: Any, clock: Any, panel: Panel) -> list[bool]:
    """Which of the calls it admits."""
    limiter = client.limiter(panel.title, panel.limits, **panel.options)
    answers, held = [], []
    for at in traffic():
        while held and held[0][0] <= at:
            ends, decision = held.pop(0)
            clock.freeze(START + ends)
            limiter.release(decision)
        clock.freeze(START + at)
        decision = limiter.hit("everybody")
        answers.append(decision.allowed)
        if decision.lease:
            held.append((at + BUSY * SECOND, decision))
    return answers


def measure() -> list[tuple[Panel, list[bool]]]:
    os.environ.setdefault("KEYWRIGHT_TEST_CLOCK_LIBRARY", str(CLOCK))
    sys.path.insert(0, str(ROOT / "tests" / "python"))
    import keywright
    from support.server import Server

    server = Server()
    try:
        if server.clock is None:
            raise SystemExit("the server's clock cannot be set here")
        with keywright.connect(server.url) as client:
            return [(panel, ask(client, server.clock, panel)) for panel in PANELS]
    finally:
        server.stop()


# ---- drawing ---------------------------------------------------------------------------------------------------------

WIDTH, LEFT, RIGHT, TOP, HEIGHT, GAP, MOST = 900, 40, 20, 64, 66, 52, 21
INK, FAINT, YES, NO = "#24292f", "#8c959f", "#0969da", "#cf222e"


def x(us: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * us / (LENGTH * SECOND)


def recent(admitted: list[int], at: int) -> int:
    """How many were admitted in the period that ends at that moment."""
    return bisect_left(admitted, at + 1) - bisect_left(admitted, at - PERIOD * SECOND + 1)


def line(admitted: list[int], y: Callable[[int], float]) -> str:
    """The count of the last period, as steps."""
    steps, before = [f"M{x(0):.1f},{y(0):.1f}"], 0
    for at in sorted({*admitted, *(moment + PERIOD * SECOND for moment in admitted)}):
        count = recent(admitted, at)
        if count != before and at <= LENGTH * SECOND:
            steps.append(f"H{x(at):.1f}V{y(count):.1f}")
            before = count
    return " ".join([*steps, f"H{x(LENGTH * SECOND):.1f}"])


def text(at: float, y: float, words: str, size: int = 12, colour: str = INK, anchor: str = "start") -> str:
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{at:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{words}</text>'


def panel_of(panel: Panel, answers: list[bool], top: int) -> list[str]:
    base = top + HEIGHT

    def y(count: int) -> float:
        return base - HEIGHT * min(count, MOST) / MOST

    moments = traffic()
    admitted = [at for at, yes in zip(moments, answers, strict=True) if yes]
    most = max(recent(admitted, at) for at in admitted)
    told = f"{len(admitted)} of {len(moments)} admitted, up to {most} in {PERIOD} s"
    parts = [
        text(LEFT, top - 8, panel.title, 13),
        text(WIDTH - RIGHT, top - 8, told, 12, INK, "end"),
        f'<path d="M{LEFT},{base}H{WIDTH - RIGHT}" stroke="{FAINT}" fill="none"/>',
        f'<path d="M{LEFT},{y(LIMIT):.1f}H{WIDTH - RIGHT}" stroke="{FAINT}" stroke-dasharray="4 3" fill="none"/>',
        text(LEFT - 6, y(LIMIT) + 4, str(LIMIT), 11, FAINT, "end"),
        text(LEFT - 6, y(2 * LIMIT) + 4, str(2 * LIMIT), 11, FAINT, "end"),
        f'<path d="{line(admitted, y)}" stroke="{INK}" stroke-width="1.5" fill="none"/>',
    ]
    for colour, wanted, from_y, to_y in ((YES, True, base + 2, base + 9), (NO, False, base + 11, base + 18)):
        ticks = " ".join(
            f"M{x(at):.1f},{from_y}V{to_y}" for at, yes in zip(moments, answers, strict=True) if yes is wanted
        )
        parts.append(f'<path d="{ticks}" stroke="{colour}" stroke-width="1.2" fill="none"/>')
    return parts


def draw(measured: list[tuple[Panel, list[bool]]]) -> str:
    height = TOP + len(measured) * (HEIGHT + GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" role="img">',
        "<title>What each algorithm admits over time, for the same traffic</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        text(LEFT, 22, f"The same {len(traffic())} calls in {LENGTH} s, limit {LIMIT} in {PERIOD} s", 15),
        text(LEFT, 40, f"Line: how many were admitted in the last {PERIOD} s; dashed: the limit.", 12, FAINT),
        text(LEFT + 420, 40, "Blue: admitted.", 12, YES),
        text(LEFT + 520, 40, "Red: denied.", 12, NO),
    ]
    for number, (panel, answers) in enumerate(measured):
        parts += panel_of(panel, answers, TOP + number * (HEIGHT + GAP) + 10)
    for second in range(0, LENGTH + 1, PERIOD):
        parts.append(text(x(second * SECOND), height - 2, f"{second} s", 11, FAINT, "middle"))
    return "\n".join([*parts, "</svg>", ""])


def main(file: Path = PICTURE) -> None:
    file.write_text(draw(measure()), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
