"""Call every gene of the panel in every patient: posteriors, limits of detection, and the rows they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlpa_caller.calling.detection import Question, limits_of_detection
from mlpa_caller.calling.model import COARSE, detection_probes, even, evidence, gene_model
from mlpa_caller.calling.posterior import Evidence, Model, Posterior, posterior
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Ratios, Signals
from mlpa_caller.panel import Panel, Region
from mlpa_caller.settings import Settings

__all__ = ["RegionCalls", "call_regions", "detection_limits", "unaltered_probes"]


@dataclass(frozen=True, slots=True, eq=False)
class RegionCalls:
    """What the caller found for one region, in the samples that are called.

    Attributes
    ----------
    region
        The genes and their units.
    data, model, posterior
        Evidence, hypotheses and their posterior; `data` holds the samples called, in order.
    limits
        By gene, ``(samples,)`` limit of detection of a heterozygous loss; NaN where there is none.
    """

    region: Region
    data: Evidence
    model: Model
    posterior: Posterior
    limits: dict[str, FloatArray]


def call_regions(
    ratios: Ratios,
    signals: Signals,
    panel: Panel,
    called: IntArray,
    settings: Settings,
    *,
    compression: float,
    log_fraction: FloatArray | None = None,
    limits: Mapping[str, FloatArray] | None = None,
    quick: bool = False,
) -> tuple[RegionCalls, ...]:
    """Return the posterior of every region of the panel.

    Parameters
    ----------
    ratios, signals
        Of all samples of the run.
    panel
        Its regions are called one by one.
    called
        Indices of the samples to call.
    settings
        Priors.
    compression
        Exponent g of the dosage response.
    log_fraction
        ``(called, COARSE)`` ln prior of the clone fraction; even without it.
    limits
        By gene, ``(called,)`` limits of detection (`detection_limits`) to hold beside the posteriors.
    quick
        Only what `unaltered_probes` needs: fewer clone fractions.

    Returns
    -------
    tuple of RegionCalls
    """
    fractions = COARSE[::3] if quick else COARSE
    prior = even(len(called), fractions) if log_fraction is None else log_fraction
    found = []
    for region in panel.regions:
        model = gene_model(region, settings, ratios.degrees_of_freedom, compression, fractions)
        data = _data(ratios, signals, panel, region, called, prior)
        own = {gene: limits[gene] for gene in region.genes} if limits else {}
        found.append(RegionCalls(region, data, model, posterior(data, model), own))
    return tuple(found)


def _data(
    ratios: Ratios, signals: Signals, panel: Panel, region: Region, called: IntArray, prior: FloatArray
) -> Evidence:
    everyone = np.zeros((len(signals.samples), 0))
    return replace(evidence(ratios, signals, panel, region, everyone).rows(called), log_fraction=prior)


def detection_limits(
    ratios: Ratios,
    signals: Signals,
    panel: Panel,
    called: IntArray,
    settings: Settings,
    *,
    compression: float,
    threshold: FloatArray,
) -> dict[str, FloatArray]:
    """Return the limit of detection of a heterozygous loss of each gene, in each sample.

    They are worked out for typical samples and drawn from there for the others, so that all samples of a run
    belong into one call.

    Parameters
    ----------
    ratios, signals, panel, called, settings, compression
        As for `call_regions`.
    threshold
        ``(called,)`` a sample's gene is called where "no change" is less probable than this.

    Returns
    -------
    dict
        By gene, ``(called,)`` clone fractions; NaN where even a loss in all cells would not be called so reliably.
    """
    questions, probes = [], []
    prior = even(len(called), COARSE)
    for region in panel.regions:
        model = gene_model(region, settings, ratios.degrees_of_freedom, compression, COARSE)
        data = _data(ratios, signals, panel, region, called, prior)
        inside = np.stack([detection_probes(region, gene, settings) for gene in region.genes])
        questions.append(Question(data, model, inside))
        for row in inside:
            probes.append(np.zeros(len(signals.probes)))
            probes[-1][region.probes[row]] = 1.0
    if not probes:
        return {}
    member = np.stack(probes)
    measured = np.maximum((~np.isnan(ratios.ln_ratio[called])).sum(axis=1), 1)
    found = limits_of_detection(
        questions,
        pull=member.sum(axis=1)[:, None] / measured,
        growing=_growing(ratios, signals, called, member),
        threshold=threshold,
    )
    return dict(zip((gene for region in panel.regions for gene in region.genes), found))


def _growing(ratios: Ratios, signals: Signals, called: IntArray, member: FloatArray) -> FloatArray:
    """Return the share of the probes' variance that grows in inverse proportion to their heights.

    `member` is ``(losses, probes)``, 1 for the probes of each loss; so is the result, ``(losses, called)``.
    """
    noise = ratios.figures.get("height_noise")
    if noise is None:
        return np.zeros((len(member), len(called)))
    share = noise[called, None] / signals.height[called] / ratios.error[called] ** 2
    seen = ~np.isnan(share)
    mean = member @ np.where(seen, share, 0.0).T / np.maximum(member @ seen.T, 1.0)
    return np.asarray(np.clip(mean, 0.0, 1.0), dtype=np.float64)


def unaltered_probes(
    regions: tuple[RegionCalls, ...], n_samples: int, n_probes: int, called: IntArray
) -> FloatArray:
    """Return ``(samples, probes)`` probability that a probe is unaltered; 1 where nothing was called."""
    out = np.ones((n_samples, n_probes))
    for found in regions:
        altered = found.posterior.unit_loss + found.posterior.unit_gain
        block: BoolArray | FloatArray = 1.0 - altered[:, found.region.unit]
        out[np.ix_(called, found.region.probes)] = block
    return out
