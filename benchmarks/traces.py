"""Capillary traces: ``python -m benchmarks.traces [accuracy|robustness|speed|damage ...] [--quick]``.

accuracy     sizes against the instruments' own on real traces
robustness   changed copies of the real traces: sized right, refused, or wrong without a word
speed        milliseconds a file, beside Biopython's parser alone where it is installed, and 96 files on two processors
damage       mutants of the real files: nothing but success or the declared error, no time, no memory

The real traces lie beside the project; the command ends with 1 when a goal is missed or they are absent.
"""

from __future__ import annotations

import argparse
import csv
import io
import resource
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import store
from benchmarks.trace_changes import CHANGES, UNPHYSICAL
from benchmarks.trace_damage import byte_mutant, crafted_directory, structure_mutant
from mlpa_caller.errors import MlpaError, TraceError
from mlpa_caller.formats.abif import parse_trace, read_trace
from mlpa_caller.traces import SizingOptions, SizingReport, process_trace, process_traces
from mlpa_caller.traces.sizing import local_southern

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
SOUTHERN_GOAL, WRONG = 0.06, 0.5
FILE_GOAL_MS, RUN_GOAL_S = 10.0, 2.0
SECONDS_GOAL, MEMORY_GOAL_MB = 1.0, 64.0
FAILED_BY_INSTRUMENT = ("A7840.fsa", "seqstudio_1b_sizing_failed.fsa")


def trace_files() -> list[Path]:
    """Return the real traces."""
    return sorted(path for path in (SHARED / "traces").glob("*") if path.suffix in (".fsa", ".hid"))


def instrument_sizes() -> dict[str, list[tuple[int, int, float]]]:
    """Return dye, data point and size of the instruments' own peaks, by file."""
    found: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    with open(SHARED / "traces" / "instrument_peaks.csv", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["size_bp"]:
                found[row["source_file"]].append(
                    (int(row["dye"]), int(row["data_point"]), float(row["size_bp"]))
                )
    table = SHARED / "tables" / "genemapper5_peaks_3730xl.tsv"
    with open(table, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            if row["Size"]:
                dye = "BGYRO".index(row["Dye.Sample.Peak"][0]) + 1
                found[row["Sample.File.Name"]].append((dye, int(row["Data.Point"]), float(row["Size"])))
    return found


def accuracy(_: bool) -> tuple[bool, dict[str, Any]]:
    """Compare sizes with the instruments' own, peak by peak at the same data point."""
    oracle, good, rows = instrument_sizes(), True, {}
    print(f"{'file':34s} {'verdict':7s} {'ladder':9s} {'rungs':7s} {'peaks':>5s} {'median':>7s} {'95 %':>7s}")
    for path in trace_files():
        try:
            trace = read_trace(path)
        except TraceError as error:
            print(f"{path.name:34s} fail    {error.problem}")
            continue
        table, report = process_trace(trace)
        number = {name: k for k, name in enumerate(trace.dyes, start=1)}
        mine: dict[tuple[int, int], float] = {
            (number[dye], int(at)): size for dye, at, size in zip(table.dye, table.data_point, table.size)
        }
        off = [abs(mine[dye, at] - size) for dye, at, size in oracle.get(path.name, []) if (dye, at) in mine]
        off = [value for value in off if not np.isnan(value)]
        note = ""
        if off and path.name in FAILED_BY_INSTRUMENT:
            note, off = "  (the instrument's own sizing failed)", []
        median = float(np.median(off)) if off else np.nan
        top = float(np.quantile(off, 0.95)) if off else np.nan
        if off and median > SOUTHERN_GOAL:
            good, note = False, note + "  MISSED"
        rows[path.name] = {"verdict": report.verdict, "peaks": len(off), "median": median, "p95": top}
        rungs = f"{report.rungs_matched}/{report.rungs_expected}"
        print(f"{path.name:34s} {report.verdict:7s} {report.ladder:9s} {rungs:7s} {len(off):5d} {median:7.4f} "
              f"{top:7.3f}{note}")  # fmt: skip
    print(f"goal: median at most {SOUTHERN_GOAL} nt")
    return good, rows


def judged(name: str, change: Any, pairs: list[Any], seed: int, repeats: int) -> dict[str, Any]:
    """Return how often a change is sized right, refused, or sized wrong without a word."""
    rng, counts, local = np.random.default_rng(seed), Counter[str](), 0
    options = SizingOptions(min_ladder_height=0.0 if "counts" in name or "noise" in name else None)
    for trace, truth in pairs:
        for _ in range(repeats):
            changed = change(trace, truth, rng)
            table, report = process_trace(changed.trace, options)
            if not report.sized:
                counts["refused"] += 1
                continue
            at = table.data_point[~np.isnan(table.size)].astype(np.int64)
            true = local_southern(changed.origin[at], truth.scan.astype(np.float64), truth.size)
            off = np.abs(table.size[~np.isnan(table.size)] - true)
            off = off[~np.isnan(off)]
            wrong = not len(off) or float(np.median(off)) > WRONG
            counts["wrong" if wrong else "right"] += 1
            local += not wrong and float(np.quantile(off, 0.95)) > 2.0 * WRONG
    return {
        "right": counts["right"],
        "refused": counts["refused"],
        "wrong": counts["wrong"],
        "part_off": local,
    }


def robustness(quick: bool) -> tuple[bool, dict[str, Any]]:
    """Size changed copies of the real traces, whose true sizes are known."""
    pairs: list[tuple[Any, SizingReport]] = []
    for path in trace_files():
        if path.suffix == ".fsa":
            trace = read_trace(path)
            report = process_trace(trace, SizingOptions(min_ladder_height=10.0))[1]
            if report.sized:
                pairs.append((trace, report))
    repeats, good, rows = 1 if quick else 20, True, {}
    print(f"{len(pairs)} traces, {repeats} changed copies of each for every change")
    print(f"{'change':30s} {'right':>6s} {'refused':>8s} {'wrong':>6s} {'5 % of peaks over 1 nt off':>27s}")
    for seed, (name, change) in enumerate(CHANGES.items()):
        row = rows[name] = judged(name, change, pairs, seed, repeats)
        good = good and (row["wrong"] == 0 or name in UNPHYSICAL)
        print(
            f"{name:30s} {row['right']:6d} {row['refused']:8d} {row['wrong']:6d} {row['part_off']:27d}",
            flush=True,
        )
    print("goal: none wrong (but where time jumps, which no run does)")
    return good, rows


def _best(work: Callable[[], object], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return 1e3 * best


def speed(quick: bool) -> tuple[bool, dict[str, Any]]:
    """Time reading, peaks and sizing of each file, and a run of 96 files on two processors."""
    try:
        from Bio import SeqIO
    except ImportError:
        SeqIO = None
    repeats, rows = 3 if quick else 15, {}
    print(f"{'file':34s} {'read ms':>8s} {'all ms':>8s} {'Biopython ms (parses only)':>27s}")
    files = [path for path in trace_files() if path.suffix == ".fsa"]
    for path in files:
        data = path.read_bytes()
        read = _best(lambda: read_trace(path), repeats)  # noqa: B023 - called at once
        every = _best(lambda: process_trace(read_trace(path)), repeats)  # noqa: B023
        peer = _best(lambda: SeqIO.read(io.BytesIO(data), "abi"), repeats) if SeqIO else np.nan  # noqa: B023
        rows[path.name] = {"read": read, "all": every, "biopython": peer}
        print(f"{path.name:34s} {read:8.2f} {every:8.2f} {peer:27.2f}")
    mean = float(np.mean([row["all"] for row in rows.values()]))
    run = (files * 5)[:96]
    start = time.perf_counter()
    process_traces(run, workers=2)
    seconds = time.perf_counter() - start
    print(f"mean {mean:.2f} ms a file (goal {FILE_GOAL_MS:.0f}); 96 files, two processes: {seconds:.2f} s "
          f"(goal {RUN_GOAL_S:.0f})")  # fmt: skip
    good = mean <= FILE_GOAL_MS and seconds <= RUN_GOAL_S
    return good, {"files": rows, "mean_ms": mean, "run96_s": seconds}


def mutants(seed: int, count: int) -> dict[str, Any]:
    """Return what became of mutants of both kinds."""
    data = [path.read_bytes() for path in trace_files()]
    warnings.simplefilter("error")
    for whole in data:
        _processed(whole)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rng, counts, slowest = np.random.default_rng(seed), Counter[str](), 0.0
    traps = [trap for whole in data for trap in crafted_directory(whole)] if seed == 0 else []
    for number in range(count + len(traps)):
        if number < len(traps):
            mutant = traps[number]
        else:
            kind = structure_mutant if number % 2 else byte_mutant
            mutant = kind(data[int(rng.integers(len(data)))], rng)
        start = time.process_time()  # of this process: the machine may have other work
        try:
            counts[_processed(mutant)] += 1
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            counts[f"escaped {type(error).__name__}: {error}"] += 1
        slowest = max(slowest, time.process_time() - start)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024.0
    return {"counts": counts, "slowest": slowest, "memory_mb": grown}


def _processed(data: bytes) -> str:
    try:
        trace = parse_trace(data, "mutant.fsa")
    except MlpaError:
        return "refused by the reader"
    return "sized" if process_trace(trace)[1].sized else "read, not sized"


def damage(quick: bool) -> tuple[bool, dict[str, Any]]:
    """Feed mutants of the real files, as many structure-aware as byte ones."""
    count, parts = (4_000, 4) if quick else (200_000, 40)
    counts: Counter[str] = Counter()
    slowest = memory = 0.0
    with ProcessPoolExecutor(2) as pool:
        for part in pool.map(mutants, range(parts), [count // parts] * parts):
            counts += part["counts"]
            slowest, memory = max(slowest, part["slowest"]), max(memory, part["memory_mb"])
    for name, number in counts.most_common():
        print(f"{number:8d} {name}")
    print(f"slowest {slowest:.3f} s of processor time (goal {SECONDS_GOAL:.0f}), memory beyond the intact files "
          f"{memory:.0f} MB (goal {MEMORY_GOAL_MB:.0f})")  # fmt: skip
    good = (
        slowest <= SECONDS_GOAL and memory <= MEMORY_GOAL_MB and not any("escaped" in name for name in counts)
    )
    return good, {"counts": dict(counts), "slowest_s": slowest, "memory_mb": memory}


PARTS: Mapping[str, Callable[[bool], tuple[bool, dict[str, Any]]]] = {
    "accuracy": accuracy,
    "robustness": robustness,
    "speed": speed,
    "damage": damage,
}


def main() -> int:
    """Run the parts asked for; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[], help="what to run (all)")
    parser.add_argument("--quick", action="store_true", help="a smaller run; nothing is stored")
    words = parser.parse_args()
    if not trace_files():
        print("the real traces are absent (../shared/data/traces)", file=sys.stderr)
        return 1
    missed = 0
    for name in words.parts or PARTS:
        print(f"\n== {name}")
        good, figures = PARTS[name](words.quick)
        missed += not good
        if not words.quick:
            store(f"traces_{name}", figures)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
