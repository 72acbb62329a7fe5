"""A server whose keys lie in slots: what no step can decide is refused, and decided by reservations."""

import socket
import time

import pytest

import keywright
from support.server import Server


@pytest.fixture(scope="module")
def node():
    """One node that has all slots."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1] % 40000 + 10000  # its bus listens 10,000 above
    server = Server("--cluster-enabled", "yes", "--port", str(port), "--bind", "127.0.0.1")
    try:
        server.command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in server.command("CLUSTER", "INFO"):
            pass
        yield server
    finally:
        server.stop()


@pytest.fixture
def cluster(node):
    node.command("FLUSHALL")
    return node


def test_keys_of_different_slots_are_refused(cluster):
    with keywright.connect(cluster.url) as client:
        joint = client.joint([client.limiter("user", "5/s"), client.limiter("ip", "5/s")], on_failure="allow")
        for ask in (joint.hit, joint.peek):
            with pytest.raises(keywright.Unsupported, match="different slots") as refused:
                ask(["ann", "10.0.0.1"])
            assert refused.value.server_message.startswith("CROSSSLOT")
        assert cluster.keys() == []  # nothing was charged, and no policy made an admission of it


def test_keys_of_one_slot_are_decided(cluster):
    with keywright.connect(cluster.url) as client:
        joint = client.joint([client.limiter("api", "5/s"), client.limiter("api", "6/m", algorithm="fixed_window")])
        assert joint.hit([("ann", 5), ("ann", 1)]) and not joint.hit([("ann", 1), ("ann", 1)])


def test_across_slots_by_reservations(cluster):
    """The way that the guide shows."""
    with keywright.connect(cluster.url) as client:
        user = client.limiter("user", "5/h", reservations=True)
        address = client.limiter("ip", "2/h", reservations=True)

        def admitted():
            try:
                with user.reservation("ann", 1), address.reservation("10.0.0.1", 1):
                    return True
            except keywright.Denied:
                return False

        assert [admitted() for _ in range(4)] == [True, True, False, False]
        assert user.peek("ann").remaining == 3  # the third and fourth were given back


def test_who_dies_between_two_reservations_holds_no_longer_than_its_lease(cluster):
    with keywright.connect(cluster.url) as client:
        user = client.limiter("user", "5/h", reservations=True)
        user.reserve("ann", 5, "left behind", lease=0.05)
        assert not user.hit("ann")
        time.sleep(0.06)
        assert user.hit("ann", 5)
