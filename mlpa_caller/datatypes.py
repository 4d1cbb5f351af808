"""The arrays that flow from room to room, each declared once.

Axis order is ``(samples, probes)`` everywhere. Missing is NaN (or an empty text) with a reason beside it,
never zero. Text arrays have dtype ``object`` and hold ``str``, so that identifiers survive unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BoolArray",
    "FloatArray",
    "IntArray",
    "Missing",
    "PeakTable",
    "Ratios",
    "Signals",
    "Table",
    "TextArray",
    "text_array",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
TextArray = NDArray[np.object_]


def text_array(values: Any) -> TextArray:
    """Return `values` as a one-dimensional object array of ``str``."""
    items = list(values)
    out: TextArray = np.empty(len(items), dtype=object)
    out[:] = items
    return out


class Missing(IntEnum):
    """Why a height is missing; ``PRESENT`` where it is not."""

    PRESENT = 0
    NO_PEAK = 1
    """No peak in the probe's window."""
    NO_VALUE = 2
    """The field of the table is empty."""
    NOT_FINITE = 3
    """NaN or infinite in the file."""
    ZERO = 4
    NEGATIVE = 5
    AMBIGUOUS = 6
    """More than one peak could be the probe, or the peak could be another probe."""
    NOT_IN_FILE = 7
    """The file has no column or row for the probe."""


@dataclass(frozen=True, slots=True, eq=False)
class PeakTable:
    """Peaks of one or more injections; every array has one entry a peak, in file order.

    Attributes
    ----------
    source
        The file the peaks were read from, as the user named it.
    sample, file, dye
        Sample name, name of the trace file and dye as the export writes them; empty where it does not say.
    size
        Apparent size in nucleotides; NaN where the software did not size the peak.
    height, area
        In the instrument's units; NaN where the export does not say.
    data_point
        Scan number of the apex; NaN where the export does not say.
    line
        Line of the source (from 1); 0 for peaks found in a trace.
    size_error
        Standard error of the size in nucleotides; NaN for exports.
    flags
        ``;``-separated: ``off_scale``, ``shoulder``, ``bleed_through``, ``broad``; empty when none.
    ladder_dye
        Dye of the size standard, empty when unknown.
    format
        Name of the format the file was recognised as.
    """

    source: str
    sample: TextArray
    file: TextArray
    dye: TextArray
    size: FloatArray
    height: FloatArray
    area: FloatArray
    data_point: FloatArray
    line: IntArray
    size_error: FloatArray
    flags: TextArray
    ladder_dye: str = ""
    format: str = ""

    def __len__(self) -> int:
        return len(self.size)


_BySample = TypeVar("_BySample", "Signals", "Ratios")


def _taken(given: _BySample, index: IntArray, *, unlike: tuple[str, ...]) -> _BySample:
    """Return some samples of what is held by sample; the fields `unlike` that are as they were."""
    arrays = {
        field.name: getattr(given, field.name)[index]
        for field in fields(given)
        if field.name != "samples" and field.name not in unlike
    }
    return replace(given, samples=tuple(given.samples[i] for i in index.tolist()), **arrays)


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Heights of the panel's probes.

    Attributes
    ----------
    samples, probes
        Labels of the two axes; probes stand in the panel's order.
    height
        ``(samples, probes)``, positive and finite, or NaN.
    missing
        ``(samples, probes)``, a `Missing` code; ``PRESENT`` exactly where `height` is finite.
    size
        ``(samples, probes)`` apparent size of the peak taken, NaN where there is none or none was given.
    off_scale
        ``(samples, probes)``: the detector was saturated at this peak.
    noise
        ``(samples,)`` height below which a peak is not told from the baseline; NaN when unknown.
    unassigned
        ``(samples,)`` number of peaks in the probe range that belong to no probe; 0 for signal tables.
    source
        ``(samples,)`` the file each sample came from.
    """

    samples: tuple[str, ...]
    probes: tuple[str, ...]
    height: FloatArray
    missing: NDArray[np.uint8]
    size: FloatArray
    off_scale: BoolArray
    noise: FloatArray
    unassigned: IntArray
    source: TextArray

    def take(self, index: IntArray) -> Signals:
        """Return the samples `index`, in that order."""
        return _taken(self, index, unlike=("probes",))


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """Dosage ratios against the run's reference samples, on the natural-log scale.

    Attributes
    ----------
    samples, probes
        Labels of the two axes.
    ln_ratio
        ``(samples, probes)`` ln of the dosage ratio (0 is two copies), slope removed; NaN where unknown.
    error
        ``(samples, probes)`` standard error of `ln_ratio` that is independent from probe to probe.
    expected
        ``(samples, probes)`` expected ln height at two copies.
    level_error
        ``(samples,)`` standard error shared by all probes of the sample (its amount).
    slope_error
        ``(samples,)`` standard error of the slope, per 100 nucleotides from `centre`.
    centre
        ``(samples,)`` length at which level and slope errors are independent, in nucleotides.
    degrees_of_freedom
        Of the Student t distribution of a single probe's noise.
    figures
        Per-sample figures by name, each ``(samples,)``: ``reference_sd``, ``slope``, ``noise_scale``, ...
    reference_samples
        ``(samples,)`` True where the sample served as a reference.
    left_out
        Reason by sample name for every reference sample that was left out.
    aberrant
        ``(samples, probes)`` reference probes left out of the sample's fit.
    """

    samples: tuple[str, ...]
    probes: tuple[str, ...]
    ln_ratio: FloatArray
    error: FloatArray
    expected: FloatArray
    level_error: FloatArray
    slope_error: FloatArray
    centre: FloatArray
    degrees_of_freedom: float
    figures: Mapping[str, FloatArray]
    reference_samples: BoolArray
    left_out: Mapping[str, str]
    aberrant: BoolArray

    def take(self, index: IntArray) -> Ratios:
        """Return the samples `index`, in that order."""
        figures = {name: values[index] for name, values in self.figures.items()}
        return replace(
            _taken(self, index, unlike=("probes", "degrees_of_freedom", "left_out", "figures")),
            figures=figures,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A result table: named columns of equal length (float64, int64 or text), in output order.

    Missing numbers are NaN in float columns; missing text is empty. `decimals` says how many decimal
    places a float column is written with (default 4); `json_only` names columns that stand in
    ``result.json`` and not in the tab-separated file.
    """

    columns: Mapping[str, NDArray[Any]]
    decimals: Mapping[str, int] = field(default_factory=dict)
    json_only: frozenset[str] = frozenset()

    def __len__(self) -> int:
        for column in self.columns.values():
            return len(column)
        return 0
