"""GA4GH VRS: a loss or gain as a ``CopyNumberChange`` with its computed identifier (extra ``[ga4gh]``).

The location carries both ends as ranges in the inter-residue coordinates of VRS: an end lies between the last
unaffected and the first affected position, and is open (None) where nothing unaffected was tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mlpa_caller.consequence.events import call_rows, footprints
from mlpa_caller.consequence.genes import contigs
from mlpa_caller.consequence.panel_view import panel_view
from mlpa_caller.consequence.placement import BY_EXTENT, Interval, by_exons, place
from mlpa_caller.datatypes import Table
from mlpa_caller.errors import MissingExtraError

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel

__all__ = ["copy_number_change", "copy_number_changes"]

CHANGES = {"loss": "loss", "gain": "gain"}


@lru_cache(maxsize=4096)
def copy_number_change(interval: Interval, status: str, build: str = "GRCh38") -> Mapping[str, Any] | None:
    """Return a placed event as a VRS object with its identifiers; None where its ends are not known.

    Parameters
    ----------
    interval
        Where the event lies. A gene placed only by its extent gives None: the extent is not the event.
    status
        ``loss`` or ``gain``.
    build
        Build of the positions.

    Raises
    ------
    MissingExtraError
        If the package ``ga4gh.vrs`` is not installed.
    """
    try:
        from ga4gh.core import ga4gh_identify  # type: ignore[import-untyped,import-not-found,unused-ignore]
        from ga4gh.vrs import models  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        raise MissingExtraError(
            "VRS identifiers need the package ga4gh.vrs", remedy='install "mlpa-caller[ga4gh]"'
        ) from None
    if interval.basis == BY_EXTENT:
        return None
    location = models.SequenceLocation(
        sequenceReference=models.SequenceReference(refgetAccession=contigs(build)[interval.chrom].refget),
        start=models.Range([interval.before or None, interval.start - 1]),
        end=models.Range([interval.end, interval.after - 1 if interval.after else None]),
    )
    change = models.CopyNumberChange(location=location, copyChange=CHANGES[status])
    ga4gh_identify(location, in_place="always")
    ga4gh_identify(change, in_place="always")
    found: dict[str, Any] = change.model_dump(exclude_none=True, mode="json")
    return found


def copy_number_changes(calls: Table, panel: Panel | None = None) -> list[Mapping[str, Any] | None]:
    """Return the VRS object of each call; None for a call that is no event or is not placed.

    A gene with an exon model is placed by its exons, so that laboratories with different probes get the same
    identifier for the same exons; another gene by the panel's probes.

    Raises
    ------
    MissingExtraError
        If the package ``ga4gh.vrs`` is not installed.
    """
    rows, views = call_rows(calls), panel_view(panel)
    found: list[Mapping[str, Any] | None] = []
    for row, event in zip(rows, footprints(rows, views)):
        placed: tuple[Interval, ...] = ()
        if row.altered:
            placed = by_exons(row.gene, row.exons, views.get(row.gene)) or place(event, views)
        found.append(copy_number_change(placed[0], row.status) if len(placed) == 1 else None)
    return found
