"""Simulated runs of the bundled demonstration panel: losses found, normal samples left alone, the limit holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from slow_caller import plain_sheet, plain_signals

from mlpa_caller.panel import load_panel
from mlpa_caller.pipeline import analyse
from mlpa_caller.result import Result
from mlpa_caller.simulate import SimulationSettings, simulate_signals


def rows(result: Result, **wanted: str) -> list[dict[str, Any]]:
    columns = result.tables["calls"].columns
    every = [dict(zip(columns, values)) for values in zip(*columns.values())]
    return [row for row in every if all(row[key] == value for key, value in wanted.items())]


DEMO = load_panel("demo-synthetic")


@pytest.fixture(scope="module")
def simulated() -> list[tuple[Any, Result]]:
    out = []
    for seed in (101, 102, 103):
        sim = simulate_signals(DEMO, SimulationSettings(), seed=seed)
        sheet = plain_sheet(sim.signals.samples, list(sim.role), sex=list(sim.sex))
        out.append((sim, analyse(DEMO, sheet, sim.signals)))
    return out


def test_simulated_losses_of_ikzf1_are_found_with_their_range(simulated: list[tuple[Any, Result]]) -> None:
    # 45 deleted patients in three runs, about 28 with a clone of half the cells or more
    found, exact, total = 0, 0, 0
    for sim, result in simulated:
        truth = sim.truth.columns
        for i, sample in enumerate(truth["sample"]):
            if truth["gene"][i] != "IKZF1" or truth["clone_fraction"][i] < 0.5:
                continue
            first, last = truth["first_exon"][i], truth["last_exon"][i]
            want = first if first == last else f"{first}-{last}"
            losses = [row["exons"] for row in rows(result, sample=sample, gene="IKZF1", status="loss")]
            total += 1
            found += bool(losses)
            exact += losses == [want]
    assert total >= 20
    assert found == total
    assert exact >= 0.9 * total


def test_simulated_normal_samples_are_left_alone(simulated: list[tuple[Any, Result]]) -> None:
    false, total = [], 0
    for sim, result in simulated:
        altered = set(zip(sim.truth.columns["sample"], sim.truth.columns["gene"]))
        for row in rows(result):
            if (row["sample"], row["gene"]) not in altered:
                total += 1
                if row["status"] in ("loss", "gain"):
                    false.append((row["sample"], row["gene"], row["probability"]))
    # 90 patients of 13 genes; goal of the method: at most 1 % of normal samples
    assert total > 1000
    assert len(false) <= 0.01 * total, false


def test_limit_of_detection_holds_in_simulation() -> None:
    """IKZF1 4-7 lost in exactly the stated limit of the cells: 95 % of 300 patients are to be called.

    Patients of a run share the error of its references: the standard error is about 2 %.
    """
    inside = (DEMO.gene == "IKZF1") & np.isin(DEMO.exon.astype(str), ["4", "5", "6", "7"])
    called, total = 0, 0
    for seed in range(6):
        settings = SimulationSettings(fraction_deleted=0.0, n_no_dna=0, n_patients=50)
        sim = simulate_signals(DEMO, settings, seed=500 + seed)
        sheet = plain_sheet(sim.signals.samples, list(sim.role))
        limits = {
            row["sample"]: row["limit_of_detection"]
            for row in rows(analyse(DEMO, sheet, sim.signals), gene="IKZF1")
        }
        assert all(0.15 < limit < 0.5 for limit in limits.values())
        fraction = np.array([limits.get(name, 0.0) for name in sim.signals.samples])
        height = sim.signals.height.copy()
        height[:, inside] *= (1 - fraction[:, None] / 2) ** 0.9
        result = analyse(DEMO, sheet, plain_signals(DEMO, sim.signals.samples, height))
        called += len({row["sample"] for row in rows(result, gene="IKZF1", status="loss")})
        total += len(limits)
    assert total == 300
    assert 0.88 <= called / total <= 0.99
