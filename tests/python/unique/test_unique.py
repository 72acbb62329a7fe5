"""Unique counters from Python: against a model, in both worlds, on the command line."""

import asyncio
import json
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keywright
import keywright.aio
from keywright import Novelty
from keywright._command import main

SECOND = 1_000_000
START = 1_767_225_600 * SECOND
THOROUGH = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
members = st.integers(0, 30)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("add"), members),
        st.tuples(st.just("add"), members),
        st.tuples(st.just("count"), st.just(0)),
        st.tuples(st.just("reset"), st.just(0)),
        st.tuples(st.just("move"), st.sampled_from([1, SECOND, 59 * SECOND, 60 * SECOND])),
        st.tuples(st.just("back"), st.sampled_from([1, SECOND, 90 * SECOND])),
    ),
    min_size=10,
    max_size=80,
)


class Model:
    def __init__(self, exact_until, ttl, sliding):
        self.exact_until, self.ttl, self.sliding = exact_until, ttl, sliding
        self.members, self.promoted, self.ends = set(), False, None

    def turn(self, now):
        if self.ends is not None and self.ends <= now:
            self.members, self.promoted, self.ends = set(), False, None

    def add(self, now, member):
        self.turn(now)
        new = member not in self.members
        self.members.add(member)
        self.promoted = self.promoted or len(self.members) > self.exact_until
        if self.ttl and (self.ends is None or self.sliding or self.ends - now > self.ttl):
            self.ends = now + self.ttl
        return new


@given(exact=st.integers(1, 12), ttl=st.sampled_from([None, 60]), sliding=st.booleans(), done=operations)
@THOROUGH
def test_against_a_set(client, server, clock, exact, ttl, sliding, done):
    server.command("FLUSHALL")
    now = START
    clock.freeze(now)
    sliding = sliding and ttl is not None
    unique = client.unique("api", exact_until=exact, ttl=ttl, sliding=sliding)
    model = Model(exact, ttl and ttl * SECOND, sliding)
    for kind, value in done:
        if kind in ("move", "back"):
            now += value if kind == "move" else -value
            clock.freeze(now)
            continue
        if kind == "reset":
            unique.reset("k")
            model.members, model.promoted, model.ends = set(), False, None
            continue
        if kind == "add":
            new = model.add(now, value)
            seen = unique.add("k", value)
            if seen.exact:
                assert seen.novelty is (Novelty.NEW if new else Novelty.KNOWN)
            else:
                assert seen.novelty is not Novelty.KNOWN
                assert new or seen.novelty is Novelty.UNTOLD  # what it calls new is new
        else:
            seen = unique.count("k")
            if model.ends is not None and model.ends <= now:
                assert (seen.members, seen.exact) == (0, 1)
                continue
        assert seen.exact == (not model.promoted)
        assert seen.members == len(model.members) or (model.promoted and abs(seen.members - len(model.members)) <= 1)
        if model.members:
            assert seen.expires_after == (inf if model.ends is None else (model.ends - now) / 1e6)
        for key in server.command("KEYS", "*"):
            assert (server.command("PTTL", key) > 0) == (ttl is not None)


def test_awaited(server):
    async def work():
        async with keywright.aio.connect(server.url) as client:
            unique = client.unique("visitors", exact_until=2)
            assert [each.members for each in await unique.add_many([("k", "a"), ("k", "b"), ("k", "a")])] == [1, 2, 2]
            assert (await unique.add("k", "c")).exact == 0
            assert [each.members for each in await unique.count_many([("k",), ("l",)])] == [3, 0]
            await unique.reset("k")
            assert (await unique.count("k")).members == 0

    asyncio.run(work())


@pytest.mark.parametrize(
    "options", [{"exact_until": -1}, {"exact_until": 10_001}, {"ttl": -1}, {"ttl": 4e8}, {"sliding": True}]
)
def test_what_cannot_be_is_refused(client, options):
    with pytest.raises(keywright.Invalid):
        client.unique("a", **options)


def test_command_line(server, capsys, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)
    assert main(["unique", "add", "visitors", "home", "ann", "--exact-until", "1", "--ttl", "60"]) == 0
    assert "new" in capsys.readouterr().out
    assert main(["unique", "add", "visitors", "home", "bob", "--exact-until", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["members"], said["exact"], said["novelty"]) == (2, False, "new")
    assert 0 < said["expires_after"] <= 60
    assert main(["unique", "count", "visitors", "home"]) == 0
    assert "estimated" in capsys.readouterr().out
    assert main(["unique", "reset", "visitors", "home"]) == 0
    assert main(["unique", "count", "visitors", "home", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["members"] == 0
    assert main(["unique", "add", "visitors", "day", "ann", "--ttl", "60", "--sliding", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["expires_after"] == 60
