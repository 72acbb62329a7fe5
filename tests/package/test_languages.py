"""A key written by one language is read by the others: C, Go, Rust and Python take turns at one key of one server, in
every order, and agree about it to the microsecond. Their programs are built as strangers would build them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import permutations
from math import inf
from pathlib import Path

import pytest

import keywright
import keywright.aio
from support.server import Server

ROOT = Path(__file__).resolve().parents[2]
SPEAKERS = Path(__file__).parent / "speakers"
BUILT = ROOT / ".dev" / "speakers"
PREFIX = Path(os.environ.get("KEYWRIGHT_PREFIX", ROOT / ".dev" / "prefix"))
START = 1_767_225_600_000_000

#: Status, remaining, and in us retry_after and reset_after.
Answer = tuple[str, int, int, int]
Ask = Callable[[str], Answer]

GO_MOD = """module speaker

go 1.24

require keywright v0.0.0

replace keywright => {root}/bindings/go
"""

CARGO_TOML = """[package]
name = "speaker"
version = "0.0.0"
edition = "2021"

[[bin]]
name = "speaker"
path = "{speakers}/speaker.rs"

[dependencies]
keywright = {{ path = "{root}/bindings/rust/keywright" }}

[workspace]
"""


def run(*command: object, cwd: Path | None = None, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here")


def build_c() -> Path:
    flags = run("pkg-config", "--cflags", "--libs", "keywright").split()
    run(os.environ.get("CC", "cc"), SPEAKERS / "speaker.c", "-o", BUILT / "speaker-c", *flags)
    return BUILT / "speaker-c"


def build_go() -> Path:
    needs("go")
    folder = BUILT / "go"
    folder.mkdir(exist_ok=True)
    (folder / "go.mod").write_text(GO_MOD.format(root=ROOT), encoding="utf-8")
    shutil.copy(SPEAKERS / "speaker.go", folder / "main.go")
    run("go", "build", "-o", BUILT / "speaker-go", ".", cwd=folder, CGO_ENABLED="1", GOTOOLCHAIN="local")
    return BUILT / "speaker-go"


def build_rust() -> Path:
    needs("cargo")
    folder = BUILT / "rust"
    folder.mkdir(exist_ok=True)
    (folder / "Cargo.toml").write_text(CARGO_TOML.format(root=ROOT, speakers=SPEAKERS), encoding="utf-8")
    target = ROOT / ".dev" / "rust-speaker"
    run("cargo", "build", "--offline", "-q", cwd=folder, CARGO_TARGET_DIR=str(target))
    return target / "debug" / "speaker"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    if server.clock is None:
        server.stop()
        pytest.skip("the server's clock cannot be set here: no KEYWRIGHT_TEST_CLOCK_LIBRARY, or a static program")
    yield server
    server.stop()


def us(seconds: float) -> int:
    return 2**63 - 1 if seconds == inf else round(seconds * 1_000_000)


def told(decision: keywright.Decision) -> Answer:
    return decision.status.name, decision.remaining, us(decision.retry_after), us(decision.reset_after)


def by_program(program: subprocess.Popen[str]) -> Ask:
    def ask(line: str) -> Answer:
        assert program.stdin is not None and program.stdout is not None
        program.stdin.write(f"{line}\n")
        program.stdin.flush()
        status, *numbers = program.stdout.readline().split()
        remaining, retry, reset = map(int, numbers)
        return status, remaining, retry, reset

    return ask


@pytest.fixture(scope="module")
def languages(server: Server) -> Iterator[dict[str, Ask]]:
    BUILT.mkdir(parents=True, exist_ok=True)
    loaded = {**os.environ, "LD_LIBRARY_PATH": str(PREFIX / "lib"), "DYLD_LIBRARY_PATH": str(PREFIX / "lib")}
    programs = {
        name: subprocess.Popen(
            [build(), server.url], env=loaded, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name, build in (("c", build_c), ("go", build_go), ("rust", build_rust))
    }
    loop = asyncio.new_event_loop()

    async def connected() -> keywright.aio.Client:
        return keywright.aio.connect(server.url)

    client, awaited = keywright.connect(server.url), loop.run_until_complete(connected())

    def python(line: str) -> Answer:
        algorithm, limits, name, do, key, cost = line.split("\t")
        return told(getattr(client.limiter(name, limits, algorithm=algorithm), do)(key, int(cost)))

    async def later(line: str) -> Answer:
        algorithm, limits, name, do, key, cost = line.split("\t")
        return told(await getattr(awaited.limiter(name, limits, algorithm=algorithm), do)(key, int(cost)))

    def asyncio_(line: str) -> Answer:
        return loop.run_until_complete(later(line))

    yield {name: by_program(program) for name, program in programs.items()} | {"python": python, "asyncio": asyncio_}
    for program in programs.values():
        assert program.stdin is not None
        program.stdin.close()
        assert program.wait(10) == 0
    client.close()
    loop.run_until_complete(awaited.close())
    loop.close()


@pytest.mark.parametrize(
    ("algorithm", "limits"), [("gcra", "10/s burst 14"), ("gcra", "7/s burst 14"), ("fixed_window", "14/s")]
)
def test_all_agree_about_a_key_in_every_order(
    server: Server, languages: dict[str, Ask], algorithm: str, limits: str
) -> None:
    """The costs 1 to 5 are 15, one more than fits: the last of each order is denied. Time passes between the turns."""
    assert server.clock is not None
    for number, order in enumerate(permutations(languages)):
        key = f"{algorithm} {limits} {number}"
        for turn, name in enumerate(order, 1):
            server.clock.freeze(START + 1_001 * turn)
            answer = languages[name](f"{algorithm}\t{limits}\tapi\thit\t{key}\t{turn}")
            assert answer[:2] == (("OK", 14 - turn * (turn + 1) // 2) if turn < 5 else ("DENIED", 4)), (order, turn)
            looks = {other: languages[other](f"{algorithm}\t{limits}\tapi\tpeek\t{key}\t5") for other in order}
            assert len(set(looks.values())) == 1, (order, turn, looks)
            assert (name, looks[name][1], looks[name][3]) == (name, answer[1], answer[3]), (order, turn, looks)
