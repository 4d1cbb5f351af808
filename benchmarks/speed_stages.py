"""What each stage costs, in a process of its own: ``python -m benchmarks.speed_stages WHAT SAMPLES PROBES``.

WHAT is ``normalise`` or ``everything``. Prints one line of JSON: processor seconds in all and by stage (one thread, the
median of several runs), and the largest resident memory, with what making the input took.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from benchmarks.child import own_peak_mb  # noqa: E402
from mlpa_caller import pipeline  # noqa: E402
from mlpa_caller.datatypes import Signals  # noqa: E402
from mlpa_caller.panel import Panel, load_panel, panel_from_columns  # noqa: E402
from mlpa_caller.samplesheet import SampleSheet  # noqa: E402
from mlpa_caller.simulate import SimulationSettings, simulate_signals  # noqa: E402

STAGES = {
    "normalise": ("normalize",),
    "call": ("call_regions", "share_clones"),
    "quality": ("assess",),
    "tables": ("calls_table", "exons_table", "ratios_table"),
    "consequences": ("_annotated",),
}
"""By stage: the functions that `pipeline.analyse` calls for it."""
WRITTEN_UP_TO = 10_000
SIMULATED = 100_000
"""Larger runs are this many samples, repeated with a little noise."""
EXONS = 8


def panel_of(n_probes: int) -> Panel:
    """Return a panel of so many probes: a quarter reference probes, the others genes of eight exons."""
    if n_probes == 62:
        return load_panel("demo-synthetic")
    n_references = max(5, n_probes // 4)
    rows = [{"probe": f"REF-{i}", "gene": "", "exon": "", "role": "reference"} for i in range(n_references)]
    for i in range(n_probes - n_references):
        gene, exon = f"GENE{i // EXONS + 1}", str(i % EXONS + 1)
        rows.append({"probe": f"{gene}-{exon}", "gene": gene, "exon": exon, "role": "target"})
    order = np.random.default_rng(n_probes).permutation(n_probes)  # reference probes lie among the others
    for place, length in zip(order, np.linspace(100, 640, n_probes)):
        rows[place]["length_nt"] = f"{length:.1f}"
    columns = {key: [row[key] for row in rows] for key in ("probe", "length_nt", "gene", "exon", "role")}
    return panel_from_columns(columns, name=f"{n_probes} probes")


def run_of(panel: Panel, n_samples: int) -> tuple[SampleSheet, Signals]:
    """Return a simulated run of so many patients, with references besides."""
    count = min(n_samples, SIMULATED)
    settings = SimulationSettings(
        n_patients=count,
        n_references=max(5, min(count // 50, 200)),
        fraction_deleted=0.15,
        other_gene_rate=0.1,
    )
    run = simulate_signals(panel, settings, seed=1)
    sheet, signals = run.sheet(), run.signals
    if n_samples == count:
        return sheet, signals
    patients = np.flatnonzero(sheet.role == "patient")
    rows = np.concatenate([np.arange(len(sheet.samples)), np.tile(patients, n_samples // count - 1)])
    noise = np.random.default_rng(2).normal(0.0, 0.01, (len(rows), len(panel.probes)))
    names = tuple(f"S{i}" for i in range(len(rows)))
    arrays = {
        name: getattr(signals, name)[rows]
        for name in Signals.__dataclass_fields__
        if name not in ("samples", "probes")
    }
    larger = replace(signals, samples=names, **{**arrays, "height": arrays["height"] * np.exp(noise)})
    of_sheet = {name: getattr(sheet, name)[rows] for name in ("role", "sex", "blast_fraction", "file", "run")}
    return replace(sheet, samples=names, **of_sheet, clinical={}), larger


def timed(seconds: dict[str, float]) -> Callable[[str, Callable[..., Any]], Callable[..., Any]]:
    """Return what wraps a function so that its processor seconds are added to those of its stage."""

    def wrap(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **words: Any) -> Any:
            start = time.thread_time()
            try:
                return function(*args, **words)
            finally:
                seconds[stage] = seconds.get(stage, 0.0) + time.thread_time() - start

        return call

    return wrap


def everything(panel: Panel, sheet: SampleSheet, signals: Signals) -> dict[str, float]:
    """Return the processor seconds of every stage of one run."""
    seconds: dict[str, float] = {}
    wrap = timed(seconds)
    kept = {name: getattr(pipeline, name) for names in STAGES.values() for name in names}
    start = time.thread_time()
    try:
        for stage, names in STAGES.items():
            for name in names:
                setattr(pipeline, name, wrap(stage, kept[name]))
        result = pipeline.analyse(panel, sheet, signals)
    finally:
        for name, function in kept.items():
            setattr(pipeline, name, function)
    seconds["other"] = time.thread_time() - start - sum(seconds.values())
    if len(sheet.samples) <= WRITTEN_UP_TO * 1.1:
        from mlpa_caller.outputs import default_writers, write_result

        with tempfile.TemporaryDirectory() as folder:
            start = time.process_time()  # the files are written in threads
            write_result(result, Path(folder) / "out", writers=default_writers(False))
            seconds["write"] = time.process_time() - start
    return seconds


def normalise(panel: Panel, sheet: SampleSheet, signals: Signals) -> dict[str, float]:
    """Return the processor seconds of normalisation alone, once."""
    from mlpa_caller.settings import default_settings

    start = time.thread_time()
    pipeline.normalize(signals, panel, np.asarray(sheet.role == "reference"), default_settings())
    return {"normalise": time.thread_time() - start}


def main() -> None:
    """Measure and print."""
    what, samples, probes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    panel = panel_of(probes)
    warm = run_of(panel, 2)
    work = {"normalise": normalise, "everything": everything}[what]
    work(panel, *warm)  # tables that are made once, imports
    sheet, signals = run_of(panel, samples)
    before = own_peak_mb()
    found = [work(panel, sheet, signals) for _ in range(9 if samples <= 10 else 5 if samples <= 100 else 1)]
    after = own_peak_mb()
    stages = {stage: statistics.median(row[stage] for row in found) for stage in found[0]}
    print(json.dumps({"samples": samples, "probes": probes, "stages": stages, "cpu_s": sum(stages.values()),
                      "memory_mb": after, "input_mb": before}))  # fmt: skip


if __name__ == "__main__":
    main()
