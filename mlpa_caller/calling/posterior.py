"""From ratios to posterior probabilities of every hypothesis, for all samples of a chunk at once.

Samples are worked on in chunks that stay in the cache. Hypotheses with one copy changed are scored for every
sample; those with two copies or two ranges only where the former leave any doubt that the gene is unchanged: what
two copies explain, one copy explains better than no change does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.calling.events import EventSpace
from mlpa_caller.calling.likelihood import Baseline, NoiseShape, baseline, copy_table
from mlpa_caller.datatypes import FloatArray, IntArray

__all__ = ["Evidence", "Model", "Posterior", "fraction_posterior", "posterior"]

CHUNK = 1 << 17
"""Number of (sample, fraction, hypothesis) values worked on at a time."""

NEGLIGIBLE = 1e-4
"""Odds against "no change" below which hypotheses with two copies or two ranges are not looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The data of one gene in some samples.

    Attributes
    ----------
    ln_ratio, error
        ``(samples, probes)`` ln dosage ratio and its independent standard error; NaN adds nothing.
    absent_below
        ``(samples, probes)`` for probes without a peak: the ln ratio below which none would be seen; else NaN.
    level_variance
        ``(samples,)`` variance of the ln-ratio shift that all probes of the gene share.
    log_fraction
        ``(samples, fractions)`` ln prior of the clone fraction; each row sums to 1 when exponentiated.
    """

    ln_ratio: FloatArray
    error: FloatArray
    absent_below: FloatArray
    level_variance: FloatArray
    log_fraction: FloatArray

    def __len__(self) -> int:
        return len(self.ln_ratio)

    def rows(self, index: IntArray | slice) -> Evidence:
        """Return the samples `index` alone."""
        return Evidence(
            self.ln_ratio[index],
            self.error[index],
            self.absent_below[index],
            self.level_variance[index],
            self.log_fraction[index],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What the posterior needs besides the data of the samples.

    Attributes
    ----------
    space
        The gene's hypotheses.
    unit
        ``(probes,)`` index of the exon unit of each probe.
    fractions
        ``(fractions,)`` grid of clone fractions.
    compression
        Exponent g of the dosage response.
    shape
        Shape of a probe's noise.
    """

    space: EventSpace
    unit: IntArray
    fractions: FloatArray
    compression: float
    shape: NoiseShape


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Posterior of one gene (or of neighbours called together).

    Attributes
    ----------
    normal, loss, gain
        ``(samples,)`` probabilities, summing to 1.
    by_footprint
        ``(samples, footprints)`` probability of each set of altered units.
    unit_loss, unit_gain
        ``(samples, units)`` probability that the unit lost (gained) at least one copy.
    footprint
        ``(samples,)`` most probable set of altered units, an index into ``EventSpace.footprints``, of the more
        probable direction (loss or gain).
    footprint_probability
        ``(samples,)`` its probability.
    hypothesis
        ``(samples,)`` most probable hypothesis with that footprint, an index into ``EventSpace.lost``.
    hypothesis_probability
        ``(samples,)`` its probability.
    rival
        ``(samples,)`` second hypothesis with that footprint, -1 where there is none.
    rival_probability
        ``(samples,)`` its probability.
    fraction_evidence
        ``(samples, fractions)`` ln likelihood of each clone fraction, summed over all hypotheses with their
        priors, relative to the likelihood of "no change".
    """

    normal: FloatArray
    loss: FloatArray
    gain: FloatArray
    by_footprint: FloatArray
    unit_loss: FloatArray
    unit_gain: FloatArray
    footprint: IntArray
    footprint_probability: FloatArray
    hypothesis: IntArray
    hypothesis_probability: FloatArray
    rival: IntArray
    rival_probability: FloatArray
    fraction_evidence: FloatArray


def posterior(data: Evidence, model: Model) -> Posterior:
    """Return the posterior over all hypotheses of one gene.

    Parameters
    ----------
    data
        The gene's ratios in some samples.
    model
        Hypotheses, grid and noise.

    Returns
    -------
    Posterior
    """
    simple = int((np.abs(model.space.lost).max(axis=1) == 1).sum())
    step = max(1, CHUNK // (len(model.fractions) * simple))
    parts = [_chunk(data.rows(slice(a, a + step)), model) for a in range(0, max(len(data), 1), step)]
    if len(parts) == 1:
        return parts[0]
    names = Posterior.__dataclass_fields__
    return Posterior(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _chunk(data: Evidence, model: Model) -> Posterior:
    log_fraction = data.log_fraction
    space = model.space
    base = baseline(data.ln_ratio, data.error, model.shape, data.absent_below)
    shared = data.level_variance / (1.0 + data.level_variance * base.information)
    simple = np.abs(space.lost).max(axis=1) == 1
    first, rest = np.flatnonzero(simple & space.single), np.flatnonzero(~(simple & space.single))
    ln = _joint(base, shared, first, log_fraction, model)
    top = np.maximum(ln.max(axis=(1, 2)), space.log_prior_normal)
    ln -= top[:, None, None]
    np.exp(ln, out=ln)
    mass = np.zeros((len(ln), len(space.log_prior)))
    mass[:, first] = ln.sum(axis=1)
    by_fraction = ln.sum(axis=2)
    normal = np.exp(space.log_prior_normal - top)
    open_ = np.flatnonzero(mass.sum(axis=1) > NEGLIGIBLE * normal)
    step = max(1, CHUNK // (len(model.fractions) * max(1, len(rest))))
    for a in range(0, len(open_) if len(rest) else 0, step):
        index = open_[a : a + step]
        more = _joint(base.rows(index), shared[index], rest, log_fraction[index], model)
        peak = np.maximum(top[index], more.max(axis=(1, 2)))
        shrink = np.exp(top[index] - peak)
        more -= peak[:, None, None]
        np.exp(more, out=more)
        mass[index] *= shrink[:, None]
        mass[np.ix_(index, rest)] = more.sum(axis=1)
        by_fraction[index] = by_fraction[index] * shrink[:, None] + more.sum(axis=2)
        normal[index] *= shrink
        top[index] = peak
    total = normal + mass.sum(axis=1)
    mass /= total[:, None]
    with np.errstate(divide="ignore"):
        evidence = np.log(by_fraction) - log_fraction + top[:, None]
    return _summary(space, mass, normal / total, evidence)


def _joint(
    base: Baseline, shared: FloatArray, which: IntArray, log_fraction: FloatArray, model: Model
) -> FloatArray:
    """Return ``(samples, fractions, hypotheses)`` ln (prior x likelihood) relative to "no change".

    A shift shared by all probes, with variance v, is integrated out: with score G and curvature H of the ln
    likelihood along it, the integral adds ``v G^2 / (2 (1 + v H))``; `shared` is ``v / (1 + v H)``.
    """
    lost = model.space.lost[which]
    n, n_fractions = len(base.value), len(model.fractions)
    levels = [int(copies) for copies in np.unique(lost[lost != 0])]
    n_units = model.space.n_units
    # one row of factors for each unit and number of copies, then what is added whatever is lost
    member = np.concatenate([(lost == copies).T for copies in levels]).astype(np.float64)
    each = np.ones((1, len(which)))
    gain = np.ones((n, n_fractions, len(member) + 2))
    score = np.empty((n, n_fractions, len(member) + 1))
    for place, copies in enumerate(levels):
        part = slice(place * n_units, (place + 1) * n_units)
        gain[:, :, part], score[:, :, part] = copy_table(
            base, model.unit, n_units, copies, model.fractions, model.compression, model.shape
        )
    start = base.score.sum(axis=1)
    gain[:, :, -2] = log_fraction
    score[:, :, -1] = start[:, None]
    shape = (n, n_fractions, len(which))
    ln = gain.reshape(-1, gain.shape[2]) @ np.concatenate(
        [member, each, model.space.log_prior[which][None, :]]
    )
    slope = score.reshape(-1, score.shape[2]) @ np.concatenate([member, each])
    ln, slope = ln.reshape(shape), slope.reshape(shape)
    slope *= slope
    slope -= (start**2)[:, None, None]
    slope *= (0.5 * shared)[:, None, None]
    ln += slope
    return np.asarray(ln, dtype=np.float64)


def _summary(space: EventSpace, mass: FloatArray, normal: FloatArray, evidence: FloatArray) -> Posterior:
    losing = space.footprint_sign > 0
    member = (space.footprint[:, None] == np.arange(len(space.footprints))).astype(np.float64)
    by_footprint = mass @ member
    loss = by_footprint[:, losing].sum(axis=1)
    gain = by_footprint[:, ~losing].sum(axis=1)
    right_way = losing[None, :] == (loss >= gain)[:, None]
    footprint = np.argmax(np.where(right_way, by_footprint, -1.0), axis=1)
    row = np.arange(len(mass))
    inside = np.where(space.footprint[None, :] == footprint[:, None], mass, -1.0)
    hypothesis = np.argmax(inside, axis=1)
    best = inside[row, hypothesis]
    inside[row, hypothesis] = -1.0
    rival = np.argmax(inside, axis=1)
    rival_mass = inside[row, rival]
    return Posterior(
        normal=normal,
        loss=loss,
        gain=gain,
        by_footprint=by_footprint,
        unit_loss=by_footprint[:, losing] @ space.footprints[losing].astype(np.float64),
        unit_gain=by_footprint[:, ~losing] @ space.footprints[~losing].astype(np.float64),
        footprint=footprint,
        footprint_probability=by_footprint[row, footprint],
        hypothesis=hypothesis,
        hypothesis_probability=best,
        rival=np.where(rival_mass < 0.0, -1, rival),
        rival_probability=np.maximum(rival_mass, 0.0),
        fraction_evidence=evidence,
    )


def fraction_posterior(data: Evidence, lost: IntArray, model: Model) -> FloatArray:
    """Return the posterior of the clone fraction under one hypothesis a sample.

    Parameters
    ----------
    data
        The gene's ratios; the grid may be finer than that of `posterior`.
    lost
        ``(samples, units)`` copies lost by each unit (negative: gained).
    model
        Grid, exponent and noise.

    Returns
    -------
    ``(samples, fractions)``; rows sum to 1.
    """
    base = baseline(data.ln_ratio, data.error, model.shape, data.absent_below)
    shared = data.level_variance / (1.0 + data.level_variance * base.information)
    ln = data.log_fraction.copy()
    start = base.score.sum(axis=1)[:, None]
    slope = np.broadcast_to(start, ln.shape).copy()
    for copies in np.unique(lost[lost != 0]):
        gain, score = copy_table(
            base,
            model.unit,
            model.space.n_units,
            int(copies),
            model.fractions,
            model.compression,
            model.shape,
        )
        member = (lost == copies).astype(np.float64)
        ln += np.einsum("sfu,su->sf", gain, member)
        slope += np.einsum("sfu,su->sf", score, member)
    ln += 0.5 * shared[:, None] * (slope**2 - start**2)
    ln -= ln.max(axis=1, keepdims=True)
    weight = np.exp(ln)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)
