"""Are bad reactions flagged, and good ones left alone? ``python -m benchmarks.quality [--quick] [--runs 60]``.

Runs are simulated in which one reaction, a few, a reference or all are bad in a known way (``bad_reactions.py``), and
runs in which all are good; each goes through ``pipeline.analyse``. A reaction is flagged when its verdict is ``warn``
or ``fail``. A call is wrong when it names a loss or gain that is not there, leaves out a deletion of four exons or
more above the limit of detection stated, or is 95 % sure of the wrong exons. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks.bad_reactions import GOOD, KINDS, Bad, Case, build
from benchmarks.machine import store
from benchmarks.panels import bench_panel
from benchmarks.scoring import exon_set
from mlpa_caller.result import Result

SEED = 41000
FLAGGED, GOOD_FLAGGED = 0.95, 0.02
"""Goals: least share of the bad reactions flagged, largest share of the good ones."""
SURE, MANY_EXONS = 0.95, 4
WHERE = {"one": "one patient", "few": "a few patients", "all": "the whole run", "reference": "one reference"}

Counts = dict[str, float]


def wrong_calls(case: Case, result: Result, gene: str) -> np.ndarray:
    """Return ``(samples,)``: 1 where a call of the sample is wrong, 0 where none is, NaN where none was made."""
    names = case.run.signals.samples
    truth, calls = case.run.truth.columns, result.tables["calls"].columns
    held = {name: names[case.tube[i]] for i, name in enumerate(names)}
    lesions: dict[tuple[str, str], list[int]] = {}
    for i in range(len(truth["sample"])):
        lesions.setdefault((truth["sample"][i], truth["gene"][i]), []).append(i)
    got: dict[tuple[str, str], list[int]] = {}
    for i, key in enumerate(zip(calls["sample"], calls["gene"])):
        got.setdefault(key, []).append(i)
    index = {name: i for i, name in enumerate(names)}
    out = np.full(len(names), np.nan)
    for (name, of), rows in got.items():
        true = lesions.get((held[name], of), [])
        wrong = _is_wrong(rows, true, truth, calls, of == gene)
        out[index[name]] = max(float(wrong), np.nan_to_num(out[index[name]]))
    return out


def _is_wrong(rows: list[int], true: list[int], truth: Any, calls: Any, main: bool) -> bool:
    direction = {"loss" if truth["copies_lost"][i] > 0 else "gain" for i in true}
    status = {str(calls["status"][i]) for i in rows}
    if status & {"loss", "gain"}:
        if not status & {"loss", "gain"} <= direction:
            return True
        want = {str(i) for i in _exons(truth, true)}
        have = {str(i) for i in set().union(*(exon_set(calls["exons"][r]) for r in rows))} if main else want
        return main and have != want and bool(calls["probability"][rows[0]] >= SURE)
    if "normal" not in status or not true or not main:
        return False
    fraction = max(float(truth["clone_fraction"][i]) for i in true)
    return len(_exons(truth, true)) >= MANY_EXONS and fraction >= calls["limit_of_detection"][rows[0]]


def _exons(truth: Any, true: list[int]) -> set[int]:
    return set().union(
        *(set(range(int(truth["first_exon"][i]), int(truth["last_exon"][i]) + 1)) for i in true)
    )


def one_run(task: tuple[str, str, dict[str, Any], int]) -> Counts:
    """Simulate one run, call it, and count."""
    from mlpa_caller.pipeline import analyse

    name, scope, options, seed = task
    panel, gene = bench_panel("demo")
    kind = KINDS.get(name) or Bad("good", lambda *_: (0.0, 1.0), options=options)
    case = build(panel, kind, scope, seed)
    if name not in KINDS:
        case.bad[:] = False
    result = analyse(panel, case.run.sheet(), case.run.signals)
    verdict = np.asarray(result.tables["quality"].columns["verdict"]).astype(str)
    wrong = wrong_calls(case, result, gene)
    dna = case.run.role != "no_dna"
    good = dna & ~case.bad & ~case.blamed
    patient = case.run.role == "patient"
    passed = verdict == "pass"
    return {
        "bad": float(case.bad.sum()),
        "bad_flagged": float((case.bad & ~passed).sum()),
        "bad_failed": float((case.bad & (verdict == "fail")).sum()),
        "bad_wrong": float(np.nansum(wrong[case.bad])),
        "bad_wrong_pass": float(np.nansum(wrong[case.bad & passed])),
        "good": float(good.sum()),
        "good_flagged": float((good & ~passed).sum()),
        "good_patients_pass": float((good & patient & passed).sum()),
        "good_wrong_pass": float(np.nansum(wrong[good & patient & passed])),
        "run_flagged": float(result.run["verdict"] != "pass"),
    }


def share(rows: list[Counts], part: str, whole: str) -> tuple[float, float]:
    """Return the share and its standard error with whole runs left out in turn (jackknife)."""
    a, b = np.array([row[part] for row in rows]), np.array([row[whole] for row in rows])
    if b.sum() == 0:
        return float("nan"), float("nan")
    without = (a.sum() - a) / np.maximum(b.sum() - b, 1e-9)
    n = len(rows)
    return float(a.sum() / b.sum()), float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))


def tasks_of(only: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return every kind and scope of the benchmark: name, scope, options."""
    found = [(name, "one", options) for name, options in GOOD.items()]
    found += [(name, scope, {}) for name, kind in KINDS.items() for scope in kind.scopes]
    return [task for task in found if only in f"{task[0]} {task[1]}"]


def measure(runs: int, only: str) -> list[dict[str, Any]]:
    """Return the table, a row for every kind and scope."""
    kinds = tasks_of(only)
    every = tasks_of("")
    tasks = [(*kind, SEED + 1000 * every.index(kind) + r) for kind in kinds for r in range(runs)]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        counts = list(pool.map(one_run, tasks, chunksize=2))
    table = []
    for k, (name, scope, _) in enumerate(kinds):
        rows = counts[k * runs : (k + 1) * runs]
        total = {key: sum(row[key] for row in rows) for key in rows[0]}
        row: dict[str, Any] = {
            "kind": name,
            "where": WHERE[scope] if name in KINDS else "",
            **total,
            "runs": runs,
        }
        for key, part, whole in (("flagged", "bad_flagged", "bad"), ("good_flagged_share", "good_flagged", "good"),
                                 ("good_wrong_share", "good_wrong_pass", "good_patients_pass")):  # fmt: skip
            value, error = share(rows, part, whole)
            row[key], row[key + "_se"] = (
                (None, None) if np.isnan(value) else (round(value, 5), round(error, 5))
            )
        row["what"] = KINDS[name].what if name in KINDS else ""
        row["goal"] = KINDS[name].goal if name in KINDS else True
        table.append(row)
    return table


def show(table: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'reactions':29s} {'where':14s} {'bad':>5s} flagged % +- s.e.  failed %  wrong  of them pass   "
          "good flagged % +- s.e.  good, pass and wrong %  runs flagged %")  # fmt: skip
    for row in table:
        bad = (
            f"{row['bad']:5.0f} {100 * row['flagged']:8.1f} {100 * row['flagged_se']:6.1f}    "
            f"{100 * row['bad_failed'] / row['bad']:6.1f}  {row['bad_wrong']:5.0f}  {row['bad_wrong_pass']:8.0f}     "
            if row["flagged"] is not None else " " * 60
        )  # fmt: skip
        good = (
            f"  {100 * row['good_flagged_share']:8.2f} {100 * row['good_flagged_share_se']:8.2f}"
            f"        {100 * (row['good_wrong_share'] or 0):10.2f}"
            if row["good_flagged_share"] is not None else " " * 37
        )  # fmt: skip
        print(f"{row['kind']:29s} {row['where']:14s} {bad} {good} {100 * row['run_flagged'] / row['runs']:15.0f}"
              f"{'' if row['goal'] else '  (no goal)'}")  # fmt: skip


def judge(table: list[dict[str, Any]]) -> list[str]:
    """Return the goals missed, each as one line."""
    missed = []
    for row in table:
        name = f"{row['kind']} {row['where']}".strip()
        if row["goal"] and row["flagged"] is not None:
            if row["flagged"] < FLAGGED:
                missed.append(f"{name}: {100 * row['flagged']:.1f} % flagged, goal 95 %")
            if row["bad_wrong_pass"]:
                count = f"{row['bad_wrong_pass']:.0f} of {row['bad']:.0f}"
                missed.append(f"{name}: {count} bad reactions pass with a wrong call")
        if row["flagged"] is None and row["good_flagged_share"] > GOOD_FLAGGED:
            missed.append(
                f"{name}: {100 * row['good_flagged_share']:.2f} % of good reactions flagged, goal 2 %"
            )
    return missed


def main() -> int:
    """Measure, print, store, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="6 runs of each kind, nothing stored")
    parser.add_argument("--runs", type=int, default=60, help="runs of each kind")
    parser.add_argument("--only", default="", help="kinds whose name contains this")
    words = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    table = measure(6 if words.quick else words.runs, words.only)
    show(table)
    if not words.quick and not words.only:
        store("quality", {"runs": words.runs, "seed": SEED, "rows": table})
    missed = judge(table)
    for line in missed:
        print(f"MISSED {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
