"""The scripts by hand give the answers that keywright gives, or comparing them would say nothing."""

from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "bench" / "scripts"
BEGIN = 1_700_000_000_000_000
HOUR = 3_600_000_000
SECOND = 1_000_000

# By script: the limit, the limiter's options, the script's terms, how many keys it has.
SAME = {
    "gcra": ("2/s burst 5", {}, [SECOND // 2, 5 * SECOND // 2], 1),
    "gcra_exact": ("7/s burst 5", {}, [7, SECOND, 5 * SECOND], 1),
    "gcra_two": ("2/s burst 5; 6/m burst 9", {}, [SECOND // 2, 5 * SECOND // 2, 10 * SECOND, 90 * SECOND], 2),
    "window": ("4/5s", {"algorithm": "fixed_window"}, [4, 5 * SECOND], 1),
    "aligned": ("4/7s", {"algorithm": "fixed_window", "align": "clock"}, [4, 7 * SECOND], 1),
    "counter": ("4/3s", {"algorithm": "sliding_counter"}, [4, 3 * SECOND], 1),
    "log": ("4/3s", {"algorithm": "sliding_log"}, [4, 3 * SECOND, 1], 1),
    "acquire": ("4 concurrent", {"algorithm": "concurrency", "lease": 3}, [4, 3 * SECOND, 1], 1),
}
# The time that passes before each hit, us: bursts that are denied, pauses that are not, and one that lets all expire.
PAUSES = [
    0,
    *[1] * 9,
    300_000,
    1,
    1,
    2_800_000,
    *[1] * 6,
    1_600_017,
    *[1] * 5,
    3_000_001,
    *[700_001] * 12,
    60 * SECOND,
    1,
]


def by_hand(server, name, *arguments):
    script = (SCRIPTS / f"{name}.lua").read_text(encoding="utf-8")
    return server.command("EVAL", script, *arguments)


def us(seconds):
    return round(seconds * 1e6)


@pytest.mark.parametrize("name", SAME)
def test_hits_are_answered_alike(server, client, clock, name):
    limit, options, terms, count = SAME[name]
    limiter = client.limiter("bench", limit, **options)
    keys = [f"by:hand:{number}" for number in range(count)]
    clock.freeze(BEGIN)
    answers = set()
    for step, pause in enumerate(PAUSES):
        clock.advance(pause)
        decision = limiter.hit("user")
        theirs = by_hand(server, name, count, *keys, *terms)
        ours = [int(bool(decision)), decision.remaining, us(decision.retry_after), us(decision.reset_after)]
        assert theirs[:4] == ours, f"hit {step}"
        answers.add(ours[0])
    assert answers == {0, 1}
    left = [server.command("PTTL", key) for key in server.command("KEYS", "*")]
    assert left and all(ms > 0 for ms in left)


def test_what_was_acquired_by_hand_is_released(server, clock):
    clock.freeze(BEGIN)
    by_hand(server, "acquire", 1, "permits", 200, HOUR, 100)
    clock.advance(1)
    *_, taken = by_hand(server, "acquire", 1, "permits", 200, HOUR, 1)
    assert server.command("ZCARD", "permits") == 101
    assert by_hand(server, "release", 1, "permits", taken) == 1
    assert server.command("ZCARD", "permits") == 100
    assert by_hand(server, "release", 1, "permits", taken) == 0


def test_a_log_by_hand_is_filled_by_one_hit(server, clock):
    clock.freeze(BEGIN)
    assert by_hand(server, "log", 1, "moments", 1000, HOUR, 1000) == [1, 0, 0, HOUR]
    clock.advance(1)
    assert by_hand(server, "log", 1, "moments", 1000, HOUR, 1) == [0, 0, HOUR - 1, HOUR - 1]
