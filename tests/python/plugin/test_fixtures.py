"""keywright.testing: the fixtures that users' tests get, tried in a test run of their own."""

import os
import sys
from importlib.metadata import entry_points

import pytest

TESTS = """
import asyncio, keywright, keywright.aio

def test_first(keywright_client, keywright_url):
    assert keywright_client.limiter("api", "1/h").hit("k")
    assert not keywright.connect(keywright_url).limiter("api", "1/h").hit("k")

def test_second_sees_nothing_of_the_first(keywright_client):
    assert keywright_client.limiter("api", "1/h").hit("k")

def test_a_url_is_enough(keywright_url, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", keywright_url)
    with keywright.connect() as client:
        assert client.limiter("api", "1/h").hit("k")

def test_in_asyncio(keywright_url):
    async def main():
        async with keywright.aio.connect(keywright_url) as client:
            assert await client.limiter("api", "1/h").hit("k")
    asyncio.run(main())
"""


@pytest.fixture
def own_run(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(tests, *options):
        pytester.makepyfile(tests)
        installed = any(point.name == "keywright" for point in entry_points(group="pytest11"))
        plugin = () if installed else ("-p", "keywright.testing")
        return pytester.runpytest_subprocess(*plugin, *options)

    return run


def test_the_fixtures(own_run):
    own_run(TESTS).assert_outcomes(passed=4)


def test_one_server_serves_the_session_and_is_gone_after_it(own_run, tmp_path):
    note = tmp_path / "note"
    tests = f"""
def test_one(keywright_server_url): open({str(note)!r}, "a").write(keywright_server_url + "\\n")
def test_two(keywright_server_url): open({str(note)!r}, "a").write(keywright_server_url + "\\n")
"""
    own_run(tests).assert_outcomes(passed=2)
    first, second = note.read_text().splitlines()
    assert first == second
    assert not os.path.exists(first.removeprefix("unix://"))


def test_limits_can_be_switched_off_for_all_tests(own_run, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_LIMITS", "off")
    own_run(
        """
def test_it(keywright_client):
    api = keywright_client.limiter("api", "1/h")
    assert all(api.hit("k") for _ in range(5))
"""
    ).assert_outcomes(passed=1)


def test_the_fixtures_say_what_they_are(own_run):
    run = own_run("def test_it(): pass", "--fixtures")
    run.stdout.fnmatch_lines(["*keywright_url*", "*private server*"])
