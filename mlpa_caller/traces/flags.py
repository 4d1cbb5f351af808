"""What is wrong with a peak: saturation, bleed-through, shoulders, width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, TextArray
from mlpa_caller.traces.peaks import Peaks

__all__ = ["flag_texts", "is_bleed_through", "is_off_scale", "is_shoulder"]

# Parts of a peak that may be seen in another dye, and how near, as a part of its width.
_BLEED, _BLEED_OFF_SCALE, _BLEED_REACH = 0.10, 0.35, 0.25
# A shoulder is lower than this part of its peak, and at most so many nucleotides away.
_SHOULDER_HEIGHT, _SHOULDER_REACH = 1.0 / 3.0, 1.7


def is_off_scale(peaks: Peaks, saturated: BoolArray) -> BoolArray:
    """Return which peaks were cut off by the detector.

    Parameters
    ----------
    peaks
        Peaks of one dye.
    saturated
        ``(scans,)`` True where the detector was saturated.
    """
    reach = np.arange(-1, 2)
    near = np.clip(peaks.data_point[:, None] + reach, 0, len(saturated) - 1)
    over: BoolArray = peaks.flat | saturated[near].any(axis=1)
    return over


def is_bleed_through(dyes: Sequence[Peaks], off_scale: Sequence[BoolArray], scans: int) -> list[BoolArray]:
    """Return which peaks may be the reflection of a far higher peak of another dye at the same scan.

    Parameters
    ----------
    dyes
        Peaks of each dye.
    off_scale
        Which of them are off scale.
    scans
        Length of the run.

    Returns
    -------
    list
        One array a dye: below 10 % of another dye's peak (35 % of one that is off scale), at the same scan
        within a quarter of its width.
    """
    limit = np.zeros((len(dyes), scans))
    for row, (peaks, over) in enumerate(zip(dyes, off_scale)):
        if not len(peaks):
            continue
        ceiling = peaks.height * np.where(over, _BLEED_OFF_SCALE, _BLEED)
        reach = np.clip(np.rint(_BLEED_REACH * peaks.width), 1, 8).astype(np.int64)
        steps = np.arange(-int(reach.max()), int(reach.max()) + 1)
        at = np.clip(peaks.data_point[:, None] + steps, 0, scans - 1)
        level = np.where(np.abs(steps) <= reach[:, None], ceiling[:, None], 0.0)
        np.maximum.at(limit[row], at.ravel(), level.ravel())
    found = []
    for row, peaks in enumerate(dyes):
        other = np.delete(limit, row, axis=0)[:, peaks.data_point]
        found.append(peaks.height < other.max(axis=0, initial=0.0))
    return found


def is_shoulder(place: FloatArray, height: FloatArray) -> BoolArray:
    """Return which peaks of one dye stand within 1.7 nucleotides of one at least three times as high.

    Parameters
    ----------
    place
        ``(peaks,)`` size in nucleotides, or an estimate of it, ascending.
    height
        ``(peaks,)``.
    """
    shoulder = np.zeros(len(place), dtype=bool)
    for step in range(1, 4):
        near = np.abs(place[step:] - place[:-step]) <= _SHOULDER_REACH
        shoulder[:-step] |= near & (height[:-step] < _SHOULDER_HEIGHT * height[step:])
        shoulder[step:] |= near & (height[step:] < _SHOULDER_HEIGHT * height[:-step])
    return shoulder


def flag_texts(marks: Sequence[tuple[str, BoolArray]], count: int) -> TextArray:
    """Return ``;``-separated flags, one text a peak.

    Parameters
    ----------
    marks
        Name of a flag and the peaks that carry it, in the order of the text.
    count
        Number of peaks.
    """
    code: IntArray = np.zeros(count, dtype=np.int64)
    for bit, (_, mark) in enumerate(marks):
        code += mark.astype(np.int64) << bit
    texts = {
        int(value): ";".join(name for bit, (name, _) in enumerate(marks) if value >> bit & 1)
        for value in np.unique(code)
    }
    out: TextArray = np.empty(count, dtype=object)
    out[:] = [texts[value] for value in code.tolist()]
    return out
