"""From ratios to posterior probabilities of every hypothesis, for all samples of a chunk at once.

Samples are worked on in chunks that stay in the cache. Hypotheses with one range, on one allele or on both, are
scored for every sample; those with two different ranges only in clone fractions in which the former leave some doubt
that the gene is unchanged: what two ranges explain, one of them explains better than no change does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlpa_caller.calling.evidence import Evidence, Model
from mlpa_caller.calling.layout import Layout, layout_of
from mlpa_caller.calling.likelihood import altered, baseline, expected_ln_ratio
from mlpa_caller.calling.sums import Tables, one_range, two_ranges
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = ["Evidence", "Model", "Posterior", "fraction_posterior", "log_odds", "posterior"]

CHUNK = 1 << 17
"""Number of (sample, fraction, hypothesis) values worked on at a time."""

NEGLIGIBLE = 3e-4
"""Odds of one range against "no change", in one clone fraction, below which two ranges are not looked at there. The
probabilities this leaves out add up to less than 0.00001."""


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
        priors, relative to the likelihood of "no change"; NaN where the prior is 0.
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
    parts = [_chunk(part, model) for part in _chunks(data, model)]
    if len(parts) == 1:
        return parts[0]
    names = Posterior.__dataclass_fields__
    return Posterior(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def log_odds(data: Evidence, model: Model) -> tuple[FloatArray, FloatArray]:
    """Return ``(samples,)`` ln odds of a loss, and of a gain, against "no change".

    Hypotheses with two different ranges are left aside; they add no more than a few per cent to the odds.

    Parameters
    ----------
    data
        The gene's ratios in some samples.
    model
        Hypotheses, grid and noise.
    """
    layout = layout_of(model.space)
    losses, gains = [], []
    for part in _chunks(data, model):
        found = one_range(Tables.of(part, model, layout), layout)
        with np.errstate(divide="ignore"):
            ln = found.top - model.space.log_prior_normal
            losses.append(np.log(layout.is_loss @ found.mass) + ln)
            gains.append(np.log((1.0 - layout.is_loss) @ found.mass) + ln)
    return np.concatenate(losses), np.concatenate(gains)


def _chunks(data: Evidence, model: Model) -> Iterator[Evidence]:
    step = max(1, CHUNK // (len(model.fractions) * len(layout_of(model.space).prior)))
    for start in range(0, max(len(data), 1), step):
        yield data.rows(slice(start, start + step)) if len(data) > step else data


def _chunk(data: Evidence, model: Model) -> Posterior:
    space, layout = model.space, layout_of(model.space)
    tables = Tables.of(data, model, layout)
    found = one_range(tables, layout)
    top, by_fraction = found.top, np.zeros(data.log_fraction.shape)
    by_fraction[tables.known] = found.by_row
    normal = np.exp(space.log_prior_normal - top)
    mass = np.zeros((len(layout.hypothesis), len(data)))
    mass[layout.column] = found.mass[layout.place]
    open_ = tables.known & (by_fraction >= NEGLIGIBLE * normal[:, None])
    for wanted in _blocks(open_, len(layout.pair_prior)):
        index = np.flatnonzero(wanted.any(axis=1))
        more = two_ranges(tables.pairs(wanted, layout), layout, top[index])
        columns = _columns(index)
        shrink = np.exp(top[index] - more.top)
        mass[:, columns] *= shrink
        pairs = layout.pair_column if isinstance(columns, slice) else layout.pair_column[:, None]
        mass[pairs, columns] = more.mass
        by_fraction[columns] *= shrink[:, None]
        by_fraction[wanted] += more.by_row
        normal[index] *= shrink
        top[index] = more.top
    total = normal + mass.sum(axis=0)
    mass /= total
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = np.log(by_fraction) - data.log_fraction + top[:, None]
    return _summary(layout, mass, normal / total, evidence)


def _columns(index: IntArray) -> IntArray | slice:
    """Return `index` as a slice where it has no gaps, which is faster."""
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first + 1 == len(index) else index


def _blocks(wanted: BoolArray, n_pairs: int) -> Iterator[BoolArray]:
    """Give the parts of `wanted`, ``(samples, fractions)``, in which hypotheses with two ranges are looked at."""
    if not n_pairs or not wanted.any():
        return
    block = np.cumsum(wanted.sum(axis=1)) * n_pairs // CHUNK
    for number in np.unique(block):
        part = wanted & (block == number)[:, None]
        if part.any():
            yield part


def _summary(layout: Layout, mass: FloatArray, normal: FloatArray, evidence: FloatArray) -> Posterior:
    """Return what is told of ``(hypotheses, samples)`` probabilities."""
    by_footprint = np.add.reduceat(mass, layout.start, axis=0)
    loss, gain = layout.losing @ by_footprint, (1.0 - layout.losing) @ by_footprint
    right_way = (layout.losing > 0)[:, None] == (loss >= gain)
    footprint = np.argmax(np.where(right_way, by_footprint, -1.0), axis=0)
    row = np.arange(len(normal))
    inside = np.where(layout.footprint[:, None] == footprint, mass, -1.0)
    best = np.argmax(inside, axis=0)
    best_mass = inside[best, row]
    inside[best, row] = -1.0
    rival = np.argmax(inside, axis=0)
    rival_mass = inside[rival, row]
    return Posterior(
        normal=normal,
        loss=loss,
        gain=gain,
        by_footprint=by_footprint.T,
        unit_loss=by_footprint.T @ layout.unit_loss,
        unit_gain=by_footprint.T @ layout.unit_gain,
        footprint=footprint,
        footprint_probability=by_footprint[footprint, row],
        hypothesis=layout.hypothesis[best],
        hypothesis_probability=best_mass,
        rival=np.where(rival_mass < 0.0, -1, layout.hypothesis[rival]),
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
    n, n_fractions = data.log_fraction.shape
    levels, level = np.unique(lost, return_inverse=True)
    table = expected_ln_ratio(levels[:, None], model.fractions, model.compression, model.shape.floor)
    expected = table[level.reshape(lost.shape)[:, model.unit].T].reshape(len(model.unit), 1, -1)
    gain, score = altered(base, np.repeat(np.arange(n), n_fractions), expected, model.shape)
    start = base.score.sum(axis=1)[:, None]
    slope = start + score.sum(axis=0).reshape(n, n_fractions)
    ln = data.log_fraction + gain.sum(axis=0).reshape(n, n_fractions)
    ln += 0.5 * shared[:, None] * (slope**2 - start**2)
    ln -= ln.max(axis=1, keepdims=True)
    weight = np.exp(ln)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)
