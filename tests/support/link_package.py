"""Makes a virtual environment import keywright from this tree, with its entry points and its command.

    python link_package.py ENVIRONMENT

Unlike `pip install -e` it builds nothing: the native modules are built by CMake beside the package's sources. Runs in
the environment that has scikit-build-core, and does nothing when nothing has changed.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from scikit_build_core.build import prepare_metadata_for_build_wheel

ROOT = Path(__file__).resolve().parents[2]
WHERE = 'import sysconfig; print(sysconfig.get_path("purelib"))'
COMMAND = """#!{python}
import sys
from keywright.__main__ import main
sys.exit(main())
"""


def main(environment: Path) -> None:
    python = environment / "bin" / "python"
    stamp = environment / "keywright.stamp"
    wanted = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "VERSION"))
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    packages = Path(subprocess.run([python, "-c", WHERE], check=True, capture_output=True, text=True).stdout.strip())
    for old in packages.glob("keywright-*.dist-info"):
        shutil.rmtree(old)
    prepare_metadata_for_build_wheel(str(packages))
    (packages / "keywright.pth").write_text(f"{ROOT / 'python'}\n", encoding="utf-8")
    command = environment / "bin" / "keywright"
    command.write_text(COMMAND.format(python=python), encoding="utf-8")
    command.chmod(0o755)
    stamp.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
