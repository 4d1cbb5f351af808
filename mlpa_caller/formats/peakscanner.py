"""Peak Scanner: the combined table of the desktop software, and the export of the cloud app."""

from __future__ import annotations

from collections.abc import Mapping

from mlpa_caller.datatypes import PeakTable, Signals
from mlpa_caller.formats.format import Format
from mlpa_caller.formats.peaks import PeakColumns, columns_needed, read_peaks
from mlpa_caller.formats.text import TextTable

__all__ = ["CLOUD", "CLOUD_ONLY", "LEGACY", "LEGACY_ONLY"]

LEGACY_ONLY = frozenset(
    (
        "area in point",
        "area in bp",
        "begin point",
        "begin bp",
        "end point",
        "end bp",
        "width in point",
        "width in bp",
        "size standard",
        "analysis method",
    )
)
"""Columns that only the desktop software writes beside Dye/Sample Peak."""
CLOUD_ONLY = frozenset(("dye color", "area data point", "area base pairs"))
"""Columns that only the cloud app writes."""

LEGACY_COLUMNS = PeakColumns(
    sample=("sample name",),
    file=("sample file name",),
    dye_peak=("dye sample peak",),
    size=("size",),
    height=("height",),
    area=("area in point", "area"),
    data_point=("data point",),
)
CLOUD_COLUMNS = PeakColumns(
    sample=("sample name",),
    file=("sample file name", "sample filename", "file name"),
    dye=("dye color", "dye"),
    dye_peak=("dye sample peak",),
    size=("size",),
    height=("height",),
    area=("area data point", "area"),
    data_point=("data point",),
)


def _fits_legacy(names: frozenset[str]) -> bool:
    return (
        {"dye sample peak", "size", "height"} <= names
        and bool(names & LEGACY_ONLY)
        and not names & CLOUD_ONLY
        and bool(names & {"sample name", "sample file name"})
    )


def _read_legacy(table: TextTable) -> Mapping[str, PeakTable | Signals]:
    return {"": read_peaks(table, LEGACY_COLUMNS, LEGACY.name)}


LEGACY = Format(
    name="peakscanner",
    description="Peak Scanner 1 and 2 (desktop), combined table",
    looks_for="Dye/Sample Peak, Sample Name or Sample File Name, Size, Height, Area in Point or Width in BP",
    verified=True,
    fits=_fits_legacy,
    read=_read_legacy,
    needed=columns_needed(LEGACY_COLUMNS),
)


def _fits_cloud(names: frozenset[str]) -> bool:
    return (
        {"size", "height"} <= names
        and bool(names & CLOUD_ONLY)
        and bool(names & {"dye color", "dye sample peak"})
        and bool(names & {"sample name", "sample file name", "sample filename"})
    )


def _read_cloud(table: TextTable) -> Mapping[str, PeakTable | Signals]:
    return {"": read_peaks(table, CLOUD_COLUMNS, CLOUD.name)}


CLOUD = Format(
    name="peakscanner-cloud",
    description="Peak Scanner cloud app (unverified: no real export was at hand)",
    looks_for="Dye Color, Sample File Name, Size, Height, Area(Data Point)",
    verified=False,
    fits=_fits_cloud,
    read=_read_cloud,
    needed=columns_needed(CLOUD_COLUMNS),
)
