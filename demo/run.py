"""./dev demo: keywright at work, scene by scene, on a private server that goes when it ends.

    ./dev demo            all scenes
    ./dev demo SCENE...   some of them, by the names of the files in demo/scenes

A scene is a file of demo/scenes with a TITLE, an ORDER and a function play(stage).
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.pop("KEYWRIGHT_LIMITS", None)  # it would switch off what is to be seen

from stage import Stage  # noqa: E402


def scenes(wanted: list[str]) -> list[ModuleType]:
    names = [file.stem for file in (HERE / "scenes").glob("*.py") if not file.stem.startswith("_")]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise SystemExit(f"there is no scene {unknown[0]}: {', '.join(sorted(names))}")
    chosen = [importlib.import_module(f"scenes.{name}") for name in wanted or names]
    return sorted(chosen, key=lambda scene: scene.ORDER)


def main(wanted: list[str]) -> int:
    start = time.monotonic()
    chosen = scenes(wanted)
    with Stage() as stage:
        stage.open()
        for number, scene in enumerate(chosen, 1):
            stage.scene(number, scene.TITLE)
            scene.play(stage)
    return stage.close(len(chosen), time.monotonic() - start)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
