"""The rows of a table of calls, and which of them are one event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.consequence.exon_table import transcript
from mlpa_caller.consequence.exon_text import exon_numbers, renumber
from mlpa_caller.consequence.genes import model_folder
from mlpa_caller.consequence.panel_view import GeneView, Unit
from mlpa_caller.consequence.values import column_numbers
from mlpa_caller.datatypes import Table
from mlpa_caller.errors import InputError

__all__ = ["NEEDED", "CallRow", "Footprint", "call_rows", "footprints", "gene_units"]

NEEDED = ("sample", "gene", "status", "exons")
ALTERED = ("loss", "gain")


@dataclass(frozen=True, slots=True)
class CallRow:
    """One row of ``calls.tsv``.

    Attributes
    ----------
    run, sample, gene, status, exons
        As in the table; `exons` in today's numbers; `run` is empty in a table of one run.
    copies
        Alleles lost in the clone, negative for gained copies; None when not given.
    n_probes
        Probes in the event; None when not given.
    fraction, low, high
        Clone fraction and its 95 % interval; NaN when not given.
    """

    run: str
    sample: str
    gene: str
    status: str
    exons: str
    copies: int | None
    n_probes: int | None
    fraction: float
    low: float
    high: float

    @property
    def altered(self) -> bool:
        """Whether the row is a loss or a gain."""
        return self.status in ALTERED


@dataclass(frozen=True, slots=True)
class Footprint:
    """The event a row belongs to.

    Attributes
    ----------
    parts
        Gene and exon text of each row of the event, in the order of the table.
    units
        The exon units it alters.
    totals
        Copies lost of every altered unit of the sample's region, other events included (negative: gained).
    """

    parts: tuple[tuple[str, str], ...]
    units: frozenset[Unit]
    totals: frozenset[tuple[Unit, int]]


NO_EVENT = Footprint((), frozenset(), frozenset())
"""Of a row that is neither loss nor gain."""


def call_rows(calls: Table, exon_scheme: str = "") -> list[CallRow]:
    """Return the rows of a table of calls.

    Raises
    ------
    InputError
        If a needed column is absent.
    UsageError
        If the exon scheme is not known.
    """
    absent = [name for name in NEEDED if name not in calls.columns]
    if absent:
        raise InputError(f"the calls have no column {', '.join(absent)}",
                         remedy="give the columns of calls.tsv")  # fmt: skip
    if exon_scheme:
        renumber("", exon_scheme, "ikzf1")  # an unknown scheme is refused even when no row needs it
    samples, genes, statuses, exons = (calls.columns[name].tolist() for name in NEEDED)
    runs = calls.columns["run"].tolist() if "run" in calls.columns else [""] * len(samples)
    if exon_scheme:
        exons = [_today(gene, text, exon_scheme) for gene, text in zip(genes, exons)]
    whole = [
        [_whole(value) for value in column_numbers(calls, name).tolist()]
        for name in ("copies_lost", "n_probes")
    ]  # fmt: skip
    fractions = [
        column_numbers(calls, name).tolist()
        for name in ("clone_fraction", "clone_fraction_low", "clone_fraction_high")
    ]
    return list(map(CallRow, runs, samples, genes, statuses, exons, *whole, *fractions))


def _whole(value: float) -> int | None:
    return int(value) if value == value and float(value).is_integer() else None


@lru_cache(maxsize=4096)
def _today(gene: str, exons: str, scheme: str) -> str:
    folder = model_folder(gene)
    if not folder or not exons:
        return exons
    found = renumber(exons, scheme, folder)
    return exons if found is None else found


def footprints(rows: Sequence[CallRow], views: Mapping[str, GeneView]) -> list[Footprint]:
    """Return, for each row, the event it belongs to; `NO_EVENT` for a row that is none.

    Each gene of an event has its own row. Rows of one sample and region are one event when status, copies,
    clone fraction and number of probes agree, their units adjoin, and no row alone has so many probes:
    ``n_probes`` counts the whole event.
    """
    events: dict[int, tuple[tuple[tuple[str, str], ...], frozenset[Unit]]] = {
        i: (((row.gene, row.exons),), _units(row, views)) for i, row in enumerate(rows) if row.altered
    }
    regions: dict[tuple[str, str, str], list[int]] = {}
    for i, row in enumerate(rows):
        if row.altered:
            view = views.get(row.gene)
            regions.setdefault((row.run, row.sample, row.gene if view is None else view.region), []).append(i)
    totals: dict[int, frozenset[tuple[Unit, int]]] = {}
    for members in regions.values():
        for group in _groups(members, rows, views) if len(members) > 1 else ():
            parts = tuple((rows[i].gene, rows[i].exons) for i in group)
            units: frozenset[Unit] = frozenset().union(*(events[i][1] for i in group))
            for i in group:
                events[i] = (parts, units)
        lost: dict[Unit, int] = {}
        for i in members:
            copies = rows[i].copies or (1 if rows[i].status == "loss" else -1)
            for unit in _units(rows[i], views):
                lost[unit] = lost.get(unit, 0) + copies
        totals.update(dict.fromkeys(members, frozenset(lost.items())))
    return [Footprint(*events[i], totals[i]) if i in events else NO_EVENT for i in range(len(rows))]


def _units(row: CallRow, views: Mapping[str, GeneView]) -> frozenset[Unit]:
    return gene_units(row.gene, row.exons, views.get(row.gene))


@lru_cache(maxsize=4096)
def gene_units(gene: str, exons: str, view: GeneView | None) -> frozenset[Unit]:
    """Return the units of an exon text: those of the panel, else of the exon model, else the text itself."""
    named: Sequence[int] | None = None
    if view is not None:
        named = view.units(exons)
    elif model_folder(gene):
        named = exon_numbers(exons, transcript(model_folder(gene)).numbers)
    return frozenset([(gene, exons)] if named is None else [(gene, str(i)) for i in named])


def _groups(
    members: Sequence[int], rows: Sequence[CallRow], views: Mapping[str, GeneView]
) -> Iterator[list[int]]:
    """Give the rows of each event that spans genes of a region."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for i in members:
        row = rows[i]
        if row.gene in views and row.n_probes and views[row.gene].units(row.exons) is not None:
            fraction = None if row.fraction != row.fraction else row.fraction
            alike.setdefault((row.status, row.copies, row.n_probes, fraction), []).append(i)
    for group in alike.values():
        if len(group) < 2 or len({rows[i].gene for i in group}) != len(group):
            continue
        counts: list[int] = []
        places: set[int] = set()
        for i in group:
            view = views[rows[i].gene]
            named = view.units(rows[i].exons) or ()
            counts.append(sum(view.n_probes[unit] for unit in named))
            places.update(view.places[unit] for unit in named)
        adjoin = max(places) - min(places) + 1 == len(places)
        if adjoin and sum(counts) >= (rows[group[0]].n_probes or 0) > max(counts):
            yield group
