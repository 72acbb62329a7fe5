"""./dev bench runs and writes what machines read. No figure is looked at: figures are measured, not tested."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = Path(os.environ.get("KEYWRIGHT_BENCH_PROGRAMS", ROOT / ".dev" / "dev" / "bench"))
FIGURES = ("ops_per_s", "client_us", "p50_us", "p99_us", "server_us", "bytes_per_item")


def bench(*arguments):
    if not (PROGRAMS / "raw").exists():
        pytest.skip(f"the benchmark's C programs are not built in {PROGRAMS}")
    return subprocess.run(
        [sys.executable, str(ROOT / "tests" / "bench" / "run.py"), *arguments],
        env=os.environ | {"KEYWRIGHT_BENCH_PROGRAMS": str(PROGRAMS)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_programs_in_c_give_rows(tmp_path):
    rows_file, picture = tmp_path / "rows.json", tmp_path / "picture.svg"
    done = bench("limiter", "--quick", "--work", "remainder", "--json", str(rows_file), "--plot", str(picture))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("targets met: ")

    written = json.loads(rows_file.read_text(encoding="utf-8"))
    assert written["machine"]["cores"] >= 1
    assert written["server"].split()[0] in ("redis", "valkey")
    assert {row["subject"] for row in written["rows"]} == {"floor", "by hand", "keywright-c"}
    for row in written["rows"]:
        assert row["bench"] == "limiter" and row["callers"] == 1 and row["placement"]
        assert all(row[figure] > 0 for figure in FIGURES), row
    judged = [row for row in written["rows"] if row["target"]]
    assert judged and all(row["met"] in (True, False) and row["ratio"] > 0 for row in judged)
    assert ET.parse(picture).getroot().tag.endswith("svg")


def test_an_unknown_name_is_refused():
    done = bench("nothing")
    assert done.returncode == 2
    assert "choose from limiter" in done.stderr
