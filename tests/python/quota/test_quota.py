"""Quotas from Python: both worlds, refusals, the command line."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from math import inf

import pytest

import keywright
import keywright.aio
from keywright._command import main

SECOND = 1_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01


def moment(*date):
    return round(datetime(*date, tzinfo=UTC).timestamp()) * SECOND


def test_all_or_nothing(client, clock):
    clock.freeze(START)
    quota = client.quota("api", 10, period="month")
    usage = quota.consume("u", 7)
    assert usage
    assert (usage.amount, usage.used, usage.remaining, usage.limit) == (7, 7, 3, 10)
    assert usage.period is keywright.Period.MONTH
    assert usage.resets_at_us == moment(2026, 2, 1)
    assert usage.reset_after == 31 * 86400
    denied = quota.consume("u", 4)
    assert not denied
    assert denied.status is keywright.Status.DENIED
    assert denied.retry_after == denied.reset_after == 31 * 86400
    assert quota.peek("u", 11).retry_after == inf
    assert quota.consume_many([("u", 3), ("u", 1), ("v", 1)])[0].remaining == 0


def test_what_is_reserved_is_settled(client):
    quota = client.quota("tokens", 100)
    assert quota.reserve("u", 60, "call:1", lease=timedelta(minutes=5)).remaining == 40
    assert quota.commit("u", "call:1", 42).used == 42
    quota.reserve("u", 58, "call:2", lease=300)
    assert not quota.reserve("u", 1, "call:3", lease=300)
    assert quota.cancel("u", "call:2").used == 42
    with pytest.raises(keywright.NotFound):
        quota.commit("u", "call:9", 1)
    with pytest.raises(keywright.Conflict):
        quota.cancel("u", "call:1")
    assert quota.reserve("u", 60, "call:1", lease=300).status is keywright.Status.GONE
    usage = quota.consume("u", 8)
    quota.refund("u", 8, usage.resets_at_us)
    assert quota.peek("u").used == 42
    assert quota.reset("u") is None
    assert quota.peek("u").used == 0


def test_awaited(server):
    async def work():
        async with keywright.aio.connect(server.url) as client:
            quota = client.quota("tokens", 100, period=keywright.Period.WEEK)
            assert isinstance(quota, keywright.aio.Quota)
            assert (await quota.consume("u", 7)).remaining == 93
            assert [each.remaining for each in await quota.consume_many([("u", 1), ("u", 2)])] == [92, 90]
            assert (await quota.reserve("u", 60, "a", lease=300)).used == 70
            with pytest.raises(keywright.NotFound):
                await quota.cancel("u", "b")
            assert (await quota.commit("u", "a", 1)).used == 11
            await quota.refund("u", 1, (await quota.peek("u")).resets_at_us)
            assert (await quota.peek("u", 91)).status is keywright.Status.DENIED
            await quota.reset("u")

    asyncio.run(work())


def test_zones(client, clock):
    clock.freeze(moment(2026, 3, 1) - SECOND)
    assert client.quota("utc", 1).consume("u").resets_at_us == moment(2026, 3, 1)
    assert client.quota("east", 1, zone_minutes=60).consume("u").resets_at_us == moment(2026, 3, 1, 23)
    assert client.quota("west", 1, period="month", zone_minutes=-300).consume("u").resets_at_us == moment(2026, 3, 1, 5)
    clock.freeze(moment(2100, 2, 28, 23))  # no leap year
    assert client.quota("late", 1, period="month").consume("u").resets_at_us == moment(2100, 3, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda client: client.quota("a", 0),
        lambda client: client.quota("a", 2**52),
        lambda client: client.quota("", 1),
        lambda client: client.quota("a", 1, period="fortnight"),
        lambda client: client.quota("a", 1, zone_minutes=841),
        lambda client: client.quota("a", 1).consume("u", -1),
        lambda client: client.quota("a", 1).reserve("u", 1, "", lease=1),
        lambda client: client.quota("a", 1).reserve("u", 1, "x", lease=0),
        lambda client: client.quota("a", 1).reserve("u", 1, "x", lease=timedelta(days=8)),
        lambda client: client.quota("a", 1).refund("u", 1, 0),
    ],
)
def test_what_cannot_be_is_refused(client, make):
    sent = client.stats().bytes_sent
    with pytest.raises(keywright.Invalid):
        make(client)
    assert client.stats().bytes_sent == sent


def test_command_line(server, capsys, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)
    assert main(["quota", "consume", "api", "3", "k", "--period", "month", "--cost", "2"]) == 0
    assert "2 of 3 this month" in capsys.readouterr().out
    assert main(["quota", "consume", "api", "3", "k", "--period", "month", "--cost", "2", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["allowed"], said["used"], said["remaining"]) == (False, 2, 1)
    assert main(["quota", "peek", "api", "3", "k", "--period", "month"]) == 0
    assert main(["quota", "reset", "api", "3", "k", "--period", "month"]) == 0
    assert main(["quota", "peek", "api", "3", "k", "--period", "month", "--cost", "3"]) == 0
    assert main(["quota", "consume", "api", "0", "k"]) == 2


def test_reservations_on_the_command_line(server, capsys, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)

    def run(action, *words):
        code = main(["quota", action, "api", "10", "k", *words, "--json"])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else printed.err

    code, reserved = run("reserve", "6")
    assert (code, reserved["allowed"], reserved["remaining"], len(reserved["id"])) == (0, True, 4, 32)
    assert run("reserve", "5", "--id", "b")[0] == 1
    code, settled = run("commit", reserved["id"], "2")
    assert (code, settled["used"], settled["charged"]) == (0, 2, 2)
    code, said = run("cancel", reserved["id"])
    assert code == 1
    assert said.startswith("keywright: ")
    assert run("commit", "nobody", "1")[0] == 1
    assert run("reserve", "6", "--id", reserved["id"])[1]["status"] == "GONE"
    assert main(["quota", "reserve", "api", "10", "k", "6", "--id", reserved["id"]]) == 1
    assert capsys.readouterr().out == "this id was settled already\n"
    assert main(["quota", "reserve", "api", "10", "k", "8", "--id", "c", "--lease", "5"]) == 0
    assert "id              c\n" in capsys.readouterr().out
    assert run("cancel", "c")[1]["used"] == 2
    assert run("refund", "1", str(settled["resets_at_us"])) == (0, {"refunded": "k"})
    assert run("peek")[1]["used"] == 1
    assert run("reserve", "1", "--lease", "0")[0] == 2
