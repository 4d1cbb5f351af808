"""The hypotheses of a gene laid out for arithmetic: what the posterior multiplies with, made once a gene."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlpa_caller.calling.events import EventSpace
from mlpa_caller.datatypes import FloatArray, IntArray

__all__ = ["Layout", "layout_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Hypotheses in two groups: one range with one number of copies, and two ranges.

    Columns are hypotheses sorted by their footprint, so that those of one footprint stand together.

    Attributes
    ----------
    copies
        ``(copies,)`` distinct numbers of copies lost (negative: gained).
    n_ranges
        Number of ranges. They stand in the order of their length, those of one length in that of their first unit.
    prior
        ``(ranges x copies,)`` prior of one range with one number of copies; 0 where that is no hypothesis.
    is_loss
        ``(ranges x copies,)`` 1 for losses.
    place, column
        Places in ``ranges x copies`` that are hypotheses, and their columns.
    pair_copies
        Slice of `copies` that hypotheses with two ranges use.
    pair_member
        ``(pairs, units x pair copies)`` 1 where the hypothesis takes that number of copies from the unit.
    pair_prior, pair_column
        ``(pairs,)``.
    hypothesis, footprint
        ``(hypotheses,)`` by column: index into ``EventSpace.lost`` and into ``EventSpace.footprints``.
    start
        ``(footprints,)`` first column of each footprint.
    losing
        ``(footprints,)`` 1 for losses, and 0 for gains.
    unit_loss, unit_gain
        ``(footprints, units)`` 1 where a loss (a gain) takes the unit.
    """

    copies: IntArray
    n_ranges: int
    prior: FloatArray
    is_loss: FloatArray
    place: IntArray
    column: IntArray
    pair_copies: slice
    pair_member: FloatArray
    pair_prior: FloatArray
    pair_column: IntArray
    hypothesis: IntArray
    footprint: IntArray
    start: IntArray
    losing: FloatArray
    unit_loss: FloatArray
    unit_gain: FloatArray


@lru_cache(maxsize=256)
def layout_of(space: EventSpace) -> Layout:
    """Return the layout of a gene's hypotheses."""
    copies = np.unique(space.lost[space.lost != 0])
    order = np.argsort(space.footprint, kind="stable")
    column = np.empty(len(order), dtype=np.int64)
    column[order] = np.arange(len(order))
    n_units = space.n_units
    number = np.full((n_units, n_units), -1)
    for length in range(n_units):
        first = np.arange(n_units - length)
        number[first, first + length] = number.max() + 1 + first
    n_ranges = n_units * (n_units + 1) // 2
    single, pairs = np.flatnonzero(space.single), np.flatnonzero(~space.single)
    altered = space.lost[single] != 0
    begin, end = altered.argmax(axis=1), n_units - 1 - altered[:, ::-1].argmax(axis=1)
    level = np.searchsorted(copies, space.lost[single, begin])
    place = number[begin, end] * len(copies) + level
    prior = np.zeros(n_ranges * len(copies))
    prior[place] = np.exp(space.log_prior[single])
    used = np.unique(np.searchsorted(copies, space.lost[pairs][space.lost[pairs] != 0]))
    pair_copies = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 0)
    losing = (space.footprint_sign > 0).astype(np.float64)
    return Layout(
        copies=copies,
        n_ranges=n_ranges,
        prior=prior,
        is_loss=np.tile((copies > 0).astype(np.float64), n_ranges),
        place=place,
        column=column[single],
        pair_copies=pair_copies,
        pair_member=(space.lost[pairs][:, :, None] == copies[pair_copies])
        .reshape(len(pairs), n_units * len(copies[pair_copies]))
        .astype(np.float64),
        pair_prior=np.exp(space.log_prior[pairs]),
        pair_column=column[pairs],
        hypothesis=order,
        footprint=space.footprint[order],
        start=np.searchsorted(space.footprint[order], np.arange(len(space.footprints))),
        losing=losing,
        unit_loss=space.footprints * losing[:, None],
        unit_gain=space.footprints * (1.0 - losing)[:, None],
    )
