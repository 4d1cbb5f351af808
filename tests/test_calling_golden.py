"""Noise-free profiles of known events, called; the derivations stand in the comments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from slow_caller import (
    PlainNoise,
    PlainSample,
    plain_heights,
    plain_panel,
    plain_posterior,
    plain_signals,
    plain_space,
)

from mlpa_caller.calling.caller import RegionCalls, call_regions, detection_limits, unaltered_probes
from mlpa_caller.calling.exons import exons_table
from mlpa_caller.calling.model import COARSE, gene_model
from mlpa_caller.calling.tables import CallContext, calls_table
from mlpa_caller.datatypes import Ratios
from mlpa_caller.panel import Panel, panel_from_columns
from mlpa_caller.settings import default_settings

G = 0.9
EXONS = [str(i) for i in range(1, 9)]
PANEL = plain_panel(
    {"IKZF1": EXONS, "CDKN2A": ["1", "2"], "CDKN2B": ["2"], "ONE": ["1"]},
    region={"CDKN2A": "9p21", "CDKN2B": "9p21"},
)


def made(copies: np.ndarray, panel: Panel = PANEL, error: float = 0.05, noise: float = np.nan) -> tuple:
    """Signals and ratios without noise: heights 3000 at two copies, every ratio with the same error."""
    n = len(copies)
    height = plain_heights(panel, copies, slope_sd=0.0)
    signals = plain_signals(panel, [f"S{i}" for i in range(n)], height, noise)
    with np.errstate(divide="ignore"):
        ln_ratio = np.where(np.isnan(height), np.nan, G * np.log(copies / 2))
    full = plain_heights(panel, np.full(copies.shape, 2.0), slope_sd=0.0)
    flat = np.zeros(n)
    ratios = Ratios(
        signals.samples, panel.probes, ln_ratio, np.where(np.isnan(ln_ratio), np.nan, error), np.log(full),
        flat + 0.01, flat + 0.01, flat + 300.0, 15.0, {}, flat == 1, {}, np.zeros(copies.shape, bool),
    )  # fmt: skip
    return signals, ratios


def called(copies: np.ndarray, panel: Panel = PANEL, **options: Any) -> tuple[RegionCalls, ...]:
    doubtful = np.broadcast_to(options.pop("doubtful", False), len(copies))
    signals, ratios = made(copies, panel, **options)
    given = (ratios, signals, panel, np.arange(len(copies)), default_settings())
    limits = detection_limits(*given, compression=G, threshold=np.where(doubtful, 0.3, 0.5))
    return call_regions(*given, compression=G, limits=limits)


def rows_of(copies: np.ndarray, panel: Panel = PANEL, **options: Any) -> list[dict[str, Any]]:
    n = len(copies)
    no = np.zeros(n, dtype=bool)
    context = CallContext(
        tuple(f"S{i}" for i in range(n)),
        np.broadcast_to(options.pop("failed", no), n),
        np.broadcast_to(options.get("doubtful", no), n),
        np.broadcast_to(options.pop("blast", np.nan), n).astype(float),
    )
    table = calls_table(called(copies, panel, **options), panel, context)
    return [dict(zip(table.columns, values)) for values in zip(*table.columns.values())]


def of(rows: list[dict[str, Any]], gene: str, sample: str = "S0") -> list[dict[str, Any]]:
    return [row for row in rows if row["gene"] == gene and row["sample"] == sample]


def profile(changes: Mapping[str, float], panel: Panel = PANEL) -> np.ndarray:
    """Mean copy numbers of one sample: 2 but for the probes whose name starts as stated."""
    copies = np.full((1, len(panel)), 2.0)
    for start, value in changes.items():
        copies[0, [name.startswith(start) for name in panel.probes]] = value
    return copies


def exon_loss(first: int, last: int, copies: float) -> dict[str, float]:
    return {f"IKZF1-{i}": copies for i in range(first, last + 1)}


def test_heterozygous_loss_of_exons_4_to_7() -> None:
    # c = 2 - 0.6 = 1.4, ratio 0.7^0.9 = 0.7254, ln -0.321: 6.4 SD in each of four probes; without noise the
    # fraction is found to half a step of the grid. Other ranges lose at least one probe: t density at 6.4 SD
    # against the peak e^-(16/2 ln(1 + 6.4^2 15/13 / 15)) = e^-11.3, but a probe may also hold a variant (prior
    # odds 0.065 of a single-exon loss), so the rest is bounded by the priors, not by the noise.
    (row,) = of(rows_of(profile(exon_loss(4, 7, 1.4))), "IKZF1")
    assert (row["status"], row["exons"], row["copies_lost"], row["n_probes"]) == ("loss", "4-7", 1, 4)
    assert row["probability"] > 0.999
    assert row["ratio"] == pytest.approx(0.7**0.9)
    assert row["clone_fraction"] == pytest.approx(0.6, abs=0.02)
    assert row["clone_fraction_low"] < 0.6 < row["clone_fraction_high"]
    # SE of the mean of four: 0.025 in ln ratio (with the level 0.026); d ln ratio / d f = -0.9 / 1.4 = -0.643,
    # SE of f 0.040-0.042, 95 % interval +-0.08
    assert row["clone_fraction_high"] - row["clone_fraction_low"] == pytest.approx(2 * 1.96 * 0.041, rel=0.1)
    assert row["flags"] == ""


def test_probability_is_that_of_the_plain_caller() -> None:
    panel = plain_panel({"IKZF1": EXONS})
    copies = profile(exon_loss(4, 7, 1.5) | exon_loss(2, 2, 1.8), panel)
    (row,) = of(rows_of(copies, panel, error=0.07), "IKZF1")
    region = panel.regions[0]
    settings = default_settings()
    model = gene_model(region, settings, 15.0, G, COARSE)
    events = {name: settings.event("IKZF1", name) for name in (
        "loss", "gain", "homozygous", "two_events", "double_gain", "whole", "whole_gain")}  # fmt: skip
    spectrum = [(int(a) - 1, int(b) - 1, p) for a, b, p in settings.spectrum["IKZF1"]]
    space = plain_space(8, **events, spectrum=spectrum)
    x = (panel.length[region.probes] - 300) / 100
    error = np.sqrt(0.07**2 + (0.01 * (x - x.mean())) ** 2)
    sample = PlainSample(
        (G * np.log(copies[0, region.probes] / 2)).tolist(), error.tolist(), [np.nan] * 8, range(8),
        0.01**2 + (0.01 * x.mean()) ** 2,
    )  # fmt: skip
    noise = PlainNoise(15.0, model.shape.artefact, model.shape.artefact_span, 0.03, 0.001)
    plain = plain_posterior(sample, space, COARSE, np.full(len(COARSE), -np.log(len(COARSE))), G, noise)
    assert row["exons"] == "4-7"
    exact = plain.by_footprint()[1, tuple(4 <= i <= 7 for i in range(1, 9))]
    assert row["probability"] == pytest.approx(exact, abs=1e-9)
    assert 0.5 < exact < 0.999  # the case leaves some doubt, so that the number means something


def test_homozygous_loss_of_exons_4_to_7() -> None:
    # c = 2 - 2 * 0.9 = 0.2: ratio 0.1^0.9 = 0.126; one copy cannot bring the ratio below 0.5^0.9 = 0.536
    (row,) = of(rows_of(profile(exon_loss(4, 7, 0.2))), "IKZF1")
    assert (row["status"], row["exons"], row["copies_lost"]) == ("loss", "4-7", 2)
    assert row["clone_fraction"] == pytest.approx(0.9, abs=0.02)
    assert "zygosity_ambiguous" not in row["flags"]


def test_half_the_signal_reads_as_heterozygous_and_says_so() -> None:
    # 0.5 is one copy in all cells or two copies in half of them: the simpler reading, flagged
    (row,) = of(rows_of(profile(exon_loss(4, 7, 1.0))), "IKZF1")
    assert row["copies_lost"] == 1
    assert "zygosity_ambiguous" in row["flags"]


def test_nested_losses_take_a_row_each() -> None:
    # f = 0.7: exons 1-3 and 8 at 1.3 copies, 4-7 at 0.6. No single range, and no homozygous one, predicts two
    # levels below two copies.
    rows = of(rows_of(profile(exon_loss(1, 8, 1.3) | exon_loss(4, 7, 0.6))), "IKZF1")
    assert [(row["status"], row["exons"], row["copies_lost"]) for row in rows] == [
        ("loss", "1-8", 1), ("loss", "4-7", 1)
    ]  # fmt: skip
    assert [row["n_probes"] for row in rows] == [8, 4]
    assert rows[0]["clone_fraction"] == pytest.approx(0.7, abs=0.02)
    assert rows[0]["clone_fraction"] == rows[1]["clone_fraction"]
    assert "nested" in rows[1]["flags"].split(";")
    assert "nested" not in rows[0]["flags"].split(";")


def test_two_separate_losses_take_a_row_each() -> None:
    rows = of(rows_of(profile(exon_loss(1, 2, 1.2) | exon_loss(6, 7, 1.2))), "IKZF1")
    assert [(row["exons"], row["copies_lost"]) for row in rows] == [("1-2", 1), ("6-7", 1)]


@pytest.mark.parametrize(("copies", "gained"), [(2.8, -1), (3.8, -2)])
def test_gain_of_the_whole_gene(copies: float, gained: int) -> None:
    # 2.8: one copy more in 0.8 of the cells; 3.8: two copies more in 0.9 (one copy more ends at 3)
    (row,) = of(rows_of(profile(exon_loss(1, 8, copies))), "IKZF1")
    assert (row["status"], row["exons"], row["copies_lost"]) == ("gain", "1-8", gained)
    assert row["clone_fraction"] == pytest.approx((copies - 2) / -gained, abs=0.02)


def test_normal_profile() -> None:
    rows = rows_of(profile({}))
    assert [row["gene"] for row in rows] == list(PANEL.genes)
    for row in rows:
        assert row["status"] == "normal"
        assert row["exons"] == ""
        assert np.isnan(row["copies_lost"])
        assert np.isnan(row["clone_fraction"])
        assert row["ratio"] == pytest.approx(1.0)
        assert row["probability"] > 0.95
    # IKZF1: limit of exons 4-7, four probes; the other genes over all theirs
    assert rows[0]["limit_of_detection"] < rows[1]["limit_of_detection"]


def absent(*starts: str) -> np.ndarray:
    return profile(dict.fromkeys(starts, 0.0))


def test_absent_peaks_of_neighbours_are_a_homozygous_loss() -> None:
    # three peaks of 3000 absent where 100 would be seen: ln(100/3000) = -3.4, and a homozygous loss in all
    # cells leaves 0.03 copies, 0.9 ln 0.015 = -3.78. Absence by chance 0.001^3 against 0.1 * 0.4 * 0.5 / 19.
    rows = rows_of(absent("CDKN2"), noise=100.0)
    (a,), (b,) = of(rows, "CDKN2A"), of(rows, "CDKN2B")
    for row, exons in ((a, "1-2"), (b, "2")):
        assert (row["status"], row["exons"], row["copies_lost"]) == ("loss", exons, 2)
        assert row["probability"] > 0.9
        assert row["clone_fraction"] > 0.9
        assert np.isnan(row["ratio"])
        assert "missing_probes" in row["flags"]
    assert of(rows, "IKZF1")[0]["status"] == "normal"


def test_absent_peaks_count_as_the_probes_of_their_event() -> None:
    # the risk rules count a gene as deleted where the event has two probes or more; an absent peak that makes
    # the call is one of them. A single absent peak is as probable to have failed (0.001 against 0.1 * 0.4 * 0.5 / 19)
    rows = rows_of(absent("CDKN2"), noise=100.0)
    assert [of(rows, gene)[0]["n_probes"] for gene in ("CDKN2A", "CDKN2B")] == [3, 3]
    (row,) = of(rows_of(absent("CDKN2B"), noise=300.0), "CDKN2B")
    assert (row["status"], "no_probe" in row["flags"]) == ("not_evaluable", True)


def test_absent_peaks_tell_nothing_where_the_noise_is_unknown() -> None:
    rows = rows_of(absent("CDKN2"))
    for gene in ("CDKN2A", "CDKN2B"):
        (row,) = of(rows, gene)
        assert row["status"] == "not_evaluable"
        assert row["flags"] == "no_probe"
        assert np.isnan([row["probability"], row["ratio"], row["limit_of_detection"]]).all()


def test_one_absent_peak_is_no_loss() -> None:
    # dropout 0.001 against a homozygous loss of exon 5 alone: 0.3 * 0.05 * (0.105 / 30) / 19 of the fractions
    (row,) = of(rows_of(absent("IKZF1-5"), noise=100.0), "IKZF1")
    assert (row["status"], row["n_probes"]) == ("normal", 7)
    assert "missing_probes" in row["flags"]
    for noise in (50.0, 100.0):
        (row,) = of(rows_of(absent("ONE"), noise=noise), "ONE")
        assert row["status"] == "not_evaluable"


def test_one_absent_peak_among_lost_ones_does_not_break_the_range() -> None:
    (row,) = of(rows_of(profile(exon_loss(4, 7, 1.3) | {"IKZF1-5": 0.0})), "IKZF1")
    assert (row["status"], row["exons"], row["n_probes"]) == ("loss", "4-7", 3)
    assert "missing_probes" in row["flags"]


def test_a_loss_seen_by_one_probe_is_to_be_confirmed() -> None:
    (row,) = of(rows_of(profile({"ONE": 1.0})), "ONE")
    assert (row["status"], row["n_probes"]) == ("loss", 1)
    assert "confirm_single_probe" in row["flags"]


def test_one_probe_half_gone_among_eight_is_a_variant_or_an_exon() -> None:
    # 3 of 49 single-exon losses are variants: the floor keeps the odds of the variant at 0.0612 / 0.9388
    (row,) = of(rows_of(profile({"IKZF1-4": 1.0}), error=0.04), "IKZF1")
    assert row["status"] == "loss"
    assert row["exons"] == "4"
    assert "confirm_single_probe" in row["flags"]


def test_an_event_over_two_genes_counts_all_its_probes() -> None:
    rows = rows_of(profile({"CDKN2": 1.2}))
    (a,), (b,) = of(rows, "CDKN2A"), of(rows, "CDKN2B")
    assert [(row["status"], row["exons"], row["n_probes"]) for row in (a, b)] == [
        ("loss", "1-2", 3),
        ("loss", "2", 3),
    ]
    assert "confirm_single_probe" not in b["flags"]
    rows = rows_of(profile({"CDKN2A": 1.0}))
    assert of(rows, "CDKN2A")[0]["status"] == "loss"
    assert of(rows, "CDKN2B")[0]["status"] == "normal"


def test_untouched_neighbour_of_an_event_stays_normal_in_a_doubtful_sample() -> None:
    rows = rows_of(profile({"CDKN2A": 0.8}), doubtful=True)
    assert of(rows, "CDKN2A")[0]["status"] == "loss"
    (row,) = of(rows, "CDKN2B")
    assert row["status"] == "normal"
    assert "unclear" not in row["flags"]


def test_failed_sample_is_not_evaluable_with_its_ratios() -> None:
    rows = rows_of(profile(exon_loss(4, 7, 1.0)), failed=True)
    assert {row["status"] for row in rows} == {"not_evaluable"}
    assert {row["flags"] for row in rows} == {"sample_failed"}
    assert of(rows, "IKZF1")[0]["ratio"] == pytest.approx((4 + 4 * 0.5**0.9) / 8)
    assert np.isnan([row["probability"] for row in rows]).all()
    assert np.isnan([row["limit_of_detection"] for row in rows]).all()


def test_blast_fraction_below_the_limit_is_not_evaluable() -> None:
    flat = profile({})
    limit = of(rows_of(flat), "IKZF1")[0]["limit_of_detection"]
    for blast, status in ((limit - 0.01, "not_evaluable"), (limit + 0.01, "normal"), (0.0, "not_evaluable")):
        (row,) = of(rows_of(flat, blast=blast), "IKZF1")
        assert row["status"] == status
        assert ("below_limit_of_detection" in row["flags"]) == (status == "not_evaluable")
        assert np.isnan(row["probability"]) == (status == "not_evaluable")
        assert row["limit_of_detection"] == pytest.approx(limit)
    # a loss that is seen is told whatever the stated fraction
    (row,) = of(rows_of(profile(exon_loss(4, 7, 1.2)), blast=0.05), "IKZF1")
    assert row["status"] == "loss"


def test_a_doubtful_sample_needs_more_and_says_when_it_is_unclear() -> None:
    # between 0.3 and 0.45 for "no change" a doubtful sample is not evaluable, a good one is called
    grid = [profile(exon_loss(4, 7, 2 - f)) for f in np.arange(0.10, 0.40, 0.001)]
    copies = np.concatenate(grid)
    good, poor = rows_of(copies), rows_of(copies, doubtful=True)
    normal = called(copies)[0].posterior.normal
    seen = set()
    for i, chance in enumerate(normal):
        (one,), (two,) = of(good, "IKZF1", f"S{i}"), of(poor, "IKZF1", f"S{i}")
        want = (
            ("normal", "normal") if chance >= 0.45 else ("loss", "not_evaluable" if chance >= 0.3 else "loss")
        )
        assert (one["status"], two["status"]) == want, chance
        assert ("unclear" in two["flags"]) == (0.3 <= chance < 0.45)
        seen.add(want)
    assert len(seen) == 3


def test_limit_of_a_doubtful_sample_is_that_of_its_stricter_threshold() -> None:
    # odds of 7 : 3 instead of 11 : 9 need 0.65 more in ln odds: a little more of the clone
    good, poor = (
        of(rows_of(profile({}), doubtful=d), "IKZF1")[0]["limit_of_detection"] for d in (False, True)
    )
    assert 1.003 < poor / good < 1.15


def test_whole_range_of_sizes_of_genes() -> None:
    # 25 units: pairs of ranges are limited, single ranges are not; order of the exons is by number
    panel = plain_panel({"BIG": [str(i) for i in range(1, 26)], "ONE": ["1"]})
    copies = np.full((3, len(panel)), 2.0)
    copies[1, [10 <= int(exon or 0) <= 19 for exon in panel.exon]] = 1.3
    copies[2, panel.gene == "ONE"] = 0.4
    rows = rows_of(copies, panel)
    assert of(rows, "BIG", "S0")[0]["status"] == "normal"
    (row,) = of(rows, "BIG", "S1")
    assert (row["status"], row["exons"], row["n_probes"]) == ("loss", "10-19", 10)
    (row,) = of(rows, "ONE", "S2")
    assert (row["status"], row["exons"], row["copies_lost"]) == ("loss", "1", 2)


def test_absent_peaks_are_seen_in_a_gene_of_many_exons() -> None:
    # three exons of 20 gone: by chance 0.001^3, against 0.1 * 0.1 * 0.5 / 209 for that range on both alleles,
    # in the last few of 19 fractions: odds of some hundreds
    panel = plain_panel({"BIG": [str(i) for i in range(1, 21)]})
    copies = np.full((1, len(panel)), 2.0)
    copies[0, [10 <= int(exon or 0) <= 12 for exon in panel.exon]] = 0.0
    (row,) = of(rows_of(copies, panel, error=0.004, noise=150.0), "BIG")
    assert (row["status"], row["exons"], row["copies_lost"]) == ("loss", "10-12", 2)


def test_exons_table_of_a_loss() -> None:
    copies = profile(exon_loss(4, 7, 1.4))
    regions = called(copies)
    _, ratios = made(copies)
    no = np.zeros(1, dtype=bool)
    context = CallContext(("S0",), no, no, np.full(1, np.nan))
    table = exons_table(regions, PANEL, ratios, np.arange(1), context).columns
    ikzf1 = table["gene"] == "IKZF1"
    assert table["exon"][ikzf1].tolist() == EXONS
    inside = np.isin(table["exon"], ["4", "5", "6", "7"]) & ikzf1
    assert table["ratio"][inside] == pytest.approx(np.full(4, 0.7**0.9))
    assert (table["probability_loss"][inside] > 0.999).all()
    assert (table["probability_loss"][ikzf1 & ~inside] < 0.05).all()
    assert (table["probability_gain"] < 0.05).all()
    # 95 % range: own error 0.05, level 0.01 at 300 nt, slope 0.01 per 100 nt over the probe's distance
    width = np.log(table["ratio_high"] / table["ratio_low"])
    length = dict(zip(zip(PANEL.gene, PANEL.exon), PANEL.length))
    for gene, exon, found in zip(table["gene"], table["exon"], width):
        x = (length[gene, exon] - 300) / 100
        assert found == pytest.approx(2 * 1.95996 * np.sqrt(0.05**2 + 0.01**2 + (0.01 * x) ** 2), rel=0.01)


def test_unaltered_probes_follow_the_calls() -> None:
    copies = np.concatenate([profile(exon_loss(4, 7, 1.3)), profile({})])
    kept = unaltered_probes(called(copies), 3, len(PANEL), np.array([0, 2]))
    lost = [PANEL.gene[i] == "IKZF1" and PANEL.exon[i] in "4567" for i in range(len(PANEL))]
    assert (kept[0, lost] < 0.001).all()
    assert (kept[2] > 0.9).all()
    assert (kept[1] == 1).all()
    assert (kept[0, PANEL.is_role("reference")] == 1).all()


@pytest.mark.parametrize("absent", [None, 1])
def test_ratio_of_an_exon_is_the_weighted_mean_of_its_probes(absent: int | None) -> None:
    panel = plain_panel({"IKZF1": ["1", "2", "2", "3"]})
    own = np.flatnonzero((panel.gene == "IKZF1") & (panel.exon == "2"))
    signals, ratios = made(np.full((1, len(panel)), 2.0), panel)
    ratios.ln_ratio[0, own] = [-0.3, 0.1]
    ratios.error[0, own] = [0.05, 0.1]
    if absent is not None:
        ratios.ln_ratio[0, own[absent]] = ratios.error[0, own[absent]] = np.nan
    each = np.arange(1)
    given = (ratios, signals, panel, each, default_settings())
    no = np.zeros(1, dtype=bool)
    context = CallContext(("S0",), no, no, np.full(1, np.nan))
    table = exons_table(call_regions(*given, compression=G), panel, ratios, each, context)
    place = table.columns["exon"].tolist().index("2")
    assert table.columns["n_probes"][place] == 2
    # precisions 400 and 100: (400 * -0.3 + 100 * 0.1) / 500 = -0.22; the first probe alone: -0.3
    mean, variance = (-0.22, 1 / 500) if absent is None else (-0.3, 1 / 400)
    length = panel.length[own]
    middle = (4 * length[0] + length[1]) / 5 if absent is None else length[0]
    # errors of level and slope are 0.01 each, the slope's around 300 nt
    half = 1.959964 * np.sqrt(variance + 0.01**2 + (0.01 * (middle - 300) / 100) ** 2)
    found = [table.columns[name][place] for name in ("ratio", "ratio_low", "ratio_high")]
    assert found == pytest.approx([np.exp(mean), np.exp(mean - half), np.exp(mean + half)], rel=1e-6)


def test_numbers_have_the_decimals_of_the_files() -> None:
    regions = called(np.full((1, len(PANEL)), 2.0))
    _, ratios = made(np.full((1, len(PANEL)), 2.0))
    no = np.zeros(1, dtype=bool)
    context = CallContext(("S0",), no, no, np.full(1, np.nan))
    assert calls_table(regions, PANEL, context).decimals == {
        "copies_lost": 0, "probability": 4, "ratio": 3, "limit_of_detection": 3,
        "clone_fraction": 3, "clone_fraction_low": 3, "clone_fraction_high": 3,
    }  # fmt: skip
    exons = exons_table(regions, PANEL, ratios, np.arange(1), context)
    assert exons.decimals == {"ratio": 3, "ratio_low": 3, "ratio_high": 3}


@pytest.mark.parametrize(
    ("along", "wanted"),
    [
        (["10", "2", "1"], ["1", "2", "10"]),  # a gene on the other strand
        (["2b", "10", "2a"], ["2a", "2b", "10"]),
    ],
)
def test_exons_stand_in_the_order_of_their_numbers(along: list[str], wanted: list[str]) -> None:
    n = len(along) + 13
    panel = panel_from_columns(
        {
            "probe": [f"p{i}" for i in range(n)],
            "length_nt": [str(120 + 20 * i) for i in range(n)],
            "gene": ["GENE"] * len(along) + [""] * 13,
            "exon": along + [""] * 13,
            "role": ["target"] * len(along) + ["reference"] * 13,
            "chrom": ["chr7"] * n,
            "start": [str(1000 + 100 * i) for i in range(n)],
            "end": [str(1060 + 100 * i) for i in range(n)],
        },
        "plain",
    )
    signals, ratios = made(np.full((1, n), 2.0), panel)
    each = np.arange(1)
    regions = call_regions(ratios, signals, panel, each, default_settings(), compression=G)
    no = np.zeros(1, dtype=bool)
    table = exons_table(regions, panel, ratios, each, CallContext(("S0",), no, no, np.full(1, np.nan)))
    assert table.columns["exon"].tolist() == wanted
