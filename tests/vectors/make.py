#!/usr/bin/env python3
"""Writes tests/vectors/MODULE/*.json from the scenarios told in told/. With --check it only compares.

What is expected comes from the models in tests/python/support. What a scenario is about is asserted where it is told,
so that a model that is wrong in that very point does not go unnoticed.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from told import (  # noqa: E402
    counter,
    counter_kinds,
    counter_once,
    joint,
    limiter,
    limiter_calls,
    limiter_edges,
    limiter_hits,
    limiter_keys,
    limiter_leases,
    limiter_overrides,
    limiter_reservations,
    limiter_several,
    limiter_sliding,
    limiter_times,
    limiter_tokens,
    quota,
    quota_uses,
    top,
    unique,
)
from told.scenario import text_of  # noqa: E402

FOLDER = Path(__file__).resolve().parent
TALES = [counter_kinds, counter_once, limiter_hits, limiter_times, limiter_keys, limiter_calls, limiter_edges]
TALES += [limiter_sliding, limiter_several, limiter_leases, limiter_reservations, limiter_overrides]
TALES += [limiter_tokens, quota_uses]
TOLD = {"counter": counter, "joint": joint, "limiter": limiter, "quota": quota, "top": top, "unique": unique}
MODULES = {module: told.FILES for module, told in TOLD.items()}


def main() -> int:
    told = {
        FOLDER / module / f"{name}.json": text_of(about, tales)
        for module, files in MODULES.items()
        for name, (about, tales) in files.items()
    }
    stale = [path for path, text in told.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    untold = [path for module in MODULES for path in (FOLDER / module).glob("*.json") if path not in told]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path} is not what the model says: run {Path(__file__).name}")
        for path in untold:
            print(f"{path} is told nowhere: run {Path(__file__).name}")
        return 1 if stale or untold else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(told[path], encoding="utf-8")
        print(f"{path} written")
    for path in untold:
        path.unlink()
        print(f"{path} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
