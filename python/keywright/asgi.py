"""A rate limit in front of an ASGI application: Starlette, FastAPI, Litestar, Quart, Django or your own.

    from keywright.asgi import RateLimitMiddleware, client_address

    app = RateLimitMiddleware(app, api, key=client_address)
    app.add_middleware(RateLimitMiddleware, limiter=api, key=client_address)  # the same, where a framework adds it

Nothing but the protocol is used. The limiter may be of a blocking client: its loop is not blocked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from ._error import Failed
from ._generated.errors import Invalid
from ._generated.limiter import HttpStyle, HttpStyleName
from ._held import async_held
from ._http import Answer, Body, Duration, Key, OnFailure, see_limiter, telling, unusable

if TYPE_CHECKING:
    from ._aio.limiter import Limiter as AsyncLimiter
    from ._sync.limiter import Limiter

T = TypeVar("T")
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Where the application finds its decisions in the scope: a tuple, that of the outermost middleware first.
DECISIONS = "keywright.decisions"


class RateLimitMiddleware:
    """Each HTTP request is a hit: admitted ones go on to the application, others are answered 429. Both are told how
    much is left. Websockets and lifespans pass untouched. What a concurrent limit gave is held until the application
    has answered.

    Args:
        app: the application
        limiter: a limiter, of keywright or of keywright.aio
        key: finds whose state, from the scope; may be async
        cost: how much is charged, or a function that finds it from the scope
        exempt: says of which requests nobody is asked; may be async
        wait: patience, as for hit
        timeout: deadline, as for hit
        style: which fields: "draft_11", "legacy" or "both"
        partition: finds the partition key (pk) that clients are told
        body: what a refused client reads: "problem" (RFC 9457), "plain", or a function of the decision that gives the
            media type and the bytes
        on_failure: when the limiter raises a failure: "raise", "allow" (the request goes on untold) or
            "deny" (503). A limiter with an on_failure of its own raises none: it decides, and a denial is a 503 too
    """

    def __init__(
        self,
        app: App,
        limiter: Limiter | AsyncLimiter,
        *,
        key: Callable[[Scope], Key | Awaitable[Key]],
        cost: int | Callable[[Scope], int | Awaitable[int]] = 1,
        exempt: Callable[[Scope], bool | Awaitable[bool]] | None = None,
        wait: Duration | None = None,
        timeout: Duration | None = None,
        style: HttpStyle | HttpStyleName = HttpStyle.DRAFT_11,
        partition: Callable[[Scope], bytes] | None = None,
        body: Body = "problem",
        on_failure: OnFailure = "raise",
    ) -> None:
        self.app = app
        see_limiter(limiter)
        self._limiter = cast("AsyncLimiter", limiter._asynchronous())
        self._key, self._cost, self._exempt = key, cost, exempt
        self._wait, self._timeout = wait, timeout
        self._telling = telling(style, body, on_failure, partition)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (self._exempt is not None and await _value(self._exempt(scope))):
            await self.app(scope, receive, send)
            return
        key: Key = await _value(self._key(scope))
        cost = await _value(self._cost(scope)) if callable(self._cost) else self._cost
        try:
            decision = await self._limiter.hit(key, cost, wait=self._wait, timeout=self._timeout)
        except Invalid as error:
            if (answer := unusable(error)) is None:
                raise
            await _respond(answer, scope, send)
            return
        except Failed:
            if self._telling.on_failure == "raise":
                raise
            if self._telling.on_failure == "deny":
                await _respond(self._telling.unavailable(), scope, send)
                return
            await self.app(scope, receive, send)
            return
        if not decision:
            await _respond(self._telling.refused(decision, scope), scope, send)
            return
        fields = _encoded(self._telling.fields(decision, scope))

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *fields]}
            await send(message)

        scope = {**scope, DECISIONS: (*scope.get(DECISIONS, ()), decision)}
        if decision.lease:
            async with async_held(self._limiter, decision, self._timeout):
                await self.app(scope, receive, told)
        else:
            await self.app(scope, receive, told)


def client_address(scope: Scope) -> str:
    """The address of whoever connected, as a key. Behind a proxy that is the proxy, unless the server was told to trust
    it (uvicorn --proxy-headers).
    """
    client = scope.get("client")
    if not client:
        raise LookupError("the server knows no address of this client: take another key, as a header of your proxy's")
    return str(client[0])


def header(scope: Scope, name: str, default: str = "") -> str:
    """The value of the request's first header of that name, in any case."""
    wanted = name.lower().encode("latin-1")
    for found, value in scope["headers"]:
        if found.lower() == wanted:
            return cast("bytes", value).decode("latin-1")
    return default


async def _value(found: T | Awaitable[T]) -> T:
    return await found if isawaitable(found) else found


def _encoded(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields]


async def _respond(answer: Answer, scope: Scope, send: Send) -> None:
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.start", "status": answer.status, "headers": _encoded(answer.fields)})
    await send({"type": "http.response.body", "body": body})
