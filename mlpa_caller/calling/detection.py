"""The limit of detection: the smallest clone fraction at which a heterozygous loss would have been called.

A loss of some units shows itself in the shift of their mean ratio. How large a shift is called follows from the
caller itself: it is run on noise-free shifts of growing size. The limit is the clone fraction whose shift exceeds
that by the noise with the stated power.
"""

from __future__ import annotations

import numpy as np

from mlpa_caller.calling.posterior import Evidence, Model, posterior
from mlpa_caller.datatypes import BoolArray, FloatArray

__all__ = ["POWER_QUANTILE", "event_error", "limit_of_detection"]

POWER_QUANTILE = 1.6448536269514722
"""Standard normal quantile of 95 % power."""

_SCALES = np.array([0.35, 0.6, 1.0, 1.7, 3.0])
_FIXED_POINT = 4
_LARGEST_SHIFT = 1.5
PULLED = (0.8, 0.2)
"""Part of `pull` that is left once the fit of the level has been repeated without what looks altered: the larger
the share, the longer the level follows the event. Found by simulation (benchmarks/accuracy)."""
_HALVINGS = 7
_WIDEST = 12.0
"""Largest shift tried, in standard errors; and how often the interval is halved."""


def event_error(data: Evidence, inside: BoolArray) -> FloatArray:
    """Return the standard error of the shift of the probes `inside`, with the shared level unknown.

    Parameters
    ----------
    data
        The gene's ratios and errors.
    inside
        ``(probes,)`` probes of the event.

    Returns
    -------
    ``(samples,)``; infinite where none of the probes has a ratio.

    Notes
    -----
    Generalised least squares: with precisions p and the variance v of the shared level, the information is
    ``A - v A^2 / (1 + v B)``, A the sum of p inside, B over all probes.
    """
    known = ~np.isnan(data.ln_ratio) & ~np.isnan(data.error)
    precision = np.where(known, 1.0 / np.where(known, data.error, 1.0) ** 2, 0.0)
    within = precision[:, inside].sum(axis=1)
    shared = data.level_variance / (1.0 + data.level_variance * precision.sum(axis=1))
    information = within - shared * within**2
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / np.sqrt(information), dtype=np.float64)


def limit_of_detection(
    data: Evidence,
    inside: BoolArray,
    model: Model,
    *,
    pull: FloatArray,
    growing: FloatArray,
    threshold: float = 0.45,
) -> FloatArray:
    """Return the smallest clone fraction at which a heterozygous loss is called with 95 % probability.

    Parameters
    ----------
    data
        The gene's ratios and errors in every sample.
    inside
        ``(probes,)`` probes of the event asked about.
    model
        The gene's hypotheses.
    pull
        ``(samples,)`` share of the event's probes among all that the sample's level is fitted to. As long as
        the event is not recognised they draw the level along, so that this share of the shift is not seen.
    growing
        ``(samples,)`` share of the variance of the event's probes that grows as their heights fall.
    threshold
        The event is called when "no change" is less probable than this.

    Returns
    -------
    ``(samples,)``; NaN where even a loss in all cells would not be called so reliably.
    """
    error = event_error(data, inside)
    usable = np.isfinite(error)
    if not usable.any():
        return np.full(len(data), np.nan)
    typical = int(np.argsort(np.where(usable, error, np.inf), kind="stable")[int(usable.sum() - 1) // 2])
    needed = _needed(data.rows(slice(typical, typical + 1)), inside, model, threshold)
    plain = np.where(usable, error, np.nan)
    shift = np.zeros(len(data))
    held = pull * (PULLED[0] + PULLED[1] * pull)
    for _ in range(_FIXED_POINT):
        noisy = plain * np.sqrt(1.0 + growing * np.expm1(np.minimum(shift, _LARGEST_SHIFT)))
        # a shift of `needed` standard errors is called; noise takes the power quantile off it
        relative = np.log(np.where(usable, noisy, 1.0) / error[typical])
        quantile = np.interp(relative, np.log(_SCALES), needed)
        shift = (quantile + POWER_QUANTILE) * noisy / (1.0 - np.minimum(held, 0.9))
    fraction = 2.0 * (1.0 - np.exp(-shift / model.compression))
    return np.where(fraction <= 1.0, np.maximum(fraction, model.fractions[0]), np.nan)


def _needed(one: Evidence, inside: BoolArray, model: Model, threshold: float) -> FloatArray:
    """Return, for a sample `_SCALES` times as noisy, the shift in standard errors that is just called."""
    n_scales = len(_SCALES)
    scale = _SCALES[:, None]
    flat = np.where(np.isnan(one.ln_ratio), np.nan, 0.0)
    data = Evidence(
        np.repeat(flat, n_scales, axis=0),
        one.error * scale,
        np.full((n_scales, flat.shape[1]), np.nan),
        one.level_variance * _SCALES**2,
        np.full((n_scales, len(model.fractions)), -np.log(len(model.fractions))),
    )
    error = event_error(data, inside)
    low, high = np.zeros(n_scales), np.full(n_scales, _WIDEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        data.ln_ratio[:, inside] = flat[:, inside] - (middle * error)[:, None]
        chance = posterior(data, model)
        called = (chance.normal < threshold) & (chance.loss >= chance.gain)
        low, high = np.where(called, low, middle), np.where(called, middle, high)
    return np.where(high < _WIDEST, (low + high) / 2.0, np.inf)
