"""Every script of one shape answers as limits_hit does, and leaves the same behind.

On states that it wrote, on those of a clock that was set back, on permanent keys, and on what somebody else wrote.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bindings"))

from generator.spec import script  # noqa: E402

NOW = 1_767_225_600_123_456
DAY = 86_400_000_000
THOROUGH = settings(
    max_examples=int(os.environ.get("KEYWRIGHT_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXTS: dict[str, str] = {}
READ = {b"string": ["GET"], b"list": ["LRANGE", 0, -1], b"zset": ["ZRANGE", 0, -1, "WITHSCORES"], b"set": ["SCARD"]}

counts = st.one_of(st.integers(0, 12), st.just(2**31), st.just(2**52 - 1))
NUMBERS = ["0", "-1", "1e15", "1.23456789012e15", "0x1234567890abcd", " 176722560012345", "+176722560012345"]
OTHERS = ["0999999999999999", "9007199254740992", "9999999999999999", "17672256001234567", "1767225600123456/"]
LONGER = [
    "1767225600123456/1",
    "17672256001234561/",
    "17672256001234569007199254740992",
    "17672256001234561/9007199254740992",
]
foreign = st.one_of(
    st.sampled_from(["", "x", "none", *NUMBERS, *OTHERS, *LONGER, "1767225600123456" + "9" * 400]),
    st.text("0123456789./ xe-", min_size=14, max_size=22),
)


@dataclass
class Rule:
    """What is asked of one limit: the words for its own script, and those of its shape for limits_hit."""

    words: list[int]
    terms: list[int]


@dataclass
class Limit:
    """`edges` are times in us that part what it does from something else; `ask` gives the rule for a cost."""

    capacity: int
    edges: list[int]
    ask: Callable[[int], Rule]


def rate(parts, interval, burst, patience, exact):
    """GCRA; an interval has `interval` parts of a us."""
    whole = -(-burst * interval // parts)

    def ask(cost):
        price, room = divmod(cost * interval, parts), divmod((burst - cost) * interval, parts)
        terms = [parts, *price, room[0] + patience, room[1], whole + DAY]
        return Rule(terms if exact else [price[0], room[0] + patience, whole + DAY], [*terms, 0, 0])

    rooms = [(burst - cost) * interval // parts + patience for cost in range(1, burst + 1)]
    return Limit(burst, [whole + DAY, *rooms], ask)


def from_first_hit(capacity, period):
    return Limit(capacity, [period], lambda cost: Rule([cost, capacity - cost, period], [capacity, period, 0, 0]))


def by_terms(capacity, period, *more):
    """What words and terms have in common, and what a state of it may be measured by."""
    shift = more[1] if len(more) == 2 and more[0] == 1 else 0
    edges = [period, 2 * period, period - (NOW + shift) % period, period + DAY]
    return Limit(capacity, edges, lambda cost: Rule([cost, capacity, period, *more], [capacity, period, *more]))


capacities = st.integers(1, 12)
periods = st.one_of(st.integers(1, 5), st.integers(1, 20_000_000), st.just(30 * DAY))
intervals = st.one_of(st.integers(1, 5), st.integers(1, 3_000_000), st.just(DAY))
patiences = st.sampled_from([0, 0, 1_000_000])
shifts = st.integers(-DAY, DAY)
units = st.sampled_from([1, 1, 7])
whole = st.builds(rate, st.just(1), intervals, capacities, patiences, st.just(False))
exact = st.builds(rate, st.integers(1, 1000), intervals, capacities, patiences, st.just(True))
rests = st.builds(rate, st.integers(2, 1000), intervals, capacities, patiences, st.just(True))
by_clock = st.builds(by_terms, capacities, periods, st.just(1), shifts)
by_months = st.builds(by_terms, capacities, st.integers(1, 24), st.just(2), shifts)

#: By script: the shape and its limits.
ALONE = {
    "gcra_hit": ("tat", whole),
    "gcra_exact_hit": ("tat", rests),
    "window_hit": ("window", st.builds(from_first_hit, capacities, periods)),
    "aligned_hit": ("window", st.one_of(by_clock, by_months)),
    "counter_hit": (
        "counter",
        st.builds(
            lambda most, period, unit: by_terms(most, period, unit, -(-period // unit)), capacities, periods, units
        ),
    ),
    "log_hit": ("log", st.builds(by_terms, capacities, periods)),
    "leases_hit": ("leases", st.builds(by_terms, capacities, periods)),
}


def near(limits):
    """How far a moment may lie from now, us: at the edges of limits, or anywhere."""
    edges = [sign * edge for limit in limits for edge in limit.edges for sign in (-1, 1)]
    return st.one_of(
        st.integers(-3, 3),
        st.builds(lambda edge, nudge: edge + nudge, st.sampled_from(edges), st.integers(-2, 2)),
        st.builds(lambda edge, nudge: edge + nudge, st.sampled_from(edges), st.integers(-2, 2)),
        st.integers(-10_000_000, 10_000_000),
        st.sampled_from([-7 * 10**14, -DAY, DAY, 3 * DAY, 2**51]),
    )


def texts(shape, moments):
    """Values as the scripts write them."""
    if shape == "window":
        return st.builds("{}{}".format, moments, counts)
    if shape == "counter":
        return st.builds("{}{}/{}".format, moments, counts, counts)
    return st.one_of(moments, st.builds("{}{:03d}".format, moments, st.integers(0, 999)))


@st.composite
def states(draw, shape, limit):
    """What may lie there: nothing, a state of ours, another's, another kind of key; as commands less their key."""
    moments = near([limit]).map(lambda ahead: str(NOW + ahead))
    odd = draw(st.sampled_from(["", "", "", "", "", "kind", "foreign"]))
    if odd == "kind":
        commands = [["RPUSH", "x"]] if shape != "log" else [["SADD", "x"]]
    elif shape == "log":
        entries = sorted(draw(st.lists(moments, max_size=14)))
        commands = [["RPUSH", *entries, *(["x"] if odd else [])]] if entries else []
    elif shape == "leases":
        members = [f"{NOW + hit}:{number}" for hit in (-1, 0, 1) for number in range(1, 6)]
        held = draw(st.dictionaries(st.sampled_from(members), moments))
        commands = [["ZADD", *[word for member, end in held.items() for word in (end, member)]]] if held else []
    else:
        value = draw(foreign if odd else st.one_of(st.none(), *[texts(shape, moments)] * 4))
        commands = [] if value is None else [["SET", value]]
    lasts = commands and draw(st.sampled_from([True, True, False]))
    return [*commands, ["PEXPIRE", 10**9]] if lasts else commands


class Twins:
    """Two sets of keys in the same states: one for the script of its own, one for limits_hit."""

    def __init__(self, server, clock, name, shape, limits, commands):
        self.server, self.clock, self.now, self.name, self.shape, self.limits = server, clock, NOW, name, shape, limits
        self.mine, self.general = (
            [f"{{k}}{who}{number}" for number in range(len(limits))] for who in ("mine", "general")
        )
        server.command("FLUSHALL")
        clock.freeze(NOW)
        for mine, general, some in zip(self.mine, self.general, commands, strict=True):
            for verb, *words in some:
                server.command(verb, mine, *words)
                server.command(verb, general, *words)

    def ask(self, name, keys, words):
        """The reply, or the first word of an error."""
        if name not in TEXTS:
            TEXTS[name] = script(ROOT / "core" / "lua" / f"{name}.lua").text
        try:
            return self.server.command("EVAL", TEXTS[name], len(keys), *keys, *words).decode()
        except RuntimeError as error:
            return error.args[0].split(" ")[0]

    def move(self, by):
        """An expired key goes now, not at some other moment."""
        self.now = min(max(self.now + by, 1_100_000_000_000_000), 2**52)
        self.clock.freeze(self.now)
        self.server.command("EXISTS", *self.mine, *self.general)

    def picture(self, keys):
        seen = []
        for key in keys:
            verb, *words = READ.get(self.server.command("TYPE", key), ["EXISTS"])
            seen.append((self.server.command(verb, key, *words), self.server.command("PEXPIRETIME", key)))
        return seen

    def hit(self, cost):
        cost = min(cost, *(limit.capacity for limit in self.limits))
        rules = [limit.ask(cost) for limit in self.limits]
        terms = [word for rule in rules for word in (self.shape, 0, cost, *rule.terms)]
        before = self.picture(self.mine)
        look = self.ask("limits_look", self.mine, [0, *terms])
        assert self.picture(self.mine) == before
        mine = self.ask(self.name, self.mine, [word for rule in rules for word in rule.words])
        general = self.ask("limits_hit", self.general, [0, 0, 0, 0, *terms])
        after = self.picture(self.mine)
        assert (mine, after) == (general, self.picture(self.general))
        if mine[0] not in "01":
            assert (mine, after) == (look, before), "an error writes nothing"
            return
        assert all(expires > 0 or (expires == -2 and mine[0] == "0") for _, expires in after)
        if mine[0] == "0" and before == after:
            assert mine == look
            state = self.ask("state", self.mine, []) if self.shape in ("tat", "window", "counter") else mine
            assert len(rules) > 1 or mine == state


def run(server, clock, data, name, shape, limits):
    states_of = [data.draw(states(shape, limit)) for limit in limits]
    twins = Twins(server, clock, name, shape, limits, states_of)
    costs, passing = st.integers(1, 12), st.one_of(st.just(0), near(limits))
    for cost, by in data.draw(st.lists(st.tuples(costs, passing), min_size=1, max_size=8)):
        twins.hit(cost)
        twins.move(by)


@pytest.mark.parametrize("name", ALONE)
@given(data=st.data())
@THOROUGH
def test_one_limit_is_decided_as_by_limits_hit(server, clock, name, data):
    shape, limits = ALONE[name]
    run(server, clock, data, name, shape, [data.draw(limits)])


@pytest.mark.parametrize(("name", "limits", "most"), [("two_hit", whole, 2), ("several_hit", exact, 4)])
@given(data=st.data())
@THOROUGH
def test_several_limits_are_decided_as_by_limits_hit(server, clock, name, limits, most, data):
    run(server, clock, data, name, "tat", data.draw(st.lists(limits, min_size=2, max_size=most)))
