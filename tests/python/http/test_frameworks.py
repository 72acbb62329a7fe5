"""The examples in examples/python, run by the frameworks that they are for."""

import importlib.util
import io
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from keywright.wsgi import RateLimitMiddleware, client_address

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "python"
ADDRESS = '"address";q=100;w=60'
SEARCH = '"search";q=2;w=60'


def example(name):
    """The example as a module that can be found by its name, which Django wants."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def url(server, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)


def test_every_example_is_run():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == ["django_app", "fastapi_app", "flask_app"]


def test_fastapi(url):
    with TestClient(example("fastapi_app").app) as http:
        healthy = http.get("/healthy")
        assert healthy.status_code == 200
        assert "ratelimit" not in healthy.headers

        found = http.get("/search", headers={"X-User": "ann"})
        assert found.json() == {"remaining": 1}
        assert found.headers.get_list("ratelimit-policy") == [SEARCH, ADDRESS]
        assert found.headers.get_list("ratelimit") == ['"search";r=1;t=30', '"address";r=99;t=1']
        assert http.get("/search", headers={"X-User": "ann"}).status_code == 200
        denied = http.get("/search", headers={"X-User": "ann"})
        assert denied.status_code == 429
        assert denied.json() == {"detail": "slow down"}
        assert denied.headers["retry-after"] == "30"
        assert http.get("/search", headers={"X-User": "bob"}).status_code == 200

        assert http.get("/report", headers={"X-User": "ann"}).json() == {"report": "a report for ann"}
        denied = http.get("/report", headers={"X-User": "ann"})
        assert (denied.status_code, denied.headers["retry-after"]) == (429, "3600")
        assert denied.headers.get_list("ratelimit") == ['"reports";r=0;t=3600', '"address";r=94;t=1']

        statuses = [http.get("/report", headers={"X-User": "eve"}).status_code for _ in range(96)]
        assert statuses.count(200) == 1
        denied = http.get("/report", headers={"X-User": "eve"})
        assert (denied.status_code, denied.headers["content-type"]) == (429, "application/problem+json")
        assert denied.json()["violated-policies"] == ["address"]
        assert denied.headers["retry-after"] == "1"
        assert http.get("/healthy").status_code == 200


def test_flask(url):
    http = example("flask_app").app.test_client()
    hello = http.get("/")
    assert (hello.status_code, hello.data) == (200, b"hello\n")
    assert hello.headers.getlist("RateLimit-Policy") == [ADDRESS]
    assert hello.headers.getlist("RateLimit") == ['"address";r=99;t=1']
    assert [http.get("/search", headers={"X-User": "ann"}).status_code for _ in range(2)] == [200, 200]
    denied = http.get("/search", headers={"X-User": "ann"})
    assert (denied.status_code, denied.data, denied.headers["Retry-After"]) == (429, b"slow down\n", "30")
    assert denied.headers.getlist("RateLimit") == ['"search";r=0;t=30', '"address";r=96;t=1']
    assert http.get("/search", headers={"X-User": "bob"}).status_code == 200

    assert http.get("/", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
    assert 95 <= [http.get("/").status_code for _ in range(99)].count(200) < 99
    denied = http.get("/")
    assert (denied.status_code, denied.content_type) == (429, "application/problem+json")
    assert denied.json["violated-policies"] == ["address"]
    assert http.head("/").status_code == 429
    assert http.head("/").data == b""
    assert http.get("/", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200


def test_django(url):
    example("django_app")
    from django.test import Client

    http = Client()
    hello = http.get("/")
    assert (hello.status_code, hello.content) == (200, b"hello\n")
    assert hello.headers["RateLimit-Policy"] == ADDRESS
    assert hello.headers["RateLimit"] == '"address";r=99;t=1'
    found = http.get("/search", headers={"X-User": "ann"})
    assert (found.status_code, found.headers["RateLimit"]) == (200, '"search";r=1;t=30')
    assert http.get("/search", headers={"X-User": "ann"}).status_code == 200
    denied = http.get("/search", headers={"X-User": "ann"})
    assert (denied.status_code, denied.content, denied.headers["Retry-After"]) == (429, b"slow down\n", "30")
    assert 95 <= [http.get("/").status_code for _ in range(99)].count(200) < 99
    denied = http.get("/")
    assert (denied.status_code, denied.headers["Retry-After"]) == (429, "1")
    assert http.get("/", REMOTE_ADDR="192.0.2.1").status_code == 200


def test_django_behind_the_wsgi_middleware(client):
    application = RateLimitMiddleware(
        sys.modules["django_app"].application, client.limiter("outer", "1/h"), key=client_address
    )
    seen = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.7", "SERVER_NAME": "x"}
    environ |= {"SERVER_PORT": "80", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http"}
    for _ in range(2):
        b"".join(application(dict(environ), lambda status, headers, *_: seen.append((status, dict(headers)))))
    assert [status for status, _ in seen] == ["200 OK", "429 Too Many Requests"]
    assert seen[0][1]["RateLimit"] == '"outer";r=0;t=3600'
    assert seen[1][1]["Retry-After"] == "3600"
