"""The limit of detection: the smallest clone fraction at which a heterozygous loss would have been called.

A loss of some units shows itself in the shift of their mean ratio. How large a shift is called follows from the
caller itself: it is asked for the odds of noise-free shifts of growing size. The limit is the clone fraction whose
shift exceeds that by the noise with the stated power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller.calling.posterior import Evidence, Model, log_odds
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = ["POWER_QUANTILE", "Question", "event_error", "limits_of_detection"]

POWER_QUANTILE = 1.6448536269514722
"""Standard normal quantile of 95 % power."""

_SCALES = np.array([0.35, 0.6, 1.0, 1.7, 3.0])
_AROUND = np.array([-0.5, 0.0, 0.5, 1.1])
"""Shifts tried around the one expected, in standard errors; the odds in between are interpolated."""
_SHIFTS = np.array([0.0, 1.0, 1.5, 2.1, 2.7, 3.3, 3.9, 4.6, 5.5, 7.5, 12.0])
"""Shifts tried where the one that is called lies not among those."""
_FIXED_POINT = 4
_LARGEST_SHIFT = 1.5
_BEYOND = 1.5
"""Shift in ln ratio that no heterozygous loss makes, even at the next lower of `_SCALES`."""
_SMALL = 1e-9
PULLED = (0.65, 0.2)
"""Part of `pull` that is left once the fit of the level has been repeated without what looks altered: the larger
the share, the longer the level follows the event. Found by simulation (benchmarks/accuracy)."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """The losses of one region whose limits are asked for.

    Attributes
    ----------
    data
        The region's ratios and errors in every sample.
    model
        Its hypotheses.
    inside
        ``(losses, probes)`` probes of each loss.
    """

    data: Evidence
    model: Model
    inside: BoolArray


def event_error(data: Evidence, inside: BoolArray) -> FloatArray:
    """Return the standard error of the shift of the probes `inside`, with the shared level unknown.

    Parameters
    ----------
    data
        The gene's ratios and errors.
    inside
        ``(losses, probes)`` probes of each loss.

    Returns
    -------
    ``(losses, samples)``; infinite where none of the probes has a ratio.

    Notes
    -----
    Generalised least squares: with precisions p and the variance v of the shared level, the information is
    ``A - v A^2 / (1 + v B)``, A the sum of p inside, B over all probes.
    """
    known = ~np.isnan(data.ln_ratio) & ~np.isnan(data.error)
    precision = np.where(known, 1.0 / np.where(known, data.error, 1.0) ** 2, 0.0)
    within = inside @ precision.T
    shared = data.level_variance / (1.0 + data.level_variance * precision.sum(axis=1))
    information = within - shared * within**2
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / np.sqrt(information), dtype=np.float64)


def limits_of_detection(
    questions: Sequence[Question], *, pull: FloatArray, growing: FloatArray, threshold: FloatArray
) -> FloatArray:
    """Return the smallest clone fractions at which heterozygous losses are called with 95 % probability.

    Parameters
    ----------
    questions
        The losses asked about, region by region; all of the same samples.
    pull
        ``(losses, samples)`` share of the loss's probes among all that the sample's level is fitted to. As long
        as the loss is not recognised they draw the level along, so that this share of the shift is not seen.
    growing
        ``(losses, samples)`` share of the variance of the loss's probes that grows as their heights fall.
    threshold
        ``(samples,)`` a loss is called when "no change" is less probable than this.

    Returns
    -------
    ``(losses, samples)``; NaN where even a loss in all cells would not be called so reliably.
    """
    if not questions or not len(threshold):
        return np.full((sum(len(asked.inside) for asked in questions), len(threshold)), np.nan)
    error = np.concatenate([event_error(asked.data, asked.inside) for asked in questions])
    usable = np.isfinite(error)
    order = np.argsort(np.where(usable, error, np.inf), axis=1, kind="stable")
    typical = order[np.arange(len(error)), np.maximum(usable.sum(axis=1) - 1, 0) // 2]
    unit = np.where(usable.any(axis=1), error[np.arange(len(error)), typical], 1.0)
    relative = np.where(usable, error / unit[:, None], 1.0)
    largest = relative * np.sqrt(1.0 + growing * np.expm1(_LARGEST_SHIFT))
    scales = _scales_between(float(relative.min()), float(largest.max()))
    levels, which = np.unique(threshold, return_inverse=True)
    needed = _needed(_Losses.of(questions, typical, unit), scales, np.log1p(-levels) - np.log(levels))
    shift = np.zeros_like(error)
    held = np.minimum(pull * (PULLED[0] + PULLED[1] * pull), 0.9)
    for _ in range(_FIXED_POINT):
        noisy = relative * np.sqrt(1.0 + growing * np.expm1(np.minimum(shift, _LARGEST_SHIFT)))
        # a shift of `needed` standard errors is called; noise takes the power quantile off it
        quantile = _between(np.log(noisy), np.log(scales), needed, which)
        shift = (quantile + POWER_QUANTILE) * noisy * unit[:, None] / (1.0 - held)
    fraction = 2.0 * (1.0 - np.exp(-shift / questions[0].model.compression))
    smallest = float(questions[0].model.fractions[0])
    return np.where(usable & (fraction <= 1.0), np.maximum(fraction, smallest), np.nan)


def _scales_between(low: float, high: float) -> FloatArray:
    """Return the scales that lie between `low` and `high`, and those next to them."""
    first = max(int(np.searchsorted(_SCALES, low, side="right")) - 1, 0)
    last = max(int(np.searchsorted(_SCALES, high)), first + 1)
    return _SCALES[min(first, len(_SCALES) - 2) : last + 1]


def _between(x: FloatArray, grid: FloatArray, value: FloatArray, which: IntArray) -> FloatArray:
    """Interpolate ``value[row, which[column], :]`` over `grid` at ``x[row, column]``; constant beyond its ends."""
    cell = np.clip(np.searchsorted(grid, x, side="right") - 1, 0, len(grid) - 2)
    part = np.clip((x - grid[cell]) / (grid[cell + 1] - grid[cell]), 0.0, 1.0)
    row = np.arange(len(x))[:, None]
    low, high = value[row, which, cell], value[row, which, cell + 1]
    with np.errstate(invalid="ignore"):
        mixed = (1.0 - part) * low + part * high
    return np.where(part == 0.0, low, np.where(np.isnan(mixed), np.inf, mixed))


@dataclass(frozen=True, slots=True, eq=False)
class _Losses:
    """A sample for each loss, on whose errors its odds are worked out.

    Attributes
    ----------
    parts
        Of each region: the sample of each loss, the probes of the losses, the model.
    owner, place
        ``(losses,)`` number of the region, and number of the loss there.
    error
        ``(losses,)`` standard error of its shift.
    odds
        ``(losses,)`` ln prior odds against "no change".
    """

    parts: tuple[Question, ...]
    owner: IntArray
    place: IntArray
    error: FloatArray
    odds: FloatArray

    @classmethod
    def of(cls, questions: Sequence[Question], typical: IntArray, error: FloatArray) -> _Losses:
        counts = [len(asked.inside) for asked in questions]
        each = np.split(typical, np.cumsum(counts)[:-1])
        odds = []
        for asked in questions:
            space = asked.model.space
            for inside in asked.inside:
                lost = np.isin(np.arange(space.n_units), asked.model.unit[inside])
                found = (space.lost == lost).all(axis=1)
                prior = space.log_prior[found] if found.any() else space.log_prior
                odds.append(float(prior.min()) - space.log_prior_normal)
        return cls(
            tuple(Question(q.data.rows(index), q.model, q.inside) for q, index in zip(questions, each)),
            np.repeat(np.arange(len(counts)), counts),
            np.concatenate([np.arange(count) for count in counts]),
            error,
            np.array(odds),
        )

    def ask(self, loss: IntArray, scale: FloatArray, shift: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return ln odds of a loss and of a gain for samples `scale` times as noisy, shifted by `shift` errors."""
        losing, gaining = np.empty(len(loss)), np.empty(len(loss))
        step = shift * scale * self.error[loss]
        for number, part in enumerate(self.parts):
            rows = np.flatnonzero(self.owner[loss] == number)
            if not len(rows):
                continue
            place, factor = self.place[loss[rows]], scale[rows]
            fractions = part.model.fractions
            ln_ratio = np.where(
                np.isnan(part.data.ln_ratio[place]), np.nan, -step[rows, None] * part.inside[place]
            )
            data = Evidence(
                ln_ratio,
                part.data.error[place] * factor[:, None],
                np.full(ln_ratio.shape, np.nan),
                part.data.level_variance[place] * factor**2,
                np.full((len(rows), len(fractions)), -np.log(len(fractions))),
            )
            losing[rows], gaining[rows] = log_odds(data, part.model)
        return losing, gaining


def _needed(losses: _Losses, scales: FloatArray, wanted: FloatArray) -> FloatArray:
    """Return the shift in standard errors that is just called.

    Parameters
    ----------
    losses
        With a typical sample for each.
    scales
        ``(scales,)`` how many times as noisy as that sample.
    wanted
        ``(levels,)`` ln odds against "no change" from which on a loss is called.

    Returns
    -------
    ``(losses, levels, scales)``; infinite where no shift is called.
    """
    n = len(losses.error)
    loss, number = (part.ravel() for part in np.indices((n, len(scales))))
    expected = _expected(losses.error[loss] * scales[number], losses.odds[loss], float(wanted.mean()))
    found = np.full((len(loss), len(wanted)), np.nan)
    open_ = np.arange(len(loss))
    for shifts in (np.maximum(expected[:, None] + _AROUND, 0.0), np.tile(_SHIFTS, (len(loss), 1))):
        z = shifts[open_]
        rows, scale = np.repeat(loss[open_], z.shape[1]), np.repeat(scales[number[open_]], z.shape[1])
        losing, gaining = (odds.reshape(z.shape) for odds in losses.ask(rows, scale, z.ravel()))
        rather = _crossing(z, losing - gaining, 0.0)
        altered = np.logaddexp(losing, gaining)
        for level, ln in enumerate(wanted):
            found[open_, level] = np.maximum(_crossing(z, altered, float(ln)), rather)
        largest = z[:, -1] * scales[number[open_]] * losses.error[loss[open_]]
        low = (altered[:, 0] >= wanted.min()) & (z[:, 0] > 0.0)
        high = np.isinf(found[open_]).any(axis=1) & (largest < _BEYOND)
        open_ = open_[low | high]
        if not len(open_):
            break
    return found.reshape(n, len(scales), len(wanted)).swapaxes(1, 2)


def _expected(error: FloatArray, odds: FloatArray, wanted: float) -> FloatArray:
    """Return about the shift, in standard errors, at which a loss with these ln prior odds is called.

    The likelihood grows as exp(z^2 / 2); of the clone fractions only those within about an error of the true one
    count. Noise is taken for normal and no other event as possible, which is good to about half an error.
    """
    z = np.full(len(error), 3.5)
    for _ in range(4):
        share = np.minimum(np.sqrt(2.0 * np.pi) * 2.0 * error * np.exp(-z * error), 1.0)
        z = np.sqrt(np.maximum(2.0 * (wanted - odds - np.log(share)), 0.5))
    return z


def _crossing(shift: FloatArray, value: FloatArray, wanted: float) -> FloatArray:
    """Return the smallest shift at which `value` reaches `wanted`; infinite where it does not.

    `shift` and `value` are ``(rows, shifts)``, the shifts growing. Between two of them the curve is a parabola, with
    the mean of the curvatures at the two.
    """
    above = value >= wanted
    row, last = np.arange(len(value)), value.shape[1] - 1
    end = np.clip(above.argmax(axis=1), 1, last)
    rise = np.diff(value, axis=1) / np.maximum(np.diff(shift, axis=1), _SMALL)
    bend = np.diff(rise, axis=1) / np.maximum(shift[:, 2:] - shift[:, :-2], _SMALL)
    low, high, start = shift[row, end - 1], shift[row, end], value[row, end - 1]
    slope = rise[row, end - 1]
    curve = 0.5 * (bend[row, np.maximum(end - 2, 0)] + bend[row, np.minimum(end - 1, last - 2)])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = low + (wanted - start) / slope
        for _ in range(3):
            found = np.clip(
                low + (wanted - start - curve * (found - low) * (found - high)) / slope, low, high
            )
    return np.where(above.any(axis=1), np.where(above[:, 0], shift[:, 0], found), np.inf)
