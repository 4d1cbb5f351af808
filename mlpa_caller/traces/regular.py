"""Keep of an assignment what looks and migrates like a ladder."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mlpa_caller.traces.migration import migration
from mlpa_caller.traces.peaks import Peaks
from mlpa_caller.traces.standards import SizeStandard
from mlpa_caller.traces.tracks import Ladder, refined

__all__ = ["IRREGULAR", "IRREGULAR_END", "MIN_RUNGS", "settled"]

MIN_RUNGS = 5
"""Fewer rungs prove nothing."""
# At most one rung in so many is left out for its place, and one more.
_ONE_IN = 8
# A rung is between so many times as high, and at most so many times narrower or wider, as its neighbours.
_LOWEST, _HIGHEST, _WIDEST = 0.15, 6.0, 2.2
# Between two rungs the speed may differ from that around them by so many nucleotides, and this part of the distance.
_SUDDEN, _SUDDEN_PER_GAP, _NEIGHBOURS = 2.5, 0.12, 7
IRREGULAR, IRREGULAR_END = 1.3, 3.5
"""A rung that lies further than this from where the others put it, in nucleotides, is not taken for one."""


def settled(standard: SizeStandard, chain: dict[int, int], ladder: Ladder, peaks: Peaks) -> dict[int, int]:
    """Return the chain without irregular rungs, each rung taken where all others say it is.

    Parameters
    ----------
    standard
        The size standard.
    chain
        Rung -> peak, ascending.
    ladder
        Peaks and rungs as lists.
    peaks
        Peaks of the ladder's dye.

    Returns
    -------
    dict
        Rung -> peak; empty where fewer than five rungs are left.
    """
    first = _regular(standard, _unbroken(standard, chain, peaks), peaks)
    again = _again(standard, first, ladder, peaks)
    return _joined(standard, first if again == first else _regular(standard, again, peaks))


def _unbroken(standard: SizeStandard, chain: dict[int, int], peaks: Peaks) -> dict[int, int]:
    """Return the longest part of the chain without a sudden change of speed."""
    rungs = [rung for rung in chain if standard.sizing[rung]]
    if len(rungs) < MIN_RUNGS:
        return chain
    gap = np.diff(standard.apparent[rungs])
    speed = np.diff(peaks.data_point[[chain[rung] for rung in rungs]]) / gap
    width = min(len(speed), _NEIGHBOURS)
    around = np.sort(np.lib.stride_tricks.sliding_window_view(speed, width), axis=1)[:, width // 2]
    usual = around[np.clip(np.arange(len(speed)) - width // 2, 0, len(around) - 1)]
    breaks = np.flatnonzero(np.abs(speed / usual - 1.0) * gap > _SUDDEN + _SUDDEN_PER_GAP * gap)
    if not len(breaks):
        return chain
    edges = [0, *(breaks + 1).tolist(), len(rungs)]
    start, end = max(pairwise(edges), key=lambda edge: edge[1] - edge[0])
    return {rung: peak for rung, peak in chain.items() if rungs[start] <= rung <= rungs[end - 1]}


def _regular(standard: SizeStandard, chain: dict[int, int], peaks: Peaks) -> dict[int, int]:
    """Return the chain without rungs that look or migrate unlike their neighbours."""
    if len(chain) < MIN_RUNGS:
        return {}
    rungs, taken = np.array(list(chain), dtype=np.int64), np.array(list(chain.values()), dtype=np.int64)
    for values, least, most in ((peaks.height, _LOWEST, _HIGHEST), (peaks.width, 1.0 / _WIDEST, _WIDEST)):
        here = values[taken]
        padded = np.concatenate([here[2:0:-1], here, here[-2:-4:-1]])
        around = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)[:, 2]
        good = (here > least * around) & (here < most * around)
        rungs, taken = rungs[good], taken[good]
        if len(rungs) < MIN_RUNGS:
            return {}
    for _ in range(1 + len(rungs) // _ONE_IN):
        sizing = np.flatnonzero(standard.sizing[rungs])
        if len(sizing) <= MIN_RUNGS:
            break
        course = migration(
            standard.apparent[rungs[sizing]], peaks.data_point[taken[sizing]].astype(np.float64)
        )
        allowed = np.full(len(sizing), IRREGULAR)
        allowed[[0, -1]] = IRREGULAR_END
        excess = np.abs(course.left_out) / allowed
        worst = int(np.argmax(excess))
        if excess[worst] <= 1.0:
            break
        keep = np.arange(len(rungs)) != sizing[worst]
        rungs, taken = rungs[keep], taken[keep]
    return dict(zip(rungs.tolist(), taken.tolist()))


def _again(standard: SizeStandard, chain: dict[int, int], ladder: Ladder, peaks: Peaks) -> dict[int, int]:
    """Return the chain with every rung looked for where the migration of all others says it is."""
    rungs = [rung for rung in chain if standard.sizing[rung]]
    if len(rungs) < MIN_RUNGS:
        return {}
    scan = peaks.data_point[[chain[rung] for rung in rungs]].astype(np.float64)
    course = migration(standard.apparent[rungs], scan)
    return refined(ladder, chain, course.scan_of(standard.apparent).tolist(), float(np.median(course.speed)))


def _joined(standard: SizeStandard, chain: dict[int, int]) -> dict[int, int]:
    """Return the chain without end rungs whose neighbour is missing: nothing vouches for them."""
    usable = np.flatnonzero(standard.sizing).tolist()
    found = [place for place, rung in enumerate(usable) if rung in chain]
    while len(found) > 1 and found[1] - found[0] > 1:
        del found[0]
    while len(found) > 1 and found[-1] - found[-2] > 1:
        del found[-1]
    if not found:
        return {}
    first, last = usable[found[0]], usable[found[-1]]
    return {rung: peak for rung, peak in chain.items() if first <= rung <= last or not standard.sizing[rung]}
