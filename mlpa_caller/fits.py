"""The fits behind normalisation: probe efficiencies, and a sample's amount and slope.

The model of a height is ``ln height = amount + efficiency + slope (length - 300) / 100 + g ln(c / 2) + noise``:
amount and slope belong to the sample, the efficiency to the probe. Efficiencies are learned from the run's own
reference samples; amount and slope of every sample from the probes that are not altered. Both fits are robust, since
reference probes may be gained (hyperdiploidy) and reference samples may have failed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mlpa_caller._level import Level, fit_level
from mlpa_caller.datatypes import FloatArray
from mlpa_caller.noise import NoiseModel

__all__ = [
    "Efficiency",
    "Level",
    "copies",
    "efficiency",
    "fit_level",
    "median_of_others",
    "nanmedian",
    "position",
]

SLOPE_ORIGIN = 300.0
"""Length in nucleotides at which amount is defined."""


def position(length: FloatArray) -> FloatArray:
    """Return ``(length - 300) / 100``, the coordinate of the slope; `length` in nucleotides."""
    return np.asarray((length - SLOPE_ORIGIN) / 100.0, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Efficiency:
    """What the reference samples say of each probe.

    Attributes
    ----------
    ln_height
        ``(probes,)`` expected ln height at two copies, amount 0 and slope 0; NaN where no reference has it.
    variance
        ``(probes,)`` its variance.
    residual
        ``(references, probes)`` what is left of the references' ln heights.
    """

    ln_height: FloatArray
    variance: FloatArray
    residual: FloatArray


def _line(
    value: FloatArray, x: FloatArray, weight: FloatArray, slope_precision: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fit ``amount + slope (x - centre)`` to each row by weighted least squares.

    The slope has a normal prior around 0 with precision `slope_precision`. Returns amount, slope, centre and
    the variances of the first two, each ``(samples,)``; rows without weight give NaN.
    """
    total = weight.sum(axis=1)
    safe = np.where(total > 0, total, np.nan)
    centre = weight @ x / safe
    amount = (weight * value).sum(axis=1) / safe
    offset = x - centre[:, None]
    squares = (weight * offset**2).sum(axis=1) + slope_precision
    slope = (weight * offset * value).sum(axis=1) / np.where(squares > 0, squares, np.nan)
    return amount, slope, centre, 1.0 / safe, 1.0 / np.where(squares > 0, squares, np.nan)


def efficiency(
    ln_height: FloatArray,
    x: FloatArray,
    noise: NoiseModel,
    *,
    slope_sd: float,
    scale: FloatArray | None = None,
    rounds: int = 6,
) -> Efficiency:
    """Learn each probe's efficiency from the reference samples.

    Parameters
    ----------
    ln_height
        ``(references, probes)``; NaN where missing.
    x
        ``(probes,)`` ``(length - 300) / 100``.
    noise
        Variance model.
    slope_sd
        Prior standard deviation of a sample's slope per 100 nucleotides.
    scale
        ``(references,)`` noise of each reference against the run's, so that a noisy one weighs less; 1 without
        it.

    Returns
    -------
    Efficiency
        Robust to an altered probe in one reference (Student t weights with 4 degrees of freedom). Rows that
        are the same number for number count as one.
    """
    with np.errstate(invalid="ignore"):
        variance = noise.variance(np.exp(ln_height))
    if scale is not None:
        variance = variance * scale[:, None] ** 2
    present = ~np.isnan(ln_height)
    share = 1.0 / copies(ln_height)[:, None]
    precision = np.where(present, 1.0 / variance, 0.0) * share
    value = np.where(present, ln_height, 0.0)
    centred = ln_height - nanmedian(ln_height, axis=1)[:, None]
    expected = nanmedian(centred, axis=0)
    robust = precision
    usable = present.any(axis=0)
    expected = np.where(usable, expected, 0.0)
    residual = np.zeros_like(value)
    for _ in range(rounds):
        amount, slope, centre, _, _ = _line(value - expected, x, robust, slope_sd**-2)
        fitted = amount[:, None] + slope[:, None] * (x - centre[:, None])
        fitted -= (share * fitted).sum(axis=0) / share.sum()
        weight = robust.sum(axis=0)
        expected = (robust * (value - fitted)).sum(axis=0) / np.where(weight > 0, weight, 1.0)
        residual = value - fitted - expected
        robust = precision * 5.0 / (4.0 + residual**2 * precision)
    weight = robust.sum(axis=0)
    return Efficiency(
        ln_height=np.where(usable, expected, np.nan),
        variance=np.where(usable, 1.0 / np.where(usable, weight, 1.0), np.nan),
        residual=np.where(present, residual, np.nan),
    )


def copies(rows: FloatArray) -> FloatArray:
    """Return, for each row, how many rows are the same number for number."""
    keys = [row.tobytes() for row in np.ascontiguousarray(rows)]
    count = Counter(keys)
    return np.array([count[key] for key in keys], dtype=np.float64)


def nanmedian(values: FloatArray, axis: int) -> FloatArray:
    """Return the median without NaN along `axis` (sort puts NaN last); NaN for an empty slice."""
    ordered = np.array(np.moveaxis(values, axis, -1), dtype=np.float64, order="C")
    ordered.sort(axis=-1)
    count = ordered.shape[-1] - np.isnan(ordered).sum(axis=-1, keepdims=True)
    low = np.maximum((count - 1) // 2, 0)
    high = count // 2  # the last one at most, also of a single value
    middle = np.take_along_axis(ordered, low, -1) + np.take_along_axis(ordered, high, -1)
    return np.asarray(middle[..., 0] / 2.0, dtype=np.float64)


def median_of_others(values: FloatArray) -> FloatArray:
    """Return, for each row, the median over all other rows of each column, without NaN.

    Parameters
    ----------
    values
        ``(rows, columns)``, at least two rows.

    Returns
    -------
    ``(rows, columns)``; NaN where no other row has a value. One sort serves all rows: taking a row out moves
    the middle of its column by at most one place.
    """
    columns = np.ascontiguousarray(values.T)
    order = np.argsort(columns, axis=1, kind="stable")
    ordered = np.take_along_axis(columns, order, axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(columns.shape[1])[None, :], axis=1)
    known = ~np.isnan(columns)
    count = known.sum(axis=1)[:, None]
    left = count - known  # values left in the column without this row
    low, high = np.maximum((left - 1) // 2, 0), left // 2
    low, high = low + (known & (rank <= low)), high + (known & (rank <= high))
    last = columns.shape[1] - 1
    middle = np.take_along_axis(ordered, np.minimum(low, last), 1)
    middle = middle + np.take_along_axis(ordered, np.minimum(high, last), 1)
    return np.asarray(np.where(left > 0, middle / 2.0, np.nan).T, dtype=np.float64)
