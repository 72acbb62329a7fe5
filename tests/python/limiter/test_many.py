"""hit_many: one write, each item its own answer."""

import pytest

import keywright


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
