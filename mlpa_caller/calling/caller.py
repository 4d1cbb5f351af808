"""Call every gene of the panel in every patient: posteriors, limits of detection, and the rows they become."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from mlpa_caller.calling.detection import Question, limits_of_detection
from mlpa_caller.calling.model import COARSE, detection_probes, even, evidence, gene_model
from mlpa_caller.calling.posterior import Evidence, Model, Posterior, posterior
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Ratios, Signals
from mlpa_caller.panel import Panel, Region
from mlpa_caller.settings import Settings

__all__ = ["RegionCalls", "call_regions", "run_blocks", "unaltered_probes"]

BLOCK = 2048
"""Samples handed to one thread at a time."""


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
    threshold: FloatArray | None = None,
    workers: int = 1,
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
    threshold
        ``(called,)`` a sample's gene is called where "no change" is less probable than this; needed for
        limits of detection.
    workers
        Threads; the result does not depend on it.
    quick
        Only what `unaltered_probes` needs: fewer clone fractions, no limits of detection.

    Returns
    -------
    tuple of RegionCalls
    """
    fractions = COARSE[::3] if quick else COARSE
    prior = even(len(called), fractions) if log_fraction is None else log_fraction
    prepared = []
    for region in panel.regions:
        model = gene_model(region, settings, ratios.degrees_of_freedom, compression, fractions)
        data = evidence(ratios, signals, panel, region, np.zeros((len(signals.samples), 0))).rows(called)
        prepared.append((region, model, replace(data, log_fraction=prior)))
    found = run_blocks(prepared, workers)
    limits = {} if threshold is None else _limits(ratios, signals, called, settings, prepared, threshold)
    return tuple(
        RegionCalls(
            region, data, model, chance, {gene: limits[gene] for gene in region.genes if gene in limits}
        )
        for (region, model, data), chance in zip(prepared, found)
    )


def _limits(
    ratios: Ratios,
    signals: Signals,
    called: IntArray,
    settings: Settings,
    prepared: list[tuple[Region, Model, Evidence]],
    threshold: FloatArray,
) -> dict[str, FloatArray]:
    """Return each sample's limits of detection at its own threshold, by gene."""
    questions, probes = [], []
    for region, model, data in prepared:
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
    genes = [gene for region, _, _ in prepared for gene in region.genes]
    return dict(zip(genes, found))


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


def run_blocks(prepared: list[tuple[Region, Model, Evidence]], workers: int) -> list[Posterior]:
    """Return each region's posterior, worked out in blocks of samples by `workers` threads.

    The blocks do not depend on the number of threads, so that the result does not either.
    """
    tasks: list[tuple[int, Callable[[], Posterior]]] = []
    for number, (_, model, data) in enumerate(prepared):
        for start in range(0, max(len(data), 1), BLOCK):
            rows = data.rows(slice(start, start + BLOCK))
            tasks.append((number, lambda rows=rows, model=model: posterior(rows, model)))  # type: ignore[misc]
    if workers > 1 and len(tasks) > 1:
        with ThreadPoolExecutor(workers) as pool:
            results = list(pool.map(lambda task: task[1](), tasks))
    else:
        results = [task() for _, task in tasks]
    names = Posterior.__dataclass_fields__
    gathered = []
    for number in range(len(prepared)):
        parts = [result for (owner, _), result in zip(tasks, results) if owner == number]
        gathered.append(
            Posterior(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
        )
    return gathered


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
