"""What a limiter leaves in Redis, read without keywright."""

from __future__ import annotations

import time
from datetime import datetime

from stage import Stage

TITLE = "What lies in Redis: one small key for each user, and none without an end"
ORDER = 30


def play(stage: Stage) -> None:
    for key in stage.find():
        stage.redis("DEL", key)
    for name, limit, user, algorithm, hits in (
        ("api", "5/s burst 10", "ann", "gcra", 6),
        ("api", "5/s burst 10", "{bob}: 100%", "gcra", 5),
        ("mail", "100 per hour", "user:42", "gcra", 2),
        ("login", "5 per minute", "10.0.0.1", "fixed_window", 4),
    ):
        limiter = stage.client.limiter(name, limit, algorithm=algorithm)
        for _ in range(hits):
            limiter.hit(user)
    keys = stage.find()
    stage.table(
        ("key", "value", "TTL", "bytes"),
        [
            (
                key.decode(),
                stage.redis("GET", key).decode(),
                f"{stage.redis('PTTL', key) / 1e3:.3f} s",
                stage.redis("MEMORY", "USAGE", key),
            )
            for key in keys
        ],
    )
    value = next(stage.redis("GET", key) for key in keys if b"mail" in key)
    moment = datetime.fromtimestamp(int(value[:16]) / 1e6).strftime("%H:%M:%S")
    stage.say(
        f"""Under GCRA the value is a moment in microseconds, by the server's clock: when this user's slate is clean
        again (for mail, {moment}). A window's is its own end and the count. Any bytes are a legal name: braces, colons
        and percent signs are escaped, so no name can pass for another."""
    )
    stage.check(len(keys) == 4, "four users, four keys")
    stage.check(all(stage.redis("PTTL", key) != -1 for key in keys), "every key has an end")
    time.sleep(1.3)
    stage.check(
        not stage.find("*api*"), "1.3 s later those of the fast limiter are gone: a clean slate takes no memory"
    )
