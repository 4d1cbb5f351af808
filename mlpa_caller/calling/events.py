"""The list of hypotheses of a gene: which exons an event can take, and how probable that is beforehand.

A deletion takes a contiguous range of exon units from one allele. With ``U`` units there are ``U (U + 1) / 2``
ranges; each may be lost from one allele, from both, or two different ranges may be lost from the two alleles
(nested, overlapping or apart). Gains are ranges with one or two copies more. What a hypothesis predicts depends
only on how many copies every unit lost, so hypotheses that agree in that are one, with their priors added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlpa_caller.datatypes import FloatArray, IntArray

__all__ = ["EventPrior", "EventSpace", "event_space", "ranges_of"]

MAX_PAIR_UNITS = 12
"""Above this many units the two-range hypotheses are limited to the whole gene with a range inside."""


@dataclass(frozen=True, slots=True)
class EventPrior:
    """Prior probabilities of one gene's events.

    Attributes
    ----------
    loss, gain
        Probability that the gene carries a loss (a gain).
    homozygous, two_events
        Of the losses: the share that takes both alleles with one range, and with two different ranges.
    double_gain
        Of the gains: the share with two copies more.
    whole
        Share of the whole gene among the ranges where no spectrum is known (the rest is spread evenly).
    whole_gain
        The same for gains.
    spectrum
        Probability by (first, last) unit number from 0 where a cohort spectrum is known; what it leaves of 1
        is spread evenly over all other ranges.
    """

    loss: float
    gain: float
    homozygous: float
    two_events: float
    double_gain: float
    whole: float
    whole_gain: float
    spectrum: tuple[tuple[int, int, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EventSpace:
    """All hypotheses of a gene with `n_units` units, other than "no change".

    Attributes
    ----------
    lost
        ``(hypotheses, units)`` copies lost by each unit; negative for gained copies.
    log_prior
        ``(hypotheses,)`` ln prior probability, "no change" included in the normalisation.
    log_prior_normal
        ln prior probability of "no change".
    footprint
        ``(hypotheses,)`` index into `footprints`: the set of altered units and the sign of the change.
    footprints
        ``(footprints, units)`` boolean; `footprint_sign` is 1 for losses, -1 for gains.
    single
        ``(hypotheses,)`` True where one contiguous range with one number of copies explains the hypothesis.
    """

    n_units: int
    lost: IntArray
    log_prior: FloatArray
    log_prior_normal: float
    footprint: IntArray
    footprints: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    footprint_sign: IntArray
    single: np.ndarray[tuple[int], np.dtype[np.bool_]]


def ranges_of(n_units: int) -> tuple[IntArray, IntArray]:
    """Return first and last unit (from 0) of every contiguous range, ``n (n + 1) / 2`` of them."""
    first, last = np.triu_indices(n_units)
    return first.astype(np.int64), last.astype(np.int64)


def _range_prior(n_units: int, spectrum: Mapping[tuple[int, int], float], whole: float) -> FloatArray:
    """Return the prior of each range, summing to 1."""
    first, last = ranges_of(n_units)
    known = dict(spectrum) or ({(0, n_units - 1): whole} if n_units > 1 else {(0, 0): 1.0})
    prior = np.array([known.get((int(a), int(b)), 0.0) for a, b in zip(first, last)])
    others = prior == 0.0
    left = max(0.0, 1.0 - float(prior.sum()))
    if others.any():
        prior[others] = left / int(others.sum())
    return np.asarray(prior / prior.sum(), dtype=np.float64)


def _cover(n_units: int) -> IntArray:
    """Return ``(ranges, units)``: 1 where the range covers the unit."""
    first, last = ranges_of(n_units)
    unit = np.arange(n_units)
    covered = (unit >= first[:, None]) & (unit <= last[:, None])
    return covered.astype(np.int64)


@lru_cache(maxsize=256)
def event_space(n_units: int, prior: EventPrior) -> EventSpace:
    """Enumerate every hypothesis of a gene with `n_units` units.

    Parameters
    ----------
    n_units
        Number of exon units, at least 1.
    prior
        The gene's prior.

    Returns
    -------
    EventSpace
        Hypotheses with distinct predictions; equal ones are merged and their priors added.
    """
    cover = _cover(n_units)
    spectrum = {(a, b): p for a, b, p in prior.spectrum}
    of_range = _range_prior(n_units, spectrum, prior.whole)
    of_gain = _range_prior(n_units, {}, prior.whole_gain)
    one, two = _pairs(n_units)
    pair_weight = of_range[one] * of_range[two]
    two_events = prior.two_events if len(one) else 0.0
    het = 1.0 - prior.homozygous - two_events
    lost = [cover, 2 * cover, cover[one] + cover[two], -cover, -2 * cover]
    weight = [
        prior.loss * het * of_range,
        prior.loss * prior.homozygous * of_range,
        prior.loss * two_events * (pair_weight / pair_weight.sum() if len(one) else pair_weight),
        prior.gain * (1.0 - prior.double_gain) * of_gain,
        prior.gain * prior.double_gain * of_gain,
    ]
    patterns, inverse = np.unique(np.concatenate(lost), axis=0, return_inverse=True)
    total = np.bincount(inverse.ravel(), weights=np.concatenate(weight), minlength=len(patterns))
    keep = total > 0
    patterns, total = patterns[keep], total[keep]
    altered = patterns != 0
    sign = np.where(patterns.min(axis=1) < 0, -1, 1)
    keyed = np.column_stack([sign, altered])
    footprints, footprint = np.unique(keyed, axis=0, return_inverse=True)
    changes = (np.diff(patterns, axis=1, prepend=0, append=0) != 0).sum(axis=1)
    return EventSpace(
        n_units=n_units,
        lost=patterns,
        log_prior=np.log(total),
        log_prior_normal=float(np.log1p(-prior.loss - prior.gain)),
        footprint=footprint.ravel().astype(np.int64),
        footprints=footprints[:, 1:].astype(bool),
        footprint_sign=footprints[:, 0].astype(np.int64),
        single=changes == 2,
    )


def _pairs(n_units: int) -> tuple[IntArray, IntArray]:
    """Return the two ranges of every hypothesis with different ranges on the two alleles."""
    n_ranges = n_units * (n_units + 1) // 2
    if n_units <= MAX_PAIR_UNITS:
        one, two = np.triu_indices(n_ranges, k=1)
        return one.astype(np.int64), two.astype(np.int64)
    whole = n_units - 1
    inside = np.delete(np.arange(n_ranges), whole)
    return np.full(len(inside), whole, dtype=np.int64), inside.astype(np.int64)
