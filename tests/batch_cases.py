"""Small runs with known content for the tests of batch and trend."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from mlpa_caller.panel import load_panel
from mlpa_caller.simulate import SimulationSettings, simulate_signals

ROOT = Path(__file__).resolve().parents[1]
PANEL = "demo-synthetic"
COMBINED = ("calls", "exons", "ratios", "quality", "risk", "runs", "failures")


@lru_cache(maxsize=64)
def simulated(seed: int, patients: int = 4):
    settings = SimulationSettings(n_patients=patients, n_references=4, n_no_dna=0)
    return simulate_signals(load_panel(PANEL), settings, seed=seed)


def sheet_text(seed: int, *, run: str | None = None, **extra: str) -> str:
    """The sample sheet of a simulated run; `extra` columns have one value for all samples."""
    sheet = simulated(seed).sheet()
    head = ["sample", "role", *(["run"] if run is not None else []), *extra]
    rows = [
        [name, role, *([run] if run is not None else []), *extra.values()]
        for name, role in zip(sheet.samples, sheet.role)
    ]
    return "\n".join(",".join(row) for row in [head, *rows]) + "\n"


def write_folder(folder: Path, seed: int, **extra: str) -> Path:
    folder.mkdir(parents=True)
    simulated(seed).frame().round(0).to_csv(folder / "heights.csv", index=False)
    (folder / "samples.csv").write_text(sheet_text(seed, **extra), encoding="utf-8")
    return folder


def write_table(path: Path, runs: dict[str, int], *, row_group: int | None = None) -> Path:
    """A Parquet table of simulated runs, and beside it ``<name>.csv``, their sample sheet."""
    tables, lines = [], []
    for run, seed in runs.items():
        frame = simulated(seed).frame().round(0)
        frame.insert(0, "run", run)
        tables.append(pa.Table.from_pandas(frame, preserve_index=False))
        text = sheet_text(
            seed, run=f'"{run}"', lot=f"L{seed % 2}", instrument="A1", date=f"2025-01-{seed:02d}"
        )
        lines += text.splitlines() if not lines else text.splitlines()[1:]
    pq.write_table(pa.concat_tables(tables), path, row_group_size=row_group)
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def combined(*sources: object, out: Path, **options: object):
    """A batch of these sources, in the panel of all runs here and without files of runs unless asked for."""
    from mlpa_caller.batch import run_batch

    return run_batch(
        sources, out, panel=options.pop("panel", PANEL), files=options.pop("files", False), **options
    )


def checksums(out: Path, names: tuple[str, ...] = COMBINED) -> dict[str, str]:
    return {name: hashlib.sha256((out / f"{name}.parquet").read_bytes()).hexdigest() for name in names}


def rows(out: Path, name: str) -> list[dict[str, object]]:
    return pq.read_table(out / f"{name}.parquet").to_pylist()


def command(*words: object, name: str = "batch") -> list[str]:
    """The words that run the command in a process of its own."""
    code = f"import sys; from mlpa_caller.cli.{name} import command; command(sys.argv[1:])"
    return [sys.executable, "-c", code, *map(str, words)]


def environment() -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def start(*words: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*words), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def finish(*words: object) -> str:
    done = subprocess.run(command(*words), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def provenance(folder: Path) -> dict[str, object]:
    return json.loads((folder / "provenance.json").read_text(encoding="utf-8"))


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# what processes of their own are asked to do


def double(value: int) -> int:
    return 2 * value


def threads(_: int) -> list[str | None]:
    return [os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")]


def crash_on_three(value: int) -> int:
    if value == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if value == 5:
        raise ValueError("five")
    return 2 * value


def crash_once(mark: str) -> str:
    """Kill the process that does it first; a second one finds the mark."""
    path = Path(mark)
    if path.name.startswith("bad") and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name
