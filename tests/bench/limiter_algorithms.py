"""Rate limiters: what a hit and a denial cost by each algorithm, beside a script by hand and other packages."""

from __future__ import annotations

from frame.make import Make, own
from frame.plan import Subject, Target, Work

HOUR_US = 3_600_000_000

# So high that nothing is ever refused, and so slow that keys live on from round to round.
LIMIT = "1000/h burst 100000"
INTERVAL_US = 3_600_000
EXACT_LIMIT = "700/h burst 100000"  # 5,142,857 1/7 us
EXACT_PARTS, EXACT_INTERVAL = 7, 36_000_000  # of a us; in such parts
MOST = 100_000
WINDOW_LIMIT = f"{MOST}/h"
LOG_MOST, LOG_HELD = 1000, 400  # a log of that limit holds so many before the first round

DENIED = "1/h"  # whose only hit prepares a key


def works(make: Make) -> list[Work]:
    return [
        gcra_hit(make),
        gcra_hit_with_remainder(make),
        gcra_denial(make),
        *fixed_window(make),
        aligned_window(make),
        *sliding_counter(make),
        sliding_log(make, "sliding log hit", LOG_HELD, "admitted"),
        sliding_log(make, "sliding log denial", LOG_MOST, "denied"),
    ]


def as_cheap(figure: str = "server_us", at_most: float = 1.10) -> Target:
    return Target("keywright-c", "by hand", figure, at_most=at_most)


def limits(make: Make, strategy: str, *task: object) -> Subject:
    return peer(make, f"limits {strategy} window", f"limits_{strategy}", *task, needs="limits")


def throttled(make: Make, name: str, subject: str, *task: object) -> Subject:
    return peer(make, f"throttled-py {name}", f"throttled_{subject}", *task, needs="throttled-py")


def peer(make: Make, name: str, subject: str, *task: object, needs: str) -> Subject:
    """The task is LIMIT [PREPARED [admitted|denied]]."""
    return make.python(name, subject, *map(str, task), needs=needs, prepares=len(task) > 1)


def gcra_hit(make: Make) -> Work:
    sent = make.sent_by(make.keywright("call", 1, LIMIT))
    by_hand = make.script("gcra", sent, INTERVAL_US, MOST * INTERVAL_US)
    return Work(
        "gcra hit",
        [
            make.floor("floor", "call", 1, sent),
            make.floor("by hand", "call", 1, by_hand, answer=1),
            make.keywright("call", 1, LIMIT),
            make.python("keywright-python", "keywright_sync", LIMIT),
            make.python("redis-py", "redis_sync", *sent[1:], needs="redis"),
            limits(make, "fixed", MOST),
            limits(make, "sliding", MOST),
            limits(make, "moving", MOST),
            throttled(make, "gcra", "gcra", MOST),
            peer(make, "pyrate-limiter", "pyrate", MOST, needs="pyrate-limiter"),
        ],
        targets=[
            Target("keywright-c", "floor", "p50_us", at_most=1.10),
            as_cheap(),
            as_cheap("bytes_per_item", 1.0),
            Target("keywright-python", "keywright-c", "p50_us", at_most_above=3.0),
            Target("keywright-python", "limits sliding window", "ops_per_s", at_least=1.8),
            Target("keywright-python", "throttled-py gcra", "ops_per_s", at_least=2.5),
        ],
    )


def gcra_hit_with_remainder(make: Make) -> Work:
    sent = make.sent_by(make.keywright("call", 1, EXACT_LIMIT))
    by_hand = make.script("gcra_exact", sent, EXACT_PARTS, EXACT_INTERVAL, MOST * EXACT_INTERVAL)
    return Work(
        "gcra hit, interval with a remainder",
        [
            make.floor("floor", "call", 1, sent),
            make.floor("by hand", "call", 1, by_hand, answer=1),
            make.keywright("call", 1, EXACT_LIMIT),
        ],
        targets=[as_cheap(), as_cheap("bytes_per_item", 1.0)],
    )


def gcra_denial(make: Make) -> Work:
    sent = make.sent_by(make.keywright("deny", 1, DENIED))
    by_hand = make.script("gcra", sent, HOUR_US, HOUR_US)
    return denial(make, "gcra", "gcra", sent, by_hand, [throttled(make, "gcra", "gcra", 1, 1, "denied")])


def fixed_window(make: Make) -> list[Work]:
    sent = make.sent_by(make.keywright("call", 1, WINDOW_LIMIT, "fixed_window"))
    by_hand = make.script("window", sent, MOST, HOUR_US)
    by_ttl = make.script("window_ttl", sent, MOST, HOUR_US // 1000, prefix="bt")
    hit = Work(
        "fixed window hit",
        [
            make.floor("floor", "call", 1, sent),
            make.floor("by hand", "call", 1, by_hand, answer=1),
            make.floor("by hand, end in the TTL", "call", 1, by_ttl, answer=1),
            make.keywright("call", 1, WINDOW_LIMIT, "fixed_window"),
            make.python("keywright-python", "keywright_sync", WINDOW_LIMIT, "fixed_window"),
            limits(make, "fixed", MOST),
            throttled(make, "fixed window", "fixed", MOST),
        ],
        targets=[as_cheap()],
    )
    sent = make.sent_by(make.keywright("deny", 1, DENIED, "fixed_window"))
    by_hand = make.script("window", sent, 1, HOUR_US)
    peers = [limits(make, "fixed", 1, 1, "denied"), throttled(make, "fixed window", "fixed", 1, 1, "denied")]
    return [hit, denial(make, "fixed window", "fixed_window", sent, by_hand, peers)]


def aligned_window(make: Make) -> Work:
    sent = make.sent_by(make.keywright("call", 1, WINDOW_LIMIT, "aligned_window"))
    return Work(
        "aligned window hit",
        [
            make.floor("floor", "call", 1, sent),
            make.floor("by hand", "call", 1, make.script("aligned", sent, MOST, HOUR_US), answer=1),
            make.keywright("call", 1, WINDOW_LIMIT, "aligned_window"),
        ],
        targets=[as_cheap()],
    )


def sliding_counter(make: Make) -> list[Work]:
    sent = make.sent_by(make.keywright("call", 1, WINDOW_LIMIT, "sliding_counter"))
    hit = Work(
        "sliding counter hit",
        [
            make.floor("floor", "call", 1, sent),
            make.floor("by hand", "call", 1, make.script("counter", sent, MOST, HOUR_US), answer=1),
            make.keywright("call", 1, WINDOW_LIMIT, "sliding_counter"),
            make.python("keywright-python", "keywright_sync", WINDOW_LIMIT, "sliding_counter"),
            limits(make, "sliding", MOST),
            throttled(make, "sliding window", "sliding", MOST),
        ],
        targets=[as_cheap()],
    )
    sent = make.sent_by(make.keywright("deny", 1, DENIED, "sliding_counter"))
    by_hand = make.script("counter", sent, 1, HOUR_US)
    peers = [limits(make, "sliding", 1, 1, "denied"), throttled(make, "sliding window", "sliding", 1, 1, "denied")]
    return [hit, denial(make, "sliding counter", "sliding_counter", sent, by_hand, peers)]


def denial(make: Make, name: str, algorithm: str, sent: list[str], by_hand: list[str], peers: list[Subject]) -> Work:
    """All of them under limits of one hit in an hour, which has been made."""
    floor = own(sent)
    return Work(
        f"{name} denial",
        [
            make.floor("floor", "call", 1, floor, first=floor),
            make.floor("by hand", "call", 1, by_hand, answer=0, first=by_hand),
            make.keywright("deny", 1, DENIED, algorithm, prepared=1),
            make.python("keywright-python", "keywright_sync", DENIED, algorithm, "1", "denied", prepares=True),
            *peers,
        ],
        targets=[as_cheap()],
    )


def sliding_log(make: Make, name: str, held: int, answer: str) -> Work:
    """Where it is full every hit is denied."""
    denied = answer == "denied"
    limit = f"{LOG_MOST}/h"
    subject = make.keywright("deny" if denied else "call", 1, limit, "sliding_log", prepared=held)
    sent, filling = make.sent_by(subject), make.sent_by(subject, prepare=True)
    by_hand, filling_by_hand = (make.script("log", sent, LOG_MOST, HOUR_US, cost) for cost in (1, held))
    return Work(
        name,
        [
            make.floor("floor", "call", 1, own(sent), first=own(filling)),
            make.floor("by hand", "call", 1, by_hand, answer=0 if denied else 1, first=filling_by_hand),
            subject,
            make.python("keywright-python", "keywright_sync", limit, "sliding_log", str(held), answer, prepares=True),
            limits(make, "moving", LOG_MOST, held, answer),
            peer(make, "pyrate-limiter", "pyrate", LOG_MOST, held, answer, needs="pyrate-limiter"),
        ],
        targets=[as_cheap()],
    )
