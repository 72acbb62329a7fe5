"""The scenarios of tests/vectors, blocking and asynchronous; and that what cannot be run is refused."""

import asyncio
import subprocess
import sys

import pytest

import keywright
import keywright.aio
from support.vectors import FOLDER, MODULES, Runner, Wrong, of_file, scenarios

ALL = [pytest.param(one, id=name) for module in MODULES for name, one in scenarios(FOLDER / module)]


def run(scenario, server, clock):
    with keywright.connect(server.url) as client:
        Runner(client, server, clock, scenario, lambda call: call()).run()


@pytest.mark.parametrize("scenario", ALL)
def test_scenario(server, clock, scenario):
    run(scenario, server, clock)


@pytest.mark.parametrize("scenario", ALL)
def test_scenario_awaited(server, clock, scenario):
    loop = asyncio.new_event_loop()

    async def called(call):
        return await call()  # an operation is submitted to the loop that runs: the call is made inside it, too

    async def open_client():
        return keywright.aio.connect(server.url)

    try:
        client = loop.run_until_complete(open_client())
        Runner(client, server, clock, scenario, lambda call: loop.run_until_complete(called(call))).run()
        loop.run_until_complete(called(client.close))
    finally:
        loop.close()


@pytest.mark.parametrize("file", sorted((FOLDER / "refused").glob("*.json")), ids=lambda file: file.stem)
def test_what_cannot_be_right_is_refused(server, clock, file):
    with pytest.raises(Wrong):
        for scenario in of_file(file):
            run(scenario, server, clock)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(Wrong):
        list(scenarios(tmp_path))


def test_there_is_something_to_refuse():
    assert len(list((FOLDER / "refused").glob("*.json"))) >= 20


def test_every_folder_is_run():
    assert {path.name for path in FOLDER.iterdir() if list(path.glob("*.json"))} == {*MODULES, "refused"}


def test_the_files_are_what_the_model_says():
    make = [sys.executable, str(FOLDER / "make.py"), "--check"]
    made = subprocess.run(make, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stdout + made.stderr
