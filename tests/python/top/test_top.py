"""Tops from Python: against a model, in both worlds, on the command line."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keywright
import keywright.aio
from keywright import TopEntry
from keywright._command import main

THOROUGH = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
members = st.integers(0, 19).map(lambda number: f"m{number:02}")
operations = st.lists(
    st.one_of(
        st.tuples(st.just("add"), members, st.integers(-5, 20)),
        st.tuples(st.just("add"), members, st.integers(-5, 20)),
        st.tuples(st.just("remove"), members, st.just(0)),
        st.tuples(st.just("around"), members, st.integers(0, 4)),
        st.tuples(st.just("best"), st.just(""), st.integers(1, 12)),
    ),
    min_size=20,
    max_size=80,
)


def ranked(scores):
    order = sorted(scores, key=lambda name: (-scores[name], name))
    return [TopEntry(rank, scores[name], name) for rank, name in enumerate(order, 1)]


@given(done=operations)
@THOROUGH
def test_against_a_dictionary(client, server, done):
    server.command("FLUSHALL")
    top, scores = client.top("api", keep=10), {}
    for kind, member, number in done:
        if kind == "add":
            scores[member] = scores.get(member, 0) + number
            if len(scores) > 10:
                del scores[next(each.member for each in reversed(ranked(scores)) if each.member != member)]
            told = top.add("k", member, number)
            place = next(each for each in ranked(scores) if each.member == member)
            assert (told.rank, told.score, told.size) == (place.rank, place.score, len(scores))
        elif kind == "remove":
            scores.pop(member, None)
            top.remove("k", member)
        elif kind == "best":
            assert top.best("k", number) == ranked(scores)[:number]
        else:
            at = next((i for i, each in enumerate(ranked(scores)) if each.member == member), None)
            wanted = [] if at is None else ranked(scores)[max(0, at - number) : at + number + 1]
            assert top.around("k", member, number) == wanted
            assert bool(top.standing("k", member)) == (at is not None)


def test_awaited_and_in_batches(server, client):
    async def work():
        async with keywright.aio.connect(server.url) as client:
            top = client.top("games")
            await top.add_many([("k", "ann", 5), ("k", "bob", 7), ("k", "\udcff", 1)])
            best, around = await asyncio.gather(top.best("k"), top.around("k", "ann", 1))
            assert [each.member for each in best] == ["bob", "ann", "\udcff"]
            assert around == best
            assert await top.best("nobody") == []
            cancelled = top.best("k")
            cancelled.cancel()
            assert len(await top.best("k", 1000)) == 3

    asyncio.run(work())
    top = client.top("games")
    with client.batch() as batch:
        first, second = batch.submit(top.best, "k", 1), batch.submit(top.around, "k", "bob", 0)
    assert first.result() == second.result() == [TopEntry(1, 7, "bob")]


def test_lists_larger_than_any_record(client):
    top = client.top("large", keep=1000)
    names = [f"{number:04}" + "x" * 1000 for number in range(1000)]
    top.add_many([("k", name, 1) for name in names])
    assert [each.member for each in top.best("k", 1000)] == names
    with client.batch() as batch:
        lists = [batch.submit(top.best, "k", 1000) for _ in range(3)]
    assert all([each.member for each in one.result()] == names for one in lists)


@pytest.mark.parametrize(
    "options", [{"keep": 9}, {"keep": 100_001}, {"ttl": -1}, {"sliding": True}, {"ttl": 4e8, "sliding": True}]
)
def test_what_cannot_be_is_refused(client, options):
    with pytest.raises(keywright.Invalid):
        client.top("a", **options)
    with pytest.raises(keywright.Invalid):
        client.top("a").best("k", 0)


def test_command_line(server, capsys, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)
    assert main(["top", "add", "games", "week", "ann", "5"]) == 0
    assert "rank" in capsys.readouterr().out
    assert main(["top", "add", "games", "week", "bob", "7", "--json"]) == 0
    told = {"key": "week", "member": "bob", "rank": 1, "score": 7, "size": 2, "expires_after": None}
    assert json.loads(capsys.readouterr().out) == told
    assert main(["top", "standing", "games", "week", "bob", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert main(["top", "standing", "games", "week", "ann"]) == 0
    assert capsys.readouterr().out == "rank            2 of 2\nscore           5\nstarts over in  never\n"
    assert main(["top", "standing", "games", "week", "zoe"]) == 1
    assert capsys.readouterr().out == "zoe has no score\n"
    assert main(["top", "add", "games", "day", "ann", "--ttl", "60", "--sliding", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["expires_after"] == 60
    assert main(["top", "best", "games", "week"]) == 0
    assert capsys.readouterr().out == "1  bob  7\n2  ann  5\n"
    assert main(["top", "around", "games", "week", "ann", "--count", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == [{"rank": 2, "member": "ann", "score": 5}]
    assert main(["top", "around", "games", "week", "zoe"]) == 1
    assert main(["top", "remove", "games", "week", "bob"]) == 0
    assert main(["top", "reset", "games", "week"]) == 0
    assert main(["top", "best", "games", "week"]) == 1
