"""Checks that includes of the core point down only: abi -> primitives -> engine -> redis -> base.

A primitive never includes another primitive's header, nor one of threads. Only redis/ includes headers of hiredis,
OpenSSL or sockets. What lies in a folder called testing may include anything.
"""

import re
import sys
import tomllib
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "core" / "src"
LAYERS = ["base", "redis", "engine", "primitives", "abi"]
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)
OF_SOCKETS = re.compile(r"^(hiredis/|(?:alloc|read|sds)\.h$|sys/socket\.h|sys/un\.h|netinet/|arpa/inet\.h|netdb\.h)")
OF_THREADS = re.compile(r"^(pthread|threads|semaphore)\.h$")
OF_OPENSSL = re.compile(r"^openssl/")
# Outside redis/, nobody sees sockets; and above it nobody makes threads or locks but by base/.
MAY_TOUCH_SOCKETS = {"redis"}
MAY_TOUCH_THREADS = {"base", "redis"}


def subject(path: Path, primitives: dict[str, str]) -> str:
    """The primitive that a file of primitives/ belongs to: its folder, or the first word of its name."""
    inner = path.relative_to(SOURCES / "primitives")
    name = inner.parts[0] if len(inner.parts) > 1 else inner.stem.split("_")[0]
    return primitives.get(name, name)


def subjects() -> dict[str, str]:
    """The primitives that there are, a part of one by the name of the whole; other files of the folder are shared."""
    spec = SOURCES.parents[1] / "bindings" / "api"
    files = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in spec.glob("*.toml")}
    return {stem: data["module"].get("of", stem) for stem, data in files.items()}


def target(source: Path, name: str) -> Path | None:
    """The file of the core that an include names."""
    for folder in (SOURCES, source.parent):
        if (folder / name).is_file():
            return (folder / name).resolve()
    return None


def complaints(source: Path, primitives: dict[str, str]) -> list[str]:
    layer = source.relative_to(SOURCES).parts[0]
    if layer not in LAYERS:
        return [f"{layer}/ is no layer: {', '.join(LAYERS)}"]
    found = []
    for kind, name in INCLUDE.findall(source.read_text(encoding="utf-8")):
        if OF_SOCKETS.match(name) and layer not in MAY_TOUCH_SOCKETS:
            found.append(f"includes {name}: {layer}/ knows nothing of sockets")
        if OF_THREADS.match(name) and layer not in MAY_TOUCH_THREADS:
            found.append(f"includes {name}: {layer}/ knows nothing of threads")
        if OF_OPENSSL.match(name) and layer != "redis":
            found.append(f"includes {name}: {layer}/ knows nothing of TLS")
        included = target(source, name) if kind == '"' else None
        if included is None:
            continue
        other = included.relative_to(SOURCES).parts[0]
        if "testing" in included.parts:
            found.append(f"includes {name}: what is for tests only")
        elif LAYERS.index(other) > LAYERS.index(layer):
            found.append(f"includes {name}: {layer}/ must not know {other}/")
        elif layer == other == "primitives":
            mine, theirs = subject(source, primitives), subject(included, primitives)
            if theirs in primitives and mine != theirs:
                found.append(f"includes {name}: {mine} must not know {theirs}")
    return found


def main() -> int:
    primitives = subjects()
    failed = 0
    for source in sorted(SOURCES.rglob("*.[ch]")):
        if "testing" in source.relative_to(SOURCES).parts:
            continue
        for complaint in complaints(source, primitives):
            print(f"{source.relative_to(SOURCES.parents[1])} {complaint}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
