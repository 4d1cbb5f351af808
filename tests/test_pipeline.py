"""Whole runs: what they refuse, what must not change them, and what they say of known truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from slow_caller import plain_heights, plain_panel, plain_sheet, plain_signals

from mlpa_caller.errors import SampleSheetError
from mlpa_caller.panel import Panel, panel_from_columns
from mlpa_caller.pipeline import analyse
from mlpa_caller.result import Result

EXONS = [str(i) for i in range(1, 9)]
PANEL = plain_panel({"IKZF1": EXONS, "PAX5": ["1", "2", "5", "6"], "ETV6": ["1", "2", "3"], "ONE": ["1"]})
NAMES = [f"R{i}" for i in range(5)] + [f"P{i}" for i in range(6)]
ROLES = ["reference"] * 5 + ["patient"] * 6
Place = tuple[int, str, Sequence[str], float]


def heights(changes: Sequence[Place] = (), *, seed: int = 1, noise_sd: float = 0.05, panel: Panel = PANEL,
            n: int = len(NAMES)) -> np.ndarray:  # fmt: skip
    """A run with copies changed: (sample, gene, exons, copies)."""
    copies = np.full((n, len(panel)), 2.0)
    for row, gene, exons, value in changes:
        copies[row, (panel.gene == gene) & np.isin(panel.exon.astype(str), list(exons))] = value
    return plain_heights(panel, copies, seed=seed, noise_sd=noise_sd)


def run(height: np.ndarray, *, panel: Panel = PANEL, names: Sequence[str] = NAMES, roles: Sequence[str] = ROLES,
        noise: float = np.nan, **columns: Sequence[str]) -> Result:  # fmt: skip
    sheet = plain_sheet(list(names), list(roles), **columns)
    return analyse(panel, sheet, plain_signals(panel, names, height, noise))


def rows(result: Result, table: str = "calls", **wanted: str) -> list[dict[str, Any]]:
    columns = result.tables[table].columns
    every = [dict(zip(columns, values)) for values in zip(*columns.values())]
    return [row for row in every if all(row[key] == value for key, value in wanted.items())]


def events(result: Result) -> list[tuple[str, str, str, str, float]]:
    return [
        (row["sample"], row["gene"], row["status"], row["exons"], row["copies_lost"])
        for row in rows(result)
        if row["status"] in ("loss", "gain")
    ]


def assert_same(one: Result, two: Result, atol: float = 0.0) -> None:
    assert one.tables.keys() == two.tables.keys()
    for name, table in one.tables.items():
        other = two.tables[name]
        assert table.columns.keys() == other.columns.keys()
        for key, column in table.columns.items():
            if column.dtype == np.float64:
                np.testing.assert_allclose(
                    other.columns[key], column, rtol=0, atol=atol, err_msg=f"{name}.{key}"
                )
            else:
                assert column.tolist() == other.columns[key].tolist(), f"{name}.{key}"


FULL = [
    (6, "IKZF1", EXONS[3:7], 1.3),
    (7, "IKZF1", EXONS, 1.2),
    (7, "PAX5", ["1", "2", "5", "6"], 1.2),
    (8, "ETV6", ["1", "2", "3"], 2.8),
    (9, "ONE", ["1"], 0.6),
]


def test_a_run_of_known_truth() -> None:
    result = run(heights(FULL))
    assert events(result) == [
        ("P1", "IKZF1", "loss", "4-7", 1.0),
        ("P2", "IKZF1", "loss", "1-8", 1.0),
        ("P2", "PAX5", "loss", "1-6", 1.0),
        ("P3", "ETV6", "gain", "1-3", -1.0),
        ("P4", "ONE", "loss", "1", 2.0),
    ]
    assert result.run["verdict"] == "pass"
    assert result.run["reference_samples"] == NAMES[:5]
    assert result.run["left_out"] == {}
    assert result.run["compression"] == 0.9
    fractions = {row["sample"]: row["clone_fraction"] for row in rows(result, gene="IKZF1", status="loss")}
    assert fractions["P1"] == pytest.approx(0.7, abs=0.12)
    assert fractions["P2"] == pytest.approx(0.8, abs=0.12)


def test_tables_have_a_row_for_everything() -> None:
    result = run(heights(FULL))
    calls, exons, ratios, quality = (result.tables[name] for name in ("calls", "exons", "ratios", "quality"))
    assert list(calls.columns)[:12] == [
        "sample", "gene", "status", "exons", "copies_lost", "probability", "ratio", "clone_fraction",
        "clone_fraction_low", "clone_fraction_high", "n_probes", "limit_of_detection",
    ]  # fmt: skip
    patients = NAMES[5:]
    assert [(row["sample"], row["gene"]) for row in rows(result)] == [
        (name, gene) for name in patients for gene in PANEL.genes
    ]
    assert len(exons) == len(patients) * int(PANEL.is_role("target").sum())
    assert len(ratios) == len(NAMES) * len(PANEL)
    assert quality.columns["sample"].tolist() == NAMES
    probability = calls.columns["probability"]
    assert ((probability >= 0) & (probability <= 1)).all()
    low, f, high = (calls.columns[f"clone_fraction{end}"] for end in ("_low", "", "_high"))
    called = ~np.isnan(f)
    assert ((low <= f) & (f <= high))[called].all()
    assert (called == np.isin(calls.columns["status"].astype(str), ["loss", "gain"])).all()


def test_references_are_not_called_and_positives_are() -> None:
    roles = [*ROLES]
    roles[6] = "positive"
    result = run(heights(FULL), roles=roles)
    assert {row["sample"] for row in rows(result)} == set(NAMES[5:])
    assert rows(result, sample="P1", gene="IKZF1")[0]["status"] == "loss"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_references_are_refused(count: int) -> None:
    roles = ["reference"] * count + ["patient"] * (len(NAMES) - count)
    with pytest.raises(SampleSheetError) as caught:
        run(heights(), roles=roles)
    assert str(caught.value) == (
        f"samples: {count} samples have the role reference, at least 3 are needed; "
        "mark the run's normal samples as reference"
    )


def test_one_patient() -> None:
    height = heights(FULL)[[0, 1, 2, 3, 4, 6]]
    names = [*NAMES[:5], "P1"]
    assert events(run(height, names=names, roles=[*ROLES[:5], "patient"])) == [
        ("P1", "IKZF1", "loss", "4-7", 1.0)
    ]


def test_no_patient_gives_empty_tables_with_their_columns() -> None:
    result = run(heights(), roles=["reference"] * len(NAMES))
    assert len(result.tables["calls"]) == len(result.tables["exons"]) == 0
    assert list(result.tables["calls"].columns)[:4] == ["sample", "gene", "status", "exons"]
    assert len(result.tables["ratios"]) == len(NAMES) * len(PANEL)


def test_a_panel_without_target_probes_gives_no_calls() -> None:
    panel = plain_panel({"IKZF1": EXONS})
    role = ["benchmark" if i < 8 else "reference" for i in range(len(panel))]
    panel = panel_from_columns(
        {"probe": panel.probes, "length_nt": [f"{v:g}" for v in panel.length], "gene": [""] * len(panel),
         "exon": [""] * len(panel), "role": role},
        "references",
    )  # fmt: skip
    result = run(heights(panel=panel), panel=panel)
    assert len(result.tables["calls"]) == 0
    assert "status" in result.tables["calls"].columns
    assert len(result.tables["quality"]) == len(NAMES)


def test_no_dna_control_is_neither_called_nor_heard() -> None:
    # rows of peaks without DNA must not touch the noise or the ratios of the others
    want = run(heights(FULL)[:10], names=NAMES[:10], roles=ROLES[:10])
    rng = np.random.default_rng(0)
    for junk in (np.full(len(PANEL), np.nan), rng.lognormal(np.log(90), 0.6, len(PANEL))):
        height = heights(FULL)
        height[10] = junk
        result = run(height, roles=[*ROLES[:10], "no_dna"])
        assert "P5" not in {row["sample"] for row in rows(result)}
        assert events(result) == events(want)
        for key in ("probability", "ratio", "limit_of_detection"):
            np.testing.assert_allclose(
                result.tables["calls"].columns[key], want.tables["calls"].columns[key], atol=1e-9, err_msg=key
            )


def test_order_of_the_samples_does_not_matter() -> None:
    height = heights(FULL)
    want = run(height, blast_fraction=["", "", "", "", "", "0.9", "0.7", "", "", "", "0.1"])
    order = np.random.default_rng(3).permutation(len(NAMES))
    found = run(
        height[order], names=[NAMES[i] for i in order], roles=[ROLES[i] for i in order],
        blast_fraction=[["", "", "", "", "", "0.9", "0.7", "", "", "", "0.1"][i] for i in order],
    )  # fmt: skip
    for name in ("calls", "exons", "ratios", "quality"):
        by_key = {_key(row): row for row in rows(found, name)}
        assert len(by_key) == len(rows(want, name))
        for row in rows(want, name):
            _same_row(row, by_key[_key(row)])


def test_order_of_the_probes_does_not_matter() -> None:
    height = heights(FULL)
    want = run(height)
    order = np.random.default_rng(4).permutation(len(PANEL))
    panel = panel_from_columns(
        {
            "probe": [PANEL.probes[i] for i in order],
            "length_nt": [repr(float(PANEL.length[i])) for i in order],
            "gene": list(PANEL.gene[order]),
            "exon": list(PANEL.exon[order]),
            "role": list(PANEL.role[order]),
        },
        "shuffled",
    )
    found = run(height[:, order], panel=panel)
    for name in ("calls", "exons", "ratios"):
        by_key = {_key(row): row for row in rows(found, name)}
        for row in rows(want, name):
            _same_row(row, by_key[_key(row)])


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("sample", "gene", "exon", "exons", "probe"))


def _same_row(one: dict[str, Any], two: dict[str, Any]) -> None:
    for key, value in one.items():
        if isinstance(value, float):
            assert two[key] == pytest.approx(value, abs=1e-8, nan_ok=True), (key, one, two)
        else:
            assert two[key] == value, (key, one, two)


def test_same_input_same_tables() -> None:
    assert_same(run(heights(FULL)), run(heights(FULL)))


def test_failed_sample_is_not_evaluable_with_its_ratios_still_written() -> None:
    height = heights(FULL)
    reference = np.flatnonzero(PANEL.is_role("reference"))
    height[7, reference[4:]] = np.nan
    result = run(height)
    assert rows(result, "quality", sample="P2")[0]["verdict"] == "fail"
    own = rows(result, sample="P2")
    assert {row["status"] for row in own} == {"not_evaluable"}
    assert {row["flags"] for row in own} == {"sample_failed"}
    ratios = [row["ratio"] for row in rows(result, "ratios", sample="P2")]
    assert np.isfinite(ratios).sum() == len(PANEL) - len(reference) + 4
    assert np.isfinite([row["ratio"] for row in rows(result, "exons", sample="P2")]).all()
    assert np.isnan([row["probability_loss"] for row in rows(result, "exons", sample="P2")]).all()


def test_gene_without_any_peak_is_not_evaluable() -> None:
    height = heights(FULL)
    height[5, PANEL.gene == "ETV6"] = np.nan
    (row,) = rows(run(height), sample="P0", gene="ETV6")
    assert (row["status"], row["n_probes"], row["flags"]) == ("not_evaluable", 0, "no_probe")
    assert np.isnan([row["probability"], row["ratio"], row["limit_of_detection"]]).all()
    # also where no reference sample has it
    height = heights(FULL)
    height[:5, PANEL.gene == "ETV6"] = np.nan
    for row in rows(run(height, noise=50.0), gene="ETV6"):
        assert row["status"] == "not_evaluable"


def test_missing_heights_never_become_numbers() -> None:
    height = heights(FULL)
    height[5, 2] = np.nan
    result = run(height)
    (row,) = rows(result, "ratios", sample="P0", probe=PANEL.probes[2])
    assert np.isnan([row["height"], row["ratio"], row["ratio_low"], row["ratio_high"]]).all()
    assert row["flags"] == "no_peak"
    (exon,) = rows(result, "exons", sample="P0", gene="IKZF1", exon="3")
    assert np.isnan([exon["ratio"], exon["probability_loss"], exon["probability_gain"]]).all()
    whole = rows(result, sample="P0", gene="IKZF1")[0]
    assert (whole["status"], whole["n_probes"]) == ("normal", 7)
    assert "missing_probes" in whole["flags"]


@pytest.mark.parametrize(("blast", "status"), [("0.05", "not_evaluable"), ("0.9", "normal"), ("", "normal")])
def test_a_negative_below_the_limit_of_detection_is_not_evaluable(blast: str, status: str) -> None:
    fractions = [""] * len(NAMES)
    fractions[5] = blast
    (row,) = rows(run(heights(FULL), blast_fraction=fractions), sample="P0", gene="IKZF1")
    assert row["status"] == status
    assert 0.1 < row["limit_of_detection"] < 0.5


def test_a_stated_blast_fraction_tells_one_copy_lost_from_two() -> None:
    # half the signal: one copy in all cells, or two in half of them
    height = heights([(5, "IKZF1", EXONS[3:7], 1.0), (6, "IKZF1", EXONS[3:7], 1.0)])
    blasts = ["", "", "", "", "", "1.0", "0.5", "", "", "", ""]
    result = run(height, blast_fraction=blasts)
    assert rows(result, sample="P0", gene="IKZF1")[0]["copies_lost"] == 1
    (row,) = rows(result, sample="P1", gene="IKZF1")
    assert row["copies_lost"] == 2
    assert row["clone_fraction"] == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("copies", [1.0, 1.5])
@pytest.mark.parametrize("count", [3, 4, 5])
def test_an_altered_reference_is_never_silent(copies: float, count: int) -> None:
    # left out where enough others stay; told in any case
    roles = ["reference"] * count + ["patient"] * (len(NAMES) - count)
    result = run(heights([*FULL, (0, "IKZF1", EXONS, copies)]), roles=roles)
    assert result.run["verdict"] == "warn"
    assert any("R0" in reason for reason in result.run["reasons"])
    assert rows(result, "quality", sample="R0")[0]["verdict"] != "pass"
    if count > 3:
        assert list(result.run["left_out"]) == ["R0"]
        assert "R0" not in result.run["reference_samples"]
    assert ("P1", "IKZF1", "loss", "4-7", 1.0) in events(result)
    assert not rows(result, sample="P0", status="gain")


@pytest.mark.parametrize("count", [5, 3])
def test_a_loss_that_only_the_caller_sees_in_a_reference(count: int) -> None:
    # four of 52 probes at 0.77: SD of all probes below 0.1, but probability of a loss above 0.99
    panel = plain_panel({"IKZF1": EXONS, "PAX5": ["1", "2", "5", "6"]}, n_reference=40)
    roles = ["reference"] * count + ["patient"] * (len(NAMES) - count)
    changes = [(0, "IKZF1", EXONS[3:7], 1.5), (6, "IKZF1", EXONS[3:7], 1.3)]
    result = run(heights(changes, panel=panel), panel=panel, roles=roles)
    (reason,) = [reason for reason in result.run["reasons"] if "R0" in reason]
    if count == 5:
        assert result.run["left_out"] == {"R0": "IKZF1 looks altered (probability 1.000)"}
        assert result.run["reference_samples"] == NAMES[1:5]
        assert reason == "reference R0 left out: IKZF1 looks altered (probability 1.000)"
        assert "not used as a reference" in rows(result, "quality", sample="R0")[0]["reasons"]
    else:
        # three are the least: it stays, and is told of
        assert result.run["left_out"] == {}
        assert reason.startswith("reference R0 is kept, but IKZF1 looks altered")
        assert "kept as a reference" in rows(result, "quality", sample="R0")[0]["reasons"]
    assert events(result)[-1] == ("P1", "IKZF1", "loss", "4-7", 1.0)


def test_what_is_called_has_no_say_in_the_level() -> None:
    # 12 of 29 probes lost in 60 % of the cells: a fit that counts them in puts the level too low, and the
    # ratios of the others too high
    lost = [(6, "IKZF1", EXONS, 1.4), (6, "PAX5", ["1", "2", "5", "6"], 1.4)]
    off = []
    for seed in range(4):
        result = run(heights(lost, seed=seed))
        want = run(heights(seed=seed))
        own = [row["ratio"] for row in rows(result, "ratios", sample="P1", gene="ETV6")]
        flat = [row["ratio"] for row in rows(want, "ratios", sample="P1", gene="ETV6")]
        off.append(np.mean(np.log(own) - np.log(flat)))
        assert [event[:4] for event in events(result)] == [
            ("P1", "IKZF1", "loss", "1-8"), ("P1", "PAX5", "loss", "1-6"),
        ]  # fmt: skip
    assert np.mean(off) == pytest.approx(0.0, abs=0.015)


def test_a_sample_of_mere_noise_fails() -> None:
    # heights scattered by a factor of 1.6 or more tell nothing; calls made from them would be wrong
    rng = np.random.default_rng(7)
    for sd in (0.45, 0.9):
        height = heights()
        height[5:] *= np.exp(sd * rng.standard_normal((6, len(PANEL))))
        result = run(height)
        assert {row["verdict"] for row in rows(result, "quality", role="patient")} == {"fail"}
        assert not events(result)


def test_copied_rows_of_a_table_do_not_make_events() -> None:
    height = heights()
    height[:5] = height[0]
    assert not events(run(height))
    height[:] = height[0]
    result = run(height)
    assert {row["status"] for row in rows(result, gene="IKZF1")} == {"normal"}


def test_a_table_without_noise_is_called_as_it_stands() -> None:
    result = run(heights(FULL, noise_sd=0.0))
    assert events(result) == events(run(heights(FULL)))
    assert {row["verdict"] for row in rows(result, "quality")} <= {"pass", "warn"}
    assert all(row["status"] == "normal" for row in rows(result, sample="P0"))


@pytest.mark.parametrize("exons", [25, 1])
def test_genes_of_any_size(exons: int) -> None:
    labels = [str(i) for i in range(1, exons + 1)]
    panel = plain_panel({"GENE": labels, "PAX5": ["1", "2", "5"]})
    result = run(heights([(6, "GENE", labels[5:20] or labels, 1.2)], panel=panel), panel=panel)
    found = events(result)
    assert [event[:4] for event in found] == [("P1", "GENE", "loss", "6-20" if exons > 1 else "1")]
    assert ("confirm_single_probe" in rows(result, sample="P1", gene="GENE")[0]["flags"]) == (exons == 1)


@pytest.mark.parametrize("name", ["{IK}", "IKZF1; x", "%d", "7", "NA"])
def test_any_name_of_a_gene(name: str) -> None:
    panel = plain_panel({name: EXONS, "PAX5": ["1", "2", "5"]})
    # the fifth reference has a loss that only the caller sees
    changes = [(4, name, EXONS, 1.62), (6, name, EXONS[3:7], 1.2)]
    result = run(heights(changes, panel=panel, seed=2), panel=panel)
    assert ("P1", name, "loss", "4-7", 1.0) in events(result)
