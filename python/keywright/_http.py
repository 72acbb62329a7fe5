"""What the ASGI and the WSGI middleware share: how they are told, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from ._convert import Duration, Key, invalid, to_enum, wrong_type
from ._decision import AnyDecision
from ._generated.errors import Invalid
from ._generated.joint_calls import JointCalls, JointSubmits
from ._generated.keywright import Reason
from ._generated.limiter import DecidedBy, HttpStyle, HttpStyleName
from ._generated.limiter_calls import LimiterFunctions

RequestT = TypeVar("RequestT")

#: What a refused client reads: a problem of RFC 9457, a line of text, or the media type and bytes of a function.
Body: TypeAlias = Literal["problem", "plain"] | Callable[[AnyDecision], tuple[str, bytes]]
#: What becomes of a request when the limiter fails.
OnFailure: TypeAlias = Literal["raise", "allow", "deny"]

PLAIN = "text/plain; charset=utf-8"
PROBLEM = "application/problem+json"
UNAVAILABLE = 503, "Service Unavailable"
UNASKED = b"The rate limiter cannot be asked at the moment.\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response in place of the application's."""

    status: int
    phrase: str
    fields: list[tuple[str, str]]
    body: bytes


def answer(status: int, phrase: str, fields: list[tuple[str, str]], kind: str, body: bytes) -> Answer:
    return Answer(status, phrase, [*fields, ("Content-Type", kind), ("Content-Length", str(len(body)))], body)


@dataclass(frozen=True, slots=True)
class Telling(Generic[RequestT]):
    """How clients are told of decisions."""

    style: HttpStyle
    body: Body
    on_failure: OnFailure
    partition: Callable[[RequestT], bytes] | None

    def fields(self, decision: AnyDecision, request: RequestT) -> list[tuple[str, str]]:
        partition = b"" if self.partition is None else self.partition(request)
        return list(decision.headers(self.style, partition=partition).items())

    def refused(self, decision: AnyDecision, request: RequestT) -> Answer:
        """429: come again when Retry-After says. 503 where the limiter's own failure policy denied."""
        fields = self.fields(decision, request)
        blind = decision.reason is DecidedBy.FAIL_CLOSED
        if self.body == "problem":
            kind, body = PROBLEM, decision.maker.http_problem(decision)
        elif self.body == "plain":
            kind, body = PLAIN, UNASKED if blind else b"Too many requests: the limit is reached.\n"
        else:
            kind, body = self.body(decision)
        return answer(*UNAVAILABLE if blind else (429, "Too Many Requests"), fields, kind, body)

    def unavailable(self) -> Answer:
        """503: the limiter failed, and nobody is admitted unasked."""
        again = [("Retry-After", "1")]
        if self.body == "plain":
            return answer(*UNAVAILABLE, again, PLAIN, UNASKED)
        body = b'{"type":"about:blank","title":"The rate limiter cannot be asked at the moment","status":503}'
        return answer(*UNAVAILABLE, again, PROBLEM, body)


def see_limiter(limiter: object) -> None:
    """A request is one hit for one key."""
    if isinstance(limiter, JointCalls | JointSubmits):
        raise TypeError(
            "a joint limiter takes a key for each of its limiters, and the middleware has one: nest a middleware for "
            "each limiter, or ask the joint limiter in the application (docs/guides/http.md, Several keys at once)"
        )
    if not isinstance(limiter, LimiterFunctions):
        raise wrong_type("limiter", "a limiter of client.limiter()", limiter)


def telling(
    style: HttpStyle | HttpStyleName,
    body: Body,
    on_failure: OnFailure,
    partition: Callable[[RequestT], bytes] | None,
) -> Telling[RequestT]:
    """Sees when a program starts, not when a client is refused, that all of it can be."""
    if body not in ("problem", "plain") and not callable(body):
        raise invalid(f"body must be 'problem', 'plain' or a function, not {body!r}", Reason.OPTION)
    if on_failure not in ("raise", "allow", "deny"):
        raise invalid(f"on_failure must be 'raise', 'allow' or 'deny', not {on_failure!r}", Reason.OPTION)
    return Telling(to_enum(style, HttpStyle, "style"), body, on_failure, partition)


def unusable(error: Invalid) -> Answer | None:
    """400 where the client sent a key longer than keys can be; anything else wrong is the program's fault."""
    if error.reason is not Reason.KEY_LENGTH:
        return None
    return answer(400, "Bad Request", [], PLAIN, b"What this request is limited by is too long.\n")


__all__ = ["Answer", "Body", "Duration", "Key", "OnFailure", "Telling", "telling", "unusable"]
