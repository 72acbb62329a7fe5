"""Which machine this is, and on which cores things run."""

import os
import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PLACEMENTS = {
    "one": "client and server on one core",
    "two": "client and server on a core each",
    "free": "client and server wherever the system puts them",
}


def describe() -> dict[str, object]:
    return {
        "cpu": cpu(),
        "cores": len(cores()),
        "kernel": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def cpu() -> str:
    with suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


CORES = cores()


def can_place(placement: str) -> bool:
    return placement == "free" or (hasattr(os, "sched_setaffinity") and (placement == "one" or len(CORES) > 1))


def place(placement: str, server: int, clients: Iterable[int]) -> None:
    """Pins the server to the last core, and clients to the same or to the first."""
    if not hasattr(os, "sched_setaffinity"):
        return
    free = placement == "free"
    pin(server, CORES if free else CORES[-1:])
    for client in clients:
        pin(client, CORES if free else CORES[-1:] if placement == "one" else CORES[:1])


def pin(process: int, chosen: list[int]) -> None:
    """All threads that a process has; those that it makes later inherit it."""
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                os.sched_setaffinity(int(thread.name), chosen)
