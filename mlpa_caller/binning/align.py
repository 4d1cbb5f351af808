"""Bring the samples of a run onto one size scale."""

from __future__ import annotations

import numpy as np

from mlpa_caller.binning.consensus import STEP, density_of, maxima, nearest
from mlpa_caller.binning.groups import fit_lines, group_medians
from mlpa_caller.binning.settings import figure
from mlpa_caller.datatypes import FloatArray, IntArray

__all__ = ["align_samples", "straighten"]


def _best_shifts(
    sample: IntArray, x: FloatArray, weight: FloatArray, density: FloatArray, low: float, n_samples: int
) -> tuple[FloatArray, FloatArray]:
    """Shift of each sample that brings it onto `density`, and the share of its weight that then fits."""
    reach = round(figure("largest_sample_shift") / STEP)
    shifts = np.arange(-reach, reach + 1)
    index = np.rint((x - low) / STEP).astype(np.int64)
    ceiling = np.minimum(density, 1.0)
    score = np.empty((len(shifts), n_samples))
    for k, shift in enumerate(shifts):
        at = ceiling[np.clip(index + shift, 0, len(ceiling) - 1)]
        score[k] = np.bincount(sample, weights=weight * at, minlength=n_samples)
    total = np.maximum(np.bincount(sample, weights=weight, minlength=n_samples), 1e-12)
    # of equal fits the smallest shift
    share = score / total - 1e-4 * np.abs(shifts[:, None]) * STEP
    best = np.argmax(share, axis=0)
    return shifts[best] * STEP, score[best, np.arange(n_samples)] / total


def align_samples(
    sample: IntArray, size: FloatArray, height: FloatArray, level: FloatArray, *, quantum: float
) -> FloatArray:
    """Return for each sample what must be added to its sizes to bring it onto the run's common scale.

    The sample with the most product is the first template; then all samples together are. The median of the
    shifts is zero. Samples without product, and those of which less than half fits, stay where they are.

    Parameters
    ----------
    sample, size, height
        ``(peaks,)`` index of the sample, apparent size in nucleotides, height.
    level
        ``(samples,)`` from `sample_levels`.
    quantum
        Step to which the export rounds its sizes, in nucleotides.
    """
    n = len(level)
    shift = np.zeros(n)
    usable = np.isfinite(level)[sample]
    if not usable.any():
        return shift
    s, x = sample[usable], size[usable]
    weight = np.clip(height[usable] / level[s], 0.0, 1.0)
    reach = figure("largest_sample_shift") + 1.0
    low = float(x.min()) - reach
    n_bins = int(np.ceil((float(x.max()) + reach - low) / STEP)) + 1
    sd = 0.2 + 0.5 * quantum
    amount = np.bincount(s, weights=weight, minlength=n)
    template = int(np.argmax(amount))
    chosen = s == template
    density = density_of(x[chosen], np.ones(int(chosen.sum())) * (weight[chosen] > 0.3), low, n_bins, sd)
    product = np.isfinite(level)
    for _ in range(3):
        found, fits = _best_shifts(s, x, weight, density, low, n)
        kept = product & (fits > 0.5)
        shift = np.where(kept, found, 0.0)
        if kept.any():
            shift = np.where(kept, shift - np.median(shift[kept]), 0.0)
        strong = kept[s] & (weight > 0.3)
        density = density_of(x[strong] + shift[s[strong]], np.ones(int(strong.sum())), low, n_bins, sd)
        density /= max(1.0, 0.5 * float(kept.sum()))
    return shift


def straighten(
    sample: IntArray,
    size: FloatArray,
    height: FloatArray,
    level: FloatArray,
    shift: FloatArray,
    *,
    quantum: float,
) -> tuple[FloatArray, FloatArray]:
    """Refine the shifts of `align_samples` to a shift and a stretch of each sample.

    Each sample's peaks are laid along a line on the recurring high peaks of the run; the typical stretch is
    zero.

    Returns
    -------
    shift, stretch
        ``(samples,)``: ``size + shift + stretch * size`` lies on the common scale.
    """
    n = len(level)
    shift, stretch = shift.copy(), np.zeros(n)
    usable = np.isfinite(level)[sample]
    s, x, h = sample[usable], size[usable], height[usable]
    high = h > 0.3 * level[s]
    s, x = s[high], x[high]
    for sd, reach in ((0.3, 0.9), (0.2, 0.6)):
        placed = x + shift[s] + stretch[s] * x
        if len(placed) == 0:
            break
        centre = maxima(placed, sd + 0.5 * quantum)
        of_peak = nearest(centre, placed)
        middle = group_medians(of_peak, placed, len(centre))
        recurring = np.bincount(of_peak, minlength=len(centre)) >= 0.3 * np.isfinite(level).sum()
        near = recurring[of_peak] & (np.abs(placed - middle[of_peak]) <= reach)
        a, b = fit_lines(s[near], x[near], middle[of_peak[near]] - x[near], n)
        enough = np.bincount(s[near], minlength=n) >= 10
        if not enough.any():
            break
        middle_x = float(np.mean(x))
        at_middle, b = a + b * middle_x, b - float(np.median(b[enough]))
        a = at_middle - float(np.median(at_middle[enough])) - b * middle_x
        shift, stretch = np.where(enough, a, shift), np.where(enough, b, stretch)
    return shift, stretch
