"""hit_many: one write, each item its own answer."""

import asyncio

import pytest

import keywright
import keywright.aio


def test_each_item_has_its_own_answer_in_order(client):
    api = client.limiter("api", "10/h")
    api.hit("full", 10)
    decisions = api.hit_many(["a", ("b", 3), "full", b"a", 7])
    assert [decision.key for decision in decisions] == ["a", "b", "full", b"a", 7]
    assert [decision.allowed for decision in decisions] == [True, True, False, True, True]
    assert [decision.amount for decision in decisions] == [1, 3, 0, 1, 1]
    decisions[1].refund()
    assert api.peek("b").remaining == 10


def test_a_common_cost(client):
    assert [each.amount for each in client.limiter("api", "10/h").hit_many(["a", ("b", 1)], 4)] == [4, 1]


def test_nothing_asked_nothing_sent(client):
    api = client.limiter("api", "10/h")
    before = client.stats().bytes_sent
    assert api.hit_many([]) == []
    assert client.stats().bytes_sent == before


def test_any_iterable_will_do(client):
    assert len(client.limiter("api", "10/h").hit_many(str(number) for number in range(3000))) == 3000


def test_an_item_that_is_wrong_stops_all(client, server):
    api = client.limiter("api", "10/h")
    before = client.stats().bytes_sent
    for items, error in (
        (["a", None], TypeError),
        (["a", ("b", -1)], keywright.Invalid),
        (["a", ("b", "c")], TypeError),
        (["a", "k" * 1025], keywright.Invalid),
    ):
        with pytest.raises(error) as caught:
            api.hit_many(items)
        assert getattr(caught.value, "answers", None) is None
    assert client.stats().bytes_sent == before
    assert server.keys() == []


def test_a_failure_of_one_leaves_the_others_theirs(client, server):
    api = client.limiter("api", "10/h")
    api.hit("broken")
    (key,) = server.keys()
    server.command("DEL", key)
    server.command("RPUSH", key, "x")
    with pytest.raises(keywright.WrongType) as caught:
        api.hit_many(["a", "broken", "b"])
    first, none, last = caught.value.answers
    assert first.remaining == last.remaining == 9
    assert none is None


def test_closed(client):
    api = client.limiter("api", "10/h")
    client.close()
    with pytest.raises(keywright.Closed):
        api.hit_many(["a"])


WRONG = [
    ("abc", TypeError, "items must be .* not str", None),
    (b"abc", TypeError, "items must be .* not bytes", None),
    ({"a": 3}, TypeError, "items must be .* not dict", None),
    (5, TypeError, "items must be .* not int", None),
    (None, TypeError, "items must be .* not NoneType", None),
    ([()], TypeError, r"items\[0\] .*key, cost.* not 0", None),
    (["a", ("b",)], TypeError, r"items\[1\] .*key, cost.* not 1", None),
    (["a", ("b", 1, 2)], TypeError, r"items\[1\] .*key, cost.* not 3", None),
    (["a", None], TypeError, r"items\[1\]: key must be", None),
    (["a", ["b", 1]], TypeError, r"items\[1\]: key must be .* not list", None),
    (["a", ("b", None)], TypeError, r"items\[1\]: cost must be", None),
    (["a", ("b", True)], TypeError, r"items\[1\]: cost must be", None),
    (["a", "b", "\ud800"], keywright.Invalid, r"items\[2\]: key", 2),
    (["a", ("b", 2**70)], keywright.Invalid, r"items\[1\]: cost", 1),
    (["a", ("b", -1)], keywright.Invalid, "cost is -1", 1),
    (["a", ("b", 2**52)], keywright.Invalid, f"cost is {2**52}", 1),
    (["a", "b", "k" * 1025], keywright.Invalid, "key .*1,?025", 2),
]


CASES = [
    pytest.param(door, *case, id=f"{door} {case[0]!r:.30}")
    for door in ("blocking", "awaited", "batch", "awaited batch", "off")
    for case in WRONG
    # What sends nothing knows no bounds.
    if door != "off" or case[1] is TypeError or case[2].startswith("items")
]


@pytest.mark.parametrize(("door", "items", "error", "said", "position"), CASES)
def test_what_is_wrong_is_said_and_nothing_is_sent(server, monkeypatch, door, items, error, said, position):
    if door == "off":
        monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")

    async def awaited():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "10/h")
            if door == "awaited":
                await api.hit_many(items)
            async with client.batch() as batch:
                batch.submit(api.hit_many, items)

    def blocking():
        with keywright.connect(server.url) as client:
            api = client.limiter("api", "10/h")
            if door != "batch":
                api.hit_many(items)
            with client.batch() as batch:
                batch.submit(api.hit_many, items)

    with pytest.raises(error, match=said) as caught:
        asyncio.run(awaited()) if "awaited" in door else blocking()
    assert getattr(caught.value, "position", None) == position
    assert server.keys() == []


def test_what_the_iterable_raises_is_its_own(client):
    def broken():
        yield "a"
        raise TypeError("mine")

    with pytest.raises(TypeError, match="^mine$"):
        client.limiter("api", "10/h").hit_many(broken())
