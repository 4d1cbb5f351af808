"""Speed and memory: whole commands, stages and how they grow: ``python -m benchmarks.speed [--quick] [--report]``.

Commands are processes of their own, start-up included, as a user meets them: the fastest of several runs, and the
largest resident memory. Stages are measured in processor seconds on one thread. Beside them stand the machine's own
limits and plain normalisation, measured in the same run. Goals stand beside the figures; the command ends with 1 when
one is missed. A full run is stored, and table and plots of ``docs/speed.md`` are made from what is stored
(``--report`` does that alone).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe, processors, store
from benchmarks.speed_report import LABEL, report, show

PANEL = "demo-synthetic"


@dataclass(frozen=True)
class Goal:
    """A figure of `figures["commands"]`, and what it may be at most."""

    key: str
    figure: str
    most: float
    unit: str


GOALS = (
    Goal("help", "seconds", 0.15, "s"),
    Goal("run36", "seconds", 1.5, "s"),
    Goal("run48", "seconds", 2.0, "s"),
    Goal("parquet10000", "seconds", 10.0, "s"),
    Goal("parquet10000", "memory_mb", 2048, "MB"),
    Goal("batch100", "seconds", 60.0, "s"),
    Goal("batch100", "memory_mb", 3072, "MB"),
    Goal("batch30", "seconds", 60.0, "s"),
    Goal("batch30", "memory_mb", 3072, "MB"),
    Goal("two_workers", "share_of_one", 1 / 1.7, "of the time of one"),
    Goal("many_runs", "memory_ratio", 1.15, "x the memory of a quarter of the runs"),
    Goal("normalise", "seconds_per_million", 1.0, "s a million samples"),
)


def measure(words: list[str], repeats: int, workers: int = 0) -> dict[str, float]:
    """Return the fastest and the median wall time, and the largest memory of the process and its workers."""
    seconds, memory = [], 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.child", *words], capture_output=True, text=True
        )
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed ({done.returncode}): {done.stderr}")
        found = json.loads(done.stderr.strip().splitlines()[-1])
        memory = max(memory, found["own_mb"] + workers * found["child_mb"])
    return {"seconds": min(seconds), "median_seconds": float(np.median(seconds)), "memory_mb": memory}


def part(name: str, *words: object) -> dict[str, Any]:
    """Return what another module of the benchmark measures in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *map(str, words)], capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{name} {words} failed ({done.returncode}): {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def stage(what: str, samples: int, probes: int) -> dict[str, Any]:
    """Return the cost of every stage."""
    return part("speed_stages", what, samples, probes)


def write_run(folder: Path, patients: int, references: int) -> Path:
    """Write a simulated run with a peak export; return its folder."""
    counts = ["--patients", str(patients), "--references", str(references)]
    subprocess.run(
        [sys.executable, "-m", "mlpa_caller", "simulate", "--out", str(folder), "--quiet", *counts],
        check=True,
    )
    return folder


def write_table(path: Path, runs: int, patients: int, references: int) -> None:
    """Write a signal table of many runs, or of one, as Parquet, and its sample sheet beside it."""
    import pandas as pd

    from mlpa_caller.panel import load_panel
    from mlpa_caller.simulate import SimulationSettings, simulate_signals

    panel = load_panel(PANEL)
    settings = SimulationSettings(
        n_patients=patients, n_references=references, fraction_deleted=0.15, other_gene_rate=0.1
    )
    frames, lines = [], ["run,sample,role"]
    for number in range(runs):
        run = simulate_signals(panel, settings, seed=number)
        frame = run.frame().round(0)
        sheet = run.sheet()
        name = f"run{number:05d}"
        if runs > 1:
            frame.insert(0, "run", name)
        frames.append(frame)
        lines += [f"{name},{sample},{role}" for sample, role in zip(sheet.samples, sheet.role)]
    pd.concat(frames).to_parquet(path, index=False)
    if runs == 1:
        lines = [line.partition(",")[2] for line in lines]
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def of_run(run: Path) -> list[str]:
    """Return the words that call a simulated run."""
    return ["call", str(run / "peaks.txt"), "--panel", str(run / "panel.csv"), "--samples",
            str(run / "samples.csv"), "--out", f"{run}-out", "--force"]  # fmt: skip


def of_table(command: str, path: Path, *more: str) -> list[str]:
    """Return the words that call a signal table."""
    sheet = str(path.with_suffix(".csv"))
    return [
        command,
        str(path),
        "--panel",
        PANEL,
        "--samples",
        sheet,
        "--out",
        f"{path}-out",
        "--force",
        *more,
    ]


def commands(folder: Path, *, quick: bool) -> dict[str, dict[str, float]]:
    """Measure whole commands."""
    found = {"help": measure(["--help"], 3 if quick else 15)}
    for key, patients, references in (("run36", 30, 6), ("run48", 40, 8)):
        run = write_run(folder / key, patients, references)
        found[key] = measure(of_run(run), 1 if quick else 7)
    if quick:
        return found
    write_table(folder / "big.parquet", 1, 9700, 300)
    found["parquet10000"] = measure(of_table("call", folder / "big.parquet"), 3)
    many = processors()
    for key, runs, patients, references in (("batch100", 1000, 90, 10), ("batch30", 3334, 25, 5)):
        write_table(folder / f"{key}.parquet", runs, patients, references)
        words = of_table("batch", folder / f"{key}.parquet", "--workers", str(many))
        found[key] = measure(words, 1, workers=many)
    return found | scaling(folder)


def scaling(folder: Path) -> dict[str, dict[str, float]]:
    """Measure what a second worker saves, and whether memory grows with the number of runs."""
    for name, runs in (("few", 50), ("more", 200)):
        write_table(folder / f"{name}.parquet", runs, 90, 10)
    few = measure(of_table("batch", folder / "few.parquet", "--workers", "1"), 1, workers=1)
    one = measure(of_table("batch", folder / "more.parquet", "--workers", "1"), 1, workers=1)
    two = measure(of_table("batch", folder / "more.parquet", "--workers", "2"), 1, workers=2)
    return {
        "two_workers": {**two, "one_seconds": one["seconds"], "share_of_one": two["seconds"] / one["seconds"]},
        "many_runs": {
            **one, "quarter_memory_mb": few["memory_mb"], "memory_ratio": one["memory_mb"] / few["memory_mb"]
        },
    }  # fmt: skip


def growth(*, quick: bool) -> dict[str, list[dict[str, Any]]]:
    """Measure stages for growing numbers of samples and of probes."""
    largest = 1_000 if quick else 100_000
    counts = [10**k for k in range(7) if 10**k <= largest]
    alone = counts if quick else [*counts, 1_000_000]
    probes = (20, 62, 200) if quick else (20, 40, 62, 100, 200, 400)
    return {
        "normalise": [stage("normalise", count, 62) for count in alone],
        "everything": [stage("everything", count, 62) for count in counts],
        "probes": [stage("everything", 100 if quick else 1_000, count) for count in probes],
    }


def judged(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each goal that was measured, with its figure and whether it is met."""
    rows = []
    for goal in GOALS:
        value = figures["commands"].get(goal.key, {}).get(goal.figure)
        if value is not None:
            rows.append({"what": LABEL[goal.key], "value": value, "most": goal.most, "unit": goal.unit,
                         "met": bool(value <= goal.most)})  # fmt: skip
    return rows


def main() -> int:
    """Measure, print, store, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="small runs only, under a minute; nothing is stored"
    )
    parser.add_argument(
        "--report", action="store_true", help="table and plots from the stored result; no measurement"
    )
    words = parser.parse_args()
    if words.report:
        return report()
    step: Callable[[str], None] = lambda text: print(f"{text} ...", file=sys.stderr)  # noqa: E731
    step("the machine, and plain normalisation")
    figures = part("plain", 0.2 if words.quick else 2.0)
    step("stages")
    figures["growth"] = growth(quick=words.quick)
    step("commands")
    with tempfile.TemporaryDirectory() as name:
        figures["commands"] = commands(Path(name), quick=words.quick)
    largest = figures["growth"]["normalise"][-1]
    if not words.quick:
        per_million = 1e6 * largest["cpu_s"] / largest["samples"]
        figures["commands"]["normalise"] = {"seconds_per_million": per_million}
    figures["goals"] = judged(figures)
    if not words.quick:
        store("speed", figures)
        report()
    print(show({"machine": describe(), **figures}))
    return 0 if all(row["met"] for row in figures["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
