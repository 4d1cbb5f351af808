"""The benchmarks' own arithmetic: intervals, rules, bad reactions, what is turned off, tables from stored results."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import bad_reactions, ingredients, limits, quality, resample, tables
from benchmarks.panels import bench_panel
from benchmarks.real_runs import DATA, brca1_set, validation_set
from benchmarks.scoring import Tally
from benchmarks.turned_off import INGREDIENTS, SETTINGS, changed, turned_off
from mlpa_caller.pipeline import analyse
from mlpa_caller.settings import default_settings
from mlpa_caller.simulate import SimulationSettings, simulate_signals

real = pytest.mark.skipif(
    not (DATA / "validation16_controls.tsv").is_file(),
    reason="third-party MLPA data are not beside the project",
)


# --- the real data ----------------------------------------------------------------------------------------------


@real
def test_validation_set_has_24_deletion_values_in_12_reactions() -> None:
    run = validation_set()
    lost = [(i, gene) for i in range(87) for gene in run.panel.genes if run.is_lost(i, gene)]
    assert len(lost) == 24
    # 2 DiGeorge DNAs x 3 reactions x 1 probe, 2 Prader-Willi DNAs x 3 reactions x 3 probes
    assert Counter(gene for _, gene in lost) == {"HIRA": 6, "UBE3A": 6, "UBEA3A": 6, "SNRPN": 6}
    assert not any(run.is_normal(i) for i, _ in lost)
    assert sum(run.is_normal(i) for i in range(87)) == 69
    assert len({run.dna[i] for i in range(87) if run.is_normal(i)}) == 23


@real
def test_states_of_one_draw_are_those_of_the_calls_table() -> None:
    run = validation_set()
    picked, by_caller, _ = resample.one_draw((str(DATA), 5, 0))
    assert set(by_caller) == set(resample.CALLERS)
    assert (by_caller["mlpa_caller"][picked] == 2).all()  # references are not called
    figures = resample.tally(run, [(picked, by_caller, np.zeros(87, bool))])
    own = np.array([[run.is_lost(i, g) for g in run.panel.genes] for i in range(87)])
    for caller, state in by_caller.items():
        assert figures[caller]["sensitivity"] == pytest.approx((state[own] == -1).mean())
    # every ratio of a control is within the border, and every deletion below it (see test_real_mlpa.py)
    assert figures["border 0.75 / 1.25"]["sensitivity"] == 1
    assert figures["border 0.75 / 1.25"]["false_per_gene"] == 0


@real
def test_brca1_set_is_read_with_its_controls_first() -> None:
    run = brca1_set()
    assert run.height.shape == (15, 34)
    assert run.names[: run.n_controls] == ("control1", "control2", "control3", "control4", "control5")


# --- rules and intervals ----------------------------------------------------------------------------------------


def test_tolerance_factor_against_the_published_table() -> None:
    # two-sided factors for 99 % content and 95 % confidence, one sample of n = 10, 20, 50: 4.437, 3.621, 3.126
    # (Howe's approximation; exact tables: 4.433, 3.615, 3.126, e.g. ISO 16269-6)
    for n, factor in ((10, 4.433), (20, 3.615), (50, 3.126)):
        assert resample.tolerance_factor(n - 1, n) == pytest.approx(factor, rel=0.005)


def test_variance_components_are_found_again() -> None:
    rng = np.random.default_rng(1)
    ratio = (
        1
        + rng.normal(0, 0.2, 40)
        + rng.normal(0, 0.03, (300, 1))
        + rng.normal(0, 0.05, (300, 40))
    )  # fmt: skip
    residual, between, dof = resample.variance_components(ratio)
    assert residual == pytest.approx(0.05**2, rel=0.05)
    assert between == pytest.approx(0.03**2, rel=0.25)
    assert dof == 299 * 39


def test_a_reaction_with_more_scatter_has_wider_limits_only_under_its_own_error() -> None:
    rng = np.random.default_rng(2)
    ratio = 1 + rng.normal(0, 0.03, (8, 16))
    ratio[7] += rng.normal(0, 0.2, 16)
    ratio[6, 15], ratio[7, 15] = 0.75, 0.75
    own, probes = np.arange(8) < 5, np.arange(16) < 9
    low_run, _ = resample.of_the_run(ratio, own, probes)
    low_own, _ = resample.of_the_reaction(ratio, own, probes)
    assert low_run[6, 15]
    assert low_run[7, 15]
    assert low_own[6, 15]
    assert not low_own[7, 15]


def test_exact_interval_against_published_values() -> None:
    # Clopper-Pearson: 0 of 10 gives 0-30.85 %, 24 of 24 gives 85.75-100 %
    assert resample.exact_interval(0, 10) == (0.0, pytest.approx(0.3085, abs=1e-4))
    assert resample.exact_interval(24, 24) == (pytest.approx(0.8575, abs=1e-4), 1.0)


def test_interval_by_dna_is_wider_than_that_of_independent_values() -> None:
    hits, tested = np.zeros(20), np.full(20, 100.0)
    hits[0] = 20  # all in one DNA
    low, high = resample.by_dna(hits, tested, 2000)
    assert low == 0
    assert high > 0.025  # as independent values: 0.61-1.54 %
    assert resample.by_dna(np.zeros(20), tested, 2000)[1] == pytest.approx(1 - 0.025 ** (1 / 2000), rel=1e-6)


# --- bad reactions ----------------------------------------------------------------------------------------------


def test_a_kind_that_changes_nothing_changes_no_height() -> None:
    panel, _ = bench_panel("demo")
    kind = bad_reactions.Bad("nothing", lambda *_: (0.0, 1.0))
    case = bad_reactions.build(panel, kind, "few", 5)
    plain = simulate_signals(panel, SimulationSettings(), seed=5).signals
    np.testing.assert_allclose(case.run.signals.height, plain.height, rtol=1e-9)
    np.testing.assert_array_equal(case.run.signals.missing, plain.missing)
    assert case.bad.sum() == 4


def test_twice_the_noise_is_twice_the_distance_from_what_is_expected() -> None:
    panel, _ = bench_panel("demo")
    case = bad_reactions.build(panel, bad_reactions.KINDS["noise x 2"], "few", 5)
    settings = SimulationSettings()
    noise = np.log(simulate_signals(panel, settings, seed=5).signals.height)
    noise -= np.log(simulate_signals(panel, replace(settings, noise_scale=0.0), seed=5).signals.height)
    changed_by = np.log(case.run.signals.height) - np.log(
        simulate_signals(panel, settings, seed=5).signals.height
    )
    known = ~np.isnan(changed_by)
    rows = np.broadcast_to(case.bad[:, None], known.shape)
    np.testing.assert_allclose(changed_by[known & rows], noise[known & rows], atol=1e-9)
    np.testing.assert_allclose(changed_by[known & ~rows], 0, atol=1e-9)


def test_swapped_tubes_are_judged_by_the_dna_they_hold() -> None:
    panel, gene = bench_panel("demo")
    case = bad_reactions.build(panel, bad_reactions.KINDS["swapped reference"], "reference", 8)
    (tube,) = np.flatnonzero(case.bad)
    (patient,) = np.flatnonzero(case.blamed)
    assert case.run.role[tube] == "reference"
    assert case.tube[tube] == patient
    assert case.run.sample_truth.columns["main_gene_deleted"][patient] == "yes"
    result = analyse(panel, case.run.sheet(), case.run.signals)
    calls = result.tables["calls"].columns
    name = case.run.signals.samples[patient]
    own = {status for sample, status in zip(calls["sample"], calls["status"]) if sample == name}
    # the patient's tube now holds a reference's DNA: any loss or gain is wrong, although the sheet's patient has one
    assert quality.wrong_calls(case, result, gene)[patient] == bool(own & {"loss", "gain"})
    # and with the truth of the sheet instead, a normal IKZF1 would be the wrong call
    unmoved = replace(case, tube=np.arange(len(case.tube)))
    main = [s for n, g, s in zip(calls["sample"], calls["gene"], calls["status"]) if (n, g) == (name, gene)]
    assert main == ["normal"]
    assert quality.wrong_calls(unmoved, result, gene)[patient] == 1


@pytest.mark.parametrize(
    ("status", "exons", "probability", "limit", "true", "wrong"),
    [
        ("loss", "4-7", 0.99, 0.2, [(4, 7, 1, 0.5)], False),
        ("loss", "4-8", 0.99, 0.2, [(4, 7, 1, 0.5)], True),  # sure of the wrong exons
        ("loss", "4-8", 0.80, 0.2, [(4, 7, 1, 0.5)], False),  # and not sure of them
        ("loss", "4-7", 0.60, 0.2, [], True),
        ("gain", "4-7", 0.60, 0.2, [(4, 7, 1, 0.5)], True),
        ("normal", "", 0.99, 0.2, [], False),
        ("normal", "", 0.99, 0.2, [(4, 7, 1, 0.5)], True),
        ("normal", "", 0.99, 0.6, [(4, 7, 1, 0.5)], False),  # below the limit stated with it
        ("normal", "", 0.99, 0.2, [(2, 3, 1, 0.5)], False),  # smaller than the event of the limit
        ("not_evaluable", "", np.nan, np.nan, [(4, 7, 1, 0.5)], False),
    ],
)
def test_what_counts_as_a_wrong_call(status, exons, probability, limit, true, wrong) -> None:
    calls = {
        "status": [status],
        "exons": [exons],
        "probability": [probability],
        "limit_of_detection": [limit],
    }
    keys = ("first_exon", "last_exon", "copies_lost", "clone_fraction")
    truth = {key: [row[k] for row in true] for k, key in enumerate(keys)}
    assert quality._is_wrong([0], list(range(len(true))), truth, calls, True) is wrong


def test_jackknife_of_equal_runs_is_the_error_of_a_mean() -> None:
    shares = np.array([0.0, 1.0, 2.0, 1.0, 3.0])
    rows = [{"a": value, "b": 10.0} for value in shares]
    value, error = quality.share(rows, "a", "b")
    assert value == pytest.approx(shares.mean() / 10)
    assert error == pytest.approx(shares.std(ddof=1) / np.sqrt(5) / 10)


# --- ingredients ------------------------------------------------------------------------------------------------


def test_every_ingredient_can_be_turned_off_and_changes_a_run() -> None:
    panel, _ = bench_panel("small")
    run = simulate_signals(panel, SimulationSettings(n_patients=8, clone_fraction=(0.2, 0.4)), seed=4)
    sheet = run.sheet()
    before = analyse(panel, sheet, run.signals).tables["calls"].columns
    silent = {  # nothing in this run for them: no second gene, no stated blasts, no reference to leave out
        "lesions share a clone", "stated blast fraction", "neighbours as one event",
        "unfit and altered references left out",
    }  # fmt: skip
    for name, item in INGREDIENTS.items():
        assert set(item.where) <= set(SETTINGS), name
        with turned_off(item):
            settings = changed(default_settings(), item)
            after = analyse(item.panel(panel) if item.panel else panel, sheet, run.signals, settings=settings)
        same = np.array_equal(
            before["probability"], after.tables["calls"].columns["probability"], equal_nan=True
        )
        assert same == (name in silent), name
    again = analyse(panel, sheet, run.signals).tables["calls"].columns
    np.testing.assert_array_equal(before["probability"], again["probability"])


def test_a_hook_that_is_gone_is_told() -> None:
    item = replace(
        INGREDIENTS["error of the references"], patches=(("mlpa_caller.normalize", "nothing", lambda x: x),)
    )
    with pytest.raises(LookupError, match=r"mlpa_caller\.normalize has no nothing"), turned_off(item):
        pass
    item = replace(INGREDIENTS["compression"], settings={"of_the_moon": 1.0})
    with pytest.raises(LookupError, match="the settings have no of_the_moon"):
        changed(default_settings(), item)


def test_genes_apart_are_the_same_probes() -> None:
    panel, _ = bench_panel("demo")
    apart = INGREDIENTS["neighbours as one event"].panel(panel)
    assert [region.genes for region in apart.regions] == [
        (gene,) for region in panel.regions for gene in region.genes
    ]
    for region in apart.regions:
        assert {panel.gene[p] for p in region.probes} == set(region.genes)
        assert region.unit[0] == 0
        assert len(region.unit_label) == region.unit[-1] + 1
    together = sorted(p for region in panel.regions for p in region.probes)
    assert sorted(p for region in apart.regions for p in region.probes) == together


def test_paired_difference_of_the_same_runs_is_nothing() -> None:
    tally = Tally(
        deleted=[
            {"found": True, "exact": True, "covered": None, "error": None, "copies": None, "verdict": "pass"}
        ],
        normal=[{"false": False, "verdict": "pass"}],
        calls=[(0.9, True)],
    )
    counts = {"lost": 1.0, "found": 1.0, "quiet": 1.0, "called": 0.0}
    runs = [(tally, counts)] * 3
    for own, other, change, error in ingredients.compare(runs, runs).values():
        assert np.isnan(own) == np.isnan(other)
        assert np.isnan(own) or (change, error) == (0, 0)


# --- limits and tables ------------------------------------------------------------------------------------------


def test_loss_at_a_fraction_lowers_its_exons_alone() -> None:
    panel, _ = bench_panel("demo")
    run = simulate_signals(panel, SimulationSettings(noise_scale=0.0, fraction_deleted=0.0), seed=1)
    signals = limits.with_loss(run, panel, np.array([2, 5]), np.array([0.4, 1.0]), 1)
    ratio = signals.height / run.signals.height
    inside = (panel.gene == "IKZF1") & np.isin(panel.exon.astype(str), ["4", "5", "6", "7"])
    # ratio = (copies / 2)^0.90 with 1.6 and 1 copies
    np.testing.assert_allclose(ratio[2, inside], 0.8**0.9, rtol=1e-9)
    np.testing.assert_allclose(ratio[5, inside], 0.5**0.9, rtol=1e-9)
    ratio[[2, 5]] = np.where(inside, 1, ratio[[2, 5]])
    np.testing.assert_allclose(ratio[~np.isnan(ratio)], 1)


def test_tables_are_put_between_their_marks_and_only_there(tmp_path) -> None:
    found = {"limit": {"standard": {"n": 90, "stated": 0.3, "stated_5_95": [0.25, 0.35], "called": 0.95,
                                    "interval": [0.9, 0.98]}}}  # fmt: skip
    (tmp_path / "limits.json").write_text(json.dumps(found), encoding="utf-8")
    document = tmp_path / "method.md"
    document.write_text(
        "before\n<!-- table: limit -->\nold\n<!-- end of table -->\nbetween\n"
        "<!-- table: quality -->\nstays\n<!-- end of table -->\nafter\n",
        encoding="utf-8",
    )
    absent = tables.update(document, tmp_path)
    assert "limit" not in absent
    assert "resample" in absent
    text = document.read_text(encoding="utf-8")
    assert "| standard | 90 | 30.0 (25.0-35.0) | 95.0 (90.0-98.0) |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert "stays\n<!-- end of table -->\nafter\n" in text
    tables.update(document, tmp_path)
    assert document.read_text(encoding="utf-8") == text
    assert tables.markdown("resample", tmp_path) == "Not measured yet: `python -m benchmarks.resample`."
