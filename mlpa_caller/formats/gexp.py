"""Beckman CEQ 8000 and GeXP: the fragment list."""

from __future__ import annotations

from collections.abc import Mapping

from mlpa_caller.datatypes import PeakTable, Signals
from mlpa_caller.formats.format import Format
from mlpa_caller.formats.peaks import PeakColumns, columns_needed, read_peaks
from mlpa_caller.formats.text import TextTable

__all__ = ["FRAGMENTS"]

SIZES = (
    "est frag size",
    "est frag size nt",
    "frag size",
    "frag size nt",
    "size nt",
    "fragment size nt",
    "size",
)
HEIGHTS = ("pk height rfu", "pk height", "pk ht", "peak height rfu", "peak height", "height rfu", "height")
AREAS = (
    "pk area rfu x mm",
    "pk area rfu mm",
    "pk area",
    "peak area",
    "peak area rfu x mm",
    "area rfu x mm",
    "area",
)
SAMPLES = ("sample name", "sample", "sample id", "result name")
TELLING = frozenset((*SIZES[:-1], *HEIGHTS[:-1], *AREAS[:-1], "migration rt", "migration time", "pk"))
COLUMNS = PeakColumns(
    sample=SAMPLES,
    file=("file name", "sample file", "result name"),
    dye=("dye", "dye name", "channel"),
    size=SIZES,
    height=HEIGHTS,
    area=AREAS,
    data_point=("data point",),
)


def _fits(names: frozenset[str]) -> bool:
    return (
        bool(names & frozenset(SIZES))
        and bool(names & frozenset(HEIGHTS))
        and "dye" in names
        and bool(names & frozenset(SAMPLES))
        and bool(names & TELLING)
        and "dye sample peak" not in names
        and "dye color" not in names
        and "probe" not in names
    )


def _read(table: TextTable) -> Mapping[str, PeakTable | Signals]:
    return {"": read_peaks(table, COLUMNS, FRAGMENTS.name)}


FRAGMENTS = Format(
    name="gexp-fragments",
    description="Beckman CEQ 8000 or GeXP fragment list (unverified: no real export was at hand)",
    looks_for="Sample Name, Dye, Est Frag Size or Size (nt), Pk Height",
    verified=False,
    fits=_fits,
    read=_read,
    needed=columns_needed(COLUMNS),
)
