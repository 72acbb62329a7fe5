"""The way from a language into C and back: what a call costs before it does anything."""

from __future__ import annotations

from frame.make import Make
from frame.plan import Work
from frame.server import Server

COUNT = 1000  # calls between two looks at the clock: us of all are ns of one


def works(server: Server) -> list[Work]:
    make = Make(server)
    return [
        Work(
            f"{COUNT:,} calls, nothing sent",
            [
                make.keywright("version", COUNT, "1/s"),
                make.go("cgo", "crossing", COUNT),
                make.go("keywright-go", "url", COUNT),
            ],
        )
    ]
