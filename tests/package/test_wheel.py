"""The Python package as strangers build it (an isolated `pip install` from a bare clone, the source distribution with
no network), and as they install it from dist/."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

ROOT = Path(__file__).resolve().parents[2]

FIRST_LIGHT = """
import importlib.metadata as metadata, keywright
assert metadata.version("keywright") == keywright.__version__
print(keywright.__file__)
"""

USE = """
import keywright
limiter = keywright.connect("embedded://").limiter("api", "3/h")
print([limiter.hit("user:42").allowed for _ in range(4)])
"""

# argv: port of a server with TLS, its CA, another CA. The second time the CA is found where OpenSSL is told to look.
USE_TLS = """
import os, sys, keywright
_, port, ca, other = sys.argv
def hit(query):
    with keywright.connect(f"rediss://localhost:{port}{query}") as client:
        return client.limiter("tls", "3/h").hit("user:42").allowed
seen = [hit(f"?ca={ca}")]
os.environ["SSL_CERT_FILE"] = ca
seen.append(hit(""))
try:
    hit(f"?ca={other}")
except keywright.TlsFailed as failed:
    seen.append(failed.reason.name)
print(seen)
"""

BUILD = """
import os, sys
from scikit_build_core import build
os.chdir(sys.argv[2])
print(getattr(build, sys.argv[1])(sys.argv[3]))
"""


def run(*command: object, cwd: Path | None = None, **environment: str) -> str:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KEYWRIGHT_") and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=570,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git has, and nothing that was built: the tree as it is now, whether committed or not."""
    folder = tmp_path_factory.mktemp("clone")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def test_isolated_install_from_a_bare_clone(clone: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", clone)
    assert str(tmp_path) in run(python, "-c", FIRST_LIGHT, cwd=tmp_path)
    assert run(tmp_path / "env" / "bin" / "keywright", "--help", cwd=tmp_path)


def test_source_distribution_builds_without_network(clone: Path, tmp_path: Path) -> None:
    name = run(sys.executable, "-c", BUILD, "build_sdist", clone, tmp_path).splitlines()[-1]
    with tarfile.open(tmp_path / name) as archive:
        archive.extractall(tmp_path, filter="data") if sys.version_info >= (3, 12) else archive.extractall(tmp_path)
    tree = tmp_path / name.removesuffix(".tar.gz")
    nowhere = "http://127.0.0.1:9"
    wheel = run(
        sys.executable,
        "-c",
        BUILD,
        "build_wheel",
        tree,
        tmp_path,
        PIP_NO_INDEX="1",
        http_proxy=nowhere,
        https_proxy=nowhere,
    ).splitlines()[-1]
    names = zipfile.ZipFile(tmp_path / wheel).namelist()
    assert any(name.startswith("keywright/_native") and name.endswith(".so") for name in names)
    assert any(name.endswith("LICENSE.hiredis") for name in names)
    assert "keywright/py.typed" in names
    assert not [name for name in names if name.endswith((".cdef", ".c", ".h", ".a")) or "_test." in name]
    if not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled():
        assert "-cp310-abi3-" in wheel


def interpreters() -> list[str]:
    """This one, and what else of the versions that the wheel is for can make an environment here."""
    found = [sys.executable]
    for minor in range(10, 16):
        path = shutil.which(f"python3.{minor}")
        if path and minor != sys.version_info.minor:
            asked = subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True)
            found += [path] * (asked.returncode == 0)
    return found


@pytest.fixture(scope="module")
def built() -> Path:
    wheels = list((ROOT / "dist").glob("keywright-*-abi3-*.whl"))
    if not wheels:
        pytest.skip("no wheel in dist/: ./dev wheel makes one")
    return wheels[0]


def install(interpreter: str, wheel: Path, folder: Path) -> Path:
    """Its own libraries alone: not those of this project's build."""
    run(interpreter, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", wheel, LD_LIBRARY_PATH="")
    return python


@pytest.mark.parametrize("interpreter", interpreters(), ids=lambda path: Path(path).name)
def test_built_wheel_works_with_cffi_alone(interpreter: str, built: Path, tmp_path: Path) -> None:
    """One wheel for every interpreter."""
    python = install(interpreter, built, tmp_path / "env")
    listed = json.loads(run(python, "-m", "pip", "list", "--format", "json"))
    assert {package["name"] for package in listed} - {"pip", "setuptools"} == {"cffi", "keywright", "pycparser"}
    server = {name: value for name, value in os.environ.items() if name == "KEYWRIGHT_SERVER"}
    assert run(python, "-c", USE, cwd=tmp_path, LD_LIBRARY_PATH="", **server) == "[True, True, True, False]"
    assert str(tmp_path) in run(python, "-c", FIRST_LIGHT, cwd=tmp_path)


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[int, Path, Path]]:
    """A server that speaks TLS alone: its port, its CA's file, and that of a CA that it has nothing to do with."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    files = [tmp_path / name for name in ("ca.pem", "other.pem", "server.pem", "server.key")]
    authority.cert_pem.write_to_path(files[0])
    trustme.CA().cert_pem.write_to_path(files[1])
    certificate.cert_chain_pems[0].write_to_path(files[2])
    certificate.private_key_pem.write_to_path(files[3])
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    program = os.environ.get("KEYWRIGHT_SERVER") or shutil.which("redis-server") or shutil.which("valkey-server")
    words = ["--port", 0, "--tls-port", port, "--bind", "127.0.0.1", "--tls-auth-clients", "no", "--save", ""]
    words += ["--tls-ca-cert-file", files[0], "--tls-cert-file", files[2], "--tls-key-file", files[3]]
    words += ["--dir", tmp_path, "--logfile", tmp_path / "log"]
    server = subprocess.Popen(
        [str(word) for word in (program, *words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        until = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            if server.poll() is not None:
                pytest.skip("the server under test was built without TLS")
            assert time.monotonic() < until, (tmp_path / "log").read_text(encoding="utf-8")
            time.sleep(0.02)
        yield port, files[0], files[1]
    finally:
        server.kill()
        server.communicate()


def test_built_wheel_speaks_tls(built: Path, tls_server: tuple[int, Path, Path], tmp_path: Path) -> None:
    python = install(sys.executable, built, tmp_path / "env")
    assert run(python, "-c", USE_TLS, *tls_server, LD_LIBRARY_PATH="") == "[True, True, 'TLS_UNKNOWN_CA']"
