"""The same run gives the same bytes, whatever the hash seed, threads, block sizes, locale, time zone, order of input.

What is guaranteed: every file but ``provenance.json`` is byte-identical for the same inputs, sheets and parameters.
Where the order of input shows: tables follow the order of the sample sheet (samples) and of the probe sheet (probes and
genes). So the order of the rows and columns of a signal table, of the peaks of an export and of the files on the
command line changes nothing; another order of the sample sheet gives the same rows in that order.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from mlpa_caller.outputs import write_result
from mlpa_caller.panel import load_panel
from mlpa_caller.pipeline import call_run
from mlpa_caller.simulate import SimulationSettings, simulate_signals
from mlpa_caller.simulate.files import write_run

ROOT = Path(__file__).resolve().parents[1]
PANEL = "demo-synthetic"
BLOCKS = {
    "mlpa_caller.calling.posterior.CHUNK": (97, 1 << 12),
    "mlpa_caller.pipeline.AT_ONCE": (1, 5),
    "mlpa_caller.calling.tables._AT_ONCE": (1, 5),
    "mlpa_caller._normalize_rounds.BLOCK": (1, 7),
    "mlpa_caller.outputs.tsv._ROWS_AT_ONCE": (1, 17),
    "mlpa_caller.outputs.result_json._SAMPLES_AT_ONCE": (1, 3),
}
TABLES = ("calls", "exons", "ratios", "quality", "risk")


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A simulated run as a laboratory would have it, with clinical columns in the sheet."""
    folder = tmp_path_factory.mktemp("identity") / "run"
    settings = SimulationSettings(n_patients=7, n_references=4, n_no_dna=0)
    simulation = simulate_signals(load_panel(PANEL), settings, seed=9)
    write_run(simulation, folder, seed=9, format="genemapper")
    write_run(simulation, folder / "wide", seed=9, format="wide")
    sheet = read_csv(folder / "samples.csv")
    with (folder / "samples.csv").open("w", encoding="utf-8", newline="") as stream:
        more = [["age_years", "wbc_e9_per_l"], *([f"{3 + i % 9}.5", str(20 + i)] for i in range(len(sheet)))]
        csv.writer(stream).writerows([[*row, *cells] for row, cells in zip(sheet, more)])
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Checksums of the files of a result, but of its provenance."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def result(out: Path, *inputs: Path, samples: Path, panel: str | Path = PANEL) -> dict[str, str]:
    write_result(call_run(list(inputs), panel=panel, samples=samples, workers=1), out)
    return contents(out)


@pytest.fixture(scope="module")
def expected(run, tmp_path_factory) -> dict[str, str]:
    found = result(
        tmp_path_factory.mktemp("expected") / "out", run / "peaks.txt", samples=run / "samples.csv"
    )
    assert {"calls.tsv", "result.json", "report.html", "report.xlsx", "risk.tsv"} <= found.keys()
    return found


SURROUNDINGS: Mapping[str, Mapping[str, str]] = {
    "one": {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
    "two": {"PYTHONHASHSEED": "12345", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONUTF8": "0", "LANG": "tr_TR",
            "OPENBLAS_NUM_THREADS": "2", "COLUMNS": "40", "PYTHONOPTIMIZE": "2"},
    "three": {"PYTHONHASHSEED": "4294967295", "TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8",
              "HOME": "/nonexistent"},
}  # fmt: skip


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_hash_seed_locale_and_time_zone(run, expected, tmp_path, name):
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("LC_", "PYTHON", "LANG", "TZ"))
    }
    code = "from mlpa_caller.cli import main; main()"
    words = [
        "call",
        run / "peaks.txt",
        "--panel",
        PANEL,
        "--samples",
        run / "samples.csv",
        "--out",
        "out",
        "--quiet",
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env={**kept, "PYTHONPATH": str(ROOT), **SURROUNDINGS[name]},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert contents(tmp_path / "out") == expected


@pytest.mark.parametrize("which", [0, 1])
def test_block_sizes(run, expected, tmp_path, monkeypatch, which):
    for name, values in BLOCKS.items():
        module, _, constant = name.rpartition(".")
        loaded = importlib.import_module(module)
        assert isinstance(getattr(loaded, constant), int)
        monkeypatch.setattr(loaded, constant, values[which])
    assert result(tmp_path / "out", run / "peaks.txt", samples=run / "samples.csv") == expected


def test_order_of_peaks_in_an_export(run, expected, tmp_path):
    head, *rows = (run / "peaks.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    np.random.default_rng(1).shuffle(rows)
    (tmp_path / "peaks.txt").write_text("".join([head, *rows]), encoding="utf-8")
    assert result(tmp_path / "out", tmp_path / "peaks.txt", samples=run / "samples.csv") == expected


def test_samples_spread_over_files_in_any_order(run, expected, tmp_path):
    head, *rows = (run / "peaks.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    column = next(
        i for i, name in enumerate(head.rstrip("\n").split("\t")) if "Sample" in name and "Dye" not in name
    )
    by_sample: dict[str, list[str]] = {}
    for row in rows:
        by_sample.setdefault(row.split("\t")[column], []).append(row)
    parts = [[head], [head], [head]]
    for i, lines in enumerate(by_sample.values()):
        parts[i % 3] += lines
    files = []
    for i, lines in enumerate(parts):
        files.append(tmp_path / f"part{i}.txt")
        files[-1].write_text("".join(lines), encoding="utf-8")
    for number, order in enumerate(([0, 1, 2], [2, 0, 1])):
        out = tmp_path / f"out{number}"
        assert result(out, *(files[i] for i in order), samples=run / "samples.csv") == expected


def test_order_of_rows_and_columns_of_a_signal_table(run, tmp_path):
    path = run / "wide" / "signals.csv"
    table = read_csv(path)
    plain = result(tmp_path / "plain", path, samples=run / "samples.csv")
    rng = np.random.default_rng(2)
    order = [0, *(1 + rng.permutation(len(table[0]) - 1)).tolist()]
    rows = [0, *(1 + rng.permutation(len(table) - 1)).tolist()]
    shuffled = tmp_path / "signals.csv"
    with shuffled.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter="\t").writerows([[table[i][j] for j in order] for i in rows])
    assert result(tmp_path / "shuffled", shuffled, samples=run / "samples.csv") == plain


def test_order_of_the_sample_sheet_is_the_order_of_the_tables(run, expected, tmp_path):
    lines = (run / "samples.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "samples.csv").write_text("".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    first = call_run([run / "peaks.txt"], panel=PANEL, samples=run / "samples.csv", workers=1)
    second = call_run([run / "peaks.txt"], panel=PANEL, samples=tmp_path / "samples.csv", workers=1)
    write_result(first, tmp_path / "first")
    write_result(second, tmp_path / "second")
    assert contents(tmp_path / "first") == expected
    for name in TABLES:
        one, two = (
            (tmp_path / which / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
            for which in ("first", "second")
        )
        assert one[0] == two[0]
        assert one != two
        assert sorted(one[1:]) == sorted(two[1:])
        shown = list(dict.fromkeys(line.split("\t")[0] for line in two[1:]))
        assert shown == [sample for sample in second.samples.samples if sample in set(shown)]
    documents = [
        json.loads((tmp_path / which / "result.json").read_text(encoding="utf-8"))
        for which in ("first", "second")
    ]
    assert documents[0]["samples"] == documents[1]["samples"][::-1]
