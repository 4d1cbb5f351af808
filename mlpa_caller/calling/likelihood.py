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

__all__ = ["Baseline", "NoiseShape", "baseline", "copy_table", "expected_ln_ratio"]

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

    def rows(self, index: IntArray | slice) -> Baseline:
        """Return the samples `index` alone."""
        return Baseline(
            self.value[index],
            self.scale[index],
            self.missing[index],
            self.log_density[index],
            self.score[index],
            self.information[index],
            self.absent_below[index],
        )


def expected_ln_ratio(
    copies_lost: float, fraction: FloatArray, compression: float, floor: float
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


def copy_table(
    base: Baseline,
    unit: IntArray,
    n_units: int,
    copies_lost: int,
    fractions: FloatArray,
    compression: float,
    shape: NoiseShape,
) -> tuple[FloatArray, FloatArray]:
    """Tabulate each exon unit at `copies_lost` copies lost in each fraction of the cells.

    Parameters
    ----------
    base
        The gene's probes under "no change".
    unit
        ``(probes,)`` index of the exon unit of each probe.
    n_units
        Number of units.
    copies_lost
        Copies lost in the clone; negative for copies gained.
    fractions
        ``(fractions,)`` clone fractions.
    compression
        Exponent g of the dosage response.
    shape
        Shape of the noise.

    Returns
    -------
    gain, score
        ``(samples, fractions, units)`` ln likelihood minus that of two copies, and the same for its derivative
        along a shift of all probes, summed over the probes of each unit.
    """
    expected = expected_ln_ratio(copies_lost, fractions, compression, shape.floor)
    residual = base.value[:, None, :] - expected[:, None]
    gain, score = _density(residual, base.scale[:, None, :], shape)
    gain -= base.log_density[:, None, :]
    score -= base.score[:, None, :]
    if base.missing.any():
        hidden = np.broadcast_to(base.missing[:, None, :], gain.shape)
        gain[hidden] = 0.0
        score[hidden] = 0.0
        sample, probe = np.nonzero(base.missing & ~np.isnan(base.absent_below))
        if len(sample):
            bound = base.absent_below[sample, probe]
            seen = _log_absent(bound[:, None] - expected, shape) - _log_absent(bound, shape)[:, None]
            gain[sample, :, probe] = seen
    if n_units == len(unit):
        return gain, score
    member = (unit[:, None] == np.arange(n_units)).astype(np.float64)
    return gain @ member, score @ member
