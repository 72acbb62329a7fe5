"""Several limiters in one decision: each with a key and a cost of its own, all or nothing."""

import pickle
from math import inf

import pytest

import keywright
from keywright import DecidedBy, Reason, Status

START = 1_767_225_600_000_000
SECOND = 1_000_000


@pytest.fixture
def frozen(clock):
    clock.freeze(START)
    return clock


@pytest.fixture
def parts(client):
    return [
        client.limiter("user", "10/s"),
        client.limiter("ip", "5/s; 6/m"),
        client.limiter("search", "100/s", algorithm="fixed_window"),
    ]


@pytest.fixture
def joint(client, parts):
    return client.joint(parts)


def values(server):
    keys = server.keys()
    return {key: server.command("GET", key) for key in keys}


def every_key_ends(server):
    keys = server.keys()
    assert all(server.command("PTTL", key) > 0 for key in keys)


def test_all_are_charged_what_each_costs(server, frozen, joint, parts):
    answer = joint.hit(["ann", ("10.0.0.1", 2), ("all", 30)])
    assert answer and answer.allowed and answer.status == Status.OK
    assert (answer.denied_by, answer.retry_after, answer.limiters) == (-1, 0, 3)
    user, address, search = answer.decisions
    assert [each.amount for each in answer.decisions] == [1, 2, 30]
    assert (user.remaining, address.remaining, search.remaining) == (9, 3, 70)
    assert (user.key, address.key, search.key) == ("ann", "10.0.0.1", "all")
    assert sorted(server.keys()) == [
        b"kw:limiter:{ip:10.0.0.1}:tat:1000000",
        b"kw:limiter:{ip:10.0.0.1}:tat:60000000",
        b"kw:limiter:{search:all}:window:1000000",
        b"kw:limiter:{user:ann}:tat:1000000",
    ]
    every_key_ends(server)


def test_the_states_are_those_of_the_limiters(frozen, joint, parts):
    parts[0].hit("ann", 8)
    assert not joint.hit([("ann", 3), "10.0.0.1", "all"])
    assert joint.hit([("ann", 2), "10.0.0.1", "all"])
    assert not parts[0].hit("ann") and parts[1].peek("10.0.0.1").remaining == 4


def test_if_one_denies_none_is_charged(server, frozen, joint, parts):
    joint.hit(["ann", ("10.0.0.1", 5), "all"])
    before = values(server)
    answer = joint.hit(["bob", "10.0.0.1", ("all", 7)])
    assert not answer and answer.status == Status.DENIED
    assert (answer.denied_by, answer.retry_after) == (1, 0.2)
    assert values(server) == before
    user, address, search = answer.decisions
    for each in answer.decisions:
        assert not each and each.amount == 0  # nobody may take it for an admission
    assert (user.denied_by, user.retry_after, user.remaining) == (-1, 0, 10)
    assert (search.denied_by, search.retry_after, search.remaining) == (-1, 0, 99)
    assert (address.denied_by, address.retry_after, address.limit) == (0, 0.2, 5)
    frozen.advance(200_000 - 1)
    assert not joint.hit(["bob", "10.0.0.1", ("all", 7)])
    frozen.advance(1)
    assert joint.hit(["bob", "10.0.0.1", ("all", 7)])


def test_of_several_that_deny_the_longest_is_told(frozen, joint):
    joint.hit([("ann", 10), ("10.0.0.1", 5), "all"])
    answer = joint.hit([("ann", 1), ("10.0.0.1", 2), "all"])
    assert (answer.denied_by, answer.retry_after) == (1, 10)  # the minute of the address
    assert [each.retry_after for each in answer.decisions] == [0.1, 10, 0]
    assert answer.decisions[1].denied_by == 1


def test_a_cost_of_nothing_is_looked_at(server, frozen, joint, parts):
    answer = joint.hit(["ann", ("10.0.0.1", 0), ("all", 0)])
    assert answer and [each.amount for each in answer.decisions] == [1, 0, 0]
    assert server.keys() == [b"kw:limiter:{user:ann}:tat:1000000"]  # no window was opened by looking
    parts[1].hit("10.0.0.1", 5)
    answer = joint.hit(["ann", ("10.0.0.1", 0), ("all", 0)])
    assert answer and answer.decisions[1].remaining == 0  # and denies nothing
    assert joint.hit([("ann", 0), ("10.0.0.1", 0), ("all", 0)]).decisions[0].remaining == 8


def test_a_cost_above_a_capacity_is_denied_for_ever(server, joint):
    for ask in (joint.hit, joint.peek):
        answer = ask(["ann", ("10.0.0.1", 6), "all"])
        assert not answer and (answer.denied_by, answer.retry_after) == (1, inf)
        assert [bool(each) for each in answer.decisions] == [False] * 3
    assert server.keys() == []


def test_peek_says_what_a_hit_would(server, frozen, joint, parts):
    assert joint.peek(["ann", "10.0.0.1", "all"])
    assert server.keys() == []
    parts[1].hit("10.0.0.1", 5)
    answer = joint.peek(["ann", "10.0.0.1", "all"])
    assert not answer and (answer.denied_by, answer.retry_after) == (1, 0.2)
    assert all(each.amount == 0 for each in answer.decisions)


def test_each_decision_is_refunded_by_its_limiter(frozen, joint, parts):
    answer = joint.hit([("ann", 4), ("10.0.0.1", 3), ("all", 20)])
    answer.decisions[0].refund()
    parts[1].refund(answer.decisions[1], 2)
    assert parts[0].peek("ann").remaining == 10
    assert parts[1].peek("10.0.0.1").remaining == 4
    assert parts[2].peek("all").remaining == 80
    with pytest.raises(keywright.Invalid) as refused:
        parts[0].refund(answer.decisions[2])
    assert refused.value.reason == Reason.DECISION
    denied = joint.hit(["ann", ("10.0.0.1", 5), "all"])
    assert not denied
    denied.decisions[0].refund()  # charged nothing: nothing is given back
    with pytest.raises(keywright.Invalid):
        parts[0].refund(denied.decisions[0], 1)


def test_permits_are_released_and_renewed_by_their_limiter(client, frozen):
    jobs, user = client.limiter("jobs", "2 concurrent", lease=5), client.limiter("user", "100/s; 3 concurrent", lease=9)
    joint = client.joint([jobs, user])
    first, second = joint.hit(["gpu", "ann"]), joint.hit(["gpu", "ann"])
    denied = joint.hit(["gpu", "ann"])
    assert first and second and (denied.denied_by, denied.retry_after) == (0, 5)
    assert user.peek("ann").remaining == 1  # the third took no permit of the user's
    frozen.advance(4 * SECOND)
    assert jobs.renew(first.decisions[0]) and user.renew(first.decisions[1])
    frozen.advance(4 * SECOND)
    jobs.release(first.decisions[0])
    assert joint.hit(["gpu", "ann"])


def test_shadow_limits_never_deny_and_their_limiter_tells(client, frozen):
    real, shadow = client.limiter("real", "5/s"), client.limiter("shadow", "1/m", shadow=True)
    joint = client.joint([real, shadow])
    assert joint.hit(["a", "b"]).decisions[1].reason == DecidedBy.SERVER
    answer = joint.hit(["a", "b"])
    assert answer and answer.reason == DecidedBy.SERVER
    assert answer.decisions[1].reason == DecidedBy.SHADOW and answer.decisions[1].denied_by == 0
    assert shadow.stats().shadow_denied == 1
    denied = joint.hit([("a", 4), "b"])
    assert not denied and denied.denied_by == 0
    assert (denied.decisions[1].reason, denied.decisions[1].denied_by) == (DecidedBy.SERVER, -1)


def test_each_limiter_counts_its_answers(joint, parts, frozen):
    joint.hit(["ann", ("10.0.0.1", 5), "all"])
    joint.hit(["ann", "10.0.0.1", "all"])
    joint.peek(["ann", "10.0.0.1", "all"])
    assert [(each.stats().admitted, each.stats().denied) for each in parts] == [(1, 1)] * 3
    assert [each.stats().near_limit for each in parts] == [0, 1, 0]


def test_a_denial_that_a_limiter_remembers_denies_the_whole(client, server, frozen):
    user, address = client.limiter("user", "5/s"), client.limiter("ip", "1/m", denial_cache=10, denial_ttl=60)
    joint = client.joint([user, address])
    assert joint.hit(["ann", "10.0.0.1"])
    asked = joint.hit(["ann", "10.0.0.1"])
    assert asked.reason == DecidedBy.SERVER and not asked
    server.command("FLUSHALL")
    known = joint.hit(["ann", "10.0.0.1"])
    assert not known and known.reason == DecidedBy.DENIAL_CACHE and known.denied_by == 1
    assert 59 < known.retry_after <= 60
    assert [bool(each) for each in known.decisions] == [False, False]
    assert (known.decisions[0].retry_after, known.decisions[0].denied_by) == (0, -1)
    assert not address.hit("10.0.0.1")  # the limiter alone knows it too
    assert joint.hit(["ann", "10.0.0.2"])
    assert address.stats().answered_locally == 2
    address.reset("10.0.0.1")
    assert joint.hit(["ann", "10.0.0.1"])


def test_an_override_of_a_key_holds_here_too(client, frozen):
    user = client.limiter("user", "5/s", overrides=1)
    joint = client.joint([user, client.limiter("ip", "100/s")])
    user.set_override("ann", "10x")
    answer = joint.hit([("ann", 20), "x"])
    assert answer and (answer.decisions[0].limit, answer.decisions[0].remaining) == (50, 30)
    assert not joint.hit([("bob", 6), "x"])
    answer.decisions[0].refund()
    assert joint.peek([("ann", 50), "x"])


def test_one_limiter_may_be_asked_about_two_keys(client, frozen):
    user = client.limiter("user", "5/s")
    transfer = client.joint([user, user])
    assert transfer.hit([("ann", 2), ("bob", 3)])
    assert user.peek("ann").remaining == 3 and user.peek("bob").remaining == 2
    assert not transfer.hit([("ann", 2), ("bob", 3)])
    assert user.peek("ann").remaining == 3


def test_one_state_is_not_named_twice(client, server, frozen):
    """In one step it would be seen as it was before, both times, and admit the limit twice."""
    user, again = client.limiter("user", "5/s"), client.limiter("user", "3/h; 9/s")
    for joint in (client.joint([user, user]), client.joint([user, again])):
        for ask in (joint.hit, joint.peek):
            with pytest.raises(keywright.Invalid) as refused:
                ask([("ann", 3), ("ann", 3)])
            assert refused.value.reason == Reason.RANGE and refused.value.position == 1
            assert "hits 0 and 1 name one state" in str(refused.value)
    assert server.keys() == []
    other = client.joint([user, client.limiter("user", "3/h")])  # the labels differ: two states
    assert other.hit(["ann", "ann"])
    assert client.joint([user, client.limiter("user", "5/s", algorithm="fixed_window")]).hit(["ann", "ann"])


def test_keys_have_any_bytes(server, joint):
    keys = [b"\x00\xff{}:%", "é" * 500, ""]
    answer = joint.hit(keys)
    assert answer and [each.key for each in answer.decisions] == keys
    assert len(server.keys()) == 4


def test_what_lies_there_that_is_foreign(server, joint):
    server.command("SET", "kw:limiter:{ip:10.0.0.1}:tat:60000000", "hello")
    with pytest.raises(keywright.WrongType):
        joint.hit(["ann", "10.0.0.1", "all"])
    assert server.keys() == [b"kw:limiter:{ip:10.0.0.1}:tat:60000000"]


def test_a_decision_is_shown_compared_and_pickled(frozen, joint):
    answer = joint.hit(["ann", "10.0.0.1", "all"])
    shown = "JointDecision(allowed=True, reason=SERVER, denied_by=None, retry_after=0.0, decisions=(Decision("
    assert repr(answer).startswith(shown)
    refused = joint.hit([("ann", 1000), "10.0.0.1", "all"])
    assert "allowed=False, reason=SERVER, denied_by='user'," in repr(refused)
    assert "denied_by=0," in repr(pickle.loads(pickle.dumps(refused)))
    again = pickle.loads(pickle.dumps(answer))
    assert again == answer and hash(again) == hash(answer) and again.maker is None
    assert again.decisions[1].key == "10.0.0.1"
    assert answer.maker is joint and answer.decisions[0].maker is joint.limiters[0]
    assert repr(joint) == "<Joint 'user + ip + search' ''>"


def test_limiters_may_go_before_it(client):
    joint = client.joint([client.limiter("a", "5/s"), client.limiter("b", "1/m")])
    assert joint.hit(["x", "y"]) and not joint.hit(["x", "y"])
    del joint


def test_limits_off(client, server, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")
    joint = client.joint([client.limiter("a", "1/h"), client.limiter("b", "1/h")])
    for _ in range(3):
        assert joint.hit(["x", ("y", 2)]) and joint.peek(["x", "y"])
    assert [each.amount for each in joint.hit(["x", ("y", 2)]).decisions] == [1, 2]
    with pytest.raises(keywright.Invalid):
        joint.hit(["x"])
    assert server.keys() == []


def test_in_a_batch(client, joint, parts, frozen):
    with client.batch() as batch:
        yes = batch.submit(joint.hit, ["ann", ("10.0.0.1", 5), "all"])
        no = batch.submit(joint.hit, ["ann", "10.0.0.1", "all"])
    assert yes.result() and not no.result()
    assert no.result().denied_by == 1
    assert type(yes.result()) is keywright.JointDecision and yes.result().maker is joint
    yes.result().decisions[1].refund()
    assert parts[1].peek("10.0.0.1").remaining == 5


def test_limits_off_in_a_batch(client, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")
    joint = client.joint([client.limiter("a", "1/h"), client.limiter("b", "1/h")])
    with client.batch() as batch:
        answer = batch.submit(joint.hit, ["x", "y"])
    assert type(answer.result()) is keywright.JointDecision and answer.result().maker is joint
    assert answer.result().decisions[1].maker is joint.limiters[1]
