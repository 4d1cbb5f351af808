"""How well each exon unit agrees with each number of copies.

The log-likelihood of a probe depends only on the mean copy number ``c = 2 - k f`` (k copies lost in a fraction f of
the cells), so it is tabulated once over (samples, units, copies lost, f); every hypothesis is a sum over units.

A probe's noise is Student t around ``g ln(c / 2)``. With a small probability the probe tells nothing about the gene
(a variant under it): that puts a floor under the density. What all probes of the sample share (the error of its
amount) is integrated out by a quadratic approximation around the tabulated values (Laplace; exact for normal noise).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = ["Baseline", "NoiseShape", "altered", "baseline", "expected_ln_ratio"]

ABSENT_WIDTH = 0.15
"""Width, in ln height, of the passage from a seen to an unseen peak."""


@dataclass(frozen=True, slots=True)
class NoiseShape:
    """Shape of a single probe's noise.

    Attributes
    ----------
    degrees_of_freedom
        Of Student's t.
    artefact
        Probability that a probe tells nothing (a variant at its ligation site).
    artefact_span
        Range of ln ratio over which such a probe may lie, evenly.
    floor
        Smallest mean copy number told apart from none (background under a lost peak).
    dropout
        Probability that a peak is absent for a technical reason.
    """

    degrees_of_freedom: float
    artefact: float
    artefact_span: float
    floor: float
    dropout: float


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A gene's probes under "no change".

    Attributes
    ----------
    value, scale, missing
        ``(samples, probes)`` ln ratio (0 where missing), inverse scale of Student's t, and what is missing.
    log_density, score
        ``(samples, probes)`` ln density at two copies and its derivative along a shift of all probes.
    information
        ``(samples,)`` curvature of the ln likelihood along that shift.
    absent_below
        ``(samples, probes)`` where a peak is absent: the ln ratio below which it would not be seen; NaN
        elsewhere.
    """

    value: FloatArray
    scale: FloatArray
    missing: BoolArray
    log_density: FloatArray
    score: FloatArray
    information: FloatArray
    absent_below: FloatArray


def expected_ln_ratio(
    copies_lost: float | IntArray, fraction: FloatArray, compression: float, floor: float
) -> FloatArray:
    """Return ``g ln(c / 2)`` with ``c = 2 - k f``, not below `floor` copies."""
    copies = np.maximum(2.0 - copies_lost * fraction, floor)
    return np.asarray(compression * np.log(copies / 2.0), dtype=np.float64)


def _density(residual: FloatArray, scale: FloatArray, shape: NoiseShape) -> tuple[FloatArray, FloatArray]:
    """Return ln density relative to the peak of t, and its derivative along a shift."""
    dof = shape.degrees_of_freedom
    z = residual * scale
    spread = z * z
    spread /= dof
    spread += 1.0
    informed = np.log(spread)
    informed *= -(dof + 1.0) / 2.0
    np.exp(informed, out=informed)
    # a variant under a probe takes signal away and never adds any
    floor = shape.artefact / shape.artefact_span * np.sqrt(2.0 * np.pi) / scale
    total = informed + np.where(residual < 0.0, floor, 0.0)
    z *= scale
    z *= (dof + 1.0) / dof
    z *= informed
    spread *= total
    z /= spread
    return np.log(total, out=total), z


def baseline(
    ln_ratio: FloatArray, error: FloatArray, shape: NoiseShape, absent_below: FloatArray | None = None
) -> Baseline:
    """Score a gene's probes under "no change".

    Parameters
    ----------
    ln_ratio, error
        ``(samples, probes)`` ln dosage ratio and its independent standard error; a NaN ratio adds nothing.
    shape
        Shape of the noise; the scale of t is chosen so that `error` is its standard deviation.
    absent_below
        ``(samples, probes)`` for probes without a peak: the ln ratio below which no peak would be seen; NaN
        elsewhere.
    """
    dof = shape.degrees_of_freedom
    missing = np.isnan(ln_ratio) | np.isnan(error)
    value = np.where(missing, 0.0, ln_ratio)
    scale = np.where(missing, 1.0, 1.0 / (np.where(missing, 1.0, error) * np.sqrt((dof - 2.0) / dof)))
    log_density, score = _density(value, scale, shape)
    log_density[missing] = 0.0
    score[missing] = 0.0
    weight = np.where(missing, 0.0, scale**2 * (dof + 1.0) / (dof + 3.0))
    absent = np.full(value.shape, np.nan) if absent_below is None else absent_below
    return Baseline(value, scale, missing, log_density, score, weight.sum(axis=1), absent)


def _log_absent(margin: FloatArray, shape: NoiseShape) -> FloatArray:
    """Return ln probability that no peak is seen where the expected one lies `margin` below what is seen."""
    hidden = 1.0 / (1.0 + np.exp(np.clip(-margin / ABSENT_WIDTH, -500.0, 500.0)))
    return np.asarray(np.log(shape.dropout + (1.0 - shape.dropout) * hidden), dtype=np.float64)


def altered(
    base: Baseline, sample: IntArray, expected: FloatArray, shape: NoiseShape
) -> tuple[FloatArray, FloatArray]:
    """Compare each probe at the ln ratio expected of an event with "no change".

    Parameters
    ----------
    base
        The gene's probes under "no change".
    sample
        ``(rows,)`` the sample of each row; a row is, for instance, one clone fraction.
    expected
        ``(probes, copies, rows)`` expected ln ratio, or ``(1, copies, rows)`` where it is the same for all probes.
    shape
        Shape of the noise.

    Returns
    -------
    gain, score
        ``(probes, copies, rows)`` ln likelihood minus that of two copies, and the same for its derivative along a
        shift of all probes.
    """
    at_two = np.stack([base.value.T, base.scale.T, base.log_density.T, base.score.T])
    value, scale, log_density, score_at_two = at_two.take(sample, axis=2)[:, :, None]
    gain, score = _density(value - expected, scale, shape)
    gain -= log_density
    score -= score_at_two
    if base.missing.any():
        seen = (~base.missing).T.astype(np.float64).take(sample, axis=1)[:, None]
        gain *= seen
        score *= seen
        probe, row = np.nonzero((base.missing & ~np.isnan(base.absent_below)).T[:, sample])
        if len(row):
            bound = base.absent_below[sample[row], probe]
            level = expected[probe if len(expected) > 1 else np.zeros_like(probe), :, row]
            gain[probe, :, row] = (
                _log_absent(bound[:, None] - level, shape) - _log_absent(bound, shape)[:, None]
            )
    return gain, score
