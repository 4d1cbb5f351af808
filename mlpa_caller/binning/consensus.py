"""Find the peaks that the samples of a run have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.binning.groups import group_medians
from mlpa_caller.binning.settings import figure
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = [
    "APART",
    "Features",
    "density_of",
    "find_features",
    "maxima",
    "nearest",
    "sample_levels",
    "shoulders",
]

STEP = 0.05
"""Grid of the size axis, in nucleotides."""

APART = 0.6
"""Recurring peaks stand farther apart than this, in nucleotides; a shoulder stands one away."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Peaks that recur in a run, in order of size.

    Attributes
    ----------
    size
        Size on the run's common scale, in nucleotides.
    height
        Median height relative to the samples' levels, where present.
    support
        Share of the samples with product that show it.
    """

    size: FloatArray
    height: FloatArray
    support: FloatArray


def sample_levels(sample: IntArray, height: FloatArray, n_samples: int, n_probes: int) -> FloatArray:
    """Return the height of each sample's typical product: the median of its ``n_probes`` highest peaks.

    NaN for samples with fewer than a third of `n_probes` peaks: they show no product to speak of.
    """
    order = np.lexsort((-height, sample))
    ordered, heights = sample[order], height[order]
    count = np.bincount(ordered, minlength=n_samples)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    level = np.full(n_samples, np.nan)
    enough = count >= max(1.0, n_probes / 3.0)
    middle = start + np.minimum(count, n_probes) // 2
    level[enough] = heights[middle[enough]]
    return level


def density_of(x: FloatArray, weight: FloatArray, low: float, n_bins: int, sd: float) -> FloatArray:
    """Sum of Gaussians of standard deviation `sd` (peak 1) at `x`, on the grid."""
    index = np.clip(np.rint((x - low) / STEP).astype(np.int64), 0, n_bins - 1)
    counts = np.bincount(index, weights=weight, minlength=n_bins)
    reach = int(np.ceil(4 * sd / STEP))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * STEP / sd) ** 2)
    return np.convolve(counts, kernel, mode="same")


def find_features(
    sample: IntArray, size: FloatArray, height: FloatArray, level: FloatArray, *, quantum: float
) -> Features:
    """Find the peaks that recur from sample to sample (sizes already on the common scale).

    Peaks that may be the shoulder of another of their sample do not count.

    Parameters
    ----------
    sample, size, height
        ``(peaks,)`` of peaks with a valid height.
    level
        ``(samples,)`` from `sample_levels`; only samples with product count.
    quantum
        Step to which the export rounds its sizes, in nucleotides.
    """
    usable = np.isfinite(level)[sample] & ~shoulders(sample, size, height, quantum)
    s, x, h = sample[usable], size[usable], height[usable] / level[sample[usable]]
    if len(x) == 0:
        return Features(np.zeros(0), np.zeros(0), np.zeros(0))
    centre = maxima(x, 0.13 + 0.5 * quantum)
    of_peak = nearest(centre, x)
    near = np.abs(x - centre[of_peak]) <= APART
    s, x, h, of_peak = s[near], x[near], h[near], of_peak[near]
    # the highest peak of each sample at each feature
    order = np.lexsort((-h, s, of_peak))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(of_peak[order]) != 0) | (np.diff(s[order]) != 0)
    order = order[first]
    count = np.bincount(of_peak[order], minlength=len(centre))
    seen = count > 0
    return Features(
        size=group_medians(of_peak[order], x[order], len(centre))[seen],
        height=group_medians(of_peak[order], h[order], len(centre))[seen],
        support=count[seen] / max(1, int(np.isfinite(level).sum())),
    )


def maxima(x: FloatArray, sd: float) -> FloatArray:
    """Places where `x` is densest within `APART` nucleotides to either side."""
    low = float(x.min()) - 2.0
    n_bins = int(np.ceil((float(x.max()) + 2.0 - low) / STEP)) + 1
    density = density_of(x, np.ones(len(x)), low, n_bins, sd)
    highest = density.copy()
    for step in range(1, round(APART / STEP) + 1):
        highest[:-step] = np.maximum(highest[:-step], density[step:])
        highest[step:] = np.maximum(highest[step:], density[:-step])
    top = np.flatnonzero((density >= highest) & (density > 0.5))
    if len(top) == 0:
        return np.array([float(np.median(x))])
    # of a level summit the first place
    return np.asarray(low + top[np.concatenate([[True], np.diff(top) > 1])] * STEP, dtype=np.float64)


def nearest(centre: NDArray[np.floating[Any]], x: FloatArray) -> IntArray:
    """Index of the nearest of the sorted `centre` for each `x`."""
    right = np.clip(np.searchsorted(centre, x), 0, len(centre) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(np.abs(x - centre[left]) <= np.abs(centre[right] - x), left, right).astype(np.int64)


def shoulders(sample: IntArray, size: FloatArray, height: FloatArray, quantum: float) -> BoolArray:
    """Return which peaks may be the n-1 shoulder of a much higher peak of the same sample.

    `quantum` is the step to which sizes are rounded, in nucleotides.
    """
    near, far = figure("shoulder_near") - 0.4 * quantum, figure("shoulder_far") + quantum
    return overtopped(sample, size, height, near=near, far=far)


def overtopped(
    sample: IntArray,
    size: FloatArray,
    height: FloatArray,
    *,
    near: float,
    far: float,
    by: BoolArray | None = None,
) -> BoolArray:
    """Return which peaks stand `near` to `far` nucleotides below a much higher peak of the same sample.

    `by` marks the peaks that count as the higher one; default all. Heights must be valid.
    """
    order = np.lexsort((size, sample))
    s, x, h = sample[order], size[order], height[order]
    counts = np.ones(len(x), dtype=np.bool_) if by is None else by[order]
    out = np.zeros(len(x), dtype=np.bool_)
    step = 1
    while step < len(x):
        distance = x[step:] - x[:-step]
        close = (s[step:] == s[:-step]) & (distance <= far)
        if not close.any():
            break
        higher = counts[step:] & (h[:-step] < figure("shoulder_share") * h[step:])
        out[:-step] |= close & (distance >= near) & higher
        step += 1
    back = np.zeros(len(x), dtype=np.bool_)
    back[order] = out
    return back
