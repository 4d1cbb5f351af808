"""A run that does not fit its panel is refused; a number of the wrong probe would be worse than none."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from test_binning import DEMO, GENES, bin_rows, make, table_of, tiny, two_dye_panel

from mlpa_caller.binning import bin_peaks
from mlpa_caller.datatypes import text_array
from mlpa_caller.errors import InputError, PanelError, UsageError
from mlpa_caller.panel import panel_from_columns
from mlpa_caller.simulate import (
    PeakSettings,
    SimulationSettings,
    simulate_peaks,
    simulate_signals,
    synthetic_panel,
)


def relabelled(panel, length):
    return panel_from_columns(
        {"probe": list(panel.probes), "length_nt": [f"{x:.2f}" for x in length], "gene": list(panel.gene),
         "exon": list(panel.exon), "role": list(panel.role)}, "another"
    )  # fmt: skip


def other_lengths(panel, kind, seed):
    """Lengths of the target and reference probes of a panel that is not the run's."""
    rng = np.random.default_rng(seed)
    own = np.flatnonzero(panel.is_role("target", "reference"))
    own = own[np.argsort(panel.length[own])]
    steps = {
        "4 nt": np.full(len(own), 4.0), "7 nt": np.full(len(own), 7.0), "9 nt": np.full(len(own), 9.0),
        "4-8 nt": rng.integers(4, 9, len(own)).astype(float),
    }[kind]  # fmt: skip
    length = panel.length.copy()
    length[own] = 120.0 + np.cumsum(steps)
    return length


@pytest.mark.parametrize("kind", ["4 nt", "7 nt", "9 nt", "4-8 nt"])
@pytest.mark.parametrize("controls", [True, False])
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_the_wrong_panel_is_refused(kind, controls, seed):
    panel = synthetic_panel(genes=GENES, controls=controls, seed=seed)
    simulation, peaks = make(panel, seed, SimulationSettings(n_patients=12))
    wrong = relabelled(panel, other_lengths(panel, kind, seed))
    with pytest.raises(PanelError, match=r"the peak sizes (do not )?fit panel another"):
        bin_peaks(peaks.peaks, wrong, peaks.sample, simulation.signals.samples)


def outcome(panel, simulation, peaks, shift):
    """Heights of the target and reference probes with all sizes shifted, or the words of the refusal."""
    table = replace(peaks.peaks, size=peaks.peaks.size + shift)
    try:
        result = bin_peaks(table, panel, peaks.sample, simulation.signals.samples)
    except PanelError as error:
        return None, str(error)
    own = panel.is_role("target", "reference")
    return result.signals.height[simulation.role != "no_dna"][:, own], ""


@pytest.mark.parametrize("controls", [True, False])
@pytest.mark.parametrize("seed", [1, 3])
def test_a_shift_by_a_whole_probe_is_never_guessed(controls, seed):
    # probes 6 nt apart throughout: without control fragments a shift by 6 nt loses one probe only
    panel = synthetic_panel(genes=GENES, controls=controls)
    simulation, peaks = make(panel, seed, SimulationSettings(n_patients=8), PeakSettings(size_shift=0.0))
    before, _ = outcome(panel, simulation, peaks, 0.0)
    for shift in np.arange(-14.0, 14.5, 1.0):
        heights, words = outcome(panel, simulation, peaks, shift)
        if heights is None:
            assert abs(shift) > 3.5
            assert (
                "shift of the whole run" in words or "nt from the lengths" in words or "do not fit" in words
            )
        else:
            np.testing.assert_array_equal(heights, before)


def test_the_message_names_file_figures_and_remedy():
    panel, rows = tiny(shoulder=0.0)
    lengths = [300 + 7 * j for j in range(9)]
    wrong = panel_from_columns(
        {"probe": list(panel.probes), "length_nt": [str(x) for x in lengths], "gene": list(panel.gene),
         "exon": list(panel.exon), "role": list(panel.role)}, "far"
    )  # fmt: skip
    with pytest.raises(InputError) as refusal:
        bin_rows(wrong, rows)
    assert str(refusal.value) == (
        "hand.txt: no sample has peaks where the panel's probes are; check that the export lists all sizes, the "
        "right dye and the right run"
    )
    few = [row for row in rows if row[1] < 125]
    with pytest.raises(PanelError) as refusal:
        bin_rows(panel, [row for row in few if row[1] < 119])
    assert str(refusal.value) == (
        "hand.txt: the peak sizes do not fit panel tiny: 4 of 9 target and reference probes found in the typical "
        "sample; check that the panel is the right one and that the sizes are right"
    )


def test_a_large_shift_is_told_with_its_size():
    simulation, peaks = make(DEMO, 3, SimulationSettings(n_patients=6), PeakSettings(size_shift=0.0))
    _, words = outcome(DEMO, simulation, peaks, 8.0)
    assert re.fullmatch(
        r"simulation: the peak sizes lie \+(7\.9|8\.0|8\.1) nt from the lengths of panel demo-synthetic; check the "
        r"size standard and the panel, or correct its lengths by this shift",
        words,
    )


def test_dyes_that_the_export_lacks():
    panel = two_dye_panel(second="Y")
    simulation, peaks = make(panel, 10, None, PeakSettings(other_dyes=("G", "R")))
    table = replace(peaks.peaks, dye=text_array("G" if dye == "Y" else dye for dye in peaks.peaks.dye))
    with pytest.raises(
        PanelError, match=r"the panel's dye 'Y' is not among the dyes of the export \(B, G, O, R\)"
    ):
        bin_peaks(table, panel, peaks.sample, simulation.signals.samples)
    table = replace(peaks.peaks, dye=text_array([""] * len(peaks.peaks)))
    with pytest.raises(PanelError, match="the export names no dyes"):
        bin_peaks(table, panel, peaks.sample, simulation.signals.samples)


def test_indices_that_do_not_belong_to_the_peaks():
    panel, rows = tiny()
    table, sample = table_of(rows)
    with pytest.raises(UsageError, match="72 peaks of 3 samples"):
        bin_peaks(table, panel, sample, ("s0", "s1", "s2"))
    with pytest.raises(UsageError, match="5 sample indices were given for 72 peaks"):
        bin_peaks(table, panel, sample[:5], ("s0", "s1", "s2", "s3"))


def test_a_run_without_any_peak():
    panel, rows = tiny()
    table, sample = table_of(rows)
    with pytest.raises(InputError, match="no sample has peaks"):
        bin_peaks(table, panel, np.full(len(sample), -1), ("s0", "s1", "s2", "s3"))


def test_a_run_of_controls_without_dna_only():
    simulation = simulate_signals(DEMO, SimulationSettings(n_patients=0, n_references=0, n_no_dna=3))
    peaks = simulate_peaks(simulation)
    with pytest.raises(InputError, match="no sample has peaks where the panel's probes are"):
        bin_peaks(peaks.peaks, DEMO, peaks.sample, simulation.signals.samples)
