"""Baseline and noise of a capillary signal."""

from __future__ import annotations

import numpy as np

from mlpa_caller.datatypes import FloatArray

__all__ = ["baseline", "block_length", "noise"]

# A run is parted into so many blocks; the opening reaches so many blocks to either side.
_BLOCKS, _OPENING = 120, 3
# This part of a block lies below its level.
_QUANTILE = 0.25


def block_length(scans: int) -> int:
    """Return the number of scans that the baseline treats as one: a few nucleotides."""
    return int(min(max(scans // _BLOCKS, 24), 240))


def noise(signal: FloatArray) -> FloatArray:
    """Return the standard deviation of the noise of each channel, at least 0.5 counts.

    Parameters
    ----------
    signal
        ``(channels, scans)``.

    Returns
    -------
    FloatArray
        ``(channels,)``: from the median absolute difference of neighbouring scans, which peaks, drift and
        spikes hardly touch.
    """
    step = np.abs(np.diff(signal, axis=1))
    middle = step.shape[1] // 2
    step.partition(middle, axis=1)
    sigma: FloatArray = np.maximum(step[:, middle] * (1.4826 / np.sqrt(2.0)), 0.5)
    return sigma


def baseline(signal: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return the baseline of each channel: what the signal falls back to between peaks.

    The lower quartile of each block of scans is opened (running minimum, then running maximum), so that it
    follows offset, drift and broad humps but no peak; a block that dips below its surroundings, as under a
    strong peak of another dye, is first raised to them.

    Parameters
    ----------
    signal
        ``(channels, scans)``.
    sigma
        ``(channels,)`` noise.

    Returns
    -------
    FloatArray
        ``(channels, scans)``.
    """
    channels, scans = signal.shape
    width = block_length(scans)
    blocks = scans // width
    cut = signal[:, : blocks * width].reshape(channels, blocks, width).copy()
    rank = int(_QUANTILE * width)
    cut.partition(rank, axis=2)
    level = cut[:, :, rank]
    around = np.median(_windows(level, 4 * _OPENING), axis=2)
    level = np.maximum(level, around - 4.0 * sigma[:, None])
    opened = _windows(_windows(level, _OPENING).min(axis=2), _OPENING).max(axis=2)
    # a quarter of the noise lies below the lower quartile; its middle is 0.67 sigma higher
    opened += 0.67 * sigma[:, None]
    centre = (np.arange(blocks) + 0.5) * width
    at = np.arange(scans)
    return np.array([np.interp(at, centre, row) for row in opened])


def _windows(level: FloatArray, half: int) -> FloatArray:
    half = min(half, level.shape[1] - 1)
    padded = np.pad(level, ((0, 0), (half, half)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=1)
