"""The distinct events of a table of calls, placed, with each sample's copies: what a VCF's records hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from mlpa_caller.consequence.events import ALTERED, CallRow, call_rows, footprints
from mlpa_caller.consequence.genes import is_diploid
from mlpa_caller.consequence.panel_view import panel_view
from mlpa_caller.consequence.placement import Interval, place
from mlpa_caller.consequence.values import column_numbers
from mlpa_caller.datatypes import BoolArray, IntArray, Table
from mlpa_caller.errors import shown

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel

__all__ = ["CellValue", "VcfEvent", "vcf_events"]

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class CellValue:
    """One sample at one event.

    Attributes
    ----------
    genotype
        ``0/1``, ``1/1``, ``./1``.
    copies, mean
        Copies in the altered cells, and on average over all cells; NaN where not known.
    fraction, low, high, probability
        As in the calls.
    """

    genotype: str
    copies: float = _NAN
    mean: float = _NAN
    fraction: float = _NAN
    low: float = _NAN
    high: float = _NAN
    probability: float = _NAN


@dataclass(slots=True)
class VcfEvent:
    """One event, whoever carries it.

    Attributes
    ----------
    interval, status, parts
        Where it lies, ``loss`` or ``gain``, and gene and exons of each gene it takes.
    consequence, evidence, hgvs
        For each gene, empty where the calls are not annotated.
    cells
        By index of the sample that carries the event.
    normal
        ``(samples,)`` whose genes of the event were all called normal. A sample that is neither has no call: it
        is not evaluable, or altered in another way.
    """

    interval: Interval
    status: str
    parts: tuple[tuple[str, str], ...]
    consequence: tuple[str, ...]
    evidence: tuple[str, ...]
    hgvs: tuple[str, ...]
    normal: BoolArray
    cells: dict[int, CellValue] = field(default_factory=dict)


def vcf_events(calls: Table, panel: Panel | None = None) -> tuple[list[VcfEvent], list[str], list[str]]:
    """Return the events, the sample names in order, and remarks on events that cannot be placed."""
    altered = _altered(calls)
    part = replace(calls, columns={name: column[altered] for name, column in calls.columns.items()})
    rows, views = call_rows(part), panel_view(panel)
    names, index = _samples(calls)
    clean = _Normal(calls, index, len(names))
    footprint = footprints(rows, views)
    placing = lru_cache(maxsize=4096)(partial(place, views=views))
    of_sample: dict[int, list[int]] = {}
    for i, sample in enumerate(index[altered].tolist()):
        if footprint[i].parts[0] == (rows[i].gene, rows[i].exons):
            of_sample.setdefault(sample, []).append(i)
    probability = column_numbers(part, "probability").tolist()
    texts = _Texts(calls)
    events: dict[tuple[object, ...], VcfEvent] = {}
    unplaced: dict[str, None] = {}
    for sample, members in of_sample.items():
        for i in members:
            row, own = rows[i], footprint[i]
            placed = placing(own)
            if not placed:
                unplaced[f"{shown(row.gene, 40)} {shown(row.exons, 40)}"] = None
            around = [
                rows[j] for j in members
                if j != i and own.units <= footprint[j].units and own.parts != footprint[j].parts
            ]  # fmt: skip
            for interval in placed:
                key = (interval, row.status, own.parts)
                if key not in events:
                    events[key] = VcfEvent(
                        *key, *texts.of(own.parts, row.status), clean.of(interval, own.parts)
                    )
                events[key].cells[sample] = _value(row, around, interval, probability[i])
    remarks = [f"not placed on the chromosome, so not in the VCF: {name}" for name in unplaced]
    return list(events.values()), names, remarks


def _altered(calls: Table) -> IntArray:
    """Return which rows are a loss or a gain; all of them where the calls do not say (and are refused for it)."""
    if "status" not in calls.columns:
        return np.arange(len(calls))
    return np.flatnonzero(np.isin(calls.columns["status"].astype(str), ALTERED))


def _samples(calls: Table) -> tuple[list[str], IntArray]:
    """Return sample names, unique over runs, and which of them each row is of."""
    samples = calls.columns["sample"].tolist()
    runs = calls.columns["run"].tolist() if "run" in calls.columns else [""] * len(samples)
    index: dict[tuple[str, str], int] = {}
    codes = [index.setdefault(key, len(index)) for key in zip(runs, samples)]
    several = len({sample for _, sample in index}) < len(index)
    names = [f"{run}:{sample}" if several else sample for run, sample in index]
    return names, np.array(codes, dtype=np.int64)


class _Normal:
    """Which samples have a normal call, and nothing else, in a gene."""

    def __init__(self, calls: Table, index: IntArray, n_samples: int) -> None:
        genes: dict[str, int] = {}
        gene = [genes.setdefault(name, len(genes)) for name in calls.columns["gene"].tolist()]
        place = np.array(gene, dtype=np.int64) * n_samples + index
        normal = calls.columns["status"] == "normal"
        clean = np.zeros(len(genes) * n_samples, dtype=np.bool_)
        clean[place[normal]] = True
        clean[place[~normal]] = False
        self._clean = clean.reshape(len(genes), n_samples)
        self._genes = genes

    def of(self, interval: Interval, parts: Sequence[tuple[str, str]]) -> BoolArray:
        """Return ``(samples,)`` where all genes of an event are normal and two copies are therefore known."""
        if not is_diploid(interval.chrom, interval.start, interval.end):
            return np.zeros(self._clean.shape[1], dtype=np.bool_)
        both = np.stack([self._clean[self._genes[gene]] for gene, _ in parts])
        return np.asarray(both.all(axis=0), dtype=np.bool_)


class _Texts:
    """Consequence, evidence and HGVS name of an event in one gene, from annotated calls."""

    def __init__(self, calls: Table) -> None:
        columns = [
            calls.columns[name].tolist() if name in calls.columns else [""] * len(calls)
            for name in ("allele_consequence", "evidence", "hgvs")
        ]
        keys = zip(*(calls.columns[name].tolist() for name in ("gene", "exons", "status")))
        self._known: dict[tuple[str, ...], tuple[str, str, str]] = {}
        for key, texts in zip(keys, zip(*columns)):
            self._known.setdefault(key, texts)

    def of(
        self, parts: Sequence[tuple[str, str]], status: str
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return the three texts of each gene of an event."""
        found = [self._known.get((gene, exons, status), ("", "", "")) for gene, exons in parts]
        consequence, evidence, hgvs = zip(*found)
        return consequence, evidence, hgvs


def _value(
    row: CallRow, around: Sequence[CallRow], interval: Interval, probability: float
) -> CellValue:  # fmt: skip
    """Return a carrier's cell.

    Parameters
    ----------
    row
        The call.
    around
        The sample's other events that take all that this one takes.
    interval
        The chromosome's number of copies is known for autosomes and PAR1 only.
    probability
        Of the call.
    """
    if not is_diploid(interval.chrom, interval.start, interval.end) or row.copies is None:
        return CellValue("./1", _NAN, _NAN, row.fraction, row.low, row.high, probability)
    own = row.copies
    if own == 2 and any(other.copies == 1 for other in around):
        own = 1  # the table gives the copies missing there in all; one of them is the larger loss
    lost = [(float(own), row.fraction), *((float(o.copies or 0), o.fraction) for o in around)]
    copies = 2.0 - sum(n for n, _ in lost)
    mean = 2.0 - sum(n * fraction for n, fraction in lost)
    if copies < 0:
        copies = mean = _NAN
    genotype = {1: "0/1", 2: "1/1", -1: "0/1"}.get(own, "./1")
    return CellValue(genotype, copies, mean, row.fraction, row.low, row.high, probability)
