"""Call every gene of the panel in every patient: posteriors, limits of detection, and the rows they become."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from mlpa_caller.calling.detection import limit_of_detection
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
    out = []
    measured = np.maximum((~np.isnan(ratios.ln_ratio[called])).sum(axis=1), 1)
    for (region, model, data), chance in zip(prepared, found):
        by_gene = {}
        if threshold is not None:
            flat = replace(data, log_fraction=even(len(called), COARSE))
            for gene in region.genes:
                inside = detection_probes(region, gene, settings)
                growing = _growing(ratios, signals, called, region.probes[inside])
                by_gene[gene] = _limits(flat, inside, model, threshold, inside.sum() / measured, growing)
        out.append(RegionCalls(region, data, model, chance, by_gene))
    return tuple(out)


def _limits(
    data: Evidence,
    inside: BoolArray,
    model: Model,
    threshold: FloatArray,
    pull: FloatArray,
    growing: FloatArray,
) -> FloatArray:
    """Return each sample's limit of detection at its own threshold."""
    out = np.full(len(data), np.nan)
    for value in np.unique(threshold):
        rows = np.flatnonzero(threshold == value)
        out[rows] = limit_of_detection(
            data.rows(rows), inside, model, pull=pull[rows], growing=growing[rows], threshold=float(value)
        )
    return out


def _growing(ratios: Ratios, signals: Signals, called: IntArray, probes: IntArray) -> FloatArray:
    """Return the share of the probes' variance that grows in inverse proportion to their heights."""
    noise = ratios.figures.get("height_noise")
    if noise is None:
        return np.zeros(len(called))
    part = noise[called, None] / signals.height[np.ix_(called, probes)]
    share = part / ratios.error[np.ix_(called, probes)] ** 2
    seen = ~np.isnan(share)
    mean = np.where(seen, share, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
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
