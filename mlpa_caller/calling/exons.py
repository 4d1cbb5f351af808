"""The exons table: ratio and probabilities exon by exon."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpa_caller.calling.caller import RegionCalls
from mlpa_caller.calling.tables import CallContext, empty_table
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Ratios, Table, text_array
from mlpa_caller.panel import Panel, natural_key

__all__ = ["exons_table"]

Z95 = 1.959963984540054
_FIGURES = ("ratio", "ratio_low", "ratio_high", "probability_loss", "probability_gain")


def exons_table(
    regions: tuple[RegionCalls, ...], panel: Panel, ratios: Ratios, called: IntArray, context: CallContext
) -> Table:
    """Return the exons table: a row for every sample, gene and exon unit, in the order of the calls table.

    The ratio of an exon is the mean of its probes on the log scale, weighted by their precision; its 95 %
    range includes the errors of the sample's level and slope, which its probes share.

    Parameters
    ----------
    regions
        What the caller found in the samples called.
    panel
        Order of the genes, and lengths.
    ratios
        Of all samples.
    called
        ``(called,)`` index into the samples of `ratios`.
    context
        The samples called.
    """
    order = {gene: index for index, gene in enumerate(panel.genes)}
    places: list[tuple[int, int, RegionCalls, int]] = []
    for found in regions:
        labels = found.region.unit_label
        for gene in found.region.genes:
            own = [u for u, name in enumerate(found.region.unit_gene) if name == gene]
            if all(labels[u][:1].isdigit() for u in own):
                own.sort(key=lambda u: natural_key(labels[u]))
            places += [(order[gene], place, found, unit) for place, unit in enumerate(own)]
    if not places:
        return empty_table(("sample", "gene", "exon"), ("n_probes", *_FIGURES))
    places.sort(key=lambda item: item[:2])
    n, m = len(called), len(places)
    block = np.empty((n, m, len(_FIGURES)))
    for column, (_, _, found, unit) in enumerate(places):
        block[:, column] = _figures(found, unit, panel, ratios, called, context.failed)
    columns: dict[str, Any] = {
        "sample": np.repeat(text_array(context.samples), m),
        "gene": np.tile(text_array(found.region.unit_gene[unit] for _, _, found, unit in places), n),
        "exon": np.tile(text_array(found.region.unit_label[unit] for _, _, found, unit in places), n),
        "n_probes": np.tile([int((found.region.unit == unit).sum()) for _, _, found, unit in places], n),
    }
    for column, name in enumerate(_FIGURES):
        columns[name] = block[:, :, column].reshape(-1)
    return Table(columns, {"ratio": 3, "ratio_low": 3, "ratio_high": 3})


def _figures(
    found: RegionCalls, unit: int, panel: Panel, ratios: Ratios, called: IntArray, failed: BoolArray
) -> FloatArray:
    """Return ``(called, 5)`` figures of one exon unit."""
    probes = found.region.probes[found.region.unit == unit]
    value, error = ratios.ln_ratio[np.ix_(called, probes)], ratios.error[np.ix_(called, probes)]
    known = ~np.isnan(value) & ~np.isnan(error)
    precision = np.where(known, 1.0 / np.where(known, error, 1.0) ** 2, 0.0)
    total = precision.sum(axis=1)
    some = total > 0
    safe = np.where(some, total, np.nan)
    mean = np.where(known, value * precision, 0.0).sum(axis=1) / safe
    length = (precision @ panel.length[probes]) / safe
    shift = ratios.slope_error[called] * (length - ratios.centre[called]) / 100.0
    half = Z95 * np.sqrt(1.0 / safe + ratios.level_error[called] ** 2 + shift**2)
    unknown = failed | ~some
    return np.stack(
        [
            np.exp(mean),
            np.exp(mean - half),
            np.exp(mean + half),
            np.where(unknown, np.nan, found.posterior.unit_loss[:, unit]),
            np.where(unknown, np.nan, found.posterior.unit_gain[:, unit]),
        ],
        axis=1,
    )
