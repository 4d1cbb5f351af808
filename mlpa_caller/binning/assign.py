"""Give each peak of a sample to at most one probe, and each probe at most one peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.binning.consensus import overtopped, shoulders
from mlpa_caller.binning.groups import fit_lines, robust_sd
from mlpa_caller.binning.settings import figure
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Missing

__all__ = ["Assignment", "Peaks", "assign_peaks"]


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """Sized peaks of one dye; every array has one entry a peak.

    Attributes
    ----------
    sample
        Index of the sample.
    size, height
        As the export writes them; the height may be unusable.
    demoted, off_scale
        Flagged as shoulder or bleed-through; flagged as off-scale.
    index
        Row in the peak table.
    """

    sample: IntArray
    size: FloatArray
    height: FloatArray
    demoted: BoolArray
    off_scale: BoolArray
    index: IntArray

    def usable(self) -> BoolArray:
        """Return where the height is a positive, finite number."""
        return np.isfinite(self.height) & (self.height > 0)


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Peaks given to probes.

    Attributes
    ----------
    peak
        ``(samples, probes)`` index into the peaks, -1 where none.
    missing
        ``(samples, probes)`` `Missing` codes.
    probe
        ``(peaks,)`` the probe, -1 where none.
    shift, stretch
        ``(samples,)`` what was added to the sizes, in nucleotides, and in nucleotides per 100.
    residual_sd
        ``(samples,)`` robust SD of size minus expected size; NaN with fewer than five peaks.
    misfit
        ``(samples,)`` most of the sample's high peaks belong to no probe: its sizes are not to be trusted.
    """

    peak: IntArray
    missing: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    probe: IntArray
    shift: FloatArray
    stretch: FloatArray
    residual_sd: FloatArray
    misfit: BoolArray


def half_windows(expected: FloatArray, width: float, quantum: float) -> FloatArray:
    """Half-width of each probe's window: `width`, but never near the middle to the next probe's place."""
    known = np.flatnonzero(np.isfinite(expected))
    out = np.full(len(expected), np.nan)
    if len(known) == 0:
        return out
    order = known[np.argsort(expected[known], kind="stable")]
    gap = np.diff(expected[order])
    nearest = np.minimum(np.concatenate([[np.inf], gap]), np.concatenate([gap, [np.inf]]))
    out[order] = np.minimum(width, 0.45 * np.maximum(nearest - quantum, 0.0))
    return out


def _nearest_probe(size: FloatArray, expected: FloatArray, window: FloatArray) -> IntArray:
    """Probe in whose window each size lies, -1 where in none."""
    known = np.flatnonzero(np.isfinite(expected))
    if len(known) == 0:
        return np.full(len(size), -1, dtype=np.int64)
    order = known[np.argsort(expected[known], kind="stable")]
    place = expected[order]
    right = np.clip(np.searchsorted(place, size), 0, len(place) - 1)
    left = np.maximum(right - 1, 0)
    near = order[np.where(np.abs(size - place[left]) <= np.abs(place[right] - size), left, right)]
    return np.where(np.abs(size - expected[near]) <= window[near], near, -1).astype(np.int64)


def assign_peaks(
    peaks: Peaks,
    expected: FloatArray,
    shift: FloatArray,
    stretch: FloatArray,
    *,
    uncertain: BoolArray,
    quantum: float,
) -> Assignment:
    """Give each probe its peak in every sample.

    Parameters
    ----------
    peaks
        Sized peaks of the probes' dye.
    expected
        ``(probes,)`` place of each probe on the run's common scale, NaN where it was not learned.
    shift, stretch
        ``(samples,)`` from `straighten`.
    uncertain
        ``(probes,)`` places that could belong to another probe: their peaks are not used.
    quantum
        Step to which the export rounds its sizes, in nucleotides.
    """
    n = len(shift)
    level, slope = shift.copy(), stretch.copy()
    usable = peaks.usable() & ~peaks.demoted
    loose = half_windows(expected, figure("widest_window") + 0.5 * quantum, quantum)
    for _ in range(2):  # the sample's own shift and stretch, from the peaks that fit
        size = peaks.size + level[peaks.sample] + slope[peaks.sample] * peaks.size
        probe = _nearest_probe(size, expected, loose)
        fits = usable & (probe >= 0)
        best = _highest(peaks.sample[fits], probe[fits], peaks.height[fits])
        chosen = np.flatnonzero(fits)[best]
        s = peaks.sample[chosen]
        enough = np.bincount(s, minlength=n) >= 5
        a, b = fit_lines(s, peaks.size[chosen], expected[probe[chosen]] - peaks.size[chosen], n)
        level, slope = np.where(enough, a, level), np.where(enough, b, slope)
    left = expected[probe[chosen]] - peaks.size[chosen] - level[s] - slope[s] * peaks.size[chosen]
    spread = np.where(enough, robust_sd(s, left, n), np.nan)
    typical = float(np.median(spread[enough])) if enough.any() else 0.0
    width = np.clip(5.0 * typical + 0.5 * quantum, figure("narrowest_window"),
                    figure("widest_window") + 0.5 * quantum)  # fmt: skip
    size = peaks.size + level[peaks.sample] + slope[peaks.sample] * peaks.size
    probe = _nearest_probe(size, expected, half_windows(expected, float(width), quantum))
    peak, missing = _choose(peaks, probe, n, len(expected), quantum)
    misfit = _misfits(peaks, probe, n, int(np.isfinite(expected).sum()))
    unsure = (peak >= 0) & (misfit[:, None] | uncertain[None, :])
    missing[unsure] = Missing.AMBIGUOUS
    peak[unsure] = -1
    given = np.full(len(peaks.size), -1, dtype=np.int64)
    rows, columns = np.nonzero(peak >= 0)
    given[peak[rows, columns]] = columns
    return Assignment(peak, missing, given, level, 100.0 * slope, spread, misfit)


def _highest(sample: IntArray, probe: IntArray, height: FloatArray) -> IntArray:
    """Index of the highest peak of each sample and probe."""
    order = np.lexsort((-height, probe, sample))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(sample[order]) != 0) | (np.diff(probe[order]) != 0)
    return np.asarray(order[first])


def _choose(
    peaks: Peaks, probe: IntArray, n_samples: int, n_probes: int, quantum: float
) -> tuple[IntArray, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """Peak and reason of each sample and probe, from the candidates in its window."""
    peak = np.full((n_samples, n_probes), -1, dtype=np.int64)
    missing = np.full((n_samples, n_probes), Missing.NO_PEAK, dtype=np.uint8)
    usable = peaks.usable()
    inside = probe >= 0
    chosen = np.flatnonzero(inside & usable)
    order = chosen[np.lexsort((-peaks.height[chosen], probe[chosen], peaks.sample[chosen]))]
    key = peaks.sample[order] * n_probes + probe[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = np.diff(key) != 0
    best = order[first]
    s, p = peaks.sample[best], probe[best]
    peak[s, p] = best
    missing[s, p] = Missing.PRESENT
    # the second of a window, where it is comparable
    second = np.flatnonzero(~first)
    second = second[first[second - 1]]
    close = peaks.height[order[second]] >= figure("comparable_share") * peaks.height[order[second - 1]]
    doubtful = np.zeros((n_samples, n_probes), dtype=np.bool_)
    twice = order[second[close]]
    doubtful[peaks.sample[twice], probe[twice]] = True
    # what may be no more than the shoulder of the next fragment, or was flagged as such
    shadow = _shadows(peaks, probe, quantum)
    poor = shadow[best] | peaks.demoted[best]
    doubtful[s[poor], p[poor]] = True
    peak[doubtful] = -1
    missing[doubtful] = Missing.AMBIGUOUS
    # an unusable height in the window
    for code, hit in (
        (Missing.NO_VALUE, np.isnan(peaks.height)),
        (Missing.NOT_FINITE, np.isinf(peaks.height)),
        (Missing.ZERO, peaks.height == 0),
        (Missing.NEGATIVE, peaks.height < 0),
    ):
        rows = np.flatnonzero(inside & hit)
        peak[peaks.sample[rows], probe[rows]] = -1
        missing[peaks.sample[rows], probe[rows]] = code
    return peak, missing


def _shadows(peaks: Peaks, probe: IntArray, quantum: float) -> BoolArray:
    """Peaks that may be a shoulder, or stand beside a much higher peak that belongs to no probe."""
    usable = np.flatnonzero(peaks.usable())
    sample, size, height = peaks.sample[usable], peaks.size[usable], peaks.height[usable]
    free = probe[usable] < 0
    far = figure("shoulder_far") + quantum
    out = np.zeros(len(peaks.size), dtype=np.bool_)
    out[usable] = (
        shoulders(sample, size, height, quantum)
        | overtopped(sample, size, height, near=0.0, far=far, by=free)
        | overtopped(sample, -size, height, near=0.0, far=far, by=free)
    )
    return out


def _misfits(peaks: Peaks, probe: IntArray, n_samples: int, n_places: int) -> BoolArray:
    """Samples most of whose highest peaks (as many as there are places) lie at no probe's place."""
    usable = np.flatnonzero(peaks.usable() & ~peaks.demoted)
    order = usable[np.lexsort((-peaks.height[usable], peaks.sample[usable]))]
    s = peaks.sample[order]
    count = np.bincount(s, minlength=n_samples)
    start = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
    rank = np.arange(len(order)) - start[s]
    tallest = np.full(n_samples, np.inf)
    some = count > 0
    tallest[some] = peaks.height[order[start[some]]]
    high = (rank < n_places) & (peaks.height[order] >= 0.1 * tallest[s])
    n_high = np.bincount(s[high], minlength=n_samples)
    n_given = np.bincount(s[high & (probe[order] >= 0)], minlength=n_samples)
    return np.asarray((n_high >= 5) & (n_given < 0.5 * n_high))
