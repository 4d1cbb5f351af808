"""The signal of a sized trace on an even grid of sizes, for a picture of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import FloatArray

__all__ = ["STEP_NT", "Profile", "sized_profile"]

STEP_NT = 0.2
"""Distance of the grid's sizes, in nucleotides: fine enough that a peak keeps its shape."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One injection as a picture shows it.

    Attributes
    ----------
    dyes
        Names of the dyes, the ladder's included.
    first
        Place of the first value on the grid: its size is ``first * STEP_NT`` nucleotides.
    signal
        ``(dyes, places)`` heights above the baseline in counts; NaN where no size is known.
    """

    dyes: tuple[str, ...]
    first: int
    signal: FloatArray


def sized_profile(signal: FloatArray, size: FloatArray, dyes: tuple[str, ...]) -> Profile | None:
    """Return the highest value of each dye at every size of the grid.

    Parameters
    ----------
    signal
        ``(dyes, scans)`` heights above the baseline.
    size
        ``(scans,)`` size of each scan in nucleotides; NaN where none is known.
    dyes
        Names of the dyes.

    Returns
    -------
    Profile or None
        None where no scan has a size.
    """
    known = np.flatnonzero(np.isfinite(size))
    if not len(known):
        return None
    rising = np.maximum.accumulate(size[known])
    place, start = np.unique(np.rint(rising / STEP_NT).astype(np.int64), return_index=True)
    top = np.maximum.reduceat(signal[:, known], start, axis=1)
    grid = np.arange(place[0], place[-1] + 1)
    values = np.stack([np.interp(grid, place, row) for row in top])
    for gap in np.flatnonzero(np.diff(known) > 1):
        values[:, (grid * STEP_NT > rising[gap]) & (grid * STEP_NT < rising[gap + 1])] = np.nan
    return Profile(dyes, int(place[0]), values)
