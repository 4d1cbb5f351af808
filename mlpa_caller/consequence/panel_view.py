"""What a panel tests of each gene: its exon units in order, how many probes each has, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlpa_caller.consequence.exon_table import Transcript
from mlpa_caller.consequence.exon_text import exon_numbers, parse_exons
from mlpa_caller.formats.text import natural_key

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel

__all__ = ["GeneView", "Place", "Unit", "panel_view", "probed_exons"]

Unit = tuple[str, str]
"""Gene, and the index of a unit in it as text (the exon text where units are not known)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a probe lies (GRCh38, from 1, both ends included), and the exon unit it belongs to."""

    unit: Unit
    chrom: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class GeneView:
    """A gene as the panel tests it.

    Attributes
    ----------
    gene, region
        Symbol, and name of the region it is called with.
    labels
        Exon labels of its units, in order.
    n_probes
        Probes of each unit.
    places
        Place of each unit among the units of the region.
    neighbours
        Every placed probe of the region, other genes included.
    complete
        Every probe of the gene has a position.
    """

    gene: str
    region: str
    labels: tuple[str, ...]
    n_probes: tuple[int, ...]
    places: tuple[int, ...]
    neighbours: tuple[Place, ...]
    complete: bool

    def units(self, exons: str) -> tuple[int, ...] | None:
        """Return the units that an exon text names, None where it is not understood.

        In a region of several genes the units stand in genomic order, which is falling for a gene on the minus
        strand; a range may be written either way.
        """
        named = parse_exons(exons, self.labels)
        if named is None:
            order = sorted(range(len(self.labels)), key=lambda unit: natural_key(self.labels[unit]))
            in_order = parse_exons(exons, [self.labels[unit] for unit in order])
            named = None if in_order is None else tuple(sorted(order[i] for i in in_order))
        return named


def panel_view(panel: Panel | None) -> Mapping[str, GeneView]:
    """Return the genes of a panel by symbol; empty without a panel."""
    views: dict[str, GeneView] = {}
    for region in () if panel is None else panel.regions:
        places: list[Place] = []
        units: dict[str, list[int]] = {}
        for i, gene in enumerate(region.unit_gene):
            units.setdefault(gene, []).append(i)
        unplaced: set[str] = set()
        for probe, unit in zip(region.probes.tolist(), region.unit.tolist()):
            gene = region.unit_gene[unit]
            start, end = int(panel.start[probe]), int(panel.end[probe])  # type: ignore[union-attr]
            if start:
                own = units[gene].index(unit)
                places.append(Place((gene, str(own)), panel.chrom[probe], start, end))  # type: ignore[union-attr]
            else:
                unplaced.add(gene)
        counts = [int((region.unit == unit).sum()) for unit in range(len(region.unit_gene))]
        for gene, own_units in units.items():
            views[gene] = GeneView(
                gene,
                region.name,
                tuple(region.unit_label[i] for i in own_units),
                tuple(counts[i] for i in own_units),
                tuple(own_units),
                tuple(places),
                gene not in unplaced,
            )
    return views


def probed_exons(view: GeneView | None, model: Transcript) -> tuple[int, ...]:
    """Return the numbers of the exons the panel tests; all of them when the panel is not known."""
    if view is None:
        return model.numbers
    named = (exon_numbers(label, model.numbers) for label in view.labels)
    return tuple(sorted({number for found in named for number in found or ()}))
