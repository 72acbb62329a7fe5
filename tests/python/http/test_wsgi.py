"""The WSGI middleware, by the bare protocol, with the standard library's validator around and under it."""

import json
from contextlib import closing
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

import keywright
import keywright.aio
from keywright.wsgi import DECISIONS, RateLimitMiddleware, client_address

GONE = "redis://127.0.0.1:1?timeout=200ms"


class App:
    """Says hello, and remembers what it was called with."""

    def __init__(self):
        self.environs = []

    def __call__(self, environ, start_response):
        self.environs.append(environ)
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Own", "1")])
        return [b"hello"]


class Response:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.headers, self.body = int(status.split()[0]), fields, dict(fields), body


def get(app, **environ):
    told = []

    def start_response(status, headers, exc_info=None):
        told[:] = [status, headers]
        return lambda data: None

    environ = {"REMOTE_ADDR": "192.0.2.1", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "", **environ}
    setup_testing_defaults(environ)
    answer = validator(app)(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        answer.close()
    return Response(*told, body)


def limited(app, limiter, **options):
    return RateLimitMiddleware(validator(app), limiter, **{"key": client_address, **options})


def test_the_admitted_and_the_refused_are_told(client):
    inner = App()
    app = limited(inner, client.limiter("api", "2/h"))
    first, second, third = [get(app) for _ in range(3)]
    assert (first.status, first.body) == (200, b"hello")
    assert first.fields[1:] == [
        ("X-Own", "1"),
        ("RateLimit-Policy", '"api";q=2;w=3600'),
        ("RateLimit", '"api";r=1;t=1800'),
    ]
    assert second.headers["RateLimit"].startswith('"api";r=0;t=')
    assert (third.status, len(inner.environs)) == (429, 2)
    assert third.headers["Retry-After"] in ("1799", "1800")
    assert third.headers["Content-Type"] == "application/problem+json"
    assert third.headers["Content-Length"] == str(len(third.body))
    assert json.loads(third.body)["violated-policies"] == ["api"]
    assert get(app, REMOTE_ADDR="192.0.2.2").status == 200


def test_head_is_answered_without_a_body(client):
    app = limited(App(), client.limiter("api", "1/h"))
    get(app)
    refused = get(app, REQUEST_METHOD="HEAD")
    assert (refused.status, refused.body) == (429, b"")


def test_keys_costs_and_exemptions_are_functions_of_the_environ(client):
    app = limited(
        App(),
        client.limiter("api", "10/h"),
        key=lambda environ: environ.get("HTTP_X_USER", "nobody"),
        cost=lambda environ: int(environ.get("HTTP_X_COST", "1")),
        exempt=lambda environ: environ["PATH_INFO"] == "/healthy",
        partition=lambda environ: environ.get("HTTP_X_USER", "").encode(),
    )
    assert get(app, HTTP_X_USER="ann", HTTP_X_COST="7").headers["RateLimit"] == '"api";r=3;t=360;pk=:YW5u:'
    assert get(app, HTTP_X_USER="ann", HTTP_X_COST="4").status == 429
    assert get(app, HTTP_X_USER="bob").status == 200
    assert get(app).headers["RateLimit"] == '"api";r=9;t=360'
    assert "RateLimit" not in get(app, PATH_INFO="/healthy").headers


def test_the_application_has_the_decisions(client):
    inner = App()
    app = limited(limited(inner, client.limiter("user", "5/h"), key=lambda _: "ann"), client.limiter("address", "7/h"))
    assert [name for name, _ in get(app).fields].count("RateLimit") == 2
    outer, nearer = inner.environs[0][DECISIONS]
    assert (outer.limit, nearer.limit) == (7, 5)
    nearer.refund()
    assert client.limiter("user", "5/h").peek("ann").remaining == 5


def test_styles_and_bodies(client):
    app = limited(App(), client.limiter("api", "1/h"), style="both", body="plain")
    admitted, refused = get(app), get(app)
    assert admitted.headers["X-RateLimit-Remaining"] == "0"
    assert admitted.headers["RateLimit"] == '"api";r=0;t=3600'
    assert refused.body == b"Too many requests: the limit is reached.\n"
    made = limited(App(), client.limiter("api", "1/h"), body=lambda decision: ("text/html", b"<p>no</p>"))
    assert (get(made).headers["Content-Type"], get(made).body) == ("text/html", b"<p>no</p>")


def test_what_the_application_says_of_an_exception_is_passed_on(client):
    seen = []

    def broken(environ, start_response):
        try:
            raise KeyError("x")
        except KeyError as error:
            start_response("500 Oh", [("Content-Type", "text/plain")], (KeyError, error, error.__traceback__))
        return [b""]

    app = RateLimitMiddleware(broken, client.limiter("api", "9/h"), key=client_address)
    list(app({"REMOTE_ADDR": "a"}, lambda *given: seen.append(given)))
    assert seen[0][0] == "500 Oh"
    assert seen[0][2][0] is KeyError


def test_a_limiter_that_fails():
    with closing(keywright.connect(GONE)) as client:
        api = client.limiter("api", "1/h")
        inner = App()
        with pytest.raises(keywright.ConnectionFailed):
            get(limited(inner, api))
        denied = get(limited(inner, api, on_failure="deny"))
        assert (denied.status, json.loads(denied.body)["status"]) == (503, 503)
        assert not inner.environs
        assert get(limited(inner, api, on_failure="allow")).status == 200


def test_keys_that_cannot_be(client):
    api = client.limiter("api", "9/h")
    app = limited(App(), api, key=lambda environ: environ["HTTP_X_USER"])
    assert get(app, HTTP_X_USER="u" * 1025).status == 400
    with pytest.raises(LookupError, match="no address"):
        get(limited(App(), api), REMOTE_ADDR="")
    with pytest.raises(keywright.Invalid):
        get(limited(App(), api, cost=-1, on_failure="allow"))


def test_an_asyncio_limiter_is_refused(server):
    client = keywright.aio.connect(server.url)
    with pytest.raises(TypeError, match="belongs to asyncio"):
        limited(App(), client.limiter("api", "1/h"))


def test_a_permit_is_held_until_the_response_is_closed(client):
    api = client.limiter("api", "1 concurrent")
    closed = []

    def inner(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])

        def answer():
            try:
                assert get(app).status == 429
                yield b"hello"
            finally:
                closed.append(True)

        return answer()

    app = limited(inner, api)
    for _ in range(2):
        assert get(app).status == 200
    assert closed == [True, True]

    def broken(environ, start_response):
        raise KeyError

    with pytest.raises(KeyError):
        get(RateLimitMiddleware(broken, api, key=client_address))
    assert api.peek("192.0.2.1")


POLICY_DENIED = [
    ("problem", "application/problem+json", None),
    ("plain", "text/plain; charset=utf-8", b"The rate limiter cannot be asked at the moment.\n"),
    (lambda decision: ("text/html", str(decision.reason).encode()), "text/html", b"FAIL_CLOSED"),
]


@pytest.mark.parametrize(("body", "kind", "text"), POLICY_DENIED, ids=["problem", "plain", "own"])
@pytest.mark.parametrize("style", ["draft_11", "legacy", "both"])
def test_a_limiter_that_denies_because_nobody_answers(body, kind, text, style):
    inner = App()
    with closing(keywright.connect(GONE)) as client:
        api = client.limiter("api", "10/s; 100/h", on_failure="deny")
        refused = get(limited(inner, api, body=body, style=style))
    assert (refused.status, refused.headers["Content-Type"]) == (503, kind)
    assert refused.headers["Retry-After"] == "1"
    assert not [name for name, _ in refused.fields if "ratelimit" in name.lower()]
    assert json.loads(refused.body)["status"] == 503 if text is None else refused.body == text
    assert not inner.environs


def test_a_limiter_that_admits_because_nobody_answers_tells_nothing():
    inner = App()
    with closing(keywright.connect(GONE)) as client:
        admitted = get(limited(inner, client.limiter("api", "10/s", on_failure="allow"), style="both"))
        local = get(limited(inner, client.limiter("api", "2/m", on_failure="local")))
    assert (admitted.status, admitted.fields[1:]) == (200, [("X-Own", "1")])
    assert inner.environs[0][DECISIONS][0].reason is keywright.DecidedBy.FAIL_OPEN
    assert local.headers["RateLimit"].startswith('"api";r=1')


def test_the_policy_of_the_limiter_goes_before_that_of_the_middleware():
    with closing(keywright.connect(GONE)) as client:
        api = client.limiter("api", "10/s", on_failure="allow")
        assert get(limited(App(), api, on_failure="deny")).status == 200


def test_a_failure_says_when_to_come_again():
    with closing(keywright.connect(GONE)) as client:
        for body in ("problem", "plain"):
            refused = get(limited(App(), client.limiter("api", "10/s"), on_failure="deny", body=body))
            assert (refused.status, refused.headers["Retry-After"]) == (503, "1")


def test_limiters_that_take_several_keys(client):
    joint = client.joint([client.limiter("a", "1/h"), client.limiter("b", "1/h")])
    with pytest.raises(TypeError, match="a joint limiter takes a key for each.*nest a middleware"):
        RateLimitMiddleware(App(), joint, key=client_address)
    with pytest.raises(TypeError, match="limiter must be a limiter of client.limiter"):
        RateLimitMiddleware(App(), client.counter("c"), key=client_address)
