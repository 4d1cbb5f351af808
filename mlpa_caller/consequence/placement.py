"""Where a call lies on the chromosome: the part that is certainly altered, and how far its ends may reach.

By the probes where the panel places them: from the first to the last altered probe, each end reaching at most
to the next unaffected probe of the region. Without positions a gene with an exon model is placed by its exon
table, any other gene by its extent, and marked as such. GRCh38; positions from 1, both ends included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlpa_caller.consequence.events import Footprint
from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.exon_text import exon_numbers
from mlpa_caller.consequence.genes import contigs, genes
from mlpa_caller.consequence.names import spans
from mlpa_caller.consequence.panel_view import GeneView, Place, Unit, probed_exons

__all__ = ["BY_EXONS", "BY_EXTENT", "BY_PROBES", "Interval", "by_exons", "by_extent", "by_probes", "place"]

BY_PROBES, BY_EXONS, BY_EXTENT = "probes", "exon_table", "gene_extent"


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A placed event.

    Attributes
    ----------
    chrom, start, end
        The altered part: by probes or exons the part that is certain, by `BY_EXTENT` the gene's extent.
    before, after
        Last position before and first behind that is known to be unaffected; 0 where nothing was tested.
    basis
        ``probes``, ``exon_table`` or ``gene_extent``.
    """

    chrom: str
    start: int
    end: int
    before: int
    after: int
    basis: str


def place(event: Footprint, views: Mapping[str, GeneView]) -> tuple[Interval, ...]:
    """Return where an event lies; empty where it cannot be placed, several where it is not contiguous.

    Parameters
    ----------
    event
        The event.
    views
        The panel's genes (`panel_view`); empty without a panel.
    """
    found = by_probes(event, views)
    if found:
        return found
    gene, exons = event.parts[0]
    return by_exons(gene, exons, views.get(gene)) or by_extent(gene)


def by_probes(event: Footprint, views: Mapping[str, GeneView]) -> tuple[Interval, ...]:
    """Return the contiguous stretches of altered probes; empty where a probe of the event has no position.

    An end lies before the next probe with another number of copies: a probe that another event alters just as
    much may belong to this one, so it bounds nothing.
    """
    for gene, exons in event.parts:
        view = views.get(gene)
        if view is None or not view.complete or view.units(exons) is None:
            return ()
    neighbours = views[event.parts[0][0]].neighbours
    chrom = next((probe.chrom for probe in neighbours if probe.unit in event.units), "")
    if chrom not in contigs("GRCh38"):
        return ()
    probes = sorted((p for p in neighbours if p.chrom == chrom), key=lambda p: (p.start, p.end))
    totals = dict(event.totals)
    found = []
    for own in _stretches(probes, event.units, totals):
        start, end = min(probe.start for probe in own), max(probe.end for probe in own)
        level = {totals.get(own[0].unit, 0), totals.get(own[-1].unit, 0)}
        other = [p for p in probes if p.unit not in event.units and totals.get(p.unit, 0) not in level]
        before = max((p.end for p in other if p.end < start), default=0)
        after = min((p.start for p in other if p.start > end), default=0)
        found.append(Interval(chrom, start, end, before, after, BY_PROBES))
    return tuple(found)


def _stretches(
    probes: Sequence[Place], units: frozenset[Unit], totals: Mapping[Unit, int]
) -> list[list[Place]]:
    """Return the event's probes, parted where a probe with another number of copies lies between them."""
    found: list[list[Place]] = []
    parted = True
    for probe in probes:
        if probe.unit in units:
            found += [[]] if parted else []
            found[-1].append(probe)
            parted = False
        elif found and totals.get(probe.unit, 0) != totals.get(found[-1][-1].unit, 0):
            parted = True
    return found


def by_exons(gene: str, exons: str, view: GeneView | None) -> tuple[Interval, ...]:
    """Return the contiguous stretches of altered exons of a gene with an exon model; else nothing."""
    known = genes().get(gene)
    if known is None or not known.model:
        return ()
    model = transcript(known.model)
    named = exon_numbers(exons, model.numbers)
    if named is None:
        return ()
    build = "GRCh38"
    return tuple(
        Interval(
            model.chrom,
            model.exon(span.first).start[build],
            model.exon(span.last).end[build],
            0 if span.before is None else model.exon(span.before).end[build],
            0 if span.after is None else model.exon(span.after).start[build],
            BY_EXONS,
        )
        for span in spans(named, probed_exons(view, model))
    )


def by_extent(gene: str) -> tuple[Interval, ...]:
    """Return the extent of a known gene; nothing is known of the ends of the event."""
    known = genes().get(gene)
    return () if known is None else (Interval(known.chrom, known.start, known.end, 0, 0, BY_EXTENT),)
