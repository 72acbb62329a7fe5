"""The ASGI middleware, by the bare protocol."""

import asyncio
import json

import pytest

import keywright
import keywright.aio
from keywright.asgi import DECISIONS, RateLimitMiddleware, client_address, header

GONE = "redis://127.0.0.1:1?timeout=200ms"
ADDRESS = ("192.0.2.1", 1234)


class App:
    """Says hello, and remembers what it was called with."""

    def __init__(self):
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
            await send({"type": "http.response.body", "body": b"hello", "more_body": False})
        else:
            await send({"type": f"{scope['type']}.seen", "got": await receive()})


class Response:
    def __init__(self, messages):
        start, *rest = messages
        self.status = start["status"]
        self.fields = [(name.decode(), value.decode()) for name, value in start["headers"]]
        self.headers = dict(self.fields)
        self.body = b"".join(message["body"] for message in rest)


async def send_to(app, kind="http", **scope):
    """What an application sends for one scope."""
    sent = []

    async def receive():
        return {"type": f"{kind}.event"}

    async def send(message):
        sent.append(message)

    base = {"method": "GET", "path": "/", "headers": [], "client": ADDRESS} if kind == "http" else {}
    await app({"type": kind, **base, **scope}, receive, send)
    return sent


async def get(app, **scope):
    return Response(await send_to(app, **scope))


@pytest.fixture
def run(server):
    """Runs a function that is given an asyncio client."""

    def run(main):
        async def inside():
            async with keywright.aio.connect(server.url) as client:
                await main(client)

        asyncio.run(inside())

    return run


def test_the_admitted_and_the_refused_are_told(run):
    async def main(client):
        inner = App()
        app = RateLimitMiddleware(inner, client.limiter("api", "2/h"), key=client_address)
        first, second, third = [await get(app) for _ in range(3)]
        assert (first.status, first.body) == (200, b"hello")
        assert first.fields == [
            ("x-own", "1"), ("ratelimit-policy", '"api";q=2;w=3600'), ("ratelimit", '"api";r=1;t=1800')
        ]  # fmt: skip
        assert second.headers["ratelimit"].startswith('"api";r=0;t=')
        assert (third.status, len(inner.scopes)) == (429, 2)
        assert third.headers["retry-after"] in ("1799", "1800")
        assert third.headers["content-type"] == "application/problem+json"
        assert third.headers["content-length"] == str(len(third.body))
        problem = json.loads(third.body)
        assert problem["status"] == 429
        assert problem["type"].endswith("#quota-exceeded")
        assert problem["violated-policies"] == ["api"]
        assert (await get(app, client=("192.0.2.2", 1))).status == 200

    run(main)


def test_head_is_answered_without_a_body(run):
    async def main(client):
        app = RateLimitMiddleware(App(), client.limiter("api", "1/h"), key=client_address)
        await get(app)
        refused = await get(app, method="HEAD")
        assert (refused.status, refused.body) == (429, b"")
        assert int(refused.headers["content-length"]) > 0

    run(main)


def test_keys_costs_and_exemptions_are_functions_of_the_scope(run):
    async def main(client):
        async def key(scope):
            return header(scope, "X-User", "nobody")

        app = RateLimitMiddleware(
            App(),
            client.limiter("api", "10/h"),
            key=key,
            cost=lambda scope: int(header(scope, "x-cost", "1")),
            exempt=lambda scope: scope["path"] == "/healthy",
            partition=lambda scope: header(scope, "x-user").encode(),
        )
        ann = await get(app, headers=[(b"x-user", b"ann"), (b"x-cost", b"7")])
        assert ann.headers["ratelimit"] == '"api";r=3;t=360;pk=:YW5u:'
        assert (await get(app, headers=[(b"X-USER", b"ann"), (b"x-cost", b"4")])).status == 429
        assert (await get(app, headers=[(b"x-user", b"bob")])).status == 200
        assert (await get(app)).headers["ratelimit"] == '"api";r=9;t=360'
        assert "ratelimit" not in (await get(app, path="/healthy")).headers

    run(main)


def test_a_blocking_client_will_do(client, run):
    async def main(_):
        app = RateLimitMiddleware(App(), client.limiter("api", "1/h"), key=client_address)
        assert [(await get(app)).status for _ in range(2)] == [200, 429]

    run(main)


def test_lifespans_and_websockets_pass(run):
    async def main(client):
        inner = App()
        app = RateLimitMiddleware(inner, client.limiter("api", "1/h"), key=lambda scope: 1 / 0)
        for kind in ("lifespan", "websocket"):
            scope = {"state": {}}
            assert await send_to(app, kind, **scope) == [{"type": f"{kind}.seen", "got": {"type": f"{kind}.event"}}]
        assert DECISIONS not in inner.scopes[0]

    run(main)


def test_the_application_has_the_decisions(run):
    async def main(client):
        inner = App()
        narrow = RateLimitMiddleware(inner, client.limiter("user", "5/h"), key=lambda scope: "ann")
        app = RateLimitMiddleware(narrow, client.limiter("address", "7/h"), key=client_address)
        response = await get(app)
        assert [name for name, _ in response.fields].count("ratelimit") == 2
        outer, nearer = inner.scopes[0][DECISIONS]
        assert (outer.limit, nearer.limit) == (7, 5)
        await nearer.refund()
        assert (await client.limiter("user", "5/h").peek("ann")).remaining == 5

    run(main)


def test_styles_and_bodies(run):
    async def main(client):
        def body(decision):
            return "text/html", f"<p>{decision.limit}</p>".encode()

        for number, (given, kind, text) in enumerate(
            [("plain", "text/plain; charset=utf-8", b"Too many requests: the limit is reached.\n"),
             (body, "text/html", b"<p>1</p>")]
        ):  # fmt: skip
            app = RateLimitMiddleware(
                App(), client.limiter(str(number), "1/h"), key=client_address, style="legacy", body=given
            )
            admitted, refused = await get(app), await get(app)
            assert admitted.headers["x-ratelimit-remaining"] == "0"
            assert "ratelimit" not in admitted.headers
            assert (refused.status, refused.headers["content-type"], refused.body) == (429, kind, text)
            assert refused.headers["x-ratelimit-limit"] == "1"

    run(main)


def test_patience(run):
    async def main(client):
        app = RateLimitMiddleware(App(), client.limiter("api", "20/s burst 1"), key=client_address, wait=2)
        assert [response.status for response in await asyncio.gather(*(get(app) for _ in range(5)))] == [200] * 5

    run(main)


def test_a_limiter_that_fails():
    async def main():
        client = keywright.aio.connect(GONE)
        try:
            api = client.limiter("api", "1/h")
            inner = App()
            with pytest.raises(keywright.ConnectionFailed):
                await get(RateLimitMiddleware(inner, api, key=client_address))
            assert not inner.scopes
            denied = await get(RateLimitMiddleware(inner, api, key=client_address, on_failure="deny"))
            assert (denied.status, json.loads(denied.body)["status"]) == (503, 503)
            assert not inner.scopes
            plain = await get(RateLimitMiddleware(inner, api, key=client_address, on_failure="deny", body="plain"))
            assert (plain.status, plain.headers["content-type"]) == (503, "text/plain; charset=utf-8")
            allowed = await get(RateLimitMiddleware(inner, api, key=client_address, on_failure="allow"))
            assert (allowed.status, allowed.fields) == (200, [("x-own", "1")])
        finally:
            await client.close()

    asyncio.run(main())


def test_a_failure_of_the_application_is_its_own(run):
    async def main(client):
        async def broken(scope, receive, send):
            raise keywright.Timeout("something else")

        app = RateLimitMiddleware(broken, client.limiter("api", "9/h"), key=client_address, on_failure="allow")
        with pytest.raises(keywright.Timeout, match="something else"):
            await get(app)

    run(main)


def test_keys_that_cannot_be(run):
    async def main(client):
        api = client.limiter("api", "9/h")
        app = RateLimitMiddleware(App(), api, key=lambda scope: header(scope, "x-user"), on_failure="allow")
        too_long = await get(app, headers=[(b"x-user", b"u" * 1025)])
        assert (too_long.status, too_long.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        with pytest.raises(TypeError):
            await get(RateLimitMiddleware(App(), api, key=lambda scope: None))
        with pytest.raises(keywright.Invalid):
            await get(RateLimitMiddleware(App(), api, key=client_address, cost=-1, on_failure="allow"))
        with pytest.raises(LookupError, match="no address"):
            await get(RateLimitMiddleware(App(), api, key=client_address), client=None)

    run(main)


@pytest.mark.parametrize("wrong", [{"style": "draft_10"}, {"body": "html"}, {"on_failure": "ignore"}])
def test_options_are_looked_at_when_the_program_starts(client, wrong):
    with pytest.raises(keywright.Invalid) as caught:
        RateLimitMiddleware(App(), client.limiter("api", "1/h"), key=client_address, **wrong)
    assert caught.value.reason is keywright.Reason.OPTION


def test_a_permit_is_held_until_the_application_has_answered(run):
    async def body(client):
        api = client.limiter("api", "1 concurrent", lease=0.2)
        entered, leave = asyncio.Event(), asyncio.Event()

        async def inner(scope, receive, send):
            entered.set()
            await leave.wait()
            await App()(scope, receive, send)

        app = RateLimitMiddleware(inner, api, key=client_address)
        first = asyncio.ensure_future(get(app))
        await entered.wait()
        await asyncio.sleep(0.3)  # longer than the lease
        assert (await asyncio.wait_for(get(app), 5)).status == 429
        leave.set()
        assert (await first).status == 200
        assert (await get(app)).status == 200

    run(body)


def test_a_limiter_that_answers_when_nobody_does():
    async def main():
        client = keywright.aio.connect(GONE)
        try:
            denying = client.limiter("api", "10/s; 100/h", on_failure="deny")
            inner = App()
            refused = await get(RateLimitMiddleware(inner, denying, key=client_address))
            assert (refused.status, json.loads(refused.body)["status"], inner.scopes) == (503, 503, [])
            assert refused.headers["retry-after"] == "1" and "ratelimit" not in refused.headers
            admitting = client.limiter("api", "10/s; 100/h", on_failure="allow")
            admitted = await get(RateLimitMiddleware(inner, admitting, key=client_address, style="both"))
            assert (admitted.status, admitted.fields) == (200, [("x-own", "1")])
        finally:
            await client.close()

    asyncio.run(main())


def test_limiters_that_take_several_keys(run):
    async def main(client):
        joint = client.joint([client.limiter("a", "1/h"), client.limiter("b", "1/h")])
        with pytest.raises(TypeError, match="a joint limiter takes a key for each.*nest a middleware"):
            RateLimitMiddleware(App(), joint, key=client_address)

    run(main)
