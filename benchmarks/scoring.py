"""Score calls against the truth of simulated runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BINS = 10


@dataclass
class Tally:
    """Counts over many runs; every list has one entry a patient or call."""

    deleted: list[dict[str, Any]] = field(default_factory=list)
    normal: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[float, bool]] = field(default_factory=list)
    other_false: list[bool] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add the counts of another tally."""
        self.deleted += other.deleted
        self.normal += other.normal
        self.calls += other.calls
        self.other_false += other.other_false

    def figures(self) -> dict[str, float]:
        """Return the figures of the benchmark's table."""
        found = np.array([row["found"] for row in self.deleted], dtype=bool)
        exact = np.array([row["exact"] for row in self.deleted], dtype=bool)
        false = np.array([row["false"] for row in self.normal], dtype=bool)
        n, m = max(len(found), 1), max(len(false), 1)
        p_exact, p_false = exact.sum() / n, false.sum() / m
        cover = [row["covered"] for row in self.deleted if row["covered"] is not None]
        error = [row["error"] for row in self.deleted if row["error"] is not None]
        copies = [row["copies"] for row in self.deleted if row["copies"] is not None]
        verdict = [row["verdict"] for row in self.deleted + self.normal]
        return {
            "deleted": len(found),
            "normal": len(false),
            "sensitivity": found.sum() / n,
            "exact": p_exact,
            "false": p_false,
            "balanced": (p_exact + 1 - p_false) / 2,
            "balanced_se": 0.5 * np.sqrt(p_exact * (1 - p_exact) / n + p_false * (1 - p_false) / m),
            "zygosity": float(np.mean(copies)) if copies else np.nan,
            "fraction_error": float(np.sqrt(np.mean(np.square(error)))) if error else np.nan,
            "coverage": float(np.mean(cover)) if cover else np.nan,
            "calibration": expected_calibration_error(self.calls),
            "other_false": float(np.mean(self.other_false)) if self.other_false else np.nan,
            "flagged": float(np.mean([v != "pass" for v in verdict])) if verdict else np.nan,
            "failed": float(np.mean([v == "fail" for v in verdict])) if verdict else np.nan,
        }


def reliability(calls: Sequence[tuple[float, bool]]) -> list[tuple[float, float, int]]:
    """Return mean probability, share right and number of calls in each tenth of the probability."""
    probability = np.array([p for p, _ in calls])
    right = np.array([ok for _, ok in calls], dtype=float)
    cell = np.clip((probability * BINS).astype(int), 0, BINS - 1) if len(calls) else np.zeros(0, dtype=int)
    return [
        (float(probability[cell == b].mean()), float(right[cell == b].mean()), int((cell == b).sum()))
        for b in range(BINS)
        if (cell == b).any()
    ]


def expected_calibration_error(calls: Sequence[tuple[float, bool]]) -> float:
    """Return the mean distance between probability and share right, weighted by the number of calls."""
    table = reliability(calls)
    total = sum(n for _, _, n in table)
    return sum(abs(p - r) * n for p, r, n in table) / total if total else float("nan")


def exon_set(exons: str) -> set[int]:
    """Return the exon numbers of ``"4-7"``."""
    first, _, last = exons.partition("-")
    return set(range(int(first), int(last or first) + 1)) if first else set()


def score_run(
    calls: Mapping[str, Any],
    verdicts: Mapping[str, str],
    truth: Mapping[str, Any],
    patients: Sequence[str],
    main: str = "IKZF1",
) -> Tally:
    """Score one run's calls of the main gene, and the other genes' false calls.

    Parameters
    ----------
    calls
        Columns of the calls table.
    verdicts
        Quality verdict by sample.
    truth
        Columns of the simulation's truth: ``sample, gene, first_exon, last_exon, copies_lost, clone_fraction``.
    patients
        Names of the patients.
    main
        The gene whose deletions are scored.
    """
    lesions: dict[str, list[dict[str, Any]]] = {}
    altered: dict[str, set[str]] = {}
    for i, sample in enumerate(truth["sample"]):
        altered.setdefault(sample, set()).add(truth["gene"][i])
        if truth["gene"][i] == main:
            lesions.setdefault(sample, []).append({key: truth[key][i] for key in truth})
    rows: dict[str, list[int]] = {}
    tally = Tally()
    for i, sample in enumerate(calls["sample"]):
        if calls["gene"][i] == main:
            rows.setdefault(sample, []).append(i)
        elif calls["gene"][i] not in altered.get(sample, set()):
            tally.other_false.append(calls["status"][i] in ("loss", "gain"))
    for sample in patients:
        own = rows[sample]
        losses = [i for i in own if calls["status"][i] == "loss"]
        called = [i for i in own if calls["status"][i] in ("loss", "gain")]
        got = set().union(*(exon_set(calls["exons"][i]) for i in losses)) if losses else set()
        true = [x for x in lesions.get(sample, []) if float(x["copies_lost"]) > 0]
        want = (
            set().union(*(set(range(int(x["first_exon"]), int(x["last_exon"]) + 1)) for x in true))
            if true
            else set()
        )
        state = verdicts[sample]
        if true:
            exact = got == want
            row = {"found": bool(losses), "exact": exact, "verdict": state, "covered": None, "error": None,
                   "copies": None, "fraction": float(true[0]["clone_fraction"]),
                   "limit": calls["limit_of_detection"][own[0]]}  # fmt: skip
            if exact:
                f = float(true[0]["clone_fraction"])
                i = losses[0]
                row["covered"] = bool(calls["clone_fraction_low"][i] <= f <= calls["clone_fraction_high"][i])
                row["error"] = float(calls["clone_fraction"][i]) - f
                want_copies = sorted(float(x["copies_lost"]) for x in true)
                row["copies"] = sorted(float(calls["copies_lost"][i]) for i in losses) == want_copies
            tally.deleted.append(row)
        elif sample not in lesions:
            tally.normal.append({"false": bool(called), "verdict": state})
        for i in own[:1]:
            p = calls["probability"][i]
            if not np.isnan(p):
                right = (
                    (got == want)
                    if calls["status"][i] == "loss"
                    else (calls["status"][i] == "normal" and sample not in lesions)
                )
                tally.calls.append((float(p), bool(right)))
    return tally
