"""The generic peak table, for software whose export is not known: ``sample, dye, size, height[, area]``."""

from __future__ import annotations

from collections.abc import Mapping

from mlpa_caller.datatypes import PeakTable, Signals
from mlpa_caller.formats import gexp
from mlpa_caller.formats.format import Format
from mlpa_caller.formats.peaks import PeakColumns, columns_needed, read_peaks
from mlpa_caller.formats.text import TextTable

__all__ = ["PEAKS"]

COLUMNS = PeakColumns(
    sample=("sample",),
    file=("file",),
    dye=("dye",),
    size=("size",),
    height=("height",),
    area=("area",),
    data_point=("data point",),
)


def _fits(names: frozenset[str]) -> bool:
    return (
        {"sample", "size", "height"} <= names
        and not names & gexp.TELLING
        and not names & {"probe", "dye sample peak", "dye color"}
    )


def _read(table: TextTable) -> Mapping[str, PeakTable | Signals]:
    return {"": read_peaks(table, COLUMNS, PEAKS.name)}


PEAKS = Format(
    name="peaks",
    description="Generic peak table, a row a peak",
    looks_for="sample, dye, size, height and optionally area, data_point, file",
    verified=True,
    fits=_fits,
    read=_read,
    needed=columns_needed(COLUMNS),
)
