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


def rows_of(tmp_path, *words):
    rows_file = tmp_path / "rows.json"
    done = bench("limiter", "--quick", *words, "--json", str(rows_file))
    assert done.returncode == 0, done.stderr
    return json.loads(rows_file.read_text(encoding="utf-8"))["rows"]


def test_keys_are_prepared(tmp_path):
    """A hit that is not answered as it has to be fails the run."""
    rows = rows_of(tmp_path, "--work", "sliding log")
    assert {row["work"] for row in rows} == {"sliding log hit", "sliding log denial"}
    assert {row["subject"] for row in rows} >= {"floor", "by hand", "keywright-c"}
    assert all(row["server_us"] > 0 and row["bytes_per_item"] > 400 * len("1700000000000000") // 2 for row in rows)
    for target in (row["target"] for row in rows if row["subject"] == "keywright-c"):
        assert target == {"of": "by hand", "figure": "server_us", "at_most": 1.1}


def test_a_hit_and_its_release_are_one_operation(tmp_path):
    rows = rows_of(tmp_path, "--work", "100 holders")
    assert [row["subject"] for row in rows] == ["by hand", "keywright-c"]
    assert all(row["bytes_per_item"] > 100 * len("1700000000000000:100") for row in rows)


def test_two_limits_are_compared_with_one(tmp_path):
    rows = {row["subject"]: row for row in rows_of(tmp_path, "--work", "two limits")}
    assert rows["keywright-c"]["bytes_per_item"] == 2 * rows["keywright-c, one"]["bytes_per_item"]
    assert rows["keywright-c"]["target"]["of"] == "keywright-c, one"


@pytest.mark.parametrize("work", ["denial cache", "leased hit"])
def test_a_bound_may_stand_by_itself(tmp_path, work):
    row = next(row for row in rows_of(tmp_path, "--work", work) if row["subject"] == "keywright-c")
    assert row["target"] == {"figure": "client_us", "below": 1.0}
    assert row["met"] == (row["client_us"] < 1.0)


def test_a_call_that_sends_nothing_is_measured(tmp_path):
    rows_file = tmp_path / "rows.json"
    done = bench("crossing", "--quick", "--json", str(rows_file))
    assert done.returncode == 0, done.stderr
    rows = {row["subject"]: row for row in json.loads(rows_file.read_text(encoding="utf-8"))["rows"]}
    assert all(row["ops_per_s"] > 0 and row["p50_us"] > 0 and row["server_us"] is None for row in rows.values())
    for subject in ("cgo", "keywright-go"):
        if (PROGRAMS / "subjects_go").exists():
            assert "go1." in rows[subject]["version"]
        else:
            assert f"left out {subject}: the subjects in Go are not built" in done.stdout
    assert "keywright-c" in rows


def test_the_size_of_the_library_and_of_its_objects_is_told(tmp_path):
    rows_file = tmp_path / "rows.json"
    done = bench("footprint", "--json", str(rows_file))
    assert done.returncode == 0, done.stderr
    sizes = {row["what"]: row for row in json.loads(rows_file.read_text(encoding="utf-8"))["sizes"]}
    known = {what: row["bytes"] for what, row in sizes.items() if row["bytes"] is not None}
    assert all(size > 0 for size in known.values())
    assert {"client, opened and used", "limiter, opened and used"} <= sizes.keys()
    if known.get("client, opened"):
        assert known["client, opened"] <= known["client, opened and used"]
    assert "of it hiredis" in known or "left out the library's size" in done.stdout


def test_an_unknown_name_is_refused():
    done = bench("nothing")
    assert done.returncode == 2
    assert "choose from limiter" in done.stderr
