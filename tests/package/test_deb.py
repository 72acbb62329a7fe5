"""The Debian packages of dist/, installed into a root of their own: an example is built with them, and when they are
purged nothing is left. dpkg checks no dependency there, so those are read."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted((ROOT / "dist").glob("*.deb"))

pytestmark = [
    pytest.mark.skipif(shutil.which("dpkg") is None, reason="no dpkg here"),
    pytest.mark.skipif(not PACKAGES, reason="no package in dist/: ./dev deb makes them"),
]


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


def as_root() -> list[str]:
    """Whoever is not root is root in a namespace of his own, where the kernel lets him."""
    if os.getuid() == 0:
        return []
    words = ["unshare", "--user", "--map-root-user"]
    if shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True).returncode == 0:
        return words
    pytest.skip("dpkg wants root, and this user cannot have a namespace")


def dpkg(root: Path, *words: object) -> str:
    # Docker's images tell dpkg to leave out what lies in /usr/share/doc.
    return run(*as_root(), "dpkg", f"--root={root}", "--force-depends", "--path-include=*", *words)


def files(root: Path) -> set[str]:
    """All but what dpkg itself keeps: its lists, and its log."""
    found = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink()}
    return {name for name in found if not name.startswith("var/")}


def fields(package: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+): (.*)$", run("dpkg-deb", "--field", package), re.MULTILINE))


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "root"
    for name in ("info", "updates", "triggers"):
        (folder / "var/lib/dpkg" / name).mkdir(parents=True)
    (folder / "var/lib/dpkg/status").touch()
    (folder / "var/log").mkdir()
    dpkg(folder, "--install", *PACKAGES)
    yield folder


def pc_folder(root: Path) -> Path:
    return next(root.glob("usr/lib/**/pkgconfig"))


def test_an_example_is_built_and_runs(root: Path, tmp_path: Path) -> None:
    flags = run("pkg-config", "--cflags", "--libs", "keywright", PKG_CONFIG_PATH=str(pc_folder(root))).split()
    assert any(str(root) in flag for flag in flags)
    source = ROOT / "examples" / "c" / "hit.c"
    run(os.environ.get("CC", "cc"), "-std=c99", source, "-o", tmp_path / "hit", *flags)
    library = str(pc_folder(root).parent)
    assert library in run("ldd", tmp_path / "hit", LD_LIBRARY_PATH=library)
    out = run(tmp_path / "hit", "embedded://", "api", "3/h", "user:42", "4", LD_LIBRARY_PATH=library)
    assert [line.split()[2].strip(",") for line in out.splitlines()] == ["allowed"] * 3 + ["denied"]


def test_cmake_finds_it(root: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(stranger C)\nfind_package(keywright 0.1 REQUIRED)\n",
        encoding="utf-8",
    )
    out = run("cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={root}/usr")
    found = (tmp_path / "build" / "CMakeCache.txt").read_text(encoding="utf-8")
    assert f"keywright_DIR:PATH={pc_folder(root).parent}" in found, out


def test_nothing_is_left_when_purged(root: Path) -> None:
    assert any(name.endswith("/keywright.h") for name in files(root))
    dpkg(root, "--purge", *(fields(package)["Package"] for package in PACKAGES))
    assert files(root) == set()


def test_each_holds_what_it_should() -> None:
    contents = {fields(package)["Package"]: run("dpkg-deb", "--contents", package) for package in PACKAGES}
    assert set(contents) == {"libkeywright0", "libkeywright-dev"}
    for name, listed in contents.items():
        assert f"/usr/share/doc/{name}/copyright" in listed
    assert "libkeywright.so.0 ->" in contents["libkeywright0"]
    assert "keywright.h" not in contents["libkeywright0"]
    for wanted in ("/keywright.h", "/libkeywright.a", "/libkeywright.so ->", "/keywright.pc", "/keywrightConfig.cmake"):
        assert wanted in contents["libkeywright-dev"]


def test_each_says_what_it_needs() -> None:
    needs = {fields(package)["Package"]: fields(package).get("Depends", "") for package in PACKAGES}
    version = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    assert re.search(r"\blibc6 \(>= ", needs["libkeywright0"])
    assert "hiredis" not in needs["libkeywright0"]
    assert f"libkeywright0 (= {version})" in needs["libkeywright-dev"]
