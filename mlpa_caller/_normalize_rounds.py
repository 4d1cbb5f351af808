"""One round of normalisation, for a block of samples that stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray
from mlpa_caller.fits import Efficiency, Level, fit_level, nanmedian
from mlpa_caller.noise import NoiseModel, kept_variance
from mlpa_caller.settings import Settings

__all__ = [
    "NormalizeState",
    "Work",
    "correct_block",
    "fit_block",
    "in_blocks",
    "no_level",
    "residual_block",
]

BLOCK = 1 << 15
"""Cells worked on at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class NormalizeState:
    """Working arrays over the probes used (targets and references); axes ``(samples, used probes)``."""

    ln_height: FloatArray
    x: FloatArray
    is_reference_probe: BoolArray
    references: BoolArray
    left_out: dict[str, str]
    noise: NoiseModel
    slope_sd: tuple[float, float]
    """Prior SD of a slope: of a reference sample, and of any sample against the references."""
    count: FloatArray
    """``(used probes,)`` how many independent probes each counts as in the fit of the level."""
    group: FloatArray
    """``(used probes, groups)`` 1 for the probes of each gene or region, and for the reference probes."""
    blind: bool
    """Whether nothing is known yet of what is altered."""


@dataclass(slots=True, eq=False)
class Work:
    """What the rounds of one run fill and improve.

    Attributes
    ----------
    state
        ln heights, lengths and references; axes ``(samples, used probes)``.
    height
        ``(samples, probes)``; 1 where missing.
    prior
        ``(samples, probes)`` or ``(probes,)`` probability that a probe is unaltered.
    settings
        Noise figures.
    noise
        Of a probe by its height, in this run.
    scale, own
        ``(samples,)`` noise scale drawn to the run's, which the fits use, and the sample's own.
    copied
        ``(samples,)`` reference samples whose row is another's, number for number.
    level
        Of every sample; NaN before the first round.
    squared
        ``(samples, probes)`` squared residuals by their expected variance, later as variances of a probe.
    total, weights
        ``(samples,)`` weighted sum of `squared`, and sum of the weights.
    scatter
        ``(samples,)`` noise scale as the median deviation of the probes from their genes' means shows it.
    """

    state: NormalizeState
    height: FloatArray
    prior: FloatArray
    settings: Settings
    noise: NoiseModel
    scale: FloatArray
    own: FloatArray
    copied: BoolArray
    level: Level
    squared: FloatArray
    total: FloatArray
    weights: FloatArray
    scatter: FloatArray

    @classmethod
    def of(cls, state: NormalizeState, height: FloatArray, prior: FloatArray, settings: Settings) -> Work:
        """Return the work before the first round."""
        n = len(height)
        return cls(
            state, height, prior, settings, state.noise, np.ones(n), np.ones(n), np.zeros(n, dtype=np.bool_),
            no_level(height.shape), np.zeros(height.shape), np.zeros(n), np.zeros(n), np.ones(n),
        )  # fmt: skip

    def prior_of(self, rows: slice) -> FloatArray:
        """Return the prior of some samples."""
        return self.prior if self.prior.ndim == 1 else self.prior[rows]


def no_level(shape: tuple[int, ...]) -> Level:
    """Return levels that are not known."""
    one = {name: np.full(shape[0], np.nan) for name in Level.__dataclass_fields__}
    return Level(**{**one, "weight": np.zeros(shape)})


def in_blocks(work: Callable[[slice], None], shape: tuple[int, ...]) -> None:
    """Call `work` with the rows of each block of samples.

    Threads would gain nothing: the steps of a block are so short that handing on the interpreter's lock costs more.
    """
    step = max(1, BLOCK // max(shape[1], 1))
    for start in range(0, shape[0], step):
        work(slice(start, start + step))


def residual_block(
    work: Work, learned: Efficiency, rows: slice
) -> tuple[FloatArray, FloatArray, FloatArray]:  # fmt: skip
    """Return differences to the efficiencies, the variance by height alone, and that of the difference."""
    by_probe = work.noise.variance(work.height[rows])
    variance = by_probe * work.scale[rows, None] ** 2
    variance += learned.variance
    return work.state.ln_height[rows] - learned.ln_height, by_probe, variance


def fit_block(work: Work, learned: Efficiency, rows: slice, *, first: bool) -> None:
    """Fit the levels of some samples, and take the sums from which their noise scales follow."""
    state, noise, level = work.state, work.settings.noise, work.level
    difference, by_probe, variance = residual_block(work, learned, rows)
    missing = np.isnan(difference)
    prior = work.prior_of(rows)
    fit = fit_level(
        difference,
        np.where(missing, 1.0, variance),
        state.x,
        prior,
        starts=_starts(difference, state.is_reference_probe) if first else np.zeros((0, len(difference))),
        slope_sd=state.slope_sd[1],
        span=noise["altered_span"],
        rounds=10 if first else 4,
        previous=None if first else level.rows(rows),
        count=state.count,
    )
    for name in Level.__dataclass_fields__:
        getattr(level, name)[rows] = getattr(fit, name)
    expected = variance
    own = state.references[rows]
    if own.any():  # the efficiencies follow a reference sample
        spent = by_probe[own] * work.scale[rows][own, None] ** 2 - learned.variance
        expected[own] = np.maximum(spent, 0.2 * by_probe[own])
    kept = kept_variance(
        expected, prior, span=noise["altered_span"], degrees_of_freedom=noise["degrees_of_freedom"]
    )
    weight = fit.weight  # 0 where missing
    weight[work.copied[rows]] = 0.0
    squared = difference - fit.at(state.x)
    if state.blind:
        work.scatter[rows] = _scatter(squared / np.sqrt(expected), state.group)
    squared *= squared
    kept *= expected
    squared /= kept
    squared[weight == 0.0] = 0.0
    work.squared[rows] = squared
    work.total[rows] = (weight * squared) @ state.count
    work.weights[rows] = weight @ state.count


def _scatter(deviation: FloatArray, group: FloatArray) -> FloatArray:
    """Return the noise of each sample from its probes' deviations from their gene's mean.

    What takes a whole gene leaves these deviations alone; the medians leave aside what takes part of a gene, and
    single reference probes. Reference probes, the last group, deviate from their median.
    """
    present = ~np.isnan(deviation)
    count = present @ group
    mean = np.where(present, deviation, 0.0) @ group / np.maximum(count, 1.0)
    mean[:, -1] = np.nan_to_num(nanmedian(deviation[:, group[:, -1] > 0], axis=1))
    widen = np.sqrt(count / np.maximum(count - 1.0, 1.0))
    away = np.abs(deviation - mean @ group.T) * (widen @ group.T)
    away[((count > 1.0) @ group.T) == 0.0] = np.nan  # a probe alone in its gene has no mean to deviate from
    return np.nan_to_num(1.4826 * nanmedian(away, axis=1), nan=1.0)


def correct_block(work: Work, rows: slice) -> None:
    """Turn the squares of some samples into variances of a probe, corrected for the parameters fitted."""
    dof = np.maximum(work.weights[rows] - 2.0, 1.0)
    squared = work.squared[rows]
    squared *= work.noise.variance(work.height[rows])
    squared *= (work.weights[rows] / dof)[:, None]


def _starts(difference: FloatArray, is_reference_probe: BoolArray) -> FloatArray:
    """Return the levels to start from: median of reference probes, of all probes, and somewhat below."""
    middle = nanmedian(difference[:, is_reference_probe], axis=1)
    return np.nan_to_num(np.stack([middle, nanmedian(difference, axis=1), middle - 0.1]))
