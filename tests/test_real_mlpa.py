"""Real MLPA runs: a 16-probe validation set with known genotypes, and SALSA P002 BRCA1.

The files are third-party test data and lie beside the project; the tests skip where they are absent.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from slow_caller import plain_sheet, plain_signals

from mlpa_caller.panel import Panel, panel_from_columns
from mlpa_caller.pipeline import analyse
from mlpa_caller.result import Result

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "mlpa"
pytestmark = pytest.mark.skipif(
    not (DATA / "validation16_controls.tsv").is_file(),
    reason="third-party MLPA data are not beside the project",
)

LOST = {("DiGeor", "HIRA"), ("PradWilli", "UBE3A"), ("PradWilli", "UBEA3A"), ("PradWilli", "SNRPN")}
"""From the diagnosis: 22q11 is lost in DiGeorge, 15q11 in Prader-Willi; 4 x 6 reactions."""


def read(name: str) -> list[dict[str, str]]:
    with open(DATA / name, encoding="latin-1", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t" if name.endswith("tsv") else ","))


class Real:
    """Panel, names and heights of a data set; controls come first."""

    def __init__(self, panel: Panel, names: list[str], height: np.ndarray, n_controls: int) -> None:
        self.panel, self.names, self.height, self.n_controls = panel, names, height, n_controls

    def call(self, references: Iterable[int]) -> Result:
        chosen = set(references)
        roles = ["reference" if i in chosen else "patient" for i in range(len(self.names))]
        return analyse(
            self.panel, plain_sheet(self.names, roles), plain_signals(self.panel, self.names, self.height)
        )


@pytest.fixture(scope="module")
def validation() -> Real:
    controls, cases = read("validation16_controls.tsv"), read("validation16_cases.tsv")
    probes = [name for name in controls[0] if name not in ("Sample", "Replica")]
    about = {row["probe"]: row for row in read("validation16_long.csv")}
    panel = panel_from_columns(
        {
            "probe": probes,
            "length_nt": [about[name]["length_nt"] for name in probes],
            "gene": ["" if about[name]["is_reference"] == "1" else name for name in probes],
            "exon": [""] * len(probes),
            "role": ["reference" if about[name]["is_reference"] == "1" else "target" for name in probes],
        },
        "validation16",
    )
    rows = controls + cases
    names = [f"{row['Sample']}_{row['Replica']}" for row in rows]
    return Real(
        panel, names, np.array([[float(row[name]) for name in probes] for row in rows]), len(controls)
    )


@pytest.fixture(scope="module")
def brca1() -> Real:
    controls, cases = read("p002_brca1_controls.tsv"), read("p002_brca1_cases.tsv")
    about = read("p002_brca1_probes.csv")
    probes = [row["probe"].strip("`") for row in about]
    reference = [row["is_reference"] == "1" for row in about]
    panel = panel_from_columns(
        {
            "probe": probes,
            "length_nt": [row["length_nt"] for row in about],
            "gene": ["" if is_reference else "BRCA1" for is_reference in reference],
            "exon": ["" if r else name.removeprefix("BRCA1Ex") for name, r in zip(probes, reference)],
            "role": ["reference" if is_reference else "target" for is_reference in reference],
        },
        "P002 BRCA1",
    )
    rows = controls + cases
    height = np.array([[float(row[name]) for name in probes] for row in rows])
    return Real(panel, [row["id"] for row in rows], height, len(controls))


@pytest.fixture(scope="module")
def brca1_called(brca1: Real) -> Result:
    return brca1.call(range(brca1.n_controls))


def statuses(result: Result) -> dict[tuple[str, str], str]:
    columns = result.tables["calls"].columns
    out: dict[tuple[str, str], str] = {}
    for sample, gene, status in zip(columns["sample"], columns["gene"], columns["status"]):
        assert (sample, gene) not in out  # one probe a gene: one row
        out[sample, gene] = status
    return out


def is_lost(sample: str, gene: str) -> bool:
    return any(sample.startswith(start) and gene == name for start, name in LOST)


def test_shape_of_the_validation_set(validation: Real) -> None:
    assert validation.height.shape == (87, 16)
    assert validation.n_controls == 60
    assert validation.panel.is_role("reference").sum() == 9
    lost = [
        (name, gene) for name in validation.names for gene in validation.panel.genes if is_lost(name, gene)
    ]
    assert len(lost) == 24


def test_border_rule_is_a_sane_yardstick(validation: Real) -> None:
    # the laboratories' rule on the same numbers: median over the reference probes of the height ratios, then
    # over the controls; a loss below 0.7, a gain above 1.3. All 24 losses are found, and no control value lies outside.
    height, reference = validation.height, validation.panel.is_role("reference")
    controls = height[: validation.n_controls]
    ratio = np.empty(height.shape)
    for s in range(len(height)):
        relative = [height[s] * np.median(row[reference] / height[s, reference]) / row for row in controls]
        ratio[s] = np.median(relative, axis=0)
    for s, name in enumerate(validation.names):
        for p, gene in enumerate(validation.panel.probes):
            if is_lost(name, gene):
                assert ratio[s, p] < 0.7
            elif s < validation.n_controls:
                assert 0.7 < ratio[s, p] < 1.3


# two fixed draws of five control reactions; the second holds two replicates of one DNA
DRAWS = [(0, 14, 28, 43, 57), (3, 4, 20, 36, 51)]


@pytest.mark.parametrize("draw", range(len(DRAWS)))
def test_validation_set_with_five_references(validation: Real, draw: int) -> None:
    found = statuses(validation.call(DRAWS[draw]))
    missed = [key for key, status in found.items() if is_lost(*key) and status != "loss"]
    assert missed == []
    quiet = [
        (key, status) for key, status in found.items()
        if key[0].startswith(("NA.", "HapMap"))
    ]  # fmt: skip
    # 55 control reactions and 9 of the three HapMap cases, 7 genes each
    assert len(quiet) == 64 * 7
    false = [item for item in quiet if item[1] in ("loss", "gain")]
    assert len(false) <= 0.01 * len(quiet), false
    unknown = [item for item in quiet if item[1] == "not_evaluable"]
    assert len(unknown) <= 0.02 * len(quiet), unknown


def test_losses_of_the_validation_set_read_as_heterozygous_in_most_cells(validation: Real) -> None:
    # constitutional losses: one copy in every cell. Compression 0.9 was measured on these very values, so that
    # this tests the arithmetic and no more.
    result = validation.call(DRAWS[0])
    columns = result.tables["calls"].columns
    rows = [i for i, key in enumerate(zip(columns["sample"], columns["gene"])) if is_lost(*key)]
    assert set(columns["copies_lost"][rows]) == {1.0}
    assert np.median(columns["clone_fraction"][rows]) > 0.9
    assert (columns["clone_fraction_high"][rows] > 0.9).all()
    assert np.mean(columns["ratio"][rows]) == pytest.approx(0.532, abs=0.03)
    assert all("confirm_single_probe" in flags for flags in columns["flags"][rows])


def test_ratios_of_controls_scatter_as_stated(validation: Real) -> None:
    # z = ln ratio / error of the controls that are no references: spread 1 if the errors are honest
    columns = validation.call(DRAWS[0]).tables["ratios"].columns
    ln = np.log(columns["ratio"])
    error = np.log(columns["ratio_high"] / columns["ratio_low"]) / (2 * 1.95996)
    references = {validation.names[i] for i in DRAWS[0]}
    plain = np.array([name.startswith("NA.") and name not in references for name in columns["sample"]])
    z = ln[plain] / error[plain]
    assert len(z) == 55 * 16
    assert 0.8 < z.std() < 1.15
    assert abs(z.mean()) < 0.1
    assert 0.92 < (np.abs(z) < 1.96).mean() < 0.98


def test_brca1(brca1_called: Result) -> None:
    columns = brca1_called.tables["calls"].columns
    altered = [
        (sample, status, exons)
        for sample, status, exons in zip(columns["sample"], columns["status"], columns["exons"])
        if status in ("loss", "gain")
    ]
    # without slope correction 7 of the 10 cases are over-called
    assert altered == [("case05", "gain", "13")]
    (row,) = np.flatnonzero(columns["status"] == "gain")
    assert 1.40 < columns["ratio"][row] < 1.55
    assert columns["copies_lost"][row] == -1
    assert "confirm_single_probe" in columns["flags"][row]


def test_brca1_aberrant_control_copies_and_slopes_are_told(brca1_called: Result) -> None:
    result = brca1_called
    assert list(result.run["left_out"]) == ["control2"]
    assert result.run["reference_samples"] == ["control1", "control3", "control4", "control5"]
    assert result.run["verdict"] == "warn"
    quality: dict[str, dict[str, Any]] = {
        row[0]: dict(zip(result.tables["quality"].columns, row))
        for row in zip(*result.tables["quality"].columns.values())
    }
    assert quality["control2"]["verdict"] == "fail"
    assert "unfit as a reference" in quality["control2"]["reasons"]
    # rows that are copies of one another
    same = {"control2", "case07", "case08", "case09"}
    for name in same:
        (reason,) = [r for r in quality[name]["reasons"].split("; ") if r.startswith("heights identical to")]
        assert set(reason.removeprefix("heights identical to those of ").split(", ")) == same - {name}
    assert "heights identical to those of case06" in quality["case04"]["reasons"]
    assert "identical" not in quality["case01"]["reasons"]
    # slopes against the references: good reactions -0.04 to +0.05, bad ones -0.12 and beyond
    for name, row in quality.items():
        if name in same | {"case04", "case06"}:
            assert row["slope"] < -0.08, name
            assert row["verdict"] != "pass", name
            assert row["reference_sd_uncorrected"] > row["reference_sd"], name
        else:
            assert abs(row["slope"]) < 0.08, name
    assert quality["case10"]["verdict"] == "warn"  # no slope, but noise
    assert "noise" in quality["case10"]["reasons"]
    assert {quality[name]["verdict"] for name in ("control1", "case01", "case02", "case03", "case05")} == {
        "pass"
    }
