"""keywright doctor [URL]: what the server can do, what is wrong with it, how far it is, and how this build was made."""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from typing import Any

from .. import Capability, Client, Info, Role, __version__, connect
from .._library import NATIVE
from . import output

PINGS = 200


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    text = "tell what a server can do, what is wrong with it, and how far it is"
    own = commands.add_parser("doctor", help=text, description=text, parents=[shared])
    own.add_argument("address", nargs="?", metavar="URL", help="the server; the same as --url")
    own.set_defaults(run=run)


def run(options: argparse.Namespace) -> bool:
    with connect(options.address or options.url) as client:
        info = client.info()
        trips = round_trips(client)
        warnings = wrong(info, trips)
        if options.json:
            output.as_json(fields(client, info, trips, warnings))
        else:
            report(client, info, trips, warnings)
    return not warnings


def round_trips(client: Client) -> list[float]:
    """Seconds of each of some pings, in order of size."""
    times = []
    for _ in range(PINGS):
        start = time.perf_counter()
        client.ping()
        times.append(time.perf_counter() - start)
    return sorted(times)


def wrong(info: Info, trips: list[float]) -> list[str]:
    """What an operator should know."""
    out = []
    if info.role is Role.REPLICA:
        out.append("this is a replica: it refuses every write. Give the address of the primary")
    if info.role is Role.UNKNOWN:
        out.append("the user may not ask ROLE: a replica would not be noticed before its first refusal")
    if statistics.median(trips) > 0.05:
        out.append("the round trip is long: each decision of a limiter takes one")
    return out


def fields(client: Client, info: Info, trips: list[float], warnings: list[str]) -> dict[str, Any]:
    return {
        "url": client.url,
        "server": info.server,
        "version": info.version,
        "protocol": info.protocol,
        "role": info.role.name.lower(),
        "capabilities": [each.name.lower() for each in Capability if each in info.capabilities and each.name],
        "round_trip": statistics.median(trips),
        "round_trip_p99": trips[int(len(trips) * 0.99)],
        "warnings": warnings,
        "keywright": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "native": getattr(NATIVE.module, "__file__", None),
    }


def report(client: Client, info: Info, trips: list[float], warnings: list[str]) -> None:
    known = fields(client, info, trips, warnings)
    output.table(
        [
            ("server", f"{info.server} {info.version} at {client.url}"),
            ("role", known["role"]),
            ("protocol", f"RESP{info.protocol}"),
            ("beyond the floor", ", ".join(known["capabilities"]) or "nothing"),
            ("round trip", f"{output.seconds(known['round_trip'])} (p99 {output.seconds(known['round_trip_p99'])})"),
            ("keywright", f"{__version__}, Python {known['python']}, {known['platform']}"),
            ("native library", str(known["native"])),
        ]
    )
    for warning in warnings:
        print(f"{output.coloured('warning', 'warning')}: {warning}")
    if not warnings:
        print(output.coloured("nothing wrong found", "good"))
