"""Peaks go to their probes: on simulated exports whose every peak is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpa_caller.binning import bin_peaks
from mlpa_caller.datatypes import Missing, text_array
from mlpa_caller.panel import load_panel, panel_from_columns
from mlpa_caller.simulate import (
    PeakSettings,
    SimulationSettings,
    simulate_peaks,
    simulate_signals,
    synthetic_panel,
)

DEMO = load_panel("demo-synthetic")
GENES = ("IKZF1", "A", "B", "C")
HARD = SimulationSettings(
    homozygous_rate=0.3, other_gene_rate=0.3, nested_rate=0.2, gain_rate=0.1, hyperdiploid_fraction=0.2,
    low_dna_fraction=0.15, bad_fraction=0.15, poor_denaturation_fraction=0.1, overloaded_fraction=0.1,
    failed_fraction=0.1, failed_references=1, clone_fraction=(0.3, 1.0),
)  # fmt: skip


def make(panel, seed, run=None, export=None):
    simulation = simulate_signals(panel, run, seed=seed)
    return simulation, simulate_peaks(simulation, export, seed=seed + 500)


def binned(panel, simulation, peaks, table=None, sample=None):
    return bin_peaks(
        peaks.peaks if table is None else table, panel, peaks.sample if sample is None else sample,
        simulation.signals.samples,
    )  # fmt: skip


def truth(simulation, peaks):
    """Exported height of each probe's own peak, NaN where the export has none."""
    out = np.full(simulation.signals.height.shape, np.nan)
    own = peaks.probe >= 0
    out[peaks.sample[own], peaks.probe[own]] = peaks.peaks.height[own]
    return out


def judge(panel, simulation, peaks, result):
    """Count wrong heights of probes that have a peak, peaks of another probe taken, and peaks not found.

    The first two are counted for every fragment, the last for target and reference probes.
    """
    true, height = truth(simulation, peaks), result.signals.height
    wrong = np.isfinite(true) & np.isfinite(height) & (height != true)
    owner = {
        (int(i), float(x), float(h)): int(q)
        for i, x, h, q, dye in zip(
            peaks.sample, peaks.peaks.size, peaks.peaks.height, peaks.probe, peaks.peaks.dye
        )
        if dye == "B"
    }
    swapped = 0
    for i, j in zip(*np.nonzero(np.isfinite(height))):
        q = owner[int(i), float(result.signals.size[i, j]), float(height[i, j])]
        swapped += q not in (j, -1)
    own = panel.is_role("target", "reference")
    lost = np.isfinite(true[:, own]) & np.isnan(height[:, own])
    return int(wrong.sum()), swapped, int(lost.sum()), int(np.isfinite(true[:, own]).sum())


CASES = {
    "demo": (DEMO, None, None),
    "demo, hard run": (DEMO, HARD, None),
    "4 nt apart": (synthetic_panel(genes=GENES, spacing=4), None, None),
    "4 nt apart, hard run": (synthetic_panel(genes=GENES, spacing=4, seed=2), HARD, None),
    "no control fragments": (synthetic_panel(genes=GENES, controls=False), None, None),
    "half of the samples weak": (
        synthetic_panel(genes=GENES, spacing=4, seed=3),
        SimulationSettings(low_dna_fraction=0.5, median_height=1500), None,
    ),
    "samples shifted and stretched": (
        DEMO, None, PeakSettings(sample_shift_sd=0.5, sample_stretch_sd=0.1, size_jitter=0.1)
    ),
    "low listing limit": (
        DEMO, SimulationSettings(minimum_height=15), PeakSettings(minimum_height=15, n_spurious=30)
    ),
    "sizes with one decimal": (DEMO, None, PeakSettings(decimals=1)),
    "two samples": (DEMO, SimulationSettings(n_patients=2, n_references=0, n_no_dna=0),
                    PeakSettings(sample_shift_sd=0.8)),
    "one sample": (DEMO, SimulationSettings(n_patients=1, n_references=0, n_no_dna=0), None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_heights_are_recovered_and_no_probe_gets_another_ones_peak(name, seed):
    panel, run, export = CASES[name]
    simulation, peaks = make(panel, seed, run, export)
    wrong, swapped, lost, n = judge(panel, simulation, peaks, binned(panel, simulation, peaks))
    assert wrong == 0
    assert swapped == 0
    assert lost <= max(2, 0.001 * n)  # a stray peak of like height at the same place


def test_what_is_missing_has_its_reason_and_what_is_present_none():
    simulation, peaks = make(DEMO, 4, HARD)
    signals = binned(DEMO, simulation, peaks).signals
    np.testing.assert_array_equal(signals.missing == Missing.PRESENT, np.isfinite(signals.height))
    np.testing.assert_array_equal(np.isfinite(signals.size), np.isfinite(signals.height))
    assert (signals.height[np.isfinite(signals.height)] > 0).all()
    assert set(np.unique(signals.missing)) <= {Missing.PRESENT, Missing.NO_PEAK, Missing.AMBIGUOUS}
    assert signals.probes == DEMO.probes


def test_homozygous_losses_are_missing_and_not_given_a_neighbours_peak():
    run = SimulationSettings(fraction_deleted=1.0, homozygous_rate=1.0, clone_fraction=(1.0, 1.0))
    panel = synthetic_panel(genes=GENES, spacing=4)
    simulation, peaks = make(panel, 5, run, PeakSettings(n_spurious=0))
    result = binned(panel, simulation, peaks)
    gone = (simulation.copies == 0) & panel.is_role("target")
    assert gone.sum() > 60
    # nothing there, or nothing that can be told from a neighbour's shoulder
    assert np.isin(result.signals.missing[gone], [Missing.NO_PEAK, Missing.AMBIGUOUS]).all()
    assert (result.signals.missing[gone] == Missing.NO_PEAK).mean() > 0.8


def test_learned_offsets_and_shifts_are_the_simulated_ones():
    simulation, peaks = make(DEMO, 6, None, PeakSettings(sample_shift_sd=0.4))
    result = binned(DEMO, simulation, peaks)
    place = DEMO.length + result.offset + result.run_shift["B"]
    true = DEMO.length + peaks.offset + peaks.run_shift
    level = np.nanmedian(place - true)
    assert np.nanmax(np.abs(place - true - level)) < 0.1
    dna = simulation.role != "no_dna"
    shift = peaks.sample_shift[dna] - np.median(peaks.sample_shift[dna])
    got = result.sample_shift[dna] - np.median(result.sample_shift[dna])
    assert np.abs(got - shift).max() < 0.1
    assert np.nanmedian(result.size_sd) == pytest.approx(0.05, abs=0.02)
    assert not result.uncertain.any()


def test_order_of_rows_samples_and_probes_changes_nothing():
    simulation, peaks = make(DEMO, 7, HARD)
    before = binned(DEMO, simulation, peaks)
    rng = np.random.default_rng(1)
    rows = rng.permutation(len(peaks.peaks))
    table = replace(
        peaks.peaks,
        **{
            name: getattr(peaks.peaks, name)[rows]
            for name in ("sample", "file", "dye", "size", "height", "area", "data_point", "line", "size_error",
                         "flags")
        },
    )  # fmt: skip
    samples = rng.permutation(len(simulation.signals.samples))
    index = np.argsort(samples)[peaks.sample[rows]]
    names = [simulation.signals.samples[i] for i in samples]
    after = bin_peaks(table, DEMO, index, names)
    np.testing.assert_array_equal(after.signals.height, before.signals.height[samples])
    np.testing.assert_array_equal(after.signals.missing, before.signals.missing[samples])
    np.testing.assert_array_equal(after.signals.unassigned, before.signals.unassigned[samples])
    np.testing.assert_array_equal(after.signals.noise, before.signals.noise[samples])
    order = rng.permutation(len(DEMO))
    columns = {"probe": text_array(DEMO.probes), "length_nt": text_array(f"{x:g}" for x in DEMO.length),
               "gene": DEMO.gene, "exon": DEMO.exon, "role": DEMO.role}  # fmt: skip
    panel = panel_from_columns({name: list(column[order]) for name, column in columns.items()}, "shuffled")
    shuffled = bin_peaks(peaks.peaks, panel, peaks.sample, simulation.signals.samples)
    np.testing.assert_array_equal(shuffled.signals.height, before.signals.height[:, order])


@given(shift=st.floats(-3, 3), seed=st.integers(0, 5))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_constant_added_to_all_sizes_changes_no_height(shift, seed):
    simulation, peaks = make(DEMO, seed, SimulationSettings(n_patients=6), PeakSettings(size_shift=0.0))
    before = binned(DEMO, simulation, peaks)
    after = binned(DEMO, simulation, peaks, replace(peaks.peaks, size=peaks.peaks.size + shift))
    own = DEMO.is_role("target", "reference")
    np.testing.assert_array_equal(after.signals.height[:, own], before.signals.height[:, own])
    assert after.run_shift["B"] - before.run_shift["B"] == pytest.approx(shift, abs=0.1)


@pytest.mark.parametrize("shift", [-2.5, -1.0, 1.0, 2.0])
def test_a_single_shifted_sample_is_brought_back_and_reported(shift):
    simulation, peaks = make(DEMO, 8)
    size = np.where(peaks.sample == 4, peaks.peaks.size + shift, peaks.peaks.size)
    before = binned(DEMO, simulation, peaks)
    after = binned(DEMO, simulation, peaks, replace(peaks.peaks, size=size))
    np.testing.assert_array_equal(after.signals.height, before.signals.height)
    assert after.sample_shift[4] - before.sample_shift[4] == pytest.approx(shift, abs=0.05)


@pytest.mark.parametrize("factor", [0.97, 1.05, 1.2])
def test_a_sample_whose_sizes_are_nonsense_gets_no_heights(factor):
    simulation, peaks = make(DEMO, 8)
    size = np.where(peaks.sample == 4, peaks.peaks.size * factor, peaks.peaks.size)
    before = binned(DEMO, simulation, peaks)
    after = binned(DEMO, simulation, peaks, replace(peaks.peaks, size=size))
    assert after.misfit[4]
    assert not after.misfit[:4].any()
    assert np.isnan(after.signals.height[4]).all()
    others = np.arange(len(simulation.signals.samples)) != 4
    own = DEMO.is_role("target", "reference")
    np.testing.assert_array_equal(after.signals.height[others][:, own], before.signals.height[others][:, own])


def test_the_dye_is_learned_whatever_its_name():
    simulation, peaks = make(DEMO, 9)
    dyes = peaks.peaks.dye
    for names in (
        {"B": "6-FAM", "G": "VIC", "Y": "NED", "R": "PET", "O": "LIZ"},
        {"B": "R", "R": "B"},
        {"B": "Dye 7"},
    ):
        table = replace(peaks.peaks, dye=text_array(names.get(dye, dye) for dye in dyes), ladder_dye="")
        result = binned(DEMO, simulation, peaks, table)
        assert set(result.dye) == {names["B"]}
        wrong, swapped, lost, _ = judge(DEMO, simulation, peaks, result)
        assert (wrong, swapped, lost) == (0, 0, 0)
    unnamed = peaks.peaks.dye == "B"
    table = replace(peaks.peaks, dye=text_array([""] * len(dyes)), ladder_dye="")
    result = binned(DEMO, simulation, peaks, table, np.where(unnamed, peaks.sample, -1))
    assert judge(DEMO, simulation, peaks, result)[:3] == (0, 0, 0)


def two_dye_panel(second="Y"):
    base = synthetic_panel(genes=GENES, controls=False)
    dye = ["B" if j % 2 else second for j in range(len(base))]
    return panel_from_columns(
        {"probe": list(base.probes), "length_nt": [f"{x:g}" for x in base.length], "gene": list(base.gene),
         "exon": list(base.exon), "role": list(base.role), "dye": dye}, "two dyes"
    )  # fmt: skip


def test_probes_in_two_dyes_are_looked_for_in_their_own():
    panel = two_dye_panel()
    simulation, peaks = make(panel, 10, None, PeakSettings(other_dyes=("G", "R")))
    names = {"B": "6-FAM", "Y": "NED"}
    table = replace(peaks.peaks, dye=text_array(names.get(dye, dye) for dye in peaks.peaks.dye))
    result = binned(panel, simulation, peaks, table)
    true = truth(simulation, peaks)
    np.testing.assert_array_equal(result.signals.height, true)
    assert list(result.dye[:2]) == ["NED", "6-FAM"]
    assert set(result.run_shift) == {"B", "Y"}


def tiny(shoulder=0.1, jitter=0.0, extra=(), lengths=None):
    """A run of four samples and nine probes built by hand: sizes, heights by (sample, probe) and extras."""
    lengths = lengths or [100, 106, 112, 118, 124, 130, 136, 142, 148]
    n = len(lengths)
    panel = panel_from_columns(
        {"probe": [f"p{j}" for j in range(n)], "length_nt": [str(x) for x in lengths],
         "gene": ["G"] * 4 + [""] * (n - 4), "exon": ["1", "2", "3", "4"] + [""] * (n - 4),
         "role": ["target"] * 4 + ["reference"] * (n - 4)}, "tiny"
    )  # fmt: skip
    rows = [(i, x + 0.3, 1000.0 + 10 * j + i) for i in range(4) for j, x in enumerate(lengths)]
    rows += [(i, x - 1.0, h * shoulder) for i, x, h in rows if shoulder]
    return panel, rows + list(extra)


def table_of(rows, flags=None, dye="B"):
    from mlpa_caller.datatypes import PeakTable

    n = len(rows)
    nan = np.full(n, np.nan)
    return PeakTable(
        source="hand.txt", sample=text_array(f"s{row[0]}" for row in rows), file=text_array([""] * n),
        dye=text_array([dye] * n), size=np.array([row[1] for row in rows]),
        height=np.array([row[2] for row in rows]), area=nan, data_point=nan, line=np.arange(2, n + 2),
        size_error=nan, flags=text_array(flags or [""] * n),
    ), np.array([row[0] for row in rows])  # fmt: skip


def bin_rows(panel, rows, flags=None):
    table, sample = table_of(rows, flags)
    return bin_peaks(table, panel, sample, ("s0", "s1", "s2", "s3"))


def without(rows, sample, size):
    return [row for row in rows if not (row[0] == sample and abs(row[1] - size) < 0.2)]


def test_a_run_built_by_hand():
    panel, rows = tiny()
    result = bin_rows(panel, rows)
    np.testing.assert_array_equal(
        result.signals.height, [[1000 + 10 * j + i for j in range(9)] for i in range(4)]
    )
    assert result.run_shift == pytest.approx({"B": 0.3})
    np.testing.assert_allclose(result.offset, 0.0, atol=0.01)
    # the eight shoulders between the probes are unassigned, and no noise
    np.testing.assert_array_equal(result.signals.unassigned, [9, 9, 9, 9])
    assert np.isnan(result.signals.noise).all()


def test_a_shoulder_does_not_stand_in_for_a_lost_neighbour():
    # p1 stands where the shoulder of p2 falls; in sample 2 p1 is lost
    lengths = [100, 110, 111.1, 118, 124, 130, 136, 142, 148]
    panel, rows = tiny(shoulder=0.0, lengths=lengths)
    rows = [*without(rows, 2, 110.3), (2, 110.25, 90.0)]
    result = bin_rows(panel, rows)
    assert result.signals.missing[2, 1] == Missing.AMBIGUOUS
    assert np.isnan(result.signals.height[2, 1])
    np.testing.assert_array_equal(result.signals.height[[0, 1, 3], 1], [1010, 1011, 1013])
    assert result.signals.height[2, 2] == 1022


def test_a_small_probe_below_a_higher_shoulder():
    # p1 at 5 % of its neighbour, 2 nt below it, next to that neighbour's 19 % shoulder
    panel, rows = tiny(shoulder=0.19, lengths=[100, 108, 110, 118, 124, 130, 136, 142, 148])
    rows = [(i, x, h * 0.05) if abs(x - 108.3) < 0.1 else (i, x, h) for i, x, h in rows]
    rows = [row for row in rows if abs(row[1] - 107.3) > 0.1]
    result = bin_rows(panel, rows)
    np.testing.assert_allclose(result.signals.height[:, 1], [50.5, 50.55, 50.6, 50.65])


def test_two_comparable_peaks_in_a_window_are_ambiguous_and_a_lesser_one_is_not():
    panel, rows = tiny()
    both = bin_rows(panel, [*rows, (1, 112.45, 800.0)])
    assert both.signals.missing[1, 2] == Missing.AMBIGUOUS
    assert both.signals.missing[0, 2] == Missing.PRESENT
    lesser = bin_rows(panel, [*rows, (1, 112.45, 300.0)])
    assert lesser.signals.height[1, 2] == 1021


def test_a_peak_outside_the_window_is_not_taken():
    panel, rows = tiny(shoulder=0.0)
    moved = [(1, 113.4, 1021.0) if row[0] == 1 and abs(row[1] - 112.3) < 0.1 else row for row in rows]
    result = bin_rows(panel, moved)
    assert result.signals.missing[1, 2] == Missing.NO_PEAK
    assert result.signals.unassigned[1] == 1
    assert result.signals.noise[1] == 1021.0


@pytest.mark.parametrize(
    ("height", "reason"),
    [(np.nan, Missing.NO_VALUE), (np.inf, Missing.NOT_FINITE), (0.0, Missing.ZERO), (-5.0, Missing.NEGATIVE)],
)
def test_unusable_heights_are_missing_with_their_reason(height, reason):
    panel, rows = tiny()
    result = bin_rows(panel, [*without(rows, 3, 124.3), (3, 124.3, height)])
    assert result.signals.missing[3, 4] == reason
    assert np.isnan(result.signals.height[3, 4])
    assert np.isfinite(result.signals.height[3, [0, 1, 2, 3, 5, 6, 7, 8]]).all()


def test_unsized_and_repeated_peaks_are_counted_and_not_used():
    panel, rows = tiny()
    result = bin_rows(panel, [*rows, (0, np.nan, 5000.0), rows[3], rows[3], (0, 104.0, -1.0)])
    np.testing.assert_array_equal(result.unsized, [1, 0, 0, 0])
    np.testing.assert_array_equal(result.duplicates, [2, 0, 0, 0])
    assert result.signals.height[0, 3] == 1030


def test_flagged_peaks():
    panel, rows = tiny()
    flags = [""] * len(rows)
    flags[2], flags[9 + 3], flags[18 + 4] = "off_scale", "bleed_through", "off_scale;shoulder"
    result = bin_rows(panel, rows, flags)
    assert result.signals.off_scale[0, 2]
    assert result.signals.off_scale.sum() == 1
    assert result.signals.missing[1, 3] == result.signals.missing[2, 4] == Missing.AMBIGUOUS


def test_sources_are_the_trace_files_where_named():
    simulation, peaks = make(DEMO, 3, SimulationSettings(n_patients=2, n_references=2, n_no_dna=0))
    result = binned(DEMO, simulation, peaks)
    assert list(result.signals.source) == ["P01.fsa", "P02.fsa", "REF01.fsa", "REF02.fsa"]
    panel, rows = tiny()
    assert set(bin_rows(panel, rows).signals.source) == {"hand.txt"}


def test_windows_never_reach_the_middle_to_the_next_probe():
    from mlpa_caller.binning.assign import half_windows

    place = np.array([120.0, 100.0, np.nan, 101.2])
    np.testing.assert_allclose(half_windows(place, 0.8, 0.0), [0.8, 0.54, np.nan, 0.54])  # 0.45 x 1.2
    np.testing.assert_allclose(half_windows(place, 0.8, 0.1), [0.8, 0.495, np.nan, 0.495])
