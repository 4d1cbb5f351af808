"""Speed and memory of whole commands: ``python -m benchmarks.speed [--quick]``.

Every figure is that of a process of its own, start-up included, as a user meets it: the fastest of several runs, and
the largest resident memory. Goals stand beside the figures; the command ends with 1 when one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe, store

GOALS = {"help": (0.15, None), "run36": (1.5, None), "parquet10000": (10.0, 2048)}
LABEL = {
    "help": "mlpa-caller --help",
    "run36": "call: 36-sample export to all outputs",
    "parquet10000": "call: 10,000 samples x 62 probes, Parquet to all outputs",
}


def measure(words: list[str], repeats: int) -> dict[str, float]:
    """Return the fastest wall time in seconds and the largest memory in MB over `repeats` runs."""
    seconds, memory = [], 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.child", *words], capture_output=True, text=True
        )
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed: {done.stderr}")
        memory = max(memory, float(done.stderr.strip().splitlines()[-1]))
    return {"seconds": min(seconds), "median_seconds": float(np.median(seconds)), "memory_mb": memory}


def kernel_growth(counts: tuple[int, ...]) -> list[tuple[int, float]]:
    """Return seconds of normalisation and calling for growing numbers of samples, in this process."""
    from mlpa_caller.panel import load_panel
    from mlpa_caller.pipeline import analyse
    from mlpa_caller.simulate import SimulationSettings, simulate_signals

    panel = load_panel("demo-synthetic")
    rows = []
    for count in counts:
        run = simulate_signals(
            panel, SimulationSettings(n_patients=count, n_references=max(5, count // 50)), seed=1
        )
        sheet = run.sheet()
        start = time.perf_counter()
        analyse(panel, sheet, run.signals, workers=len(os.sched_getaffinity(0)))
        rows.append((count, time.perf_counter() - start))
    return rows


def write_inputs(folder: Path) -> None:
    """Write the inputs of the timed commands."""
    from mlpa_caller.panel import load_panel
    from mlpa_caller.simulate import SimulationSettings, simulate_signals

    panel = load_panel("demo-synthetic")
    settings = SimulationSettings(
        n_patients=9700, n_references=299, fraction_deleted=0.15, other_gene_rate=0.1
    )
    run = simulate_signals(panel, settings, seed=1)
    run.frame().round(0).to_parquet(folder / "big.parquet")
    sheet = run.sheet()
    lines = [f"{name},{role}" for name, role in zip(sheet.samples, sheet.role)]
    (folder / "big.csv").write_text("sample,role\n" + "\n".join(lines) + "\n", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "mlpa_caller", "simulate", "--out", str(folder / "run"), "--quiet"], check=True
    )


def main() -> int:
    """Measure, print the table, store it, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="one run of each, small growth table, nothing stored"
    )
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(folder)
        run = folder / "run"
        commands = {
            "help": ["--help"],
            "run36": ["call", str(run / "peaks.txt"), "--panel", str(run / "panel.csv"), "--samples",
                      str(run / "samples.csv"), "--out", str(folder / "out36"), "--force"],
            "parquet10000": ["call", str(folder / "big.parquet"), "--panel", "demo-synthetic", "--samples",
                             str(folder / "big.csv"), "--out", str(folder / "outbig"), "--force"],
        }  # fmt: skip
        repeats = {"help": 3 if quick else 15, "run36": 1 if quick else 7, "parquet10000": 1 if quick else 3}
        figures: dict[str, Any] = {key: measure(words, repeats[key]) for key, words in commands.items()}
    missed = 0
    print(f"{'command':58s} {'fastest s':>9s} {'median s':>9s} {'memory MB':>9s}  goal")
    for key, row in figures.items():
        limit, memory = GOALS[key]
        good = row["seconds"] <= limit and (memory is None or row["memory_mb"] <= memory)
        missed += not good
        goal = f"{limit} s" + (f", {memory} MB" if memory else "")
        print(f"{LABEL[key]:58s} {row['seconds']:9.3f} {row['median_seconds']:9.3f} {row['memory_mb']:9.0f}  {goal} "
              f"{'met' if good else 'MISSED'}")  # fmt: skip
    growth = kernel_growth((250, 1000) if quick else (250, 1000, 4000, 16000))
    print("\nnormalisation and calling, all genes: samples, seconds, microseconds a sample")
    for count, seconds in growth:
        print(f"{count:8d} {seconds:8.3f} {1e6 * seconds / count:8.1f}")
    if not quick:
        store("speed", {"commands": figures, "growth": growth})
    print(f"\n{json.dumps(describe())}")
    return 1 if missed else 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
