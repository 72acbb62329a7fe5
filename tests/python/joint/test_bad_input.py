"""What is refused before anything is sent, each with its reason."""

import pytest

import keywright
from keywright import Reason


def refusal(call, *args, **options):
    with pytest.raises(keywright.Invalid) as refused:
        call(*args, **options)
    return refused.value


def test_how_many_limiters(client):
    one = client.limiter("one", "1/s")
    assert refusal(client.joint, []).reason == Reason.RANGE
    assert refusal(client.joint, [one] * 9).reason == Reason.RANGE
    assert client.joint([one]).hit(["k"])
    assert client.joint([one] * 8).hit([str(i) for i in range(8)])


@pytest.mark.parametrize("bad", [None, 1, "limiter", [1], [None], {}])
def test_what_is_no_limiter(client, bad):
    with pytest.raises(TypeError, match="limiters"):
        client.joint(bad)


def test_limiters_of_another_client(client, server):
    with keywright.connect(server.url) as other:
        error = refusal(client.joint, [client.limiter("a", "1/s"), other.limiter("b", "1/s")])
        assert error.reason == Reason.FOREIGN_CLIENT and error.position == 1
        assert "limiter 1 was made from another client" in str(error)


def test_a_closed_client(server):
    client = keywright.connect(server.url)
    one = client.limiter("one", "1/s")
    joint = client.joint([one])
    client.close()
    with pytest.raises(keywright.Closed):
        joint.hit(["k"])
    with pytest.raises(keywright.Closed):
        client.joint([one])


def test_no_more_than_32_limits_together(client):
    eight = "; ".join(f"{i}/s as l{i}" for i in range(1, 9))
    limiters = [client.limiter(f"n{i}", eight) for i in range(4)]
    joint = client.joint(limiters)
    assert joint.hit(["k"] * 4) and not joint.hit(["k"] * 4)
    error = refusal(client.joint, [*limiters, client.limiter("more", "1/s")])
    assert error.reason == Reason.RANGE and "33 limits together" in str(error)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"block": 1}, "block_us"),
        ({"charge_denials": True}, "charge_denials"),
        ({"reservations": True}, "reservations"),
    ],
)
def test_limiters_that_decide_alone_only(client, options, word):
    error = refusal(client.joint, [client.limiter("a", "1/s"), client.limiter("b", "1/s", **options)])
    assert error.reason == Reason.OPTION and error.position == 1
    assert f"limiter 1 has {word}" in str(error) and "without it" in str(error)


@pytest.mark.parametrize("options", [{"on_failure": "local"}, {"timeout": 3601}, {"on_failure": "sometimes"}])
def test_options_that_cannot_be(client, options):
    assert refusal(client.joint, [client.limiter("a", "1/s")], **options).reason == Reason.OPTION


@pytest.mark.parametrize("ask", ["hit", "peek"])
def test_hits_that_cannot_be(client, server, ask):
    call = getattr(client.joint([client.limiter("a", "5/s"), client.limiter("b", "5/s")]), ask)
    error = refusal(call, ["k"])
    assert error.reason == Reason.RANGE and "1 hits were given, and this joint limiter has 2" in str(error)
    assert refusal(call, ["k"] * 3).reason == Reason.RANGE
    assert refusal(call, []).reason == Reason.RANGE
    assert refusal(call, ["k"] * 9).reason == Reason.RANGE
    error = refusal(call, ["k", ("k", -1)])
    assert error.reason == Reason.RANGE and error.position == 1
    assert refusal(call, ["k", ("k", 2**52)]).position == 1
    error = refusal(call, ["k", "x" * 1025])
    assert error.reason == Reason.KEY_LENGTH and error.position == 1
    assert refusal(call, ["k", "k"], timeout=-1).reason == Reason.TIMEOUT
    for bad in ("kk", None, 7, {"k": 1}):
        with pytest.raises(TypeError, match="hits must be an iterable"):
            call(bad)
    with pytest.raises(TypeError, match=r"hits\[1\]: key must be str, bytes or int"):
        call(["k", None])
    with pytest.raises(TypeError, match=r"hits\[0\]: cost must be int"):
        call([("k", 1.5), "k"])
    with pytest.raises(TypeError, match=r"hits\[0\] must have 2 elements"):
        call([("k", 1, 2), "k"])
    assert server.keys() == []
