"""What a type checker must understand of keywright. Nothing runs this: mypy reads it in ./dev lint.

Where a line must be refused, a `type: ignore` that nothing needed would be an error itself.
"""

# mypy: warn-unreachable

from datetime import timedelta
from math import inf

from typing_extensions import assert_type

import keywright
import keywright.aio
import keywright.asgi
import keywright.wsgi
from keywright import Submitted


def blocking() -> None:
    client = keywright.connect("redis://localhost:6379", timeout=timedelta(seconds=1), connect_timeout=0.5)
    assert_type(client, keywright.Client)
    api = client.limiter("api", "10/s", algorithm="fixed_window", max_wait=inf)
    assert_type(api, keywright.Limiter)
    decision = api.hit("user:42", 2, wait=1, timeout=0.5)
    assert_type(decision, keywright.Decision)
    assert_type(decision.allowed, bool)
    assert_type(decision.retry_after, float)
    assert_type(decision.headers(), dict[str, str])
    assert_type(decision.status, keywright.Status)
    assert_type(api.hit_many(["a", b"b", 3, ("c", 4)]), list[keywright.Decision])
    assert_type(api.peek(b"k"), keywright.Decision)
    assert_type(client.info().role, keywright.Role)
    assert_type(client.stats().calls, int)
    api.reset(42)
    decision.refund(1)
    assert_type(api.renew(decision), bool)
    api.release(decision)
    with api.guard("k") as inside:
        assert_type(inside, keywright.Decision)
    with client as entered:
        assert_type(entered, keywright.Client)

    api.hit(None)  # type: ignore[arg-type]
    api.hit(1.5)  # type: ignore[arg-type]
    api.hit("k", "2")  # type: ignore[arg-type]
    api.hit("k", timeout="1")  # type: ignore[arg-type]
    client.limiter("api")  # type: ignore[call-arg]
    client.limiter("api", "1/s", algorithm="tokenbucket")  # type: ignore[arg-type]
    client.limiter("api", "1/s", align="Clock")  # type: ignore[arg-type]
    client.limiter("api", "1/s", on_failure="open")  # type: ignore[arg-type]
    client.limiter("api", "1/s", algorithm=keywright.Algorithm.GCRA, on_failure="local")
    client.joint([api], on_failure="local")  # type: ignore[arg-type]
    decision.headers("draft_10")  # type: ignore[arg-type]
    assert_type(api.reserve("k", 1, "id"), keywright.Decision)


def counts(client: keywright.Client) -> None:
    quota = client.quota("api", 10_000, period="month", zone_minutes=60)
    assert_type(quota, keywright.Quota)
    usage = quota.reserve("tenant:7", 60, "call:1", lease=timedelta(minutes=1))
    assert_type(usage, keywright.Usage)
    assert_type(quota.commit("tenant:7", "call:1", 42), keywright.Usage)
    assert_type(usage.period, keywright.Period)
    visitors = client.unique("visitors", exact_until=1000, ttl=86_400, sliding=True)
    assert_type(visitors.add("home", "user:42"), keywright.Cardinality)
    assert_type(visitors.add_many([("home", b"user:42")]), list[keywright.Cardinality])
    assert_type(visitors.count("home").novelty, keywright.Novelty)
    games = client.top("games", keep=100)
    assert_type(games.add("week", "ann", 5), keywright.Standing)
    assert_type(games.best("week"), list[keywright.TopEntry])
    assert_type(games.around("week", "ann")[0].member, str)
    visitors.add("home")  # type: ignore[call-arg]
    quota.reserve("tenant:7", 60, "call:1")  # type: ignore[call-arg]
    quota.consume("tenant:7", 1.5)  # type: ignore[arg-type]


def batches(client: keywright.Client, api: keywright.Limiter) -> None:
    with client.batch() as batch:
        hit = batch.submit(api.hit, "user:42", cost=2)
        many = batch.submit(api.hit_many, ["a"])
        info = batch.submit(client.info)
        batch.submit(api.hit)  # type: ignore[call-arg]
        batch.submit(api.hit, None)  # type: ignore[arg-type]
        batch.submit(api.hit, "k", patience=2)  # type: ignore[call-arg]
    assert_type(hit, Submitted[keywright.Decision])
    assert_type(hit.result(), keywright.Decision)
    assert_type(many.result(), list[keywright.Decision])
    assert_type(info.result(), keywright.Info)


def functions(api: keywright.Limiter) -> None:
    @api.limit(key=lambda user: user, cost=2)
    def greet(user: str) -> int:
        return len(user)

    @api.limit(key="all")
    async def later(user: str) -> int:
        return len(user)

    assert_type(greet("ann"), int)
    greet(7)  # type: ignore[arg-type]
    _ = later(7)  # type: ignore[arg-type]


def middleware(blocking: keywright.Limiter, awaited: keywright.aio.Limiter, web: keywright.wsgi.App) -> None:
    app: keywright.wsgi.App = keywright.wsgi.RateLimitMiddleware(web, blocking, key=keywright.wsgi.client_address)
    keywright.wsgi.RateLimitMiddleware(app, blocking, key=lambda environ: 7, cost=2, body="plain", on_failure="deny")
    keywright.wsgi.RateLimitMiddleware(app, awaited, key=lambda environ: 7)  # type: ignore[arg-type]
    keywright.wsgi.RateLimitMiddleware(app, blocking)  # type: ignore[call-arg]
    keywright.wsgi.RateLimitMiddleware(app, blocking, key=lambda environ: 7, on_failure="?")  # type: ignore[arg-type]


async def asgi(blocking: keywright.Limiter, awaited: keywright.aio.Limiter, web: keywright.asgi.App) -> None:
    async def key(scope: keywright.asgi.Scope) -> str:
        return keywright.asgi.header(scope, "x-user")

    app: keywright.asgi.App = keywright.asgi.RateLimitMiddleware(web, awaited, key=key)
    keywright.asgi.RateLimitMiddleware(app, blocking, key=keywright.asgi.client_address, style="legacy")
    keywright.asgi.RateLimitMiddleware(app, blocking, key=lambda scope: None)  # type: ignore[arg-type,return-value]


def errors() -> None:
    try:
        pass
    except keywright.Denied as denied:
        if denied.decision is not None:
            assert_type(denied.decision.retry_after, float)
    except ConnectionError as error:
        if isinstance(error, keywright.ConnectionFailed):
            assert_type(error.retryable, bool)
    except keywright.Invalid as invalid:
        assert_type(invalid.position, int | None)


async def awaited() -> None:
    client = await keywright.aio.connect()
    assert_type(client, keywright.aio.Client)
    async with keywright.aio.connect() as entered:
        assert_type(entered, keywright.aio.Client)
    api = client.limiter("api", "10/s")
    operation = api.hit("user:42")
    assert_type(operation, keywright.aio.Operation[keywright.aio.Decision])
    decision = await operation
    assert_type(decision, keywright.aio.Decision)
    assert_type(await api.hit_many(["a"]), list[keywright.aio.Decision])
    await decision.refund()
    assert_type(await api.renew(decision), bool)
    await api.release(decision)
    async with api.guard("k") as inside:
        assert_type(inside, keywright.aio.Decision)
    async with client.batch() as batch:
        entry = batch.submit(api.hit, "k")
        batch.submit(api.hit)  # type: ignore[call-arg]
    assert_type(entry, keywright.aio.Operation[keywright.aio.Decision])
    assert_type(entry.result(), keywright.aio.Decision)


async def forgotten(api: keywright.aio.Limiter) -> None:
    if api.hit("k"):
        print("nobody gets here")  # type: ignore[unreachable]
