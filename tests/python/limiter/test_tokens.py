"""Leases of tokens: what several clients admit together, and what each language's user sees of them."""

import asyncio
import threading
from contextlib import ExitStack
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keywright
import keywright.aio
from keywright import DecidedBy, Reason

START = 1_767_225_600_000_000
SECOND = 1_000_000
CLIENTS = 3
ALGORITHMS = ["gcra", "fixed_window", "sliding_counter", "sliding_log"]
THOROUGH = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
steps = st.one_of(
    st.tuples(st.just("hits"), st.integers(0, CLIENTS - 1), st.integers(1, 12)),
    st.tuples(st.just("hits"), st.integers(0, CLIENTS - 1), st.integers(1, 60)),
    st.tuples(st.just("cost"), st.integers(0, CLIENTS - 1), st.integers(2, 5)),
    st.tuples(st.just("refund"), st.integers(0, CLIENTS - 1), st.integers(0, 3)),
    st.tuples(st.just("pass"), st.just(0), st.one_of(st.integers(1, SECOND), st.integers(1, 90 * SECOND))),
)


class Crowd:
    """Clients that lease from one key, and what was charged and admitted when."""

    def __init__(self, server, clock, stack, algorithm, limit, lease):
        server.command("FLUSHALL")
        self.server, self.clock, self.now = server, clock, START
        clock.freeze(START)
        options = {"align": "clock"} if algorithm == "fixed_window" else {}
        connect = [stack.enter_context(keywright.connect(server.url)) for _ in range(CLIENTS)]
        self.limiters = [
            one.limiter("crowd", limit, algorithm=algorithm, token_lease=lease, token_ttl=60, **options)
            for one in connect
        ]
        self.watcher = connect[0].limiter("crowd", limit, algorithm=algorithm, **options)
        self.charges, self.admissions = [], []  # [when, how many]
        self.held = [0] * CLIENTS
        self.refunded = set()
        self.made = [[] for _ in range(CLIENTS)]

    def left(self):
        return self.watcher.peek("k", 0).remaining

    def hit(self, who, cost=1):
        before = self.left()
        decision = self.limiters[who].hit("k", cost)
        charged = before - self.left()
        assert decision.reason is (DecidedBy.SERVER if charged or not decision else DecidedBy.TOKEN_LEASE)
        assert decision or decision.retry_after > 0
        self.charges.append([self.now, charged])
        self.admissions.append([self.now, decision.amount])
        self.held[who] += charged - decision.amount
        if decision:
            self.made[who].append((decision, self.admissions[-1]))

    def refund(self, who, back):
        """A refund of what came from a lease is spent again; others are left out, for they move what was charged."""
        if len(self.made[who]) <= back or self.made[who][-1 - back][0].reason is not DecidedBy.TOKEN_LEASE:
            return
        (decision, admission), before = self.made[who].pop(-1 - back), self.left()
        self.limiters[who].refund(decision)
        assert self.left() == before
        self.held[who] += decision.amount
        self.refunded.add(who)
        admission[1] = 0

    def run(self, operations):
        for name, who, number in operations:
            if name == "hits":
                for _ in range(number):
                    self.hit(who)
            elif name == "cost":
                self.hit(who, number)
            elif name == "refund":
                self.refund(who, number)
            else:
                self.now += number
                self.clock.freeze(self.now)

    def most(self, events, span):
        """How many at most within a time of that length, wherever it begins."""
        return max(
            (sum(many for when, many in events if begun <= when < begun + span) for begun, _ in events), default=0
        )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("count", "lease"), [(50, 2), (50, 8), (20, 64)])
def test_clients_admit_what_the_limit_says_and_their_leases(server, clock, algorithm, count, lease):
    more = CLIENTS * (lease - 1)

    @THOROUGH
    @given(st.lists(steps, min_size=5, max_size=25))
    def check(operations):
        with ExitStack() as stack:
            crowd = Crowd(server, clock, stack, algorithm, f"{count}/m", lease)
            crowd.run(operations)
            # Nobody holds a whole lease (what is refunded too late is lost), so in any time no more is admitted than
            # charged, and that.
            for who, held in enumerate(crowd.held):
                assert held >= 0 and (held < lease or who in crowd.refunded)
            minute = 60 * SECOND
            for span in (1, SECOND, 10 * SECOND, minute, 2 * minute, 10 * minute):
                admitted, charged = crowd.most(crowd.admissions, span), crowd.most(crowd.charges, span)
                assert admitted <= charged + more
                if algorithm == "gcra":
                    assert admitted <= count + count * span / minute + more
                if span <= minute:
                    assert admitted <= {"gcra": 2, "sliding_log": 1}.get(algorithm, 2) * count + more
            if algorithm == "fixed_window":
                windows = {}
                for when, many in crowd.admissions:
                    windows[when // minute] = windows.get(when // minute, 0) + many
                assert max(windows.values(), default=0) <= count + more

    check()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_bound_is_met(server, clock, algorithm):
    """It is not only never passed: who holds tokens spends them in the next period, beside a whole limit."""
    lease, count = 8, 100
    with ExitStack() as stack:
        crowd = Crowd(server, clock, stack, algorithm, f"{count}/m", lease)
        crowd.run([("hits", who, lease) for who in range(CLIENTS)])
        assert crowd.held == [lease - 1] * CLIENTS
        crowd.run([("pass", 0, 120 * SECOND), ("hits", 0, 300), ("hits", 1, 7), ("hits", 2, 7)])
        admitted = sum(many for when, many in crowd.admissions if when > START)
        assert admitted == count + CLIENTS * (lease - 1)


@pytest.mark.parametrize("coalesce", [False, True])
def test_threads_share_what_is_held(client, clock, coalesce):
    clock.freeze(START)
    api = client.limiter("api", "1000/m", token_lease=100, token_ttl=60, coalesce=coalesce)
    counts = []

    def work():
        counts.append(sum(bool(api.hit("u")) for _ in range(400)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1000 - 99 <= sum(counts) <= 1000
    stats = api.stats()
    assert stats.admitted == sum(counts) and stats.leased > 500


def test_many_ask_once(client, clock):
    clock.freeze(START)
    api = client.limiter("api", "1000/m", token_lease=8, token_ttl=60)
    assert all(api.hit_many(["u"] * 3))
    before = api.peek("u", 0).remaining
    answers = api.hit_many(["u"] * 20)  # at most one of them asks; the others are sent beside it
    assert all(answers)
    leased = sum(answer.reason is DecidedBy.TOKEN_LEASE for answer in answers)
    assert before - api.peek("u", 0).remaining <= 20 - leased + 7
    assert api.hit("u").reason is DecidedBy.TOKEN_LEASE


def test_asyncio(server, clock):
    clock.freeze(START)

    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "100/m", token_lease=8, token_ttl=60)
            remaining = [(await api.hit("u")).remaining for _ in range(20)]
            assert remaining == list(range(99, 79, -1))
            before = server.calls() + 1  # the question itself
            leased = await api.hit("u", 2)
            assert leased and leased.reason is DecidedBy.TOKEN_LEASE
            await leased.refund()
            assert (await api.hit("u", wait=1)).reason is DecidedBy.TOKEN_LEASE
            assert server.calls() == before
            answers = await asyncio.gather(*(api.hit("u") for _ in range(120)))
            assert 79 - 7 <= sum(map(bool, answers)) <= 79  # sent together: what the last lease brought is still held
            assert api.stats().leased > 10
            await api.reset("u")
            assert (await api.hit("u")).remaining == 99

    asyncio.run(main())


def test_a_cost_above_the_limit_is_denied_for_ever(client, server, clock):
    clock.freeze(START)
    api = client.limiter("api", "4/m", token_lease=8)
    for _ in range(3):
        assert api.hit("u")
    assert api.hit("u", 5).retry_after == inf


def test_denials_are_remembered_beside_leases(client, server, clock):
    clock.freeze(START)
    api = client.limiter("api", "3/m", token_lease=8, denial_cache=10)
    answers = [api.hit("u") for _ in range(5)]
    assert list(map(bool, answers)) == [True] * 3 + [False] * 2
    assert answers[-1].reason is DecidedBy.DENIAL_CACHE
    held = [one for one in answers if one.reason is DecidedBy.TOKEN_LEASE]
    held[-1].refund()
    assert api.hit("u").reason is DecidedBy.TOKEN_LEASE  # what is held comes before what is remembered
    assert api.hit("u").reason is DecidedBy.DENIAL_CACHE


def test_two_limits_are_leased_together(client, server, clock):
    clock.freeze(START)
    api = client.limiter("api", "100/s; 20/m", token_lease=16, token_ttl=60)
    answers = [api.hit("u") for _ in range(25)]
    assert list(map(bool, answers)) == [True] * 20 + [False] * 5
    assert [one.remaining for one in answers] == [*range(19, -1, -1), 0, 0, 0, 0, 0]
    assert {one.limit for one in answers} == {20}


@pytest.mark.parametrize(
    "options",
    [
        {"token_lease": 1},
        {"token_lease": 1_000_001},
        {"token_ttl": 1},
        {"token_lease": 2, "token_ttl": 0.001},
        {"token_lease": 2, "token_ttl": 61},
        {"token_lease": 2, "shadow": True},
        {"token_lease": 2, "charge_denials": True},
        {"token_lease": 2, "block": 1},
        {"token_lease": 2, "reservations": True},
    ],
)
def test_options_that_cannot_be(client, options):
    with pytest.raises(keywright.Invalid) as caught:
        client.limiter("api", "10/s", **options)
    assert caught.value.reason is Reason.OPTION
