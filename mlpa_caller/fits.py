"""The fits behind normalisation: probe efficiencies, a sample's amount and slope, and the noise.

The model of a height is ``ln height = amount + efficiency + slope (length - 300) / 100 + g ln(c / 2) + noise``:
amount and slope belong to the sample, the efficiency to the probe. Efficiencies are learned from the run's own
reference samples; amount and slope of every sample from the probes that are not altered. Both fits are robust, since
reference probes may be gained (hyperdiploidy) and reference samples may have failed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import FloatArray

__all__ = [
    "Efficiency",
    "Level",
    "NoiseModel",
    "copies",
    "efficiency",
    "fit_level",
    "fit_noise",
    "kept_variance",
    "nanmedian",
    "position",
    "sample_scale",
]

SLOPE_ORIGIN = 300.0
"""Length in nucleotides at which amount is defined."""


def position(length: FloatArray) -> FloatArray:
    """Return ``(length - 300) / 100``, the coordinate of the slope; `length` in nucleotides."""
    return np.asarray((length - SLOPE_ORIGIN) / 100.0, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Variance of a probe's ln height: ``constant + per_height / height``."""

    constant: float
    per_height: float

    def variance(self, height: FloatArray) -> FloatArray:
        """Return the variance at `height` (NaN where the height is)."""
        return np.asarray(self.constant + self.per_height / height, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Efficiency:
    """What the reference samples say of each probe.

    Attributes
    ----------
    ln_height
        ``(probes,)`` expected ln height at two copies, amount 0 and slope 0; NaN where no reference has it.
    variance
        ``(probes,)`` its variance.
    residual
        ``(references, probes)`` what is left of the references' ln heights.
    """

    ln_height: FloatArray
    variance: FloatArray
    residual: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Amount and slope of every sample.

    Attributes
    ----------
    amount
        ``(samples,)`` fitted ln amount at `centre`.
    slope
        ``(samples,)`` per 100 nucleotides, relative to the reference samples.
    centre
        ``(samples,)`` in units of ``(length - 300) / 100``: there the two errors are independent.
    amount_variance, slope_variance
        ``(samples,)``.
    weight
        ``(samples, probes)`` probability that the probe is unaltered in this sample; 0 where it is missing.
    objective
        ``(samples,)`` log-likelihood of the fit.
    """

    amount: FloatArray
    slope: FloatArray
    centre: FloatArray
    amount_variance: FloatArray
    slope_variance: FloatArray
    weight: FloatArray
    objective: FloatArray

    def at(self, x: FloatArray) -> FloatArray:
        """Return ``(samples, probes)`` expected ln height above efficiency at positions `x`."""
        return np.asarray(
            self.amount[:, None] + self.slope[:, None] * (x - self.centre[:, None]), dtype=np.float64
        )


def _line(
    value: FloatArray, x: FloatArray, weight: FloatArray, slope_precision: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fit ``amount + slope (x - centre)`` to each row by weighted least squares.

    The slope has a normal prior around 0 with precision `slope_precision`. Returns amount, slope, centre and
    the variances of the first two, each ``(samples,)``; rows without weight give NaN.
    """
    total = weight.sum(axis=1)
    safe = np.where(total > 0, total, np.nan)
    centre = weight @ x / safe
    amount = (weight * value).sum(axis=1) / safe
    offset = x - centre[:, None]
    squares = (weight * offset**2).sum(axis=1) + slope_precision
    slope = (weight * offset * value).sum(axis=1) / np.where(squares > 0, squares, np.nan)
    return amount, slope, centre, 1.0 / safe, 1.0 / np.where(squares > 0, squares, np.nan)


def efficiency(
    ln_height: FloatArray, x: FloatArray, noise: NoiseModel, *, slope_sd: float, rounds: int = 6
) -> Efficiency:
    """Learn each probe's efficiency from the reference samples.

    Parameters
    ----------
    ln_height
        ``(references, probes)``; NaN where missing.
    x
        ``(probes,)`` ``(length - 300) / 100``.
    noise
        Variance model.
    slope_sd
        Prior standard deviation of a sample's slope per 100 nucleotides.

    Returns
    -------
    Efficiency
        Robust to an altered probe in one reference (Student t weights with 4 degrees of freedom). Rows that
        are the same number for number count as one.
    """
    with np.errstate(invalid="ignore"):
        variance = noise.variance(np.exp(ln_height))
    present = ~np.isnan(ln_height)
    share = 1.0 / copies(ln_height)[:, None]
    precision = np.where(present, 1.0 / variance, 0.0) * share
    value = np.where(present, ln_height, 0.0)
    centred = ln_height - nanmedian(ln_height, axis=1)[:, None]
    expected = nanmedian(centred, axis=0)
    robust = precision
    usable = present.any(axis=0)
    expected = np.where(usable, expected, 0.0)
    residual = np.zeros_like(value)
    for _ in range(rounds):
        amount, slope, centre, _, _ = _line(value - expected, x, robust, slope_sd**-2)
        fitted = amount[:, None] + slope[:, None] * (x - centre[:, None])
        fitted -= (share * fitted).sum(axis=0) / share.sum()
        weight = robust.sum(axis=0)
        expected = (robust * (value - fitted)).sum(axis=0) / np.where(weight > 0, weight, 1.0)
        residual = value - fitted - expected
        robust = precision * 5.0 / (4.0 + residual**2 * precision)
    weight = robust.sum(axis=0)
    return Efficiency(
        ln_height=np.where(usable, expected, np.nan),
        variance=np.where(usable, 1.0 / np.where(usable, weight, 1.0), np.nan),
        residual=np.where(present, residual, np.nan),
    )


def copies(rows: FloatArray) -> FloatArray:
    """Return, for each row, how many rows are the same number for number."""
    keys = [row.tobytes() for row in np.ascontiguousarray(rows)]
    return np.array([keys.count(key) for key in keys], dtype=np.float64)


def nanmedian(values: FloatArray, axis: int) -> FloatArray:
    """Return the median without NaN along `axis` (sort puts NaN last); NaN for an empty slice."""
    ordered = np.sort(values, axis=axis)
    count = np.sum(~np.isnan(values), axis=axis)
    low = np.expand_dims(np.maximum((count - 1) // 2, 0), axis)
    high = np.expand_dims(np.minimum(count // 2, values.shape[axis] - 1), axis)
    middle = np.take_along_axis(ordered, low, axis) + np.take_along_axis(ordered, high, axis)
    return np.asarray(np.squeeze(middle, axis=axis) / 2.0, dtype=np.float64)


def fit_level(
    difference: FloatArray,
    variance: FloatArray,
    x: FloatArray,
    prior: FloatArray,
    *,
    starts: FloatArray,
    slope_sd: float,
    span: float,
    rounds: int = 10,
    previous: Level | None = None,
) -> Level:
    """Fit amount and slope of every sample to the probes that are not altered.

    Each probe is either unaltered (normal noise around the line) or anywhere within `span`; the fit is the
    maximum over line and membership (expectation-maximisation), from several starting levels.

    Parameters
    ----------
    difference
        ``(samples, probes)`` ln height minus efficiency; NaN where missing.
    variance
        ``(samples, probes)`` of `difference` around the line.
    x
        ``(probes,)`` ``(length - 300) / 100``.
    prior
        ``(samples, probes)`` or ``(probes,)`` probability that the probe is unaltered.
    starts
        ``(starts, samples)`` amounts to start from, with slope 0.
    previous
        An earlier fit to start from as well.
    slope_sd
        Prior standard deviation of the slope relative to the references.
    span
        Width in ln ratio over which an altered probe may lie.

    Returns
    -------
    Level
        The best fit of each sample.
    """
    present = ~np.isnan(difference)
    value = np.where(present, difference, 0.0)
    precision = np.where(present, 1.0 / variance, 0.0)
    peak = np.where(present, precision / (2.0 * np.pi), 1.0)
    log_normal = np.log(prior) + 0.5 * np.log(peak)
    log_other = np.broadcast_to(np.log1p(-prior) - np.log(span), value.shape)
    rounds = max(rounds, 1)
    flat = np.zeros(len(value))
    begin = [(start, flat, flat) for start in starts]
    if previous is not None:
        begin.append((np.nan_to_num(previous.amount), previous.slope, previous.centre))
    best: Level | None = None
    for amount, slope, centre in begin:
        weight = present.astype(np.float64)
        for _ in range(rounds):
            residual = value - amount[:, None] - slope[:, None] * (x - centre[:, None])
            odds = log_other - log_normal + 0.5 * residual**2 * precision
            weight = np.where(present, 1.0 / (1.0 + np.exp(np.minimum(odds, 500.0))), 0.0)
            line = _line(value, x, weight * precision, slope_sd**-2)
            lost = np.isnan(line[0])  # no probe is left that could be unaltered: stay where we are
            amount, slope, centre = (
                np.where(lost, old, new) for old, new in zip((amount, slope, centre), line)
            )
        amount_var, slope_var = line[3:]
        residual = value - amount[:, None] - slope[:, None] * (x - centre[:, None])
        inside = log_normal - 0.5 * residual**2 * precision
        objective = np.where(present, np.logaddexp(inside, log_other), 0.0).sum(axis=1)
        objective -= 0.5 * (slope / slope_sd) ** 2
        fit = Level(amount, slope, centre, amount_var, slope_var, weight, objective)
        best = fit if best is None else _better(best, fit)
    if best is None:
        raise ValueError("fit_level needs at least one start")
    return best


def _better(one: Level, two: Level) -> Level:
    """Return, for each sample, the fit with the larger objective (the first where they are equal)."""
    take = two.objective > one.objective + 1e-9
    chosen = {}
    for name in Level.__dataclass_fields__:
        a, b = getattr(one, name), getattr(two, name)
        chosen[name] = np.where(take if a.ndim == 1 else take[:, None], b, a)
    return Level(**chosen)


def kept_variance(
    variance: FloatArray, prior: FloatArray, *, span: float, degrees_of_freedom: float
) -> FloatArray:
    """Return the variance of unaltered probes' scaled residuals as `fit_level` weighs them.

    The weights of `fit_level` fall with the distance from the line, so that the weighted squares of ordinary
    noise average less than 1; how much less depends on the width of the noise against `span`.

    Parameters
    ----------
    variance, prior
        ``(samples, probes)`` expected variance, and prior probability that the probe is unaltered.
    span
        As given to `fit_level`.
    degrees_of_freedom
        Of the Student t noise.

    Returns
    -------
    ``(samples, probes)`` ``E[w z^2] / E[w]`` for z with unit variance.
    """
    z = np.linspace(-8.0, 8.0, 801)
    scale = np.sqrt((degrees_of_freedom - 2.0) / degrees_of_freedom)
    density = (1.0 + (z / scale) ** 2 / degrees_of_freedom) ** (-(degrees_of_freedom + 1.0) / 2.0)
    log_odds = np.linspace(-12.0, 6.0, 73)
    weight = density / (1.0 + np.exp(log_odds[:, None] + 0.5 * z**2))
    share = (weight * z**2).sum(axis=1) / weight.sum(axis=1)
    at = np.log1p(-prior) - np.log(prior) - np.log(span) + 0.5 * np.log(2.0 * np.pi * variance)
    return np.asarray(np.interp(at, log_odds, share), dtype=np.float64)


def sample_scale(
    squared: FloatArray, weight: FloatArray, *, spent: float, prior_dof: float, smallest: float = 0.25
) -> tuple[FloatArray, FloatArray, float]:
    """Estimate each sample's noise scale, shrunk towards the run's.

    Parameters
    ----------
    squared
        ``(samples, probes)`` squared residuals divided by their expected variance (1 on average).
    weight
        ``(samples, probes)`` probability that the probe is unaltered.
    spent
        Parameters fitted to each sample.
    prior_dof
        Degrees of freedom with which a sample is drawn to the run's mean.
    smallest
        Smallest scale believed.

    Returns
    -------
    scale, own, run
        Shrunk noise scale and the sample's own, each ``(samples,)`` on the standard-deviation scale, and the
        run's.

    Notes
    -----
    Variances are combined as in Smyth, Stat Appl Genet Mol Biol 2004;3:3 (weighted by degrees of freedom).
    """
    dof = np.maximum(weight.sum(axis=1) - spent, 0.0)
    total = (weight * np.where(weight > 0, squared, 0.0)).sum(axis=1)
    own = total / np.where(dof > 0, dof, np.nan)
    enough = dof >= 3
    run = max(float(np.median(own[enough])) if enough.any() else 1.0, smallest**2)
    shrunk = (np.where(dof > 0, total, 0.0) + prior_dof * run) / (dof + prior_dof)
    return np.sqrt(shrunk), np.sqrt(own), float(np.sqrt(run))


def fit_noise(
    squared: FloatArray,
    height: FloatArray,
    weight: FloatArray,
    prior: NoiseModel,
    *,
    prior_weight: float,
    smallest: float = 0.25,
) -> NoiseModel:
    """Fit ``constant + per_height / height`` to squared residuals, drawn towards `prior`.

    Parameters
    ----------
    squared
        ``(samples, probes)`` squared residuals corrected for the parameters fitted.
    height
        ``(samples, probes)``.
    weight
        ``(samples, probes)`` weight of each residual (0 leaves it out).
    prior
        The noise measured on real data.
    prior_weight
        Number of residuals the prior counts as.
    smallest
        Smallest noise believed, as a factor on the SD of `prior`.

    Returns
    -------
    NoiseModel
        By iteratively reweighted least squares for a gamma response; both terms stay positive.
    """
    used = weight > 0
    s, w, u = squared[used], weight[used], 1.0 / height[used]
    scale = float(np.average(s / (prior.constant + prior.per_height * u), weights=w)) if len(s) else 1.0
    scale = max(scale, smallest**2)
    constant, slope = prior.constant * scale, prior.per_height * scale
    anchor = np.array([constant, slope])
    for _ in range(12):
        fitted = constant + slope * u
        g = w / fitted**2
        matrix = np.array([[g.sum(), (g * u).sum()], [(g * u).sum(), (g * u * u).sum()]])
        right = np.array([(g * s).sum(), (g * u * s).sum()])
        pull = np.diag(prior_weight / 2.0 / anchor**2)
        constant, slope = np.linalg.solve(matrix + pull, right + pull @ anchor)
        constant = float(max(constant, 0.1 * anchor[0], smallest**2 * prior.constant))
        slope = float(max(slope, 0.1 * anchor[1], smallest**2 * prior.per_height))
    return NoiseModel(constant, slope)
