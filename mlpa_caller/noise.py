"""How noisy a run and each of its reactions is, learned from what the fits leave over.

The variance of a probe's ln height is ``(constant + per_height / height) scale^2``: the first factor is the run's, the
scale the reaction's. Both are drawn towards what is known without the reaction: the run's figures towards those
measured on real data, a reaction's scale towards the run's as far as the run's other reactions are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlpa_caller.datatypes import FloatArray

__all__ = [
    "NoiseModel",
    "SampleScale",
    "fit_noise",
    "kept_variance",
    "likeness",
    "sample_scale",
    "scale_of_sums",
]

_PART = 1 << 13
"""Residuals worked on at a time: few enough for the cache, and for BLAS not to start threads of its own."""
_SETTLED = 1e-11
"""Relative change of a noise figure below which its fit ends."""
SMALLEST = 0.25
"""Smallest noise believed, against that of real reactions; copied or rounded rows show none."""
FEWEST_DOF = 3.0
"""Degrees of freedom from which on a reaction says something of its own noise."""
OUTLIER_SHARE = 0.05
"""Share of reactions whose noise is not of the run's kind."""
OUTLIER_SD = 2.0 * np.log(2.0)
"""SD of ln variance among those: a bad reaction has about twice the noise."""


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Variance of a probe's ln height: ``constant + per_height / height``."""

    constant: float
    per_height: float

    def variance(self, height: FloatArray) -> FloatArray:
        """Return the variance at `height` (NaN where the height is)."""
        return np.asarray(self.constant + self.per_height / height, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class SampleScale:
    """Noise of the reactions of a run.

    Attributes
    ----------
    scale, own
        ``(samples,)`` noise against the run's: drawn towards 1, and as the reaction alone shows it (NaN where it
        cannot be told).
    run
        What the run's noise has to be multiplied with to be that of its median reaction.
    """

    scale: FloatArray
    own: FloatArray
    run: float


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
    ``(samples, probes)`` ``E[w z^2] / E[w]`` for z with unit variance; NaN where `variance` is.
    """
    share = _kept_shares(degrees_of_freedom)
    at = np.log(variance)
    at *= 0.5
    at += np.log1p(-prior) - np.log(prior) + (0.5 * np.log(2.0 * np.pi) - np.log(span))
    at -= _LOG_ODDS[0]
    at *= (len(_LOG_ODDS) - 1) / (_LOG_ODDS[-1] - _LOG_ODDS[0])
    np.clip(at, 0.0, len(_LOG_ODDS) - 1, out=at)
    low = np.fmax(np.fmin(at, len(_LOG_ODDS) - 2), 0.0).astype(np.int64)
    at -= low
    at *= np.diff(share)[low]
    at += share[low]
    return at


_LOG_ODDS = np.linspace(-12.0, 6.0, 73)


@lru_cache(maxsize=8)
def _kept_shares(degrees_of_freedom: float) -> FloatArray:
    """Return ``E[w z^2] / E[w]`` at the ln odds `_LOG_ODDS` of "altered" for a residual of 0."""
    z = np.linspace(-8.0, 8.0, 801)
    scale = np.sqrt((degrees_of_freedom - 2.0) / degrees_of_freedom)
    density = (1.0 + (z / scale) ** 2 / degrees_of_freedom) ** (-(degrees_of_freedom + 1.0) / 2.0)
    weight = density / (1.0 + np.exp(_LOG_ODDS[:, None] + 0.5 * z**2))
    return np.asarray((weight * z**2).sum(axis=1) / weight.sum(axis=1), dtype=np.float64)


def sample_scale(
    squared: FloatArray,
    weight: FloatArray,
    scale: FloatArray,
    *,
    spent: float,
    prior_dof: float,
    prior_samples: float,
    degrees_of_freedom: float,
) -> SampleScale:
    """Estimate each reaction's noise scale, drawn to the run's as far as the run's reactions are alike.

    Parameters
    ----------
    squared
        ``(samples, probes)`` squared residuals divided by the variance expected so far (1 on average).
    weight
        ``(samples, probes)`` probability that the probe is unaltered; 0 throughout for a reaction that has no say.
    scale
        ``(samples,)`` scale that the expected variance holds already.
    spent
        Parameters fitted to each sample.
    prior_dof, prior_samples
        Degrees of freedom with which a reaction is drawn to the run's noise, and the number of reactions for
        which that counts against what the run itself shows.
    degrees_of_freedom
        Of the Student t noise of a probe.

    Returns
    -------
    SampleScale

    Notes
    -----
    Variances are combined as in Smyth, Stat Appl Genet Mol Biol 2004;3:3 (weighted by degrees of freedom), those
    of reactions noisier than the run's kind as in Phipson and others, Ann Appl Stat 2016;10:946 (a bad reaction
    is not drawn to the good ones).
    """
    total = (weight * np.where(weight > 0, squared, 0.0)).sum(axis=1)
    dof = weight.sum(axis=1) - spent
    return scale_of_sums(
        total,
        dof,
        scale,
        prior_dof=prior_dof,
        prior_samples=prior_samples,
        degrees_of_freedom=degrees_of_freedom,
    )


def scale_of_sums(
    total: FloatArray,
    dof: FloatArray,
    scale: FloatArray,
    *,
    prior_dof: float,
    prior_samples: float,
    degrees_of_freedom: float,
) -> SampleScale:
    """Return what `sample_scale` does, from the sums of each sample.

    Parameters
    ----------
    total, dof
        ``(samples,)`` sum of the weighted squares, and sum of the weights less the parameters fitted.
    scale, prior_dof, prior_samples, degrees_of_freedom
        As in `sample_scale`.
    """
    dof = np.maximum(dof, 0.0)
    own = scale * np.sqrt(total / np.where(dof > 0, dof, np.nan))
    seen = dof >= FEWEST_DOF
    run = max(float(np.median(own[seen])) if seen.any() else 1.0, SMALLEST)
    own = np.maximum(own, SMALLEST) / run
    alike, spread = likeness(
        own[seen],
        dof[seen],
        prior_dof=prior_dof,
        prior_samples=prior_samples,
        degrees_of_freedom=degrees_of_freedom,
    )
    square = np.where(dof > 0, own, 1.0) ** 2
    drawn = (dof * square + alike) / (dof + alike)
    alone = (dof * square + FEWEST_DOF) / (dof + FEWEST_DOF)
    distance = np.log(square)
    sampling = _ln_variance(np.maximum(dof, 1.0), degrees_of_freedom) + spread
    wide = sampling + OUTLIER_SD**2
    odds = 0.5 * distance**2 * (1.0 / sampling - 1.0 / wide) - 0.5 * np.log(wide / sampling)
    odds += np.log(OUTLIER_SHARE / (1.0 - OUTLIER_SHARE))
    outlier = np.where((distance > 0) & seen, 1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0))), 0.0)
    return SampleScale(np.sqrt((1.0 - outlier) * drawn + outlier * alone), own, run)


def _ln_variance(dof: FloatArray, degrees_of_freedom: float) -> FloatArray:
    """Return the sampling variance of the ln of a variance estimated from Student t residuals.

    The excess kurtosis of t, ``6 / (dof - 4)``, takes degrees of freedom away; the trigamma function of x is close
    to ``1 / x + 1 / (2 x^2)``.
    """
    half = dof / (2.0 + 6.0 / (degrees_of_freedom - 4.0))
    return np.asarray(1.0 / half + 0.5 / half**2, dtype=np.float64)


def likeness(
    own: FloatArray, dof: FloatArray, *, prior_dof: float, prior_samples: float, degrees_of_freedom: float
) -> tuple[float, float]:
    """Tell how alike the reactions of a run are.

    Parameters
    ----------
    own, dof
        ``(samples,)`` noise scale of each reaction, above 0, and its degrees of freedom.
    prior_dof, prior_samples, degrees_of_freedom
        As in `sample_scale`.

    Returns
    -------
    dof, spread
        Degrees of freedom with which a reaction is drawn to the run's noise, and the variance of the reactions'
        true ln variances that stands for.
    """
    expected = 2.0 / prior_dof + 2.0 / prior_dof**2
    if len(own):
        value = 2.0 * np.log(own)
        spread = (1.4826 * float(np.median(np.abs(value - np.median(value))))) ** 2
        extra = max(0.0, spread - float(np.median(_ln_variance(dof, degrees_of_freedom))))
        expected = (len(own) * extra + prior_samples * expected) / (len(own) + prior_samples)
    return float((1.0 + np.sqrt(1.0 + 2.0 * expected)) / expected), expected


def fit_noise(
    squared: FloatArray,
    height: FloatArray,
    weight: FloatArray,
    prior: NoiseModel,
    *,
    prior_weight: float,
    smallest: float = SMALLEST,
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
    parts = _parts(squared, height, weight)
    expected = sum(float(w @ (s / (prior.constant + prior.per_height * u))) for s, u, w in parts)
    weights = sum(float(w.sum()) for _, _, w in parts)
    scale = max(expected / weights if weights > 0 else 1.0, smallest**2)
    constant, slope = prior.constant * scale, prior.per_height * scale
    anchor = np.array([constant, slope])
    pull = np.diag(prior_weight / 2.0 / anchor**2)
    for _ in range(12):
        matrix, right = _normal_equations(parts, constant, slope)
        before = constant, slope
        constant, slope = np.linalg.solve(matrix + pull, right + pull @ anchor)
        constant = float(max(constant, 0.1 * anchor[0], smallest**2 * prior.constant))
        slope = float(max(slope, 0.1 * anchor[1], smallest**2 * prior.per_height))
        if max(abs(constant / before[0] - 1.0), abs(slope / before[1] - 1.0)) < _SETTLED:
            break
    return NoiseModel(constant, slope)


def _parts(
    squared: FloatArray, height: FloatArray, weight: FloatArray
) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
    """Return squared residuals, inverse heights and weights in parts that stay in the processor's cache.

    The parts are views where the arrays are contiguous; a residual without weight adds nothing.
    """
    s, h, w = (np.ascontiguousarray(values).ravel() for values in (squared, height, weight))
    return [
        (s[a : a + _PART], 1.0 / h[a : a + _PART], w[a : a + _PART]) for a in range(0, len(s), _PART)
    ]  # fmt: skip


def _normal_equations(
    parts: list[tuple[FloatArray, FloatArray, FloatArray]], constant: float, slope: float
) -> tuple[FloatArray, FloatArray]:
    """Return matrix and right side of the weighted least squares at one noise model."""
    sums = np.zeros(5)
    for s, u, w in parts:
        g = constant + slope * u
        g *= g
        np.divide(w, g, out=g)
        sums[0] += g.sum()
        sums[3] += g @ s
        g *= u
        sums[1] += g.sum()
        sums[4] += g @ s
        sums[2] += g @ u
    return np.array([[sums[0], sums[1]], [sums[1], sums[2]]]), sums[3:]
