"""Peaks of a capillary signal: apex, height, width, area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray
from mlpa_caller.traces.baseline import block_length

__all__ = ["Peaks", "find_peaks"]

MIN_SIGNAL_TO_NOISE = 6.0
"""Height of the lowest peak, as a multiple of the noise."""
MAX_PEAKS = 4_000
"""Peaks of one dye that are kept."""
# A valley parts two peaks if it is at least so many times the noise, and this part of the lower one, deep.
_VALLEY_NOISE, _VALLEY_FRACTION = 4.0, 0.05
# The apex lies within so many scans of the maximum of the smoothed signal.
_APEX_REACH = 3
# A saturated top: at least so many counts, three scans and more within so many counts; longer ones are cut.
_SATURATED, _LEVEL, _LONGEST_TOP = 1_000.0, 0.5, 400
# A peak ends where it falls below this part of its height, at most so many scans from its apex.
_FOOT, _WIDEST = 0.02, 100


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """Peaks of one channel, by scan; every array has one entry a peak.

    Attributes
    ----------
    data_point
        Scan of the apex: the highest value, the middle of a flat top.
    height
        Above the baseline, at the true apex between the scans.
    width
        Full width at half height, in scans.
    begin, end
        First and last scan of the peak.
    area
        Sum above the baseline from `begin` to `end`.
    flat
        The top is cut off: several scans share the highest value.
    """

    data_point: IntArray
    height: FloatArray
    width: FloatArray
    begin: IntArray
    end: IntArray
    area: FloatArray
    flat: BoolArray

    def __len__(self) -> int:
        return len(self.data_point)

    def __getitem__(self, keep: BoolArray | IntArray) -> Peaks:
        return Peaks(self.data_point[keep], self.height[keep], self.width[keep], self.begin[keep],
                     self.end[keep], self.area[keep], self.flat[keep])  # fmt: skip


def find_peaks(signal: FloatArray, sigma: float, *, min_height: float = 0.0) -> Peaks:
    """Return the peaks of one channel.

    A peak rises at least six times the noise above the baseline and is parted from its higher neighbour by a
    valley of at least four times the noise and 5 % of its height. Of more than 4,000 peaks, which no run shows, the
    highest are kept.

    Parameters
    ----------
    signal
        ``(scans,)`` above the baseline.
    sigma
        Noise of the channel.
    min_height
        Peaks lower than this are left out.

    Returns
    -------
    Peaks
        In order of their scans.
    """
    smooth = signal.copy()
    smooth[1:-1] = 0.25 * (signal[:-2] + 2.0 * signal[1:-1] + signal[2:])
    floor = max(MIN_SIGNAL_TO_NOISE * sigma, min_height)
    top = np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])
                         & (smooth[1:-1] > 0.75 * floor)) + 1  # fmt: skip
    top = _prominent(smooth, top, sigma)
    if len(top) > MAX_PEAKS:
        top = np.sort(top[np.argsort(-smooth[top], kind="stable")[:MAX_PEAKS]])
    if not len(top):
        return _none()
    apex, flat = _apex(signal, top)
    order = np.unique(apex, return_index=True)[1]
    apex, flat = apex[order], flat[order]
    valley = _valleys(signal, apex)
    height = signal[apex]
    begin, end, width = _extent(signal, apex, height, valley, min(block_length(len(signal)), _WIDEST))
    total = np.concatenate([[0.0], np.cumsum(signal)])
    found = Peaks(apex, _crest(signal, apex, flat), width, begin, end, total[end + 1] - total[begin], flat)
    return found[found.height >= floor]


def _crest(signal: FloatArray, apex: IntArray, flat: BoolArray) -> FloatArray:
    """Return the height of each peak between the scans: that of the Gaussian through its three highest values.

    The highest value itself falls short by up to 5 % where the true apex lies halfway between two scans of a
    narrow peak, and by another amount in every run. Flat tops keep their highest value.
    """
    height = signal[apex]
    inner = (apex > 0) & (apex < len(signal) - 1) & ~flat
    left = np.where(inner, signal[np.maximum(apex - 1, 0)], 0.0)
    right = np.where(inner, signal[np.minimum(apex + 1, len(signal) - 1)], 0.0)
    # neighbours of a real apex hold at least half of it
    usable = (
        inner & (height > 0) & (np.minimum(left, right) > 0.5 * height) & (np.maximum(left, right) <= height)
    )
    a, b, c = (np.log(np.where(usable, values, 1.0)) for values in (left, height, right))
    bend = a - 2.0 * b + c
    lift = np.where(usable & (bend < 0), -((a - c) ** 2) / (8.0 * np.where(bend < 0, bend, -1.0)), 0.0)
    return np.asarray(height * np.exp(lift), dtype=np.float64)


def _none() -> Peaks:
    empty_int: IntArray = np.empty(0, dtype=np.int64)
    empty = np.empty(0)
    return Peaks(empty_int, empty, empty, empty_int, empty_int, empty, np.empty(0, dtype=bool))


def _prominent(smooth: FloatArray, top: IntArray, sigma: float) -> IntArray:
    """Return the local maxima that deep enough valleys part; the shallowest valleys are filled first."""
    if len(top) < 2:
        return top
    height = smooth[top]
    low = np.minimum.reduceat(smooth, top)[:-1]
    while len(top) > 1:
        lesser = np.minimum(height[:-1], height[1:])
        depth = lesser - low
        shallow = depth < np.maximum(_VALLEY_NOISE * sigma, _VALLEY_FRACTION * lesser)
        if not shallow.any():
            break
        guarded = np.concatenate([[np.inf], np.where(shallow, depth, np.inf), [np.inf]])
        fill = np.flatnonzero(shallow & (depth < guarded[:-2]) & (depth <= guarded[2:]))
        # the lower of the two maxima goes; the valley on its other side stays, the deeper of the two counts
        gone = np.where(height[fill] < height[fill + 1], fill, fill + 1)
        keep = np.ones(len(top), dtype=bool)
        keep[gone] = False
        joined = np.concatenate([[np.inf], low, [np.inf]])
        merged = np.minimum(joined[gone], joined[gone + 1])  # of the valleys left and right of the lost one
        stays = np.concatenate([[True], np.ones(len(low), dtype=bool), [True]])
        left_lost = gone > fill  # the lost maximum lay right of the filled valley: its right valley remains
        target = np.where(left_lost, gone + 1, gone)
        source = np.where(left_lost, gone, gone + 1)
        joined[target] = np.where(np.isfinite(joined[target]), merged, joined[target])
        stays[source] = False
        low = joined[stays][1:-1]
        top, height = top[keep], height[keep]
    return top


def _apex(signal: FloatArray, top: IntArray) -> tuple[IntArray, BoolArray]:
    """Return the scan of the highest value near each maximum, the middle of a flat top."""
    reach = np.arange(-_APEX_REACH, _APEX_REACH + 1)
    at = np.clip(top[:, None] + reach, 0, len(signal) - 1)
    best = at[np.arange(len(top)), np.argmax(signal[at], axis=1)]
    flat = np.zeros(len(top), dtype=bool)
    ahead, behind = np.minimum(best + 1, len(signal) - 1), np.maximum(best - 1, 0)
    level = signal[best] - _LEVEL
    suspect = (signal[best] >= _SATURATED) & ((signal[ahead] >= level) | (signal[behind] >= level))
    for i in np.flatnonzero(suspect).tolist():  # rare: saturated peaks
        first = last = int(best[i])
        while first > 0 and last - first < _LONGEST_TOP and signal[first - 1] >= level[i]:
            first -= 1
        while last + 1 < len(signal) and last - first < _LONGEST_TOP and signal[last + 1] >= level[i]:
            last += 1
        if last - first >= 2:
            flat[i], best[i] = True, (first + last) // 2
    return best.astype(np.int64), flat


def _valleys(signal: FloatArray, apex: IntArray) -> IntArray:
    """Return the lowest scan between each two neighbouring apices, with the ends of the signal around them."""
    edges = [0]
    edges += [a + int(np.argmin(signal[a:b])) for a, b in zip(apex[:-1].tolist(), apex[1:].tolist())]
    edges.append(len(signal) - 1)
    return np.array(edges, dtype=np.int64)


def _extent(
    signal: FloatArray, apex: IntArray, height: FloatArray, valley: IntArray, reach: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return first and last scan and the full width at half height of each peak."""
    sides = []
    for sign, limit in ((-1, apex - valley[:-1]), (1, valley[1:] - apex)):
        steps = np.arange(1, reach + 1)
        at = np.clip(apex[:, None] + sign * steps, 0, len(signal) - 1)
        values = signal[at]
        limit = np.clip(limit, 1, reach)
        half = _first(values < 0.5 * height[:, None], limit)
        foot = _first(values < _FOOT * height[:, None], limit)
        rows = np.arange(len(apex))
        outer = values[rows, half - 1]
        inner = np.where(half > 1, values[rows, np.maximum(half - 2, 0)], height)
        fall = np.maximum(inner - outer, 1e-9)
        part = np.clip((inner - 0.5 * height) / fall, 0.0, 1.0)
        sides.append((half - 1 + part, foot))
    begin = np.maximum(apex - sides[0][1], 0)
    end = np.minimum(apex + sides[1][1], len(signal) - 1)
    return begin, end, sides[0][0] + sides[1][0]


def _first(below: BoolArray, limit: IntArray) -> IntArray:
    """Return the first step (from 1) at which each row is True, at most `limit`."""
    steps = np.where(below.any(axis=1), below.argmax(axis=1) + 1, below.shape[1])
    first: IntArray = np.minimum(steps, limit)
    return first
