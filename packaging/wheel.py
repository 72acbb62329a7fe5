"""Builds the Python package for others: a source distribution, and from it the wheels, into dist/.

    python wheel.py

Each wheel is built isolated, with OpenSSL and hiredis inside, then given the tag of the oldest systems that it runs on
(auditwheel; delocate on macOS). One that shows more than the entries of its modules, or needs a library that a system
may lack, does not get into dist/. A free-threaded interpreter has no limited API: where python3.14t is on PATH it gets
a wheel of its own.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
FREE_THREADED = "python3.14t"
SETTINGS = {"cmake.define.KEYWRIGHT_OPENSSL_STATIC": "ON"}
SOURCES = "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))"

# What every system has, as ELF and as Mach-O name it.
EVERYWHERE = re.compile(
    r"(lib(c|m|dl|rt|pthread)|ld-linux[-\w]*|ld64)\.so(\.\d+)?|libc\.musl-\w+\.so\.\d+"
    r"|/usr/lib/libSystem\.B\.dylib"
)
# OpenSSL as its own text names it, so that a build without TLS needs no licence of it.
LICENCES = {"LICENSE": b"", "LICENSE.hiredis": b"", "LICENSE.openssl": rb"OpenSSL \d+\.\d+\.\d+"}


def run(*command: object) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(python: str, sources: Path, folder: Path) -> Path:
    folder.mkdir()
    settings = [word for name, value in SETTINGS.items() for word in ("--config-settings", f"{name}={value}")]
    pip = [sys.executable, "-m", "pip", "--python", python]
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, *settings, sources)
    return next(folder.glob("*.whl"))


def repair(wheel: Path, folder: Path) -> Path:
    if sys.platform == "darwin":
        run("delocate-wheel", "-w", folder, wheel)
    else:
        run(sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", folder, wheel)
    return next(folder.glob("*.whl"))


def visible(module: Path) -> set[str]:
    options = ["-gU"] if sys.platform == "darwin" else ["-D", "--defined-only"]
    return {line.split()[-1].lstrip("_") for line in run("nm", *options, module).splitlines() if line}


def needed(module: Path) -> set[str]:
    if sys.platform == "darwin":
        return {line.split()[0] for line in run("otool", "-L", module).splitlines()[1:]}
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", module)))


def faults(wheel: Path, folder: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(folder)
    modules = [name for name in names if name.endswith((".so", ".dylib")) or ".so." in name]
    if [name.split(".")[0] for name in modules] != ["keywright/_native"]:
        yield f"holds the libraries {modules}"
    for name in modules:
        module = folder / name
        if surplus := visible(module) - {f"PyInit_{module.name.split('.')[0]}"}:
            yield f"{name} shows {sorted(surplus)[:10]}, {len(surplus)} in all"
        if others := {library for library in needed(module) if not EVERYWHERE.fullmatch(library)}:
            yield f"{name} needs {sorted(others)}"
        inside = module.read_bytes()
        for licence, sign in LICENCES.items():
            if re.search(sign, inside) and not any(name.endswith(f"/licenses/{licence}") for name in names):
                yield f"lacks {licence}"
    if "-abi3-" in wheel.name:
        run(sys.executable, "-m", "abi3audit", "--strict", "--assume-minimum-abi3", "3.10", wheel)
    if "-linux_" in wheel.name:
        yield "has no tag that says which systems it runs on"


def main() -> None:
    pythons = [sys.executable]
    if free_threaded := shutil.which(FREE_THREADED):
        pythons.append(free_threaded)
    else:
        print(f"no {FREE_THREADED} on PATH: no wheel for free-threaded Python")
    DIST.mkdir(exist_ok=True)
    for old in [*DIST.glob("keywright-*.whl"), *DIST.glob("keywright-*.tar.gz")]:
        old.unlink()
    sources = DIST / run(sys.executable, "-c", SOURCES, DIST).splitlines()[-1]
    for python in pythons:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            wheel = repair(build(python, sources, folder / "built"), folder / "repaired")
            if found := list(faults(wheel, folder / "unpacked")):
                sys.exit(f"{wheel.name} is not fit for others: " + "; ".join(found))
            shutil.copy(wheel, DIST)
            print(DIST / wheel.name)


if __name__ == "__main__":
    main()
