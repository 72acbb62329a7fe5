"""Counters as Python's callers see them, blocking and awaited."""

import asyncio
import math
import threading
from datetime import timedelta

import pytest

import keywright
import keywright.aio
from keywright import Count, Status


def test_a_count_is_truthy_when_something_was_done(client):
    stock = client.counter("stock", min=0)
    count = stock.add("book", 3)
    assert count == Count(Status.OK, False, 3, 3, math.inf)
    assert count
    assert not stock.add("book", -4)
    assert stock.add("book", -4).status is Status.OUT_OF_RANGE
    assert stock.value("book") == 3


def test_every_kind_by_its_options(client, server):
    hits = {
        "total": client.counter("hits"),
        "timed": client.counter("hits", ttl=timedelta(minutes=1)),
        "day": client.counter("hits", expiry="day", zone_minutes=-60),
        "window:5000000x60": client.counter("hits", window=300),
        "window:1000000x10": client.counter("hits", window=10, buckets=10),
    }
    for counter in hits.values():
        counter.add("k")
    assert server.keys() == sorted(f"kw:counter:{{hits:k}}:{part}".encode() for part in hits)
    client.counter("hits", ttl=60, expiry=keywright.Expiry.SLIDING).add("k")
    assert hits["timed"].value("k") == 2


def test_once(client):
    paid = client.counter("paid")
    assert paid.add("order:9", 5, once="payment:77").duplicate is False
    assert paid.add("order:9", 5, once="payment:77").duplicate is True
    assert paid.add_once("order:9", "payment:77", 5).duplicate is True
    assert paid.value("order:9") == 5
    assert paid.take("order:9", once="hour:1").value == 5
    assert paid.take("order:9", once="hour:1").value == 5
    assert paid.take("order:9").value == 0
    few = client.counter("few", remember_max=1)
    assert few.add("k", once="a")
    assert few.add("k", once="b").status is Status.EXHAUSTED


def test_many(client):
    hits = client.counter("hits")
    assert [count.value for count in hits.add_many(["a", ("b", 5), "c"], 2)] == [2, 5, 2]
    assert hits.value_many(["a", "b", "nobody"]) == [2, 5, 0]
    assert hits.add_many([]) == [] and hits.value_many([]) == []
    again = hits.add_once_many([("a", "id", 1), ("a", "id", 1), ("b", "id", 1)])
    assert sorted(count.duplicate for count in again) == [False, False, True]
    with pytest.raises(keywright.Invalid):
        hits.add_many(["a", b"x" * 1025])
    assert hits.value("a") == 3


def test_a_failure_among_many_has_the_answers_of_the_others(client, server):
    hits = client.counter("hits")
    server.command("SET", "kw:counter:{hits:b}:total", "text")
    with pytest.raises(keywright.WrongType) as caught:
        hits.add_many(["a", "b", "c"])
    assert [answer and answer.value for answer in caught.value.answers] == [1, None, 1]
    with pytest.raises(keywright.WrongType) as caught:
        hits.value_many(["a", "b", "c"])
    assert caught.value.answers == [1, None, 1]


@pytest.mark.parametrize(
    "options",
    [
        {"min": 1},
        {"max": -1},
        {"on_bound": "saturate"},
        {"on_bound": "wrap"},
        {"expiry": "sliding"},
        {"expiry": "fortnight"},
        {"expiry": "day", "ttl": 5},
        {"window": 60, "max": 5},
        {"window": 60, "shards": 4},
        {"shards": 1},
        {"shards": 2**62},
        {"buckets": 5},
        {"ttl": -1},
        {"ttl": math.inf},
        {"zone_minutes": 60},
        {"remember_max": 10**7},
    ],
)
def test_options_that_cannot_be(client, options):
    with pytest.raises(keywright.Invalid):
        client.counter("hits", **options)


@pytest.mark.parametrize("options", [{"window": 60}, {"shards": 4}], ids=["window", "shards"])
def test_what_a_kind_does_not_offer_is_said(client, options):
    counter = client.counter("hits", **options)
    for call in (lambda: counter.take("k"), lambda: counter.take("k", once="o"), lambda: counter.set("k", 1)):
        with pytest.raises(keywright.Invalid, match="only exact counters have"):
            call()


def test_batches_take_counters(client):
    hits, stock = client.counter("hits"), client.counter("stock", max=1)
    with client.batch() as batch:
        first = batch.submit(hits.add, "a", 2)
        once = batch.submit(hits.add, "a", once="id")
        refused = batch.submit(stock.add, "a", 2)
        read = batch.submit(hits.value, "a")
    assert (first.result().value, once.result().value, read.result()) == (2, 3, 3)
    assert not refused.result()


def test_awaited(server):
    async def run():
        async with keywright.aio.connect(server.url) as client:
            hits = client.counter("hits", window=60)
            counts = await asyncio.gather(*(hits.add("k") for _ in range(50)))
            assert sorted(count.value for count in counts) == list(range(1, 51))
            assert await hits.value("k") == 50
            assert (await hits.add("k", once="x")).value == (await hits.add("k", once="x")).value == 51
            plain = client.counter("hits")
            await plain.set("k", 3)
            assert [count.value for count in await plain.add_many(["k", "l"])] == [4, 1]
            assert await plain.value_many(["k", "l"]) == [4, 1]
            assert (await plain.take("k", once="t")).value == (await plain.take("k", once="t")).value == 4
            await plain.reset("l")
            with pytest.raises(TypeError, match="await this"):
                bool(plain.add("k"))

    asyncio.run(run())


def test_32_threads_lose_nothing(client):
    """On one key of each kind, and with ids that several ask with at once."""
    options = [{}, {"max": 2000}, {"shards": 8}, {"ttl": 60}, {"window": 60}]
    kinds = [client.counter(f"c{number}", **kind) for number, kind in enumerate(options)]
    stock = client.counter("stock", min=0)
    stock.set("book", 500)
    sold = []

    def work(number):
        for step in range(25):
            for counter in kinds:
                counter.add("k")
                counter.add("once", once=f"{step}")
            sold.append(bool(stock.add("book", -1)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [counter.value("k") for counter in kinds] == [800] * 5
    assert [counter.value("once") for counter in kinds] == [25] * 5
    assert sum(sold) == 500
    assert stock.value("book") == 0


def test_a_wrong_clock_of_the_client_changes_nothing(client, server, clock, monkeypatch):
    clock.freeze(1_767_225_600_000_000)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert client.counter("c", expiry="day").add("k").expires_after == 86400
    server.command("SCRIPT", "FLUSH")
    assert client.counter("c", expiry="day").add("k").value == 2
