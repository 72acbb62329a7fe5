"""When the server cannot be asked: what the joint limiter's own policy says, whatever those of its limiters."""

import time
from math import inf

import pytest

import keywright
from keywright import DecidedBy


@pytest.fixture
def parts(client):
    return [client.limiter("user", "10/s", on_failure="allow"), client.limiter("ip", "5/s", on_failure="deny")]


def test_the_failure_itself(client, server, parts):
    joint = client.joint(parts)
    joint.hit(["ann", "x"])
    with server.silent(), pytest.raises(keywright.Timeout):
        joint.hit(["ann", "x"], timeout=0.05)
    assert [each.stats().failed for each in parts] == [1, 1]


@pytest.mark.parametrize(
    ("policy", "reason", "allowed", "retry"),
    [("allow", DecidedBy.FAIL_OPEN, True, 0), ("deny", DecidedBy.FAIL_CLOSED, False, 1)],
)
def test_a_policy_answers_in_50_ms(client, server, parts, policy, reason, allowed, retry):
    joint = client.joint(parts, on_failure=policy)
    joint.hit(["ann", "x"])
    with server.silent():
        began = time.monotonic()
        answer = joint.hit(["ann", ("x", 2)])
        assert time.monotonic() - began < 2
    assert bool(answer) == allowed
    assert (answer.reason, answer.denied_by, answer.retry_after) == (reason, -1, retry)
    assert [each.amount for each in answer.decisions] == ([1, 2] if allowed else [0, 0])
    assert all(each.reason == reason and bool(each) == allowed for each in answer.decisions)
    if allowed:
        for each in answer.decisions:
            each.refund()  # no server charged it, and none gives it back
    assert [each.stats().failed for each in parts] == [1, 1]


def test_what_never_fits_is_known_without_the_server(client, server, parts):
    joint = client.joint(parts, on_failure="allow")
    with server.silent():
        answer = joint.hit(["ann", ("x", 6)])
    assert not answer and (answer.denied_by, answer.retry_after) == (1, inf)
    assert not any(answer.decisions)


def test_a_timeout_of_its_own(client, server, parts):
    joint = client.joint(parts, timeout=0.02)
    with server.silent(), pytest.raises(keywright.Timeout):
        joint.hit(["ann", "x"])
    with server.silent(), pytest.raises(keywright.Timeout):
        joint.peek(["ann", "x"])


def test_scripts_flushed_and_a_server_without_memory(client, server, parts):
    joint = client.joint(parts)
    assert joint.hit(["ann", "x"])
    server.command("SCRIPT", "FLUSH")
    assert joint.hit(["ann", "x"]).decisions[1].remaining == 3
    server.command("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(keywright.ServerMemory):
            joint.hit(["ann", "x"])
    finally:
        server.command("CONFIG", "SET", "maxmemory", 0)
    assert parts[0].peek("ann").remaining == 8


def test_in_a_forked_child_it_is_opened_again(client, parts, clock):
    import os

    clock.freeze(1_767_225_600_000_000)
    joint = client.joint(parts)
    assert joint.hit(["ann", "x"])
    child = os.fork()
    if child == 0:
        os._exit(0 if joint.hit(["ann", ("x", 4)]) and not joint.hit(["ann", "x"]) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not joint.hit(["ann", "x"]) and parts[0].peek("ann").remaining == 8
