"""A rate limit in front of a WSGI application: Flask, Django, Pyramid, Bottle or your own.

    from keywright.wsgi import RateLimitMiddleware, client_address

    app.wsgi_app = RateLimitMiddleware(app.wsgi_app, api, key=client_address)  # Flask
    application = RateLimitMiddleware(get_wsgi_application(), api, key=client_address)  # Django

Nothing but the protocol (PEP 3333) is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

from ._error import Failed
from ._generated.errors import Invalid
from ._generated.limiter import HttpStyle, HttpStyleName
from ._held import held
from ._http import Answer, Body, Duration, Key, OnFailure, see_limiter, telling, unusable

if TYPE_CHECKING:
    from ._sync.limiter import Limiter

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Callable[[bytes], object]]
App: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Where the application finds its decisions in the environ: a tuple, that of the outermost middleware first.
DECISIONS = "keywright.decisions"


class RateLimitMiddleware:
    """Each request is a hit: admitted ones go on to the application, others are answered 429. Both are told how much is
    left. What a concurrent limit gave is renewed and held until the response is closed.

    Args:
        app: the application
        limiter: a limiter of a blocking client
        key: finds whose state, from the environ
        cost: how much is charged, or a function that finds it from the environ
        exempt: says of which requests nobody is asked
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
        limiter: Limiter,
        *,
        key: Callable[[Environ], Key],
        cost: int | Callable[[Environ], int] = 1,
        exempt: Callable[[Environ], bool] | None = None,
        wait: Duration | None = None,
        timeout: Duration | None = None,
        style: HttpStyle | HttpStyleName = HttpStyle.DRAFT_11,
        partition: Callable[[Environ], bytes] | None = None,
        body: Body = "problem",
        on_failure: OnFailure = "raise",
    ) -> None:
        self.app = app
        see_limiter(limiter)
        self._limiter = limiter._blocking()
        self._key, self._cost, self._exempt = key, cost, exempt
        self._wait, self._timeout = wait, timeout
        self._telling = telling(style, body, on_failure, partition)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self._exempt is not None and self._exempt(environ):
            return self.app(environ, start_response)
        key, cost = self._key(environ), self._cost(environ) if callable(self._cost) else self._cost
        try:
            decision = self._limiter.hit(key, cost, wait=self._wait, timeout=self._timeout)
        except Invalid as error:
            if (answer := unusable(error)) is None:
                raise
            return _respond(answer, environ, start_response)
        except Failed:
            if self._telling.on_failure == "raise":
                raise
            if self._telling.on_failure == "deny":
                return _respond(self._telling.unavailable(), environ, start_response)
            return self.app(environ, start_response)
        if not decision:
            return _respond(self._telling.refused(decision, environ), environ, start_response)
        fields = self._telling.fields(decision, environ)

        def told(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
            return start_response(status, [*headers, *fields], *rest)

        environ[DECISIONS] = (*environ.get(DECISIONS, ()), decision)
        if not decision.lease:
            return self.app(environ, told)
        with ExitStack() as stack:
            stack.enter_context(held(self._limiter, decision, self._timeout))
            return Held(self.app(environ, told), stack.pop_all())


class Held:
    """A response, and what is held until the server closes it, having sent it or not."""

    def __init__(self, answer: Iterable[bytes], stack: ExitStack) -> None:
        self._answer, self._stack = answer, stack
        close = getattr(answer, "close", None)
        if close is not None:
            stack.callback(close)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        self._stack.close()


def client_address(environ: Environ) -> str:
    """The address of whoever connected, as a key. Behind a proxy that is the proxy, unless something in front of this
    puts the right one there (werkzeug's ProxyFix).
    """
    address = environ.get("REMOTE_ADDR")
    if not address:
        raise LookupError("the server knows no address of this client: take another key, as a header of your proxy's")
    return str(address)


def _respond(answer: Answer, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{answer.status} {answer.phrase}", answer.fields)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
