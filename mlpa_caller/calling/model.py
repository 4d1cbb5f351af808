"""What the caller needs for one gene (or neighbours): hypotheses with priors, and the data in the right shape."""

from __future__ import annotations

import numpy as np

from mlpa_caller.calling.events import EventPrior, event_space
from mlpa_caller.calling.likelihood import NoiseShape
from mlpa_caller.calling.posterior import Evidence, Model
from mlpa_caller.datatypes import BoolArray, FloatArray, Missing, Ratios, Signals
from mlpa_caller.fits import position
from mlpa_caller.panel import Panel, Region, natural_key
from mlpa_caller.settings import Settings

__all__ = ["COARSE", "FINE", "detection_probes", "even", "evidence", "gene_model"]

COARSE: FloatArray = np.round(np.arange(0.10, 1.0001, 0.05), 4)
"""Clone fractions over which hypotheses are summed; a smaller clone cannot be told from none."""
FINE: FloatArray = np.round(np.arange(0.02, 1.0001, 0.005), 4)
"""Clone fractions for the estimate and its interval."""


def even(n_samples: int, fractions: FloatArray) -> FloatArray:
    """Return the ln of an even prior over `fractions` for each sample."""
    return np.full((n_samples, len(fractions)), -np.log(len(fractions)))


def gene_model(
    region: Region, settings: Settings, degrees_of_freedom: float, compression: float, fractions: FloatArray
) -> Model:
    """Return hypotheses, priors and noise of `region`.

    Neighbours are mostly altered by one event, so that the prior of a region is the largest of its genes'; a
    cohort spectrum is used for the region's gene if it has one and stands alone.
    """
    n_units = len(region.unit_label)
    genes = region.genes
    lead = genes[0]
    spectrum = _spectrum(region, settings) if len(genes) == 1 else ()
    prior = EventPrior(
        loss=max(settings.event(gene, "loss") for gene in genes),
        gain=max(settings.event(gene, "gain") for gene in genes),
        homozygous=max(settings.event(gene, "homozygous") for gene in genes),
        two_events=settings.event(lead, "two_events"),
        double_gain=settings.event(lead, "double_gain"),
        whole=settings.event(lead, "whole"),
        whole_gain=settings.event(lead, "whole_gain"),
        spectrum=spectrum,
    )
    share = settings.event(lead, "artefact_share")
    n_ranges = n_units * (n_units + 1) // 2
    left = 1.0 - sum(p for _, _, p in spectrum) if spectrum else 1.0 - prior.whole
    single = prior.loss * max(left, 0.01) / max(n_ranges - len(spectrum or ((0, 0, 0.0),)), 1)
    shape = NoiseShape(
        degrees_of_freedom=degrees_of_freedom,
        artefact=share / (1.0 - share) * single,
        artefact_span=settings.noise["altered_span"],
        floor=settings.noise["copies_floor"],
        dropout=settings.noise["dropout"],
    )
    return Model(event_space(n_units, prior), region.unit, fractions, compression, shape)


def _spectrum(region: Region, settings: Settings) -> tuple[tuple[int, int, float], ...]:
    """Return the gene's known exon ranges as ranges of the units that the panel has."""
    known: dict[tuple[int, int], float] = {}
    for first, last, share in settings.spectrum.get(region.genes[0], ()):
        inside = _labelled(region.unit_label, first, last)
        if inside.any():
            units = np.flatnonzero(inside)
            key = (int(units[0]), int(units[-1]))
            known[key] = known.get(key, 0.0) + share
    return tuple((first, last, share) for (first, last), share in sorted(known.items()))


def _labelled(labels: tuple[str, ...], first: str, last: str) -> BoolArray:
    """Return which exon labels lie between two exons, both included ("1A" lies in exon 1)."""
    low, high = natural_key(first), natural_key(last)
    inside = [low <= natural_key(label) and natural_key(label)[: len(high)] <= high for label in labels]
    return np.array(inside, dtype=np.bool_)


def detection_probes(region: Region, gene: str, settings: Settings) -> BoolArray:
    """Return, over the region's probes, those of the loss whose limit of detection is stated for `gene`."""
    of_gene = np.array([name == gene for name in region.unit_gene], dtype=np.bool_)
    if gene in settings.detection:
        chosen = of_gene & _labelled(region.unit_label, *settings.detection[gene])
        if chosen.any():
            return np.asarray(chosen[region.unit], dtype=np.bool_)
    return np.asarray(of_gene[region.unit], dtype=np.bool_)


def evidence(
    ratios: Ratios, signals: Signals, panel: Panel, region: Region, log_fraction: FloatArray
) -> Evidence:
    """Return the ratios of the region's probes with their errors.

    The error of the slope is split: what it shifts at the region's mean length is shared by its probes, what
    it adds at the distance from there is counted as independent.
    """
    probes = region.probes
    x = position(panel.length[probes])
    centre = float(x.mean())
    slope_error = ratios.slope_error[:, None]
    error = np.sqrt(ratios.error[:, probes] ** 2 + (slope_error * (x - centre)) ** 2)
    offset = centre - position(ratios.centre)
    absent = signals.missing[:, probes] == Missing.NO_PEAK
    with np.errstate(invalid="ignore", divide="ignore"):
        bound = np.log(signals.noise)[:, None] - ratios.expected[:, probes]
    return Evidence(
        ln_ratio=ratios.ln_ratio[:, probes],
        error=error,
        absent_below=np.where(absent, bound, np.nan),
        level_variance=np.nan_to_num(ratios.level_error**2 + (ratios.slope_error * offset) ** 2),
        log_fraction=log_fraction,
    )
