"""A batch that is killed at random instants goes on without loss and without duplicate."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pyarrow as pa
from batch_cases import COMBINED, PANEL, checksums, finish, rng, start, write_folder, write_table
from pyarrow import parquet as pq

KILLS = 10


def killed_and_resumed(words: list[object], out: Path, longest: float, seed: int) -> int:
    """Kill the command KILLS times within `longest` seconds of its start; return how often it was at work then."""
    generator, at_work = rng(seed), 0
    for _ in range(KILLS):
        if (out / "provenance.json").is_file():
            shutil.rmtree(out)  # all was done: from the beginning
        process = start(*words, "--out", out, *(["--resume"] if (out / "parts").is_dir() else []))
        time.sleep(generator.uniform(0.05, longest))
        at_work += process.poll() is None
        process.kill()
        process.wait()
        for path in out.glob("*.parquet"):
            assert pq.ParquetFile(path).metadata.num_columns >= 2  # whole, or not there
        for path in out.glob("runs/*/*.tsv"):
            assert path.read_bytes().endswith(b"\n")
    return at_work


def test_killed_at_random_instants(tmp_path):
    table = write_table(tmp_path / "t.parquet", {f"run{seed}": seed for seed in range(1, 7)})
    words = [table, "--samples", table.with_suffix(".csv"), "--panel", PANEL, "--workers", 2, "--quiet"]
    began = time.monotonic()
    finish(*words, "--out", tmp_path / "undisturbed")
    out = tmp_path / "out"
    assert killed_and_resumed(words, out, time.monotonic() - began, seed=1) >= 3
    finish(*words, "--out", out, *(["--resume"] if (out / "parts").is_dir() else []))
    assert checksums(out) == checksums(tmp_path / "undisturbed")
    runs = pa.compute.value_counts(pq.read_table(out / "runs.parquet").column("run")).to_pylist()
    assert runs == [{"values": f"run{seed}", "counts": 1} for seed in range(1, 7)]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["parts", "provenance.json", "runs.tsv", "failures.tsv", *(f"{name}.parquet" for name in COMBINED)]
    )
    assert sorted(path.name for path in (out / "parts").glob("[!.]*")) == [
        f"run{seed}.zip" for seed in range(1, 7)
    ]


def test_killed_while_files_of_runs_are_written(tmp_path):
    for seed in (1, 2):
        write_folder(tmp_path / "archive" / f"r{seed}", seed)
    words = [tmp_path / "archive", "--panel", PANEL, "--workers", 2, "--quiet", "--no-report"]
    finish(*words, "--out", tmp_path / "undisturbed")
    out = tmp_path / "out"
    process = start(*words, "--out", out)
    while not any(out.glob("runs/.mlpa-caller-*")) and process.poll() is None:
        time.sleep(0.002)  # until files are being written
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finish(*words, "--out", out, "--resume")
    for path in sorted((tmp_path / "undisturbed" / "runs").rglob("*")):
        if path.is_file() and path.name != "provenance.json":
            assert (out / path.relative_to(tmp_path / "undisturbed")).read_bytes() == path.read_bytes()
    assert sorted(path.name for path in (out / "runs").iterdir()) == ["r1", "r2"]
    assert checksums(out) == checksums(tmp_path / "undisturbed")
