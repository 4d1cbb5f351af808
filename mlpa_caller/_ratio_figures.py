"""Figures of each sample, from what the fits left over."""

from __future__ import annotations

import numpy as np

from mlpa_caller._normalize_rounds import Work
from mlpa_caller.datatypes import BoolArray, FloatArray
from mlpa_caller.fits import Efficiency

__all__ = ["FIGURES", "sample_figures"]

FIGURES = (
    "reference_sd", "reference_sd_uncorrected", "all_reference_sd", "probe_sd", "slope", "slope_error",
    "noise_scale", "absolute_scale", "amount", "height_noise", "scatter", "expected_reference_sd",
)  # fmt: skip


def sample_figures(
    work: Work, learned: Efficiency, rows: slice, residual: FloatArray, aberrant: BoolArray
) -> dict[str, FloatArray]:
    """Return the figures of some samples by name, each ``(samples,)``.

    Parameters
    ----------
    work
        After the last round.
    learned
        Its efficiencies.
    rows
        The samples.
    residual
        ``(samples, probes)`` ln ratio; NaN where missing.
    aberrant
        ``(samples, probes)`` reference probes left out of the fit.
    """
    level, probes, x = work.level, work.state.is_reference_probe, work.state.x
    ordinary = work.state.noise.variance(work.height[rows]) + learned.variance
    known = ~np.isnan(residual)
    unaltered = known & (level.weight[rows] >= 0.5)
    residual = np.where(known, residual, 0.0)
    ratio = np.exp(residual)
    sloped = level.slope[rows, None] * (x[probes] - level.centre[rows, None])
    present, used = known[:, probes], known[:, probes] & ~aberrant[:, probes]
    count = np.maximum(present.sum(axis=1), 1)
    return {
        "scatter": _absolute_scale(work, learned, rows, residual, _uncalled(work, rows, known)),
        "expected_reference_sd": np.sqrt(np.where(present, ordinary[:, probes], 0.0).sum(axis=1) / count),
        "reference_sd": _sd(ratio[:, probes], used),
        "reference_sd_uncorrected": _sd(np.exp(residual[:, probes] + sloped), used),
        "all_reference_sd": _sd(ratio[:, probes], present),
        "probe_sd": _sd(ratio, unaltered),
        "slope": level.slope[rows],
        "slope_error": np.sqrt(level.slope_variance[rows]),
        "noise_scale": work.own[rows],
        "absolute_scale": _absolute_scale(work, learned, rows, residual, unaltered),
        "amount": level.amount[rows],
        "height_noise": work.noise.per_height * work.scale[rows] ** 2,
    }


def _uncalled(work: Work, rows: slice, known: BoolArray) -> BoolArray:
    """Return which probes belong to no event, whatever their distance from the line: a bad reaction shows in them.

    Reference probes have no events; those far from the line may be gained with their chromosome.
    """
    prior = np.broadcast_to(work.prior_of(rows), known.shape)
    most = float(prior.max(initial=0.0, where=~work.state.is_reference_probe))
    near = work.level.weight[rows] >= 0.5
    return known & np.where(work.state.is_reference_probe, near, prior >= 0.5 * most)


def _sd(ratio: FloatArray, used: BoolArray) -> FloatArray:
    """Return each sample's SD of `ratio` over the probes `used`; NaN for fewer than three."""
    weight = used.astype(np.float64)
    count = weight.sum(axis=1)
    mean = np.einsum("sp,sp->s", ratio, weight) / np.maximum(count, 1.0)
    weight *= ratio - mean[:, None]
    total = np.einsum("sp,sp->s", weight, weight)
    return np.where(count >= 3, np.sqrt(total / np.maximum(count - 1.0, 1.0)), np.nan)


def _absolute_scale(
    work: Work, learned: Efficiency, rows: slice, residual: FloatArray, kept: BoolArray
) -> FloatArray:
    """Return each sample's noise against what real reactions of the same heights show (1 is ordinary).

    What the efficiencies leave open adds to the residual of a patient; a reference sample they follow by as much.
    """
    variance = work.state.noise.variance(work.height[rows])
    share = np.where(work.state.references[rows], -1.0, 1.0)[:, None] * learned.variance
    squared = residual**2
    squared -= share
    squared /= variance
    squared[~kept] = 0.0
    dof = kept.sum(axis=1) - 2
    total = np.maximum(squared.sum(axis=1), 0.0)
    return np.where(dof >= 3, np.sqrt(total / np.maximum(dof, 1)), np.nan)
