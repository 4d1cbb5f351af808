"""The calls table, column by column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlpa_caller.calling.caller import RegionCalls
from mlpa_caller.calling.model import COARSE, FINE
from mlpa_caller.calling.posterior import fraction_posterior
from mlpa_caller.calling.rows import Event, events_of, exon_range, join_flags, quantiles
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Table, text_array
from mlpa_caller.panel import Panel

__all__ = ["CALL_BELOW", "CALL_BELOW_DOUBTFUL", "CallContext", "calls_table", "empty_table"]

CALL_BELOW = 0.45
"""A gene is called altered where "no change" is less probable than this."""
CALL_BELOW_DOUBTFUL = 0.3
"""The same in a sample of doubtful quality; between the two the gene is not evaluable."""
WHOLE = 0.97
"""Clone fraction from which on one copy lost may as well be both copies in half of the cells."""
SURE = 0.95
"""Probability below which a range or an allele count is flagged as open."""


_AT_ONCE = 64
"""Samples whose clone fractions are worked out together: few enough for the cache."""
_FINER = np.stack([np.interp(FINE, COARSE, row) for row in np.eye(len(COARSE))])
"""``(COARSE, FINE)``: interpolates a ln prior from the coarse to the fine grid."""


_CALL_TEXTS = ("sample", "gene", "status", "exons", "flags")
_CALL_NUMBERS = ("copies_lost", "probability", "ratio", "clone_fraction", "clone_fraction_low",
                 "clone_fraction_high", "n_probes", "limit_of_detection")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CallContext:
    """What the rows need besides the posteriors; every array has one entry a called sample.

    Attributes
    ----------
    samples
        Names.
    failed, doubtful
        Quality verdict ``fail`` and ``warn``.
    blast_fraction
        NaN where unknown.
    """

    samples: tuple[str, ...]
    failed: BoolArray
    doubtful: BoolArray
    blast_fraction: FloatArray

    def take(self, index: IntArray) -> CallContext:
        """Return the samples `index`, in that order."""
        return CallContext(
            tuple(self.samples[i] for i in index.tolist()),
            self.failed[index],
            self.doubtful[index],
            self.blast_fraction[index],
        )

    @property
    def threshold(self) -> FloatArray:
        """Probability of "no change" below which a gene of the sample is called altered."""
        return np.where(self.doubtful, CALL_BELOW_DOUBTFUL, CALL_BELOW)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """A block of rows: the samples they belong to, and their columns."""

    sample: IntArray
    gene: int
    order: int
    columns: dict[str, Any]


def calls_table(regions: tuple[RegionCalls, ...], panel: Panel, context: CallContext) -> Table:
    """Return the calls table: at least one row for every sample and gene, nested events a row each.

    Parameters
    ----------
    regions
        What the caller found.
    panel
        Gives the order of the genes.
    context
        The samples called and what is known of them.

    Returns
    -------
    Table
        Columns of the contract up to ``limit_of_detection``, then ``flags``; sorted by sample, gene, event.
    """
    order = {gene: index for index, gene in enumerate(panel.genes)}
    blocks: list[_Rows] = []
    for found in regions:
        blocks += _region_rows(found, order, context)
    if not blocks:
        return empty_table(_CALL_TEXTS, _CALL_NUMBERS)
    sample = np.concatenate([block.sample for block in blocks])
    gene = np.concatenate([np.full(len(block.sample), block.gene) for block in blocks])
    event = np.concatenate([np.full(len(block.sample), block.order) for block in blocks])
    rank = np.lexsort((event, gene, sample))
    names = text_array(context.samples)
    genes = text_array(panel.genes)
    columns: dict[str, Any] = {"sample": names[sample[rank]], "gene": genes[gene[rank]]}
    for name in blocks[0].columns:
        columns[name] = np.concatenate([block.columns[name] for block in blocks])[rank]
    return Table(columns, {"copies_lost": 0, "probability": 4, "ratio": 3, "limit_of_detection": 3, "clone_fraction": 3,
                           "clone_fraction_low": 3, "clone_fraction_high": 3})  # fmt: skip


def empty_table(texts: tuple[str, ...], numbers: tuple[str, ...]) -> Table:
    """Return a table without rows, for a panel without target probes."""
    columns: dict[str, Any] = {name: text_array([]) for name in texts}
    return Table(columns | {name: np.zeros(0) for name in numbers})


def _region_rows(found: RegionCalls, order: dict[str, int], context: CallContext) -> list[_Rows]:
    chance, region = found.posterior, found.region
    altered = (chance.normal < context.threshold) & ~context.failed
    unit_gene = text_array(region.unit_gene)
    blocks = []
    for gene in region.genes:
        blocks.append(_quiet_rows(found, gene, order[gene], np.flatnonzero(~altered), context))
    chosen = np.where(altered, chance.hypothesis, -1)
    estimates = np.full((len(altered), 3), np.nan)
    estimates[altered] = _fractions(found, np.flatnonzero(altered))
    for hypothesis in np.unique(chosen[altered]):
        rows = np.flatnonzero(chosen == hypothesis)
        events = events_of(found.model.space.lost[hypothesis])
        estimate = estimates[rows]
        touched = set()
        for number, event in enumerate(events):
            for gene in dict.fromkeys(unit_gene[event.first : event.last + 1]):
                touched.add(gene)
                blocks.append(
                    _event_rows(found, gene, order[gene], number, event, events, rows, estimate, context)
                )
        for gene in region.genes:
            if gene not in touched:
                blocks.append(_quiet_rows(found, gene, order[gene], rows, context))
    return blocks


def _probability(found: RegionCalls, gene: str, units: IntArray, gained: bool, rows: IntArray) -> FloatArray:
    """Return the probability that exactly `units` of `gene` are altered in the stated direction."""
    space = found.model.space
    of_gene = np.array([name == gene for name in found.region.unit_gene], dtype=np.bool_)
    wanted = np.zeros(space.n_units, dtype=np.bool_)
    wanted[units] = True
    fits = (space.footprints[:, of_gene] == wanted[of_gene]).all(axis=1)
    if len(units):
        fits &= space.footprint_sign == (-1 if gained else 1)
    total = found.posterior.by_footprint[np.ix_(rows, fits)].sum(axis=1)
    if not len(units):
        total = total + found.posterior.normal[rows]
    return np.asarray(np.clip(total, 0.0, 1.0), dtype=np.float64)


def _fractions(found: RegionCalls, rows: IntArray) -> FloatArray:
    """Return ``(rows, 3)`` median and 95 % interval of the clone fraction, each under its sample's hypothesis."""
    model = replace(found.model, fractions=FINE)
    out = np.empty((len(rows), 3))
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        data = replace(found.data.rows(part), log_fraction=found.data.log_fraction[part] @ _FINER)
        weight = fraction_posterior(data, found.model.space.lost[found.posterior.hypothesis[part]], model)
        out[start : start + _AT_ONCE] = quantiles(weight, FINE, (0.5, 0.025, 0.975))
    return out


def _mean_ratio(found: RegionCalls, probes: BoolArray, rows: IntArray) -> tuple[FloatArray, IntArray]:
    """Return the mean ratio over `probes` that have one, and how many have."""
    ratio = np.exp(found.data.ln_ratio[np.ix_(rows, probes)])
    known = ~np.isnan(ratio)
    count = known.sum(axis=1)
    total = np.where(known, ratio, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count.astype(np.int64)


def _quiet_rows(found: RegionCalls, gene: str, number: int, rows: IntArray, context: CallContext) -> _Rows:
    """Rows of a gene that is not called altered: ``normal`` or ``not_evaluable``."""
    of_gene = np.array([name == gene for name in found.region.unit_gene], dtype=np.bool_)[found.region.unit]
    ratio, count = _mean_ratio(found, of_gene, rows)
    limit = found.limits[gene][rows]
    failed, blast = context.failed[rows], context.blast_fraction[rows]
    below = ~failed & (count > 0) & (np.isnan(limit) | (blast < limit))
    probability = _probability(found, gene, np.zeros(0, dtype=np.int64), False, rows)
    unclear = ~failed & (count > 0) & context.doubtful[rows] & (probability < CALL_BELOW)
    unknown = failed | (count == 0) | below | unclear
    flags = join_flags(
        [
            ("sample_failed", failed),
            ("unclear", unclear),
            ("no_probe", ~failed & (count == 0)),
            ("below_limit_of_detection", below),
            ("missing_probes", (count > 0) & (count < int(of_gene.sum()))),
            ("low_probability", ~unknown & (probability < SURE)),
            ("low_quality", context.doubtful[rows]),
        ],
        len(rows),
    )
    nothing = np.full(len(rows), np.nan)
    empty = text_array([""] * len(rows))
    columns = {
        "status": np.where(unknown, "not_evaluable", "normal").astype(object),
        "exons": empty,
        "copies_lost": nothing,
        "probability": np.where(unknown, np.nan, probability),
        "ratio": ratio,
        "clone_fraction": nothing,
        "clone_fraction_low": nothing,
        "clone_fraction_high": nothing,
        "n_probes": count,
        "limit_of_detection": np.where(failed | (count == 0), np.nan, limit),
        "flags": flags,
    }
    return _Rows(rows, number, 0, columns)


def _event_rows(
    found: RegionCalls,
    gene: str,
    number: int,
    order: int,
    event: Event,
    events: tuple[Event, ...],
    rows: IntArray,
    estimate: FloatArray,
    context: CallContext,
) -> _Rows:
    """Rows of one event in one of the genes it takes."""
    region, chance = found.region, found.posterior
    gained = event.copies < 0
    unit = np.arange(len(region.unit_label))
    in_event = (unit >= event.first) & (unit <= event.last)
    of_gene = np.array([name == gene for name in region.unit_gene], dtype=np.bool_)
    inside = in_event[region.unit]
    ratio, measured = _mean_ratio(found, inside, rows)
    count = measured
    if event.copies == 2:  # an absent peak is what a loss of both copies looks like
        count = count + (~np.isnan(found.data.absent_below[np.ix_(rows, inside)])).sum(axis=1)
    altered = np.zeros(len(unit), dtype=np.bool_)
    for other in events:
        altered[other.first : other.last + 1] = True
    if event.nested:
        probability = chance.hypothesis_probability[rows]
    else:
        probability = _probability(found, gene, np.flatnonzero(altered & of_gene), gained, rows)
    limit = found.limits[gene][rows]
    direction = chance.gain[rows] if gained else chance.loss[rows]
    share = chance.hypothesis_probability[rows] / np.maximum(chance.footprint_probability[rows], 1e-300)
    every = int(inside.sum())
    flags = join_flags(
        [
            ("confirm_single_probe", count == 1),
            ("zygosity_ambiguous", (share < SURE) | ((event.copies == 1) & (estimate[:, 2] >= WHOLE))),
            ("range_uncertain", probability < SURE * direction),
            ("low_probability", direction < SURE),
            ("nested", np.full(len(rows), event.nested)),
            ("below_limit_of_detection", estimate[:, 0] < limit),
            ("missing_probes", measured < every),
            ("low_quality", context.doubtful[rows]),
        ],
        len(rows),
    )
    labels = [region.unit_label[i] for i in np.flatnonzero(in_event & of_gene)]
    columns = {
        "status": text_array(["gain" if gained else "loss"] * len(rows)),
        "exons": text_array([exon_range(labels)] * len(rows)),
        "copies_lost": np.full(len(rows), float(event.copies)),
        "probability": probability,
        "ratio": ratio,
        "clone_fraction": estimate[:, 0],
        "clone_fraction_low": estimate[:, 1],
        "clone_fraction_high": estimate[:, 2],
        "n_probes": count,
        "limit_of_detection": limit,
        "flags": flags,
    }
    return _Rows(rows, number, order, columns)
