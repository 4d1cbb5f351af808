"""What each ingredient of the caller brings: ``python -m benchmarks.ingredients [--runs 60] [--only WORD]``.

Each is turned off in turn, all else as shipped, and the same simulated runs are called with and without it in the
settings where it should matter and in the standard one. The differences are paired run by run; their standard
errors leave out whole runs in turn (jackknife). An ingredient that brings nothing anywhere has no place in the caller.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks.machine import store
from benchmarks.panels import bench_panel
from benchmarks.scoring import Tally, score_run
from benchmarks.turned_off import INGREDIENTS, SETTINGS, changed, turned_off
from mlpa_caller.panel import Panel
from mlpa_caller.settings import Settings, default_settings

SEED = 52000
SHOWN = {"balanced": "balanced", "false": "false", "calibr.": "calibration", "coverage": "coverage",
         "neighb.": "neighbours_found"}  # fmt: skip
"""Head and figure of each column: the last is the share of losses found in 9p21 and PAR1."""


def neighbours(panel: Panel, calls: Any, truth: Any) -> dict[str, float]:
    """Count, over the genes that share a region with others, the losses found and the false calls."""
    genes = {gene for region in panel.regions if len(region.genes) > 1 for gene in region.genes}
    direction = {
        (s, g): n for s, g, n in zip(truth["sample"], truth["gene"], truth["copies_lost"]) if g in genes
    }
    got: dict[tuple[str, str], set[str]] = {}
    for sample, gene, status in zip(calls["sample"], calls["gene"], calls["status"]):
        if gene in genes:
            got.setdefault((sample, gene), set()).add(status)
    lost = [key for key, n in direction.items() if n > 0 and key in got]
    quiet = [key for key in got if key not in direction]
    return {
        "lost": len(lost),
        "found": sum("loss" in got[key] for key in lost),
        "quiet": len(quiet),
        "called": sum(bool(got[key] & {"loss", "gain"}) for key in quiet),
    }


Scored = tuple[Tally, dict[str, float]]


def one_run(task: tuple[str, int, tuple[str, ...]]) -> dict[str, Scored | str]:
    """Simulate one run and call it as shipped and without each ingredient; a text where that cannot be."""
    from mlpa_caller.pipeline import analyse
    from mlpa_caller.simulate import SimulationSettings, simulate_signals

    name, seed, items = task
    options = dict(SETTINGS[name])
    panel, gene = bench_panel(options.pop("panel", "demo"))
    run = simulate_signals(panel, SimulationSettings(**options), seed=seed)
    sheet = run.sheet()
    patients = [sample for sample, role in zip(sheet.samples, sheet.role) if role == "patient"]

    def score(panel_used: Panel, settings: Settings) -> Scored:
        result = analyse(panel_used, sheet, run.signals, settings=settings)
        quality, calls = result.tables["quality"].columns, result.tables["calls"].columns
        verdicts = dict(zip(quality["sample"], quality["verdict"]))
        return (score_run(calls, verdicts, run.truth.columns, patients, gene),
                neighbours(panel, calls, run.truth.columns))  # fmt: skip

    found: dict[str, Scored | str] = {"": score(panel, default_settings())}
    for key in items:
        item = INGREDIENTS[key]
        try:
            with turned_off(item):
                found[key] = score(
                    item.panel(panel) if item.panel else panel, changed(default_settings(), item)
                )
        except LookupError as error:
            found[key] = str(error)
    return found


def figures(runs: list[Scored]) -> dict[str, float]:
    """Return the figures compared, pooled over runs."""
    pooled = Tally()
    near = {"lost": 0.0, "found": 0.0, "quiet": 0.0, "called": 0.0}
    for tally, counts in runs:
        pooled.add(tally)
        near = {key: near[key] + counts[key] for key in near}
    own = pooled.figures()
    shown = {
        key: own[key] for key in ("balanced", "sensitivity", "exact", "false", "calibration", "coverage")
    }
    shown["other_false"] = own["other_false"]
    shown["neighbours_found"] = near["found"] / near["lost"] if near["lost"] else float("nan")
    shown["neighbours_false"] = near["called"] / near["quiet"] if near["quiet"] else float("nan")
    return shown


def compare(with_it: list[Scored], without: list[Scored]) -> dict[str, tuple[float, float, float, float]]:
    """Return, by figure, with, without, difference (with minus without) and its jackknife standard error."""
    a, b = figures(with_it), figures(without)
    n = len(with_it)
    left_out = []
    for k in range(n):
        rest = [i for i in range(n) if i != k]
        one, other = figures([with_it[i] for i in rest]), figures([without[i] for i in rest])
        left_out.append({key: one[key] - other[key] for key in one})
    out = {}
    for key in a:
        values = np.array([row[key] for row in left_out])
        error = float(np.sqrt((n - 1) / n * ((values - values.mean()) ** 2).sum())) if n > 1 else float("nan")
        out[key] = (a[key], b[key], a[key] - b[key], error)
    return out


def measure(runs: int, only: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the table, and what could not be turned off."""
    chosen = {key: item for key, item in INGREDIENTS.items() if only in key}
    tasks = [
        (name, SEED + 1000 * k + r, items)
        for k, name in enumerate(SETTINGS)
        for items in [tuple(key for key, item in chosen.items() if name in item.where)]
        if items
        for r in range(runs)
    ]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = list(pool.map(one_run, tasks))
    table, lost = [], []
    for key, item in chosen.items():
        for name in item.where:
            own = [result for (where, *_), result in zip(tasks, found) if where == name]
            gone = [result[key] for result in own if isinstance(result[key], str)]
            if gone:
                lost.append(f"{key}: {gone[0]}")
                continue
            rows = compare([r[""] for r in own], [r[key] for r in own])  # type: ignore[misc]
            rounded = {k: [None if np.isnan(v) else round(v, 5) for v in row] for k, row in rows.items()}
            table.append({"ingredient": key, "without": item.without, "setting": name, **rounded})
    return table, sorted(set(lost))


def show(table: list[dict[str, Any]]) -> None:
    """Print the table: figures with the ingredient, and what it changes (with minus without, +- s.e.)."""
    print("figures in %; change = with minus without, +- standard error, paired")
    heads = "".join(f"{name:>8s} {'change':>7s} {'+-':>5s}  " for name in SHOWN)
    print(f"{'ingredient':38s} {'setting':33s}{heads}")
    for row in table:
        cells = ""
        for key in SHOWN.values():
            own, _, change, error = row[key]
            cells += (
                " " * 24 if own is None or change is None
                else f"{100 * own:8.2f} {100 * change:+7.2f} {100 * (error or 0):5.2f}  "
            )  # fmt: skip
        print(f"{row['ingredient']:38s} {row['setting']:33s}{cells}")


def main() -> int:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 runs of each setting, nothing stored")
    parser.add_argument("--runs", type=int, default=60, help="runs of each setting")
    parser.add_argument("--only", default="", help="ingredients whose name contains this")
    words = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    table, lost = measure(3 if words.quick else words.runs, words.only)
    show(table)
    if not words.quick and not words.only:
        store("ingredients", {"runs": words.runs, "seed": SEED, "rows": table})
    for line in lost:
        print(f"CANNOT BE TURNED OFF {line}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
