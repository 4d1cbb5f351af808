"""The instrument's own peaks in an ABIF file: what GeneScan, 3500 and SeqStudio software left there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray
from mlpa_caller.formats.abif_tags import Directory
from mlpa_caller.formats.trace import InstrumentPeaks

__all__ = ["instrument_peaks", "plausible_rungs", "used_rungs"]

_OLD_PEAK = np.dtype(
    {"names": ["data_point", "height", "begin", "end", "area", "size"],
     "formats": [">i4", ">i2", ">i4", ">i4", ">i4", ">f4"],
     "offsets": [0, 4, 6, 10, 18, 26], "itemsize": 96}
)  # fmt: skip
_OLD_RUNG = np.dtype([("size", ">i2"), ("data_point", ">i4"), ("height", ">i2")])


def instrument_peaks(tags: Directory, dyes: int, scans: int) -> InstrumentPeaks | None:
    """Return the peaks that the instrument's own software found, None where the file holds none.

    Parameters
    ----------
    tags
        The file.
    dyes, scans
        Shape of the signal; peaks outside it are left out.

    Raises
    ------
    TraceError
        If the list contradicts itself.
    """
    return _new_peaks(tags, dyes, scans) or _old_peaks(tags, dyes, scans)


def used_rungs(tags: Directory) -> tuple[float, ...]:
    """Return the rungs that GeneScan software (310, 3100) used."""
    block = tags.bytes_of("SdPk")
    rungs = np.frombuffer(block, dtype=_OLD_RUNG, count=len(block) // _OLD_RUNG.itemsize) if block else None
    return () if rungs is None else plausible_rungs(tuple(rungs["size"].astype(np.float64).tolist()))


def plausible_rungs(rungs: tuple[float, ...]) -> tuple[float, ...]:
    """Return the rungs where they ascend and could be those of a size standard, else none."""
    ordered = all(a < b for a, b in pairwise(rungs))
    return rungs if len(rungs) >= 3 and ordered and rungs[0] > 0.0 and rungs[-1] < 5_000.0 else ()


def _new_peaks(tags: Directory, dyes: int, scans: int) -> InstrumentPeaks | None:
    """Return the peaks of 3500 and SeqStudio software: one tag a column."""
    entry = tags.entry("Peak", 1)
    if entry is None or entry.type != 4:
        return None
    columns = [tags.numbers("Peak", k) for k in (1, 2, 3, 4, 7, 10, 12)]
    if any(column is None or len(column) != entry.count for column in columns):
        raise tags.damaged("the instrument's peak list contradicts itself")
    with np.errstate(invalid="ignore"):
        values = [np.asarray(column, dtype=np.float64) for column in columns]
    marks = tags.text("Peak", 20, limit=200_000).split(",")
    on_ladder = np.array(
        [mark == "1" for mark in marks] if len(marks) == entry.count else [False] * entry.count
    )
    return _peaks(values[0] - 1, values[1:], on_ladder.astype(bool), dyes, scans)


def _old_peaks(tags: Directory, dyes: int, scans: int) -> InstrumentPeaks | None:
    """Return the peaks of GeneScan software (310, 3100): one tag a dye, records of 96 bytes."""
    tables = []
    for k in range(1, dyes + 1):
        block = tags.bytes_of("PEAK", k)
        entry = tags.entry("PEAK", k)
        if block is None or entry is None or entry.type != 1024:
            continue
        count = min(len(block) // _OLD_PEAK.itemsize, scans)
        tables.append((k - 1, np.frombuffer(block, dtype=_OLD_PEAK, count=count)))
    if not tables:
        return None
    dye = np.concatenate([np.full(len(table), k, dtype=np.float64) for k, table in tables])
    names = ("data_point", "begin", "end", "height", "area", "size")
    with np.errstate(invalid="ignore"):  # a damaged size may be any bits; it is looked at below
        values = [np.concatenate([table[name].astype(np.float64) for _, table in tables]) for name in names]
    block = tags.bytes_of("SdPk")
    rungs = np.frombuffer(block, dtype=_OLD_RUNG, count=len(block) // _OLD_RUNG.itemsize) if block else None
    last = dye == dyes - 1
    on_ladder = (
        last & np.isin(values[0], rungs["data_point"]) if rungs is not None else np.zeros(len(dye), bool)
    )
    return _peaks(dye, values, on_ladder, dyes, scans)


def _peaks(
    dye: FloatArray, values: list[FloatArray], on_ladder: BoolArray, dyes: int, scans: int
) -> InstrumentPeaks | None:
    point, begin, end, height, area, size = values
    finite = np.isfinite(size) & (size > 0) & (size < 10_000)
    good = (
        (dye >= 0) & (dye < dyes) & (point >= 0) & (point < scans) & np.isfinite(height) & np.isfinite(area)
    )
    good &= (begin >= 0) & (begin <= point) & (end >= point) & (end < scans)
    if not good.any():
        return None
    whole = [column[good].astype(np.int64) for column in (dye, point, begin, end)]
    size = np.where(finite, size, np.nan)[good]
    return InstrumentPeaks(
        whole[0], whole[1], whole[2], whole[3], height[good], area[good], size, on_ladder[good]
    )
