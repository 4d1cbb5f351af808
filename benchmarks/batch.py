"""Speed, memory and scaling of ``mlpa-caller batch``: ``python -m benchmarks.batch [--quick]``.

Every figure is that of a whole command, start-up included: a Parquet table of simulated runs in, combined Parquet
tables out. Memory is the largest sum over the command and its processes, sampled ten times a second. ``others`` is the
share of the processors that other programs used meanwhile; figures with more than a few percent there are not those of
this program.
Goals stand beside the figures; the command ends with 1 when one is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from benchmarks.machine import describe, store

PANEL = "demo-synthetic"
SAMPLES = 250
"""Samples of a run."""
GOAL_SECONDS, GOAL_MB, GOAL_SCALING, GOAL_GROWTH = 60.0, 3072.0, 1.7, 1.25
COMMAND = "import sys; from mlpa_caller.cli.batch import command; command(sys.argv[1:])"


def write_table(path: Path, runs: int) -> None:
    """Write a signal table of `runs` runs and, beside it, its sample sheet; some runs are simulated, others copies."""
    from mlpa_caller.panel import load_panel
    from mlpa_caller.simulate import SimulationSettings, simulate_signals

    references = 37  # as many as the method asks for in a run of this size
    settings = SimulationSettings(
        n_patients=SAMPLES - references - 1,
        n_references=references,
        fraction_deleted=0.15,
        other_gene_rate=0.1,
    )
    panel = load_panel(PANEL)
    simulated = [simulate_signals(panel, settings, seed=seed) for seed in range(min(runs, 40))]
    writer = None
    lines = ["sample,role,run,lot,instrument"]
    for i in range(runs):
        run = simulated[i % len(simulated)]
        frame = run.frame().round(0)
        frame.insert(0, "run", f"run{i:05d}")
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        sheet = run.sheet()
        lines += [
            f"{name},{role},run{i:05d},L{i // 20},A{i % 3}" for name, role in zip(sheet.samples, sheet.role)
        ]
    if writer is not None:
        writer.close()
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def busy() -> float:
    """Return the processor seconds used by all programs since the system started."""
    with open("/proc/stat", encoding="ascii") as stream:
        user, nice, system, _, _, irq, soft, *_ = (int(word) for word in stream.readline().split()[1:])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def memory_of(parent: int) -> float:
    """Return the resident memory of a process and those it started, in MB."""
    children: dict[int, list[int]] = {}
    resident: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        number = int(path.parent.name)
        children.setdefault(int(words[1]), []).append(number)
        resident[number] = int(words[21])
    total, waiting = 0, [parent]
    while waiting:
        process = waiting.pop()
        total += resident.get(process, 0)
        waiting += children.get(process, [])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(table: Path, workers: int, folder: Path) -> dict[str, float]:
    """Return wall and processor seconds, largest memory in MB, and the share of the processors that others used."""
    words = [str(table), "--samples", str(table.with_suffix(".csv")), "--panel", PANEL, "--workers", str(workers),
             "--out", str(folder / f"out-{table.stem}-{workers}"), "--quiet"]  # fmt: skip
    used, before, began = resource.getrusage(resource.RUSAGE_CHILDREN), busy(), time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", COMMAND, *words])
    memory = 0.0
    while process.poll() is None:
        memory = max(memory, memory_of(process.pid))
        time.sleep(0.1)
    wall = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"batch ended with {process.returncode}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    cores = len(os.sched_getaffinity(0))
    return {
        "seconds": wall,
        "processor_seconds": own,
        "memory_mb": memory,
        "others": max(0.0, busy() - before - own) / (wall * cores),
    }


def main() -> int:
    """Measure, print the table, store it, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples, nothing stored")
    quick = parser.parse_args().quick
    cores = len(os.sched_getaffinity(0))
    large, small = (40, 10) if quick else (400, 50)
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for runs, workers in ((large, cores), (large, 1), (small, cores)):
            table = folder / f"runs{runs}.parquet"
            if not table.exists():
                write_table(table, runs)
            rows[f"{runs} runs, {runs * SAMPLES:,} samples, {workers} workers"] = measure(
                table, workers, folder
            )
    print(f"{'':44s} {'seconds':>8s} {'processor s':>11s} {'memory MB':>9s} {'others':>7s}")
    for label, row in rows.items():
        print(f"{label:44s} {row['seconds']:8.1f} {row['processor_seconds']:11.1f} {row['memory_mb']:9.0f} "
              f"{100 * row['others']:6.0f} %")  # fmt: skip
    all_cores, one, few = rows.values()
    scaling, growth = one["seconds"] / all_cores["seconds"], all_cores["memory_mb"] / few["memory_mb"]
    wanted = GOAL_SCALING * cores / 2
    goals = [
        (f"at most {GOAL_SECONDS:.0f} s for 100,000 samples", quick or all_cores["seconds"] <= GOAL_SECONDS),
        (f"at most {GOAL_MB:.0f} MB", all_cores["memory_mb"] <= GOAL_MB),
        (
            f"{cores} workers {scaling:.2f} times as fast as one (goal {wanted:.2f})",
            quick or scaling >= wanted,
        ),
        (f"memory {growth:.2f} times that of {small} runs (goal {GOAL_GROWTH})", growth <= GOAL_GROWTH),
    ]
    for text, good in goals:
        print(f"{'met   ' if good else 'MISSED'}  {text}")
    if not quick:
        store("batch", {"commands": rows, "scaling": scaling, "memory_growth": growth})
    print(f"\n{describe()}")
    return 0 if all(good for _, good in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
