"""Which genes of a panel are called together, and in which order their exons stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import IntArray
from mlpa_caller.formats.text import natural_key

__all__ = ["Region", "Target", "group_targets"]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Genes that are called together, in genomic order, because one event may span them.

    Attributes
    ----------
    name
        The gene; for several genes the region's name in the sheet, else the genes joined by ``-``.
    genes
        In genomic order where the sheet gives positions, else in the sheet's order.
    probes
        Indices into the panel, in order of the units.
    unit
        ``(len(probes),)`` index of the exon each probe belongs to, 0..n_units-1, never falling.
    unit_gene, unit_label
        ``(n_units,)`` gene, and exon label (the probe's name where the sheet has no exon).
    """

    name: str
    genes: tuple[str, ...]
    probes: IntArray
    unit: IntArray
    unit_gene: tuple[str, ...]
    unit_label: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One target probe: its index in the panel and what the sheet says of it (`start` 0: no position)."""

    index: int
    probe: str
    gene: str
    exon: str
    region: str
    chrom: str
    start: int
    end: int


def group_targets(targets: Sequence[Target], join_distance: int) -> tuple[Region, ...]:
    """Return the regions of the target probes, in order of first appearance in the sheet.

    Genes are joined that share a non-empty region, or that have probes no more than `join_distance` base
    pairs apart on one chromosome (single linkage, so that a chain of neighbours is one region).
    """
    parent = {target.gene: target.gene for target in targets}

    def root(gene: str) -> str:
        while parent[gene] != gene:
            parent[gene] = parent[parent[gene]]
            gene = parent[gene]
        return gene

    of_region: dict[str, str] = {}
    for target in targets:
        if target.region:
            parent[root(target.gene)] = root(of_region.setdefault(target.region, target.gene))
    placed = sorted((t for t in targets if t.start), key=lambda t: (t.chrom, t.start, t.end, t.index))
    reach: Target | None = None  # the probe that reaches farthest of those before
    for target in placed:
        if reach is not None and reach.chrom == target.chrom and target.start - reach.end <= join_distance:
            parent[root(target.gene)] = root(reach.gene)
        if reach is None or reach.chrom != target.chrom or target.end > reach.end:
            reach = target
    groups: dict[str, list[Target]] = {}
    for target in targets:
        groups.setdefault(root(target.gene), []).append(target)
    return tuple(_region(members) for members in groups.values())


def _region(members: list[Target]) -> Region:
    units: dict[tuple[str, str, bool], list[Target]] = {}
    for member in members:  # a probe without an exon is a unit of its own
        units.setdefault((member.gene, member.exon or member.probe, bool(member.exon)), []).append(member)
    ordered = _ordered(units, [member.gene for member in members])
    probes = [sorted(units[unit], key=lambda t: (t.start, t.index)) for unit in ordered]
    genes = tuple(dict.fromkeys(gene for gene, _, _ in ordered))
    if len(genes) == 1:
        name = genes[0]
    else:
        name = "-".join(dict.fromkeys(t.region for t in members if t.region)) or "-".join(genes)
    return Region(
        name=name,
        genes=genes,
        probes=np.array([t.index for unit in probes for t in unit], dtype=np.int64),
        unit=np.repeat(np.arange(len(probes), dtype=np.int64), [len(unit) for unit in probes]),
        unit_gene=tuple(gene for gene, _, _ in ordered),
        unit_label=tuple(label for _, label, _ in ordered),
    )


def _ordered(
    units: dict[tuple[str, str, bool], list[Target]], sheet_genes: list[str]
) -> list[tuple[str, str, bool]]:
    """Order the units of one region, which stand in the order of the sheet.

    Several genes: by position where every probe has one. One gene, or genes without positions (in the
    sheet's order): by exon number where every probe has an exon, else by position, else as in the sheet.
    """

    def position(unit: tuple[str, str, bool]) -> tuple[int, int]:
        return min((t.start, t.end) for t in units[unit])

    genes = list(dict.fromkeys(sheet_genes))
    all_placed = all(t.start for unit in units.values() for t in unit)
    if len(genes) > 1 and all_placed:
        return sorted(units, key=position)
    ordered = []
    for gene in genes:
        own = [unit for unit in units if unit[0] == gene]
        if all(has_exon for _, _, has_exon in own):
            own.sort(key=lambda unit: natural_key(unit[1]))
        elif all(t.start for unit in own for t in units[unit]):
            own.sort(key=position)
        ordered += own
    return ordered
