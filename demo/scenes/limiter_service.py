"""Real requests from several processes to a real HTTP service whose users are limited."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from stage import Stage, milliseconds

TITLE = "A web service: 5 requests a second for each user, 10 at once"
ORDER = 10

SERVICE = Path(__file__).resolve().parents[1] / "service.py"
RATE, BURST = 5, 10
VISITORS = {"ann": (6, 0.25), "bob": (30, 0.1), "eve": (300, 0.0)}  # how many requests, and the pause after each


class Visit(NamedTuple):
    """What one visitor saw."""

    user: str
    statuses: list[int]
    took: list[float]
    seconds: float
    yes: dict[str, str]
    no: dict[str, str]


def visit(_: str, ready: Callable[[], None], port: int, user: str, count: int, pause: float) -> Visit:
    """One visitor, in a process of its own, on one connection."""
    ready()
    statuses: list[int] = []
    took: list[float] = []
    answers: dict[int, dict[str, str]] = {}
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    begun = time.monotonic()
    for _ in range(count):
        start = time.monotonic()
        link.request("GET", "/", headers={"X-User": user})
        answer = link.getresponse()
        answer.read()
        took.append(time.monotonic() - start)
        statuses.append(answer.status)
        answers[answer.status] = dict(answer.getheaders())
        time.sleep(pause)
    link.close()
    return Visit(user, statuses, took, time.monotonic() - begun, answers.get(200, {}), answers.get(429, {}))


def play(stage: Stage) -> None:
    stage.say(
        """Python's own http.server, one line of keywright in its handler: decision = api.hit(user). Three visitors,
        each a process: ann is patient, bob comes ten times a second, eve as fast as she can."""
    )
    with subprocess.Popen(
        [sys.executable, str(SERVICE), stage.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdin is not None and service.stdout is not None
        port = int(service.stdout.readline())
        visits, elapsed = stage.together(visit, [(port, user, *manner) for user, manner in VISITORS.items()])
        service.stdin.close()

    stage.table(
        ("visitor", "requests", "admitted", "refused", "in", "median", "slowest"),
        [
            (
                one.user,
                len(one.statuses),
                one.statuses.count(200),
                one.statuses.count(429),
                f"{one.seconds:.1f} s",
                milliseconds(median(one.took)),
                milliseconds(max(one.took)),
            )
            for one in visits
        ],
    )
    stage.say(f"Of each request, asking the limiter took {milliseconds(cost_of_a_hit(stage))}: one round trip.")
    ann, bob, eve = visits
    stage.say("What eve was sent, first while admitted and then when refused:")
    for status, headers in ((200, eve.yes), (429, eve.no)):
        fields = {name: value for name, value in headers.items() if name.startswith("R")}  # RateLimit, Retry-After
        stage.show(f"{status}  " + "  ".join(f"{name}: {value}" for name, value in fields.items()))
    stage.check(ann.statuses.count(429) == 0, "ann, who stays below the limit, was never refused")
    stage.check(bob.statuses[:BURST].count(200) == BURST, f"bob, above the limit, had his first {BURST} admitted")
    stage.check(eve.statuses[:BURST].count(200) == BURST, f"eve had {BURST} admitted at once")
    most = BURST + RATE * elapsed
    stage.check(
        all(one.statuses.count(200) <= most for one in visits),
        f"nobody was admitted more often than {BURST} times and {RATE} a second on top",
    )
    stage.check(eve.no.get("Retry-After") == "1", "a refusal says when to come again")


def cost_of_a_hit(stage: Stage) -> float:
    limiter = stage.client.limiter("measured", "1000/s")
    took = []
    for _ in range(200):
        start = time.monotonic()
        limiter.hit("nobody")
        took.append(time.monotonic() - start)
    return median(took)
