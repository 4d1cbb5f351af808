"""What slope correction does to the 15 reactions of SALSA P002 BRCA1: ``python -m benchmarks.p002 [--data FOLDER]``.

Every reaction is called twice against the same five controls: with the slope left in (a slope of any size is held
impossible), and as shipped. Rows that are copies of one another are in the data and are told by the quality table. No
genotype but the duplication of exon 13 in case05 is stated, so that this is no measure of accuracy.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import store
from benchmarks.real_runs import DATA, RealRun, brca1_set
from mlpa_caller.result import Result
from mlpa_caller.settings import Settings, default_settings

LOW, HIGH = 0.75, 1.25
NO_SLOPE = 1e-6
EXPECTED = {"case05": "gain 13"}


def without_slope() -> Settings:
    """Return the shipped settings with every slope held impossible."""
    shipped = default_settings()
    none = dict.fromkeys(("slope_sd_reference", "slope_sd_sample"), NO_SLOPE)
    return replace(shipped, noise={**shipped.noise, **none})


def called(result: Result, name: str) -> str:
    """Return the events called in a sample, as one text."""
    columns = result.tables["calls"].columns
    said = [
        f"{status} {exons}"
        for sample, status, exons in zip(columns["sample"], columns["status"], columns["exons"])
        if sample == name and status in ("loss", "gain")
    ]
    return ", ".join(said)


def measure(run: RealRun) -> dict[str, Any]:
    """Return ratios, figures and calls of every reaction, with the slope left in and removed."""
    controls = range(run.n_controls)
    raw, own = run.call(controls, without_slope()), run.call(controls)
    shape = run.height.shape
    matrix = {
        key: np.asarray(r.tables["ratios"].columns["ratio"], dtype=float).reshape(shape)
        for key, r in (("raw", raw), ("corrected", own))
    }
    quality = own.tables["quality"].columns
    target = run.panel.is_role("target")
    reactions = []
    for i, name in enumerate(run.names):
        outside = {key: (values[i] < LOW) | (values[i] > HIGH) for key, values in matrix.items()}
        reactions.append(
            {
                "name": name,
                "slope": round(float(quality["slope"][i]), 4),
                "sd_uncorrected": round(float(quality["reference_sd_uncorrected"][i]), 4),
                "sd": round(float(quality["reference_sd"][i]), 4),
                "outside_raw": int(outside["raw"][target].sum()),
                "outside_corrected": int(outside["corrected"][target].sum()),
                "called_raw": called(raw, name),
                "called": called(own, name),
                "verdict": str(quality["verdict"][i]),
                "reasons": str(quality["reasons"][i]),
                "ratio_raw": [round(float(v), 4) for v in matrix["raw"][i]],
                "ratio": [round(float(v), 4) for v in matrix["corrected"][i]],
            }
        )
    return {
        "length_nt": run.panel.length.tolist(),
        "reference_probe": run.panel.is_role("reference").tolist(),
        "left_out": dict(own.run["left_out"]),
        "reactions": reactions,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the table."""
    print("reaction  slope/100nt  SD of reference probes   targets outside 0.75-1.25   called by mlpa_caller")
    print("                       before    after          before   after             "
          "slope left in / as shipped; verdict")  # fmt: skip
    for r in figures["reactions"]:
        print(f"{r['name']:9s} {r['slope']:+8.3f}     {r['sd_uncorrected']:6.3f}   {r['sd']:6.3f}         "
              f"{r['outside_raw']:5d}   {r['outside_corrected']:5d}             "
              f"{r['called_raw'] or 'none'} / {r['called'] or 'none'}; {r['verdict']} {r['reasons']}")  # fmt: skip
    cases = [r for r in figures["reactions"] if r["name"] not in figures["controls"]]
    before, after = (sum(r[key] > 0 for r in cases) for key in ("outside_raw", "outside_corrected"))
    print(f"cases with a target outside the borders: {before} of {len(cases)} before, {after} after")


def judge(figures: dict[str, Any]) -> list[str]:
    """Return what the caller said that the data do not bear out."""
    missed = []
    for r in figures["reactions"]:
        if r["name"] in figures["controls"]:
            continue
        known = EXPECTED.get(r["name"], "")
        if r["called"] != known:
            missed.append(f"{r['name']}: called {r['called'] or 'nothing'}, {known or 'nothing'} is known")
        if abs(r["slope"]) > 0.08 and r["verdict"] == "pass":
            missed.append(f"{r['name']}: slope {r['slope']:+.3f} per 100 nt, and no flag")
    return missed


def main() -> int:
    """Call, print, store, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the same, nothing stored")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the P002 set")
    words = parser.parse_args()
    if not (words.data / "p002_brca1_controls.tsv").is_file():
        print(f"{words.data} does not hold the P002 set (third-party data, not part of the project)")
        return 3
    run = brca1_set(words.data)
    figures = {"controls": list(run.names[: run.n_controls]), **measure(run)}
    show(figures)
    if not words.quick:
        store("p002", figures)
    missed = judge(figures)
    for line in missed:
        print(f"MISSED {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
