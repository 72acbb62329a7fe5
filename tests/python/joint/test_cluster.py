"""A server whose keys lie in slots: what no step can decide is refused, and decided by reservations."""

import socket

import pytest

import keywright
from support.server import Server

START = 1_767_225_600_000_000


@pytest.fixture
def cluster():
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
        user = client.limiter("user", "5/h", reservations=True, lease=0.2)
        address = client.limiter("ip", "2/h", reservations=True, lease=0.2)

        def both(request, **keys):
            held = []
            for limiter, key in ((user, keys["user"]), (address, keys["address"])):
                if not limiter.reserve(key, 1, request, lease=0.2):
                    for one, held_key in held:
                        one.cancel(held_key, request)
                    return False
                held.append((limiter, key))
            for limiter, key in held:
                limiter.commit(key, request, 1)
            return True

        told = [both(f"request {i}", user="ann", address="10.0.0.1") for i in range(4)]
        assert told == [True, True, False, False]
        assert user.peek("ann").remaining == 3  # the third and fourth were given back
