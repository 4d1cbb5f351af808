"""What a sample's genes tell each other about the clone: lesions of one clone sit in the same fraction of the cells.

Each gene is first called with an even prior over the clone fraction. What the other genes, and the stated blast
fraction, say of the clone fraction then becomes the prior of this gene, mixed with the even one: a lesion may belong
to a subclone. A normal sample without a stated blast fraction is not touched.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from mlpa_caller.calling.caller import RegionCalls
from mlpa_caller.calling.model import COARSE, even
from mlpa_caller.calling.posterior import Posterior, posterior
from mlpa_caller.datatypes import FloatArray, IntArray
from mlpa_caller.settings import Settings

__all__ = ["share_clones", "stated_fraction"]

TOUCHED = 0.25
"""Largest change of a ln prior that is left aside."""
NEGLIGIBLE = 1e-5
"""Probability below which a clone fraction is left aside."""


def stated_fraction(blast_fraction: FloatArray, sd: float, *, below: bool = False) -> FloatArray:
    """Return ``(samples, COARSE)`` probability of each clone fraction, given the stated blast fraction.

    Parameters
    ----------
    blast_fraction
        ``(samples,)``; NaN where it is unknown, which gives an even distribution.
    sd
        How far the clone fraction may lie from it.
    below
        Whether every smaller fraction is as probable: that of a subclone.
    """
    known = ~np.isnan(blast_fraction)
    distance = (COARSE - np.where(known, blast_fraction, 0.0)[:, None]) / sd
    distance = np.maximum(distance, 0.0) if below else distance
    weight = np.where(known[:, None], np.exp(-0.5 * np.minimum(distance**2, 1400.0)), 1.0)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)


def share_clones(
    regions: tuple[RegionCalls, ...],
    blast_fraction: FloatArray,
    settings: Settings,
) -> tuple[RegionCalls, ...]:
    """Call every region again with what the sample's other regions and its blast fraction say of the clone.

    Parameters
    ----------
    regions
        Called with an even prior over the clone fraction.
    blast_fraction
        ``(samples,)``, NaN where unknown.
    settings
        ``shared_clone`` and ``blast_sd``.

    Returns
    -------
    tuple of RegionCalls
        With new posteriors where the prior changed; the limits of detection stay.
    """
    shared = settings.noise["shared_clone"]
    if not regions or not len(blast_fraction):
        return regions
    sd, leak = settings.noise["blast_sd"], settings.noise["blast_leak"]
    stated = np.log(stated_fraction(blast_fraction, sd))
    subclone = (1.0 - leak) * stated_fraction(blast_fraction, sd, below=True) + leak / len(COARSE)
    told = [_told(found, shared) for found in regions]
    total = stated + sum(told)
    priors, touched, again = [], [], []
    for found, own in zip(regions, told):
        others = total - own
        others -= others.max(axis=1, keepdims=True)
        belief = np.exp(others)
        belief /= belief.sum(axis=1, keepdims=True)
        prior = np.log(shared * belief + (1.0 - shared) * subclone)
        rows = np.flatnonzero(np.abs(prior - even(len(prior), COARSE)).max(axis=1) > TOUCHED)
        data = replace(found.data.rows(rows), log_fraction=_worthwhile(found, prior, rows))
        priors.append(prior)
        touched.append(rows)
        again.append((found.region, found.model, data))
    renewed = [posterior(data, model) for _, model, data in again]
    return tuple(
        _merged(found, prior, rows, new) if len(rows) else found
        for found, prior, rows, new in zip(regions, priors, touched, renewed)
    )


def _told(found: RegionCalls, shared: float) -> FloatArray:
    """Return ``(samples, COARSE)`` ln likelihood of the sample's clone fraction by one region."""
    normal = np.exp(found.model.space.log_prior_normal)
    ln = found.posterior.fraction_evidence
    top = np.maximum(ln.max(axis=1, keepdims=True), 0.0)
    altered = np.exp(ln - top)
    mixed = shared * altered + (1.0 - shared) * altered.mean(axis=1, keepdims=True)
    return np.asarray(np.log(mixed + normal * np.exp(-top)), dtype=np.float64)


def _worthwhile(found: RegionCalls, prior: FloatArray, rows: IntArray) -> FloatArray:
    """Return the new ln prior of some samples, minus infinity for clone fractions that hardly count.

    How probable each clone fraction becomes is known beforehand: its evidence does not depend on the prior.
    """
    ln = found.posterior.fraction_evidence[rows] + prior[rows]
    normal = found.model.space.log_prior_normal
    top = np.maximum(ln.max(axis=1), normal)
    weight = np.exp(ln - top[:, None])
    total = weight.sum(axis=1) + np.exp(normal - top)
    least = np.minimum(NEGLIGIBLE * total, weight.max(axis=1))
    return np.where(weight >= least[:, None], prior[rows], -np.inf)


def _merged(found: RegionCalls, prior: FloatArray, rows: IntArray, new: Posterior) -> RegionCalls:
    """Return the region with prior and posterior of the samples `rows` replaced; the others stay as they were."""
    values = {}
    for item in fields(found.posterior):
        values[item.name] = getattr(found.posterior, item.name)
        if item.name != "fraction_evidence":  # it does not depend on the prior
            values[item.name] = values[item.name].copy()
            values[item.name][rows] = getattr(new, item.name)
    ln = found.data.log_fraction.copy()
    ln[rows] = prior[rows]
    return replace(found, data=replace(found.data, log_fraction=ln), posterior=Posterior(**values))
