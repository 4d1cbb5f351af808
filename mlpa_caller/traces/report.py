"""What is known about the sizing of one trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import FloatArray, IntArray, PeakTable, Table, text_array
from mlpa_caller.traces.profile import Profile

__all__ = ["SizingReport", "peak_columns", "quality_table"]


@dataclass(frozen=True, slots=True, eq=False)
class SizingReport:
    """How one trace was sized, or why not.

    Attributes
    ----------
    source, file, sample
        The file as the user named it, its name without folder, and the sample's name.
    ladder
        The size standard that was found, empty where none was.
    ladder_dye
        Its dye.
    rungs_expected
        Rungs for sizing that the run was long enough to show, from the first found on.
    rungs_matched
        Those that were found.
    residual_median, residual_max
        How far the inner rungs lie from where all others put them, in nucleotides; NaN where not sized.
    verdict
        ``pass``, ``warn`` (sized, with a remark) or ``fail`` (not sized).
    reason
        The remarks, or why the file was refused; empty where there is nothing to say.
    size, scan
        Lengths of the rungs in nucleotides and their scans; empty where not sized.
    noise
        Standard deviation of the noise of each dye, in counts.
    profile
        The signal by size, where it was asked for; None where not sized.
    """

    source: str
    file: str
    sample: str
    ladder: str
    ladder_dye: str
    rungs_expected: int
    rungs_matched: int
    residual_median: float
    residual_max: float
    verdict: str
    reason: str
    size: FloatArray = field(default_factory=lambda: np.empty(0))
    scan: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    noise: FloatArray = field(default_factory=lambda: np.empty(0))
    profile: Profile | None = None

    @property
    def sized(self) -> bool:
        """The trace was sized."""
        return self.verdict != "fail"


def quality_table(reports: Sequence[SizingReport]) -> Table:
    """Return one row a file, as ``*.quality.tsv`` has it."""
    return Table(
        {
            "file": text_array(report.file for report in reports),
            "sample": text_array(report.sample for report in reports),
            "ladder": text_array(report.ladder for report in reports),
            "rungs_expected": np.array([report.rungs_expected for report in reports], dtype=np.int64),
            "rungs_matched": np.array([report.rungs_matched for report in reports], dtype=np.int64),
            "residual_median": np.array([report.residual_median for report in reports], dtype=np.float64),
            "residual_max": np.array([report.residual_max for report in reports], dtype=np.float64),
            "verdict": text_array(report.verdict for report in reports),
            "reason": text_array(report.reason for report in reports),
        },
        {"residual_median": 2, "residual_max": 2},
    )


def peak_columns(tables: Sequence[PeakTable]) -> Table:
    """Return the peaks of several traces, as ``size --out`` writes them."""

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(table, name) for table in tables]) if tables else np.empty(0)

    names = ("file", "sample", "dye", "data_point", "size", "size_error", "height", "area", "flags")
    columns = {name: joined(name) for name in names}
    columns["data_point"] = columns["data_point"].astype(np.int64)
    return Table(columns, {"size": 2, "size_error": 2, "height": 0, "area": 0})
