"""Batches: whatever the operations, one write, one wait, each entry its own answer."""

import asyncio
import gc
import inspect

import pytest

import keywright
import keywright.aio


def test_entries_have_their_answers(client):
    api = client.limiter("api", "10/h")
    with client.batch() as batch:
        first = batch.submit(api.hit, "user:42")
        second = batch.submit(api.hit, "user:42", 3)
        info = batch.submit(client.info)
        pong = batch.submit(client.ping)
        many = batch.submit(api.hit_many, ["a", ("b", 2)])
        named = batch.submit(api.peek, key="c", cost=2, timeout=1)
    assert isinstance(first, keywright.Submitted)
    assert {first.result().amount, second.result().amount} == {1, 3}
    assert {first.result().remaining, second.result().remaining} <= {9, 7, 6}
    assert info.result().server in ("redis", "valkey")
    assert pong.result() is None
    assert [each.amount for each in many.result()] == [1, 2]
    assert named.result().allowed
    assert api.peek("user:42").remaining == 6


def test_a_decision_of_a_batch_can_be_refunded(client):
    api = client.limiter("api", "10/h")
    with client.batch() as batch:
        entry = batch.submit(api.hit, "k", 4)
    decision = entry.result()
    assert type(decision) is keywright.Decision
    assert decision.maker is api
    decision.refund()
    with client.batch() as batch:
        batch.submit(api.refund, api.hit("k", 2))
        batch.submit(api.reset, "other")
    assert api.peek("k").remaining == 10


def test_patience_in_a_batch(client):
    api = client.limiter("api", "20/s burst 1")
    with client.batch() as batch:
        entries = [batch.submit(api.hit, "k", wait=2) for _ in range(4)]
    assert all(entry.result().allowed for entry in entries)


def test_each_has_its_own_error(client, server):
    api = client.limiter("api", "10/h")
    api.hit("broken")
    (key,) = server.keys()
    server.command("DEL", key)
    server.command("RPUSH", key, "x")
    with client.batch() as batch:
        good, bad = batch.submit(api.hit, "k"), batch.submit(api.hit, "broken")
    assert good.result().remaining == 9
    for _ in range(2):
        with pytest.raises(keywright.WrongType):
            bad.result()


def test_an_exception_in_the_block_sends_nothing(client, server):
    api = client.limiter("api", "10/h")
    client.ping()
    before = client.stats().bytes_sent
    with pytest.raises(KeyError, match="own"), client.batch() as batch:
        entry = batch.submit(api.hit, "k")
        raise KeyError("own")
    assert client.stats().bytes_sent == before
    assert server.keys() == []
    with pytest.raises(keywright.Cancelled):
        entry.result()


def test_bad_arguments_are_raised_where_they_stand(client, server):
    api = client.limiter("api", "10/h")
    before = client.stats().bytes_sent
    for arguments in ((None,), ("k", 1.5), ("k", 2**70)):
        with pytest.raises((TypeError, keywright.Invalid)), client.batch() as batch:
            batch.submit(api.hit, "other")
            batch.submit(api.hit, *arguments)
    assert client.stats().bytes_sent == before
    with client.batch() as batch:
        good, bad = batch.submit(api.hit, "k"), batch.submit(api.hit, "k", -1)
    assert good.result().allowed
    with pytest.raises(keywright.Invalid):
        bad.result()


def test_an_answer_before_its_time_and_a_truth_value(client):
    api = client.limiter("api", "10/h")
    with client.batch() as batch:
        entry = batch.submit(api.hit, "k")
        with pytest.raises(RuntimeError, match="not been sent"):
            entry.result()
    with pytest.raises(TypeError, match="result"):
        bool(entry)
    with pytest.raises(RuntimeError, match="over"):
        batch.submit(api.hit, "k")


@pytest.mark.parametrize(
    "operation", [lambda client: print, lambda client: len, lambda client: lambda: None, lambda client: client.batch]
)
def test_only_operations_of_its_own_objects(client, operation):
    with pytest.raises(TypeError), client.batch() as batch:
        batch.submit(operation(client))


def test_what_is_no_operation(client):
    api = client.limiter("api", "10/h")
    for operation, arguments in ((client.stats, ()), (client.close, ()), (api.guard, ("k",))):
        with pytest.raises(TypeError, match="batch cannot take it"), client.batch() as batch:
            batch.submit(operation, *arguments)
    assert client.ping() is None


def test_objects_of_another_client(client, server):
    with (
        keywright.connect(server.url) as other,
        pytest.raises(ValueError, match="own client"),
        client.batch() as batch,
    ):
        batch.submit(other.ping)


def test_an_empty_batch_sends_nothing(client):
    before = client.stats().bytes_sent
    with client.batch():
        pass
    assert client.stats().bytes_sent == before


def test_batches_share_a_link_one_after_the_other_and_nest(client):
    api = client.limiter("api", "1000/h")
    with client.batch() as outer:
        first = outer.submit(api.hit, "k")
        with client.batch() as inner:
            second = inner.submit(api.hit, "k")
        assert second.result().remaining == 999
    assert first.result().remaining == 998
    for _ in range(50):
        with client.batch() as batch:
            batch.submit(api.hit, "k")
    assert len(client._handle.ports) == 1


def test_many_entries(client):
    api = client.limiter("api", "10/h")
    with client.batch() as batch:
        entries = [batch.submit(api.hit, number) for number in range(5000)]
    assert [entry.result().key for entry in entries] == list(range(5000))


def test_after_close(client):
    api = client.limiter("api", "10/h")
    client.close()
    with pytest.raises(keywright.Closed), client.batch() as batch:
        batch.submit(api.hit, "k")


def test_a_silent_server_ends_by_the_deadlines(client, server):
    api = client.limiter("api", "10/h")
    api.hit("k")
    with server.silent(), client.batch() as batch:
        entries = [batch.submit(api.hit, "k", timeout=0.1) for _ in range(3)]
    for entry in entries:
        with pytest.raises(keywright.Timeout):
            entry.result()
    with client.batch() as batch:
        entry = batch.submit(api.hit, "k")
    assert entry.result()


def test_in_asyncio(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "10/h")
            async with client.batch() as batch:
                first = batch.submit(api.hit, "a")
                many = batch.submit(api.hit_many, ["b", "c"])
                pong = batch.submit(client.ping)
                await asyncio.sleep(0.02)
                assert not first.done()
            assert first.result().remaining == 9
            assert len(many.result()) == 2
            assert pong.result() is None
            assert (await first).remaining == 9
            with pytest.raises(KeyError):
                async with client.batch() as batch:
                    entry = batch.submit(api.hit, "d")
                    raise KeyError("own")
            assert entry.cancelled()
            async with client.batch() as batch:
                good, bad = batch.submit(api.hit, "d"), batch.submit(api.hit, "d", -1)
            assert good.result().remaining == 9
            with pytest.raises(keywright.Invalid):
                bad.result()
            async with client.batch():
                pass

    asyncio.run(main())


def test_an_entry_that_nobody_looks_at_is_not_reported(server):
    reports = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "10/h")
            await api.hit("k")
            with server.silent():
                async with client.batch() as batch:
                    batch.submit(api.hit, "k", timeout=0.05)

    asyncio.run(main())
    gc.collect()
    assert reports == []


def test_an_asyncio_batch_that_is_cancelled_cancels_its_calls(server):
    async def main():
        async with keywright.aio.connect(server.url) as client:
            api = client.limiter("api", "1/h")
            await api.hit("k")
            entries = []

            async def work():
                async with client.batch() as batch:
                    entries.extend(batch.submit(api.hit, "k", wait=50) for _ in range(3))

            task = asyncio.ensure_future(work())
            with server.silent():
                await asyncio.sleep(0.1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert all(entry.cancelled() for entry in entries)

    asyncio.run(main())


def test_the_methods_of_both_worlds_are_the_same():
    for sync, aio in ((keywright.Client, keywright.aio.Client), (keywright.Limiter, keywright.aio.Limiter)):
        names = {name for name in dir(sync) if not name.startswith("_")}
        assert names == {name for name in dir(aio) if not name.startswith("_")}
        for name in names:
            mine, other = getattr(sync, name), getattr(aio, name)
            if inspect.isfunction(mine):
                assert list(inspect.signature(mine).parameters) == list(inspect.signature(other).parameters), name
                assert (mine.__doc__ or "").split("\n")[0].replace("`with", "`async with") == (
                    other.__doc__ or ""
                ).split("\n")[0], name
