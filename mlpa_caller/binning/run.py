"""From the peaks of a run to the heights of its probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller.binning.assign import Assignment, assign_peaks
from mlpa_caller.binning.consensus import shoulders
from mlpa_caller.binning.fit import check_fit
from mlpa_caller.binning.groups import group_medians
from mlpa_caller.binning.learn import Learned, RunPeaks, dye_groups, learn_probes, run_peaks
from mlpa_caller.datatypes import (
    BoolArray,
    FloatArray,
    IntArray,
    Missing,
    PeakTable,
    Signals,
    TextArray,
    text_array,
)
from mlpa_caller.errors import UsageError
from mlpa_caller.panel import Panel

__all__ = ["Binned", "bin_peaks"]


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """Heights of the probes, and what was learned of the run on the way.

    Attributes
    ----------
    signals
        Heights, with the reason where there is none.
    dye
        ``(probes,)`` dye in which the probe was looked for, as the export writes it.
    offset
        ``(probes,)`` apparent size minus design length minus the run's shift, in nucleotides; NaN where the
        probe was not found in the run.
    run_shift
        Shift of the whole run by dye, in nucleotides.
    uncertain
        ``(probes,)`` the place could belong to another probe; its heights are ``AMBIGUOUS``.
    sample_shift
        ``(samples,)`` shift of the sample against the run at the middle of the panel, in nucleotides.
    sample_stretch
        ``(samples,)`` stretch of its sizes against the run, in nucleotides per 100.
    size_sd
        ``(samples,)`` robust SD of sizes about their expected places, in nucleotides; NaN when unknown.
    misfit
        ``(samples,)`` most of its high peaks lie at no probe's place, so none of its heights is used.
    unsized
        ``(samples,)`` peaks of the probes' dye without a size.
    duplicates
        ``(samples,)`` peaks listed more than once, counted once.
    """

    signals: Signals
    dye: TextArray
    offset: FloatArray
    run_shift: Mapping[str, float]
    uncertain: BoolArray
    sample_shift: FloatArray
    sample_stretch: FloatArray
    size_sd: FloatArray
    misfit: BoolArray
    unsized: IntArray
    duplicates: IntArray


def bin_peaks(peaks: PeakTable, panel: Panel, sample_of_peak: IntArray, samples: Sequence[str]) -> Binned:
    """Give the panel's probes their peaks in every sample of one run.

    The places of the probes are learned from the run: the samples are brought onto one scale, the peaks
    they share are aligned with the design lengths, and each sample's peaks are then taken within a tight
    window. Adding a constant to all sizes, or another order of samples or rows, changes no height.

    Parameters
    ----------
    peaks
        Peaks of one run.
    panel
        The probes.
    sample_of_peak
        ``(peaks,)`` index into `samples`, -1 for peaks to leave out.
    samples
        Names of the samples.

    Raises
    ------
    PanelError
        If the sizes do not fit the panel, or fit it in two ways.
    InputError
        If no sample has peaks where the panel's probes are.
    UsageError
        If `sample_of_peak` does not belong to `peaks` and `samples`.
    """
    index = np.asarray(sample_of_peak, dtype=np.int64)
    if len(index) != len(peaks) or (len(index) and not -1 <= index.min() <= index.max() < len(samples)):
        raise UsageError(
            f"{len(index)} sample indices were given for {len(peaks)} peaks of {len(samples)} samples",
            remedy="give one index into samples a peak, -1 to leave a peak out",
        )
    run = run_peaks(peaks, index, len(samples))
    learned = [learn_probes(run, panel, probes, dye) for probes, dye in dye_groups(run, panel)]
    found = [
        assign_peaks(item.peaks, item.places(), item.shift, item.stretch, uncertain=item.match.uncertain,
                     quantum=item.quantum)
        for item in learned
    ]  # fmt: skip
    check_fit(panel, learned, found, peaks.source)
    return _collected(run, panel, tuple(samples), learned, found)


def _collected(
    run: RunPeaks,
    panel: Panel,
    samples: tuple[str, ...],
    learned: list[Learned],
    found: list[Assignment],
) -> Binned:
    """Put the dyes together again, in the panel's order of probes."""
    signals = _signals(run, panel, samples, learned, found)
    m, n = len(panel), len(samples)
    uncertain, offset, dye = np.zeros(m, dtype=np.bool_), np.full(m, np.nan), text_array([""] * m)
    unsized = np.zeros(n, dtype=np.int64)
    for item in learned:
        uncertain[item.probes] = item.match.uncertain
        offset[item.probes] = item.places() - panel.length[item.probes] - item.match.run_shift
        of_dye = (run.sample >= 0) & (run.dye == item.dye)
        dye[item.probes] = str(run.table.dye[np.flatnonzero(of_dye)[0]])
        unsized += np.bincount(run.sample[of_dye & np.isnan(run.table.size)], minlength=n)
    main = int(np.argmax([len(item.probes) for item in learned]))
    middle = float(np.median(panel.length[learned[main].probes]))
    part = found[main]
    return Binned(
        signals=signals, dye=dye, offset=offset,
        run_shift={item.dye: item.match.run_shift for item in learned}, uncertain=uncertain,
        sample_shift=-(part.shift + part.stretch * middle / 100.0), sample_stretch=-part.stretch,
        size_sd=part.residual_sd, misfit=np.logical_or.reduce([p.misfit for p in found]),
        unsized=unsized,
        duplicates=np.bincount(run.sample[(run.sample >= 0) & ~run.single], minlength=n),
    )  # fmt: skip


def _signals(
    run: RunPeaks,
    panel: Panel,
    samples: tuple[str, ...],
    learned: list[Learned],
    found: list[Assignment],
) -> Signals:
    n, m = len(samples), len(panel)
    height, size = np.full((n, m), np.nan), np.full((n, m), np.nan)
    missing = np.full((n, m), Missing.NO_PEAK, dtype=np.uint8)
    off_scale = np.zeros((n, m), dtype=np.bool_)
    unassigned = np.zeros(n, dtype=np.int64)
    stray: list[tuple[IntArray, FloatArray]] = []
    for item, part in zip(learned, found):
        peaks = item.peaks
        rows, columns = np.nonzero(part.peak >= 0)
        taken, at = part.peak[rows, columns], item.probes[columns]
        height[rows, at], size[rows, at] = peaks.height[taken], peaks.size[taken]
        off_scale[rows, at] = peaks.off_scale[taken]
        missing[:, item.probes] = part.missing
        free = _free_peaks(item, part)
        unassigned += np.bincount(peaks.sample[free], minlength=n)
        shadow = peaks.demoted.copy()
        usable = np.flatnonzero(peaks.usable())
        shadow[usable] |= shoulders(
            peaks.sample[usable], peaks.size[usable], peaks.height[usable], item.quantum
        )
        noise = free[~shadow[free] & peaks.usable()[free]]
        stray.append((peaks.sample[noise], peaks.height[noise]))
    noise_height = group_medians(
        np.concatenate([part[0] for part in stray]), np.concatenate([part[1] for part in stray]), n
    )
    return Signals(
        samples=samples, probes=panel.probes, height=height, missing=missing, size=size,
        off_scale=off_scale, noise=noise_height, unassigned=unassigned,
        source=_sources(run.table, run.sample, n),
    )  # fmt: skip


def _free_peaks(item: Learned, part: Assignment) -> IntArray:
    """Peaks in the range of the probes that belong to none."""
    places = item.places()
    if not np.isfinite(places).any():
        return np.flatnonzero(part.probe < 0)
    size = item.peaks.size + part.shift[item.peaks.sample]
    size = size + part.stretch[item.peaks.sample] / 100.0 * item.peaks.size
    inside = (size >= np.nanmin(places) - 1.0) & (size <= np.nanmax(places) + 1.0)
    return np.flatnonzero((part.probe < 0) & inside)


def _sources(peaks: PeakTable, index: IntArray, n_samples: int) -> TextArray:
    """Trace file of each sample where the export names it, else the export."""
    out = text_array([peaks.source] * n_samples)
    with_file = np.flatnonzero((index >= 0) & (peaks.file != ""))
    sample, first = np.unique(index[with_file], return_index=True)
    out[sample] = peaks.file[with_file[first]]
    return out
