"""Learn from a run where its probes are: which dye, which shift, which of the recurring peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.binning.align import align_samples, straighten
from mlpa_caller.binning.assign import Peaks
from mlpa_caller.binning.consensus import Features, find_features, sample_levels
from mlpa_caller.binning.matching import Match, match_features
from mlpa_caller.binning.settings import canonical_dye, figure
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, PeakTable, TextArray, text_array
from mlpa_caller.errors import InputError, PanelError, shown
from mlpa_caller.panel import Panel

__all__ = ["Learned", "RunPeaks", "dye_groups", "learn_probes", "run_peaks"]

MARGIN = 5.0
"""How far beyond the panel's lengths a peak may lie and still be looked at, in nucleotides."""


@dataclass(frozen=True, slots=True, eq=False)
class RunPeaks:
    """The peaks of a run as they were handed in.

    Attributes
    ----------
    table
        The peak table.
    sample
        ``(peaks,)`` index of the sample, -1 for peaks to leave out.
    dye
        ``(peaks,)`` channel codes.
    single
        ``(peaks,)`` False for the second and further rows of one and the same peak.
    n_samples
        Number of samples.
    """

    table: PeakTable
    sample: IntArray
    dye: TextArray
    single: BoolArray
    n_samples: int


def run_peaks(table: PeakTable, sample: IntArray, n_samples: int) -> RunPeaks:
    """Return the peaks with their channel codes and without repetitions."""
    codes = text_array(canonical_dye(name) for name in table.dye)
    return RunPeaks(table, sample, codes, _single(table, sample, codes), n_samples)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """The probes of one dye in one run.

    Attributes
    ----------
    probes, length
        Indices into the panel, in order of length, and their design lengths in nucleotides.
    dye
        Channel code.
    peaks, features, match
        What was seen, what recurs, and which of it is which probe.
    shift, stretch
        ``(samples,)`` first estimate of what brings each sample onto the common scale: ``size + shift +
        stretch * size``.
    level
        ``(samples,)`` height of the typical product, NaN for samples without product.
    quantum
        Step to which the export rounds its sizes, in nucleotides.
    """

    probes: IntArray
    length: FloatArray
    dye: str
    peaks: Peaks
    match: Match
    features: Features
    shift: FloatArray
    stretch: FloatArray
    level: FloatArray
    quantum: float

    def places(self) -> FloatArray:
        """Size of each probe on the run's common scale, NaN where not learned."""
        size = np.concatenate([self.features.size, [np.nan]])
        return np.asarray(size[self.match.feature], dtype=np.float64)


def _single(peaks: PeakTable, sample: IntArray, codes: TextArray) -> BoolArray:
    """False for the second and further rows of one and the same peak."""
    _, dye = np.unique(codes.astype(str), return_inverse=True)
    number = np.column_stack([peaks.size, peaks.height, peaks.area, peaks.data_point])
    number = np.where(np.isnan(number), -1.25e300, number)
    order = np.lexsort((*number.T, dye, sample))
    same = (np.diff(sample[order]) == 0) & (np.diff(dye[order]) == 0)
    same &= (np.diff(number[order], axis=0) == 0).all(axis=1)
    out = np.ones(len(sample), dtype=np.bool_)
    out[order[1:][same]] = False
    return out


def dye_groups(run: RunPeaks, panel: Panel) -> list[tuple[IntArray, str]]:
    """Return the probes of each dye, by length, and the dye; an empty dye is to be learned from the run.

    Raises
    ------
    PanelError
        If the export lacks a dye that the panel names.
    """
    present = sorted({str(code) for code in run.dye[run.sample >= 0]})
    named = text_array(canonical_dye(name) for name in panel.dye)
    dyes = list(dict.fromkeys(named))
    if present == [""]:
        if len(dyes) > 1:
            raise PanelError(
                "the panel has probes in several dyes but the export names no dyes",
                remedy="export the dye with each peak", file=run.table.source,
            )  # fmt: skip
        return [(np.argsort(panel.length, kind="stable"), "")]
    groups: list[tuple[IntArray, str]] = []
    for dye in dyes:
        if dye and dye not in present:
            raise PanelError(
                f"the panel's dye {shown(dye)} is not among the dyes of the export ({', '.join(present)})",
                remedy="correct the panel's dye column or leave it empty", file=run.table.source,
            )  # fmt: skip
        probes = np.flatnonzero(named == dye)
        groups.append((probes[np.argsort(panel.length[probes], kind="stable")], dye))
    return groups


def learn_probes(run: RunPeaks, panel: Panel, probes: IntArray, dye: str) -> Learned:
    """Learn the places of `probes`, and the dye where it is not given.

    Of the dyes in which the panel's probes recur about as well, the one with the highest peaks carries
    them: the others show traces of it.

    Raises
    ------
    InputError
        If no sample has peaks where the probes are.
    """
    taken = {canonical_dye(name) for name in panel.dye if name} | {
        canonical_dye(run.table.ladder_dye) or None
    }
    candidates = [dye] if dye else sorted({str(code) for code in run.dye[run.sample >= 0]} - taken)
    tried: list[tuple[float, float, Learned]] = []
    for name in candidates:
        item = _learn_in(run, panel, probes, name)
        if item is not None:
            chosen = item.match.feature[item.match.feature >= 0]
            seen = float(item.features.support[chosen].sum()) * float(np.isfinite(item.level).sum())
            tried.append((seen, float(np.nanmedian(item.level)), item))
    if not tried:
        raise InputError(
            "no sample has peaks where the panel's probes are",
            remedy="check that the export lists all sizes, the right dye and the right run",
            file=run.table.source,
        )
    most = max(seen for seen, _, _ in tried)
    return max((entry for entry in tried if entry[0] >= 0.8 * most), key=lambda entry: entry[1])[2]


def _learn_in(run: RunPeaks, panel: Panel, probes: IntArray, dye: str) -> Learned | None:
    """Learn the places of `probes` in one dye; None where the dye has no sample with product."""
    length, size = panel.length[probes], run.table.size
    reach = MARGIN + figure("largest_run_shift")
    near = (size >= length[0] - reach) & (size <= length[-1] + reach)  # False for peaks without a size
    rows = np.flatnonzero((run.sample >= 0) & run.single & (run.dye == dye) & near)
    flags = [set(flag.split(";")) for flag in run.table.flags[rows]]
    peaks = Peaks(
        sample=run.sample[rows], size=size[rows], height=run.table.height[rows],
        demoted=np.array([bool(flag & {"shoulder", "bleed_through"}) for flag in flags], dtype=np.bool_),
        off_scale=np.array(["off_scale" in flag for flag in flags], dtype=np.bool_), index=rows,
    )  # fmt: skip
    usable = peaks.usable() & ~peaks.demoted
    s, x, h = peaks.sample[usable], peaks.size[usable], peaks.height[usable]
    level = sample_levels(s, h, run.n_samples, len(probes))
    if not np.isfinite(level).any():
        return None
    quantum = _quantum(x)
    shift = align_samples(s, x, h, level, quantum=quantum)
    shift, stretch = straighten(s, x, h, level, shift, quantum=quantum)
    features = find_features(s, x + shift[s] + stretch[s] * x, h, level, quantum=quantum)
    match = match_features(
        length, features,
        low_allowed=panel.is_role("quantity")[probes], rare_allowed=panel.is_role("sex_y")[probes],
    )  # fmt: skip
    return Learned(probes, length, dye, peaks, match, features, shift, stretch, level, quantum)


def _quantum(size: FloatArray) -> float:
    """Step to which sizes are rounded: 1, 0.5 or 0.1 nt, else 0."""
    for step in (1.0, 0.5, 0.1):
        if np.allclose(size / step, np.rint(size / step), rtol=0.0, atol=1e-6):
            return step
    return 0.0
