"""Reservations: blocks that reserve, settle and leave; reservers that die."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from math import inf

import pytest

import keywright
import keywright.aio
from keywright._generated.limiter_calls import LimiterCalls

START = 1_767_225_600_000_000
SECOND = 1_000_000


@pytest.fixture
def api(client):
    return client.limiter("llm", "1000/h", reservations=True)


def left(api):
    return api.peek("u", 0).remaining


def test_what_was_used_is_charged(api):
    with api.reservation("u", 400) as reservation:
        assert reservation.decision and reservation.decision.remaining == 600
        assert left(api) == 600
        told = reservation.commit(100)
        assert told and told.amount == 100 and told.remaining == 900
    assert left(api) == 900
    assert repr(reservation).endswith("settled)")


def test_a_block_that_says_nothing_has_used_it_all(api):
    with api.reservation("u", 400):
        pass
    assert left(api) == 600


def test_a_block_that_fails_has_used_nothing(api):
    with pytest.raises(KeyError), api.reservation("u", 400):
        raise KeyError
    assert left(api) == 1000


def test_a_block_that_fails_after_it_committed_stays_charged(api):
    with pytest.raises(KeyError), api.reservation("u", 400) as reservation:
        reservation.commit(300)
        raise KeyError
    assert left(api) == 700


def test_a_block_may_cancel(api):
    with api.reservation("u", 400) as reservation:
        assert reservation.cancel().remaining == 1000
    assert left(api) == 1000


def test_more_than_was_reserved_is_a_debt(api):
    with api.reservation("u", 400) as reservation:
        assert reservation.commit(1500).remaining == 0
    denied = api.hit("u")
    assert not denied and 1700 < denied.retry_after < 1810


def test_a_denial_is_raised_before_the_block(api):
    assert api.hit("u", 900)
    with pytest.raises(keywright.Denied) as caught, api.reservation("u", 200):
        pytest.fail("entered")
    assert 0 < caught.value.decision.retry_after < 400
    with pytest.raises(keywright.Denied) as caught, api.reservation("u", 1001):
        pytest.fail("entered")
    assert caught.value.decision.retry_after == inf


def test_a_lease_that_ended_is_told_at_the_end(api, clock):
    clock.freeze(START)
    with pytest.raises(keywright.NotFound), api.reservation("u", 400, lease=2):
        clock.advance(2 * SECOND)
    assert left(api) == 1000
    with pytest.raises(KeyError), api.reservation("u", 400, lease=2):
        clock.advance(2 * SECOND)
        raise KeyError  # is not hidden by that


def test_an_id_of_ones_own_is_reserved_once(api):
    with api.reservation("u", 400, id="job:7") as reservation:
        assert reservation.id == "job:7"
        assert api.reserve("u", 400, "job:7", lease=60).decided_at_us == reservation.decision.decided_at_us
        assert left(api) == 600
    with pytest.raises(keywright.Gone), api.reservation("u", 400, id="job:7"):
        pytest.fail("entered")
    assert left(api) == 600


def test_noes_by_id(api):
    assert api.reserve("u", 400, "a", lease=0)
    conflict = api.reserve("u", 401, "a", lease=0)
    assert not conflict and conflict.status is keywright.Status.CONFLICT and conflict.amount == 0
    with pytest.raises(keywright.NotFound):
        api.commit("u", "b", 1)
    api.cancel("u", "a")
    with pytest.raises(keywright.Conflict):
        api.commit("u", "a", 1)
    assert api.reserve("u", 400, "a", lease=0).status is keywright.Status.GONE


def test_a_reservation_is_not_refunded(api):
    decision = api.reserve("u", 400, "a", lease=60)
    with pytest.raises(keywright.Invalid, match="a reservation made it: cancel that"):
        decision.refund()


def test_a_limiter_without_reservations_says_so(client):
    plain = client.limiter("llm", "1000/h")
    for call in (lambda: plain.reserve("u", 1, "a", lease=1), lambda: plain.commit("u", "a", 1)):
        with pytest.raises(keywright.Invalid, match="opened without options.reservations"):
            call()


@pytest.mark.parametrize("lease", [0.0001, 86_401])
def test_leases_that_cannot_be(api, lease):
    with pytest.raises(keywright.Invalid, match="between 1 ms and a day"):
        api.reserve("u", 1, "a", lease=lease)


def test_reset_forgets_reservations(client, server):
    api = client.limiter("llm", "10/s; 20/m; 9 concurrent", reservations=True, block=60)
    api.reserve("u", 5, "a", lease=60)
    api.reserve("u", 3, "b", lease=60)
    api.cancel("u", "a")
    assert len(server.keys()) == 3 + 3 + 2  # states; records, open and settled; refunds of two
    api.reset("u")
    assert server.keys() == []
    with pytest.raises(keywright.NotFound):
        api.commit("u", "b", 1)


def test_limits_that_change_while_one_is_open(client):
    before = client.limiter("llm", "1000/h; 5000/d as plan; 7000/w", reservations=True)
    after = client.limiter("llm", "2000/h; 4000/d as plan; 1000/m", reservations=True)
    before.reserve("u", 400, "a", lease=60)
    again = after.reserve("u", 400, "a", lease=60)
    assert again and again.amount == 400 and after.peek("u", 0).remaining == 1000
    assert after.commit("u", "a", 100).amount == 100
    assert after.commit("u", "a", 100).amount == 100
    assert before.commit("u", "a", 100).amount == 100
    assert before.peek("u", 0).remaining == 900
    assert client.limiter("llm", "7000/w", reservations=True).peek("u", 0).remaining == 6600


def calls(server, work):
    """How many commands a server ran for something, scripts' own among them."""

    def count():
        rows = server.command("INFO", "commandstats").decode().splitlines()
        stats = {row.split(":")[0][8:]: int(row.split("calls=")[1].split(",")[0]) for row in rows if "calls=" in row}
        return {name: calls for name, calls in stats.items() if not name.startswith(("info", "config"))}

    before = count()
    work()
    return {name: n - before.get(name, 0) for name, n in count().items() if n != before.get(name, 0)}


@pytest.mark.parametrize("algorithm", ["gcra", "fixed_window", "sliding_counter", "sliding_log"])
def test_admitting_touches_no_key_of_reservations(client, server, algorithm):
    text = "1000/h; 2000/d"
    plain = client.limiter("plain", text, algorithm=algorithm)
    reserving = client.limiter("reserving", text, algorithm=algorithm, reservations=True)
    for api in (plain, reserving):
        api.hit("u")
    reserving.reserve("u", 5, "a", lease=60)
    assert calls(server, lambda: plain.hit("u", 2)) == calls(server, lambda: reserving.hit("u", 2))


def dump(server):
    return [(key, server.command("DUMP", key)) for key in sorted(server.keys())]


def test_wrong_types_are_found_before_anything_is_written(client, server, clock):
    clock.freeze(START)
    api = client.limiter("llm", "10/h; 20/d", reservations=True)
    base = "kw:limiter:{llm:u}"
    for part in ("reservations", "reservations:open", "reservations:settled", "tat:3600000000:refunds"):
        api.reset("u")
        assert api.reserve("u", 9, "a", lease=1)
        clock.advance(2 * SECOND)
        server.command("DEL", f"{base}:{part}")
        server.command("SET", f"{base}:{part}", "x")
        before = dump(server)
        tries = [lambda: api.commit("u", "a", 1), lambda: api.cancel("u", "b")]
        tries += [lambda: api.reserve("u", 9, "b", lease=1)]
        if part != "reservations:settled":
            tries += [lambda: api.hit("u", 9), lambda: api.peek("u")]
        for each in tries:
            with pytest.raises(keywright.WrongType):
                each()
            assert dump(server) == before, part
        server.command("DEL", f"{base}:{part}")


def test_a_foreign_list_is_found_before_anything_is_given_back(client, server):
    api = client.limiter("llm", "10/h; 20/d", reservations=True)
    api.reserve("u", 9, "a", lease=60)
    server.command("RPUSH", "kw:limiter:{llm:u}:tat:86400000000:refunds", "x")
    before = dump(server)
    with pytest.raises(keywright.WrongType):
        api.commit("u", "a", 1)
    assert dump(server) == before


@pytest.mark.parametrize("settle", [lambda api: api.commit("u", "a", 1), lambda api: api.cancel("u", "a")])
def test_settling_drops_a_denial_that_is_remembered(client, settle):
    api = client.limiter("llm", "10/h", reservations=True, denial_cache=100, denial_ttl=60)
    assert api.reserve("u", 9, "a", lease=60)
    assert not api.hit("u", 5)
    assert api.hit("u", 5).reason is keywright.DecidedBy.DENIAL_CACHE
    settle(api)
    assert api.hit("u", 5)


def test_a_reserver_that_is_killed_gives_back_by_its_lease(client, server, api):
    program = (
        "import keywright, sys, time\n"
        f"client = keywright.connect({server.url!r})\n"
        'api = client.limiter("llm", "1000/h", reservations=True)\n'
        'with api.reservation("u", 1000, lease=0.5):\n'
        "    print('in', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=os.environ) as child:
        assert child.stdout.readline() == b"in\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
    for _ in range(200):
        if api.hit("u", 999):
            break
        time.sleep(0.01)
    else:
        pytest.fail("it never came back")


def test_in_asyncio(server):
    async def run():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("llm", "1000/h", reservations=True)
            async with api.reservation("u", 400) as reservation:
                assert (await reservation.commit(100)).amount == 100
            assert (await api.peek("u", 0)).remaining == 900
            with pytest.raises(KeyError):
                async with api.reservation("u", 400):
                    raise KeyError
            assert (await api.peek("u", 0)).remaining == 900

            async def hang():
                async with api.reservation("u", 900):
                    await asyncio.sleep(60)

            task = asyncio.create_task(hang())
            while (await api.peek("u", 0)).remaining:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await api.peek("u", 0)).remaining == 900
            with pytest.raises(keywright.Denied):
                async with api.reservation("u", 901):
                    pytest.fail("entered")
            one, two = await asyncio.gather(api.reserve("u", 500, "a", lease=60), api.reserve("u", 500, "b", lease=60))
            assert bool(one) != bool(two)

    asyncio.run(run())


def test_in_a_batch(client, api):
    with client.batch() as batch:
        first = batch.submit(api.reserve, "u", 400, "a", lease=60)
        second = batch.submit(api.reserve, "u", 400, "b", lease=60)
    assert first.result() and second.result()
    assert left(api) == 200


def test_when_limits_are_off(client, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")
    api = client.limiter("llm", "10/h", reservations=True)
    with api.reservation("u", 5) as reservation:
        assert reservation.commit(3).amount == 3
    assert api.cancel("u", "x")


def test_a_no_says_what_it_means(client):
    api = client.limiter("api", "100/h", reservations=True)
    with pytest.raises(keywright.NotFound, match="not known, or its lease has ended.*charge what was used by a hit"):
        api.commit("k", "job7", 3)
    with pytest.raises(keywright.NotFound, match="nothing to cancel"):
        api.cancel("k", "job7")
    assert api.reserve("k", 5, "job7")  # for the limiter's lease
    with pytest.raises(keywright.Conflict, match="open with another cost"), api.reservation("k", 6, id="job7"):
        pytest.fail("entered")
    api.commit("k", "job7", 3)
    with pytest.raises(keywright.Conflict, match="committed with another number"):
        api.commit("k", "job7", 4)
    with pytest.raises(keywright.Conflict, match="cannot be cancelled any more"):
        api.cancel("k", "job7")
    with pytest.raises(keywright.Gone, match="settled already"), api.reservation("k", 5, id="job7"):
        pytest.fail("entered")
    with pytest.raises(keywright.NotFound, match="charge what was used by consume"):
        client.quota("q", 10).commit("k", "job7", 3)
    with pytest.raises(keywright.NotFound, match="nothing to cancel"):
        client.quota("q", 10).cancel("k", "job7")


def test_docstrings_speak_python():
    """What the spec says of C is said of Python: names of fields, what True stands for, no switch as a number."""
    texts = {name: " ".join((getattr(keywright.Limiter, name).__doc__ or "").split()) for name in vars(LimiterCalls)}
    assert "decision.amount says how much was granted" in texts["hit_up_to"]
    assert "decision.amount is what was used" in texts["commit"]
    assert "False when the lease had ended" in texts["renew"] and "True, and nothing is sent" in texts["renew"]
    assert "None for the limiter's own lease" in texts["reserve"]
    for name, text in texts.items():
        for leftover in ("KW_", "_us ", "'s count", "lease, or lease", "reservations = 1", "LOST when"):
            assert leftover not in text, name
