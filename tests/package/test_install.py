"""The installed tree, as a C programmer who has only that sees it: pkg-config, CMake, C and C++, shared and static."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREFIX = Path(os.environ.get("KEYWRIGHT_PREFIX", ROOT / ".dev" / "prefix"))
COMPILER = os.environ.get("CC", "cc")
COMPILER_CXX = os.environ.get("CXX", "c++")

PROGRAM = """
#include <keywright.h>
#include <stdio.h>
int main(void) {
    kw_error error;
    kw_client *client = NULL;
    if (kw_client_open("http://nowhere", NULL, &client, &error) != KW_INVALID)
        return 1;
    kw_client_free(client);
    printf("%s\\n", kw_version());
    return 0;
}
"""

PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(stranger C)
find_package(keywright 0.1 REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared keywright::keywright)
add_executable(static main.c)
target_link_libraries(static keywright::static)
"""


def run(*command: object, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def pkg_config(*options: str) -> list[str]:
    return run("pkg-config", *options, "keywright", PKG_CONFIG_PATH=str(PREFIX / "lib" / "pkgconfig")).split()


def version() -> str:
    return (ROOT / "VERSION").read_text(encoding="utf-8").strip()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "main.c"
    file.write_text(PROGRAM, encoding="utf-8")
    return file


def loaded_from(prefix: Path) -> dict[str, str]:
    return {"LD_LIBRARY_PATH": str(prefix / "lib"), "DYLD_LIBRARY_PATH": str(prefix / "lib")}


def test_shared_from_c(source: Path, tmp_path: Path) -> None:
    run(COMPILER, "-std=c99", source, "-o", tmp_path / "out", *pkg_config("--cflags", "--libs"))
    assert run(tmp_path / "out", **loaded_from(PREFIX)) == version()


def test_shared_from_cxx(source: Path, tmp_path: Path) -> None:
    if shutil.which(COMPILER_CXX) is None:
        pytest.skip("no C++ compiler here")
    flags = pkg_config("--cflags", "--libs")
    run(COMPILER_CXX, "-std=c++11", "-x", "c++", source, "-x", "none", "-o", tmp_path / "out", *flags)
    assert run(tmp_path / "out", **loaded_from(PREFIX)) == version()


def test_static_from_c(source: Path, tmp_path: Path) -> None:
    """`pkg-config --static` names all that the archive needs."""
    words = [
        str(PREFIX / "lib" / "libkeywright.a") if word == "-lkeywright" else word
        for word in pkg_config("--static", "--cflags", "--libs")
    ]
    run(COMPILER, "-std=c99", source, "-o", tmp_path / "out", *words)
    assert run(tmp_path / "out") == version()


def test_tree_can_be_moved(source: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(PREFIX, moved, symlinks=True)
    flags = run(
        "pkg-config", "--cflags", "--libs", "keywright", PKG_CONFIG_PATH=str(moved / "lib" / "pkgconfig")
    ).split()
    assert str(PREFIX) not in " ".join(flags)
    run(COMPILER, source, "-o", tmp_path / "out", *flags)
    assert run(tmp_path / "out", **loaded_from(moved)) == version()


def test_cmake_package(source: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(PROJECT, encoding="utf-8")
    run("cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={PREFIX}")
    run("cmake", "--build", tmp_path / "build")
    for program in ("shared", "static"):
        assert run(tmp_path / "build" / program) == version()


@pytest.mark.parametrize("example", sorted((ROOT / "examples" / "c").glob("*.c")), ids=lambda path: path.stem)
def test_examples_compile_from_the_installed_tree(example: Path, tmp_path: Path) -> None:
    if "epoll" in example.stem and not Path("/proc/self").exists():
        pytest.skip("epoll is Linux's")
    run(COMPILER, "-std=gnu11", "-Wall", "-Werror", example, "-o", tmp_path / "out", *pkg_config("--cflags", "--libs"))


def test_licences_are_installed() -> None:
    names = {file.name for file in (PREFIX / "share" / "doc" / "keywright").iterdir()}
    assert {"LICENSE", "LICENSE.hiredis"} <= names


@pytest.mark.parametrize("language", ["c99", "c++11"])
def test_the_first_example_runs(language: str, tmp_path: Path) -> None:
    """Built from the installed tree in both languages, and run against a private server."""
    if language == "c++11" and shutil.which(COMPILER_CXX) is None:
        pytest.skip("no C++ compiler here")
    start = [COMPILER] if language == "c99" else [COMPILER_CXX, "-x", "c++"]
    source = [ROOT / "examples" / "c" / "hit.c", *([] if language == "c99" else ["-x", "none"])]
    strict = [f"-std={language}", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    run(*start, *strict, *source, "-o", tmp_path / "hit", *pkg_config("--cflags", "--libs"))
    out = run(tmp_path / "hit", "embedded://", "api", "3/h", "user:42", "4", **loaded_from(PREFIX))
    assert out.splitlines()[:3] == [f"hit {number}: allowed, {3 - number} of 3 left" for number in (1, 2, 3)]
    assert out.splitlines()[3].startswith("hit 4: denied, one fits in ")
