"""What the guide to rate limiting shows was measured: its picture, and the bytes in its table."""

import re

import pytest

import keywright
from guides import costs, plot
from support.server import Server

GUIDE = plot.PICTURE.with_name("rate-limiting.md")


def test_the_picture_is_what_the_library_admits(clock):
    assert plot.draw(plot.measure()) == plot.PICTURE.read_text(encoding="utf-8")


def test_the_picture_keeps_what_the_guide_promises(clock):
    admitted = {panel.title: answers for panel, answers in plot.measure()}
    at = plot.traffic()

    def most(title):
        yes = [moment for moment, answer in zip(at, admitted[title], strict=True) if answer]
        return max(plot.recent(yes, moment) for moment in yes)

    assert plot.LIMIT < most('GCRA, "10 per 10s"') <= 2 * plot.LIMIT
    assert most('GCRA, "10 per 10s burst 2"') <= plot.LIMIT + 2
    assert most("fixed window, by the clock") == 2 * plot.LIMIT
    assert most("sliding window log") == plot.LIMIT


def rows():
    """The bytes that the guide's table says, by case."""
    text = GUIDE.read_text(encoding="utf-8")
    return {title: int(size.replace(",", "")) for title, size in re.findall(r"^\| ([^|]+) \| ([\d,]+) \|", text, re.M)}


@pytest.mark.parametrize("case", costs.CASES, ids=lambda case: case.title)
def test_bytes(case, server: Server):
    version = server.command("INFO", "server").decode()
    if "redis_version:7.0." not in version or "valkey" in version:
        pytest.skip("the guide's bytes are of Redis 7.0")
    with keywright.connect(server.url) as client:
        # A sorted set of many chooses the heights of its nodes by chance.
        assert costs.bytes_of(server, client, case) == pytest.approx(rows()[case.title], rel=0.03)


def test_the_worst_of_a_sliding_counter_is_what_the_guide_says(clock, client):
    limiter = client.limiter("api", "100 per 10s", algorithm="sliding_counter")
    period = 10 * plot.SECOND
    crowd = [0] + [period - 10_000] * 99 + [period + at for at in range(0, period, 10_000)]
    admitted = []
    for at in crowd:
        clock.freeze(plot.START + at)
        if limiter.hit("u"):
            admitted.append(at)
    most = max(plot.recent(admitted, at) for at in admitted)
    assert f'{most} of `"100 per 10s"`' in " ".join(GUIDE.read_text(encoding="utf-8").split())
