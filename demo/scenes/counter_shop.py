"""Counters in a shop: a stock never oversold, a payment never counted twice, views of the last seconds."""

from __future__ import annotations

import threading
import time

from stage import Stage

TITLE = "Counters: a crowd buys the last 100 books, a webhook comes three times, a page is viewed"
ORDER = 50
BUYERS, BOOKS = 40, 100


def play(stage: Stage) -> None:
    oversell(stage)
    pay_once(stage)
    recent(stage)


def oversell(stage: Stage) -> None:
    stock = stage.client.counter("stock", min=0)
    stock.set("book:7", BOOKS)
    sold: list[int] = []

    def buy() -> None:
        while stock.add("book:7", -1):
            sold.append(1)

    buyers = [threading.Thread(target=buy) for _ in range(BUYERS)]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join()
    stage.say(f"{BUYERS} threads buy until they are refused; the bound and the subtraction are one step in the server.")
    stage.check(len(sold) == BOOKS and stock.value("book:7") == 0, f"{len(sold)} of {BOOKS} books sold, none twice")


def pay_once(stage: Stage) -> None:
    paid = stage.client.counter("paid")
    counts = [paid.add("order:9", 500, once="payment:77") for _ in range(3)]
    stage.table(
        ("webhook", "value", "applied", "duplicate"),
        [(number, count.value, count.applied, count.duplicate) for number, count in enumerate(counts, 1)],
    )
    stage.say("The operation id and its reply are stored in the same step, so a repeat is answered from there.")
    stage.check(paid.value("order:9") == 500, "three deliveries of one payment count once")
    taken = [paid.take("order:9", once="flush:1").value for _ in range(2)]
    stage.check(
        taken == [500, 500] and paid.value("order:9") == 0, "a count is taken out once, and told again if asked"
    )


def recent(stage: Stage) -> None:
    views = stage.client.counter("views", window=1, buckets=10)
    for _ in range(30):
        views.add("/")
    seen = views.value("/")
    time.sleep(1.1)
    key = next(iter(stage.find("*views*")), None)
    stage.check(
        seen == 30 and views.value("/") == 0, "30 views in the last second; a second later none, in one small key"
    )
    stage.check(key is None or stage.redis("PTTL", key) != -1, "and the key goes by itself")
