"""Robust statistics of many groups at once."""

from __future__ import annotations

import numpy as np

from mlpa_caller.datatypes import FloatArray, IntArray

__all__ = ["fit_lines", "group_medians", "robust_sd"]


def group_medians(group: IntArray, value: FloatArray, n_groups: int) -> FloatArray:
    """Median of `value` in each group, NaN for empty groups."""
    order = np.lexsort((value, group))
    ordered = value[order]
    count = np.bincount(group, minlength=n_groups)
    start = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
    out = np.full(n_groups, np.nan)
    some = count > 0
    low = start[some] + (count[some] - 1) // 2
    high = start[some] + count[some] // 2
    out[some] = 0.5 * (ordered[low] + ordered[high])
    return out


def fit_lines(
    sample: IntArray, x: FloatArray, y: FloatArray, n_samples: int, *, rounds: int = 3
) -> tuple[FloatArray, FloatArray]:
    """Robust straight line ``y = a + b x`` of each sample (Tukey weights); b only with ten points or more."""
    weight = np.ones(len(x))
    a, b = np.zeros(n_samples), np.zeros(n_samples)
    for _ in range(rounds):

        def total(values: FloatArray, weight: FloatArray = weight) -> FloatArray:
            return np.asarray(
                np.bincount(sample, weights=weight * values, minlength=n_samples), dtype=np.float64
            )

        n = np.maximum(total(np.ones(len(x))), 1e-9)
        mean_x, mean_y = total(x) / n, total(y) / n
        dx = x - mean_x[sample]
        var = total(dx * dx)
        b = np.where((n >= 10) & (var > 1e-9), total(dx * (y - mean_y[sample])) / np.maximum(var, 1e-9), 0.0)
        a = mean_y - b * mean_x
        left = y - a[sample] - b[sample] * x
        scale = np.maximum(robust_sd(sample, left, n_samples), 0.05)[sample]
        weight = np.clip(1.0 - (left / (4.0 * scale)) ** 2, 0.0, None) ** 2
    return a, b


def robust_sd(sample: IntArray, value: FloatArray, n_samples: int) -> FloatArray:
    """1.4826 times the median absolute value in each sample; NaN where there is none."""
    order = np.lexsort((np.abs(value), sample))
    ordered = np.abs(value)[order]
    count = np.bincount(sample, minlength=n_samples)
    start = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
    out = np.full(n_samples, np.nan)
    some = count > 0
    out[some] = 1.4826 * ordered[start[some] + count[some] // 2]
    return out
