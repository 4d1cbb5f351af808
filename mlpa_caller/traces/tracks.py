"""Extend a run of rungs and peaks over the whole ladder."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Ladder", "extended", "refined"]

# How far from where it is expected a rung is looked for: in nucleotides, and per nucleotide of the step; less where
# all other rungs say where it is, and per nucleotide between two found rungs.
_REACH, _REACH_PER_GAP, _REACH_REFINED, _FILL_PER_GAP = 2.2, 0.035, 1.5, 0.02
# What looks like a rung beside the last ones: as a part of their height and of their width.
_LOWEST, _HIGHEST, _WIDEST = 0.15, 6.0, 2.0
# What an e-fold difference in height weighs against one reach in place.
_UNLIKE_HEIGHT = 0.6
# Rungs in a row that may be missing, and found ones that say where the next is.
_GIVE_UP, _MEMORY = 4, 4


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is known of the ladder's dye, as lists (one entry a peak, in order of scans), and of one standard.

    Attributes
    ----------
    scan, height, width
        Of the peaks.
    scans
        Length of the run.
    sizes, slack
        Of the rungs: apparent length, and how far from there a rung may run.
    """

    scan: list[int]
    height: list[float]
    width: list[float]
    scans: int
    sizes: list[float]
    slack: list[float]


def extended(ladder: Ladder, rungs: Sequence[int], peaks: Sequence[int]) -> dict[int, int]:
    """Return rung -> peak, from a run of pairs on in both directions.

    Parameters
    ----------
    ladder
        Peaks and rungs.
    rungs, peaks
        Indices of the pairs to start from, ascending; at least three.
    """
    chain = dict(zip(rungs, peaks))
    typical = _typical(ladder, peaks)
    for path in (range(rungs[-1] + 1, len(ladder.sizes)), range(rungs[0] - 1, -1, -1)):
        _travel(ladder, chain, path, list(typical))
    for rung in range(min(chain), max(chain)):
        if rung not in chain:
            _fill(ladder, chain, rung, typical)
    return dict(sorted(chain.items()))


def refined(ladder: Ladder, chain: dict[int, int], expected: Sequence[float], speed: float) -> dict[int, int]:
    """Return the chain with every rung looked for anew where the migration of all of them says it is.

    Parameters
    ----------
    ladder
        Peaks and rungs.
    chain
        Rung -> peak, ascending.
    expected
        Scan of each rung of the standard; those outside the chain by more than one are not looked at.
    speed
        Scans per nucleotide.
    """
    typical = _typical(ladder, list(chain.values()))
    again: dict[int, int] = {}
    floor = 0
    for rung in range(max(min(chain) - 1, 0), min(max(chain) + 2, len(expected))):
        reach = (_REACH_REFINED + ladder.slack[rung]) * speed
        best = _best(ladder, expected[rung], reach, floor, len(ladder.scan), typical)
        if best >= 0:
            again[rung] = best
            floor = best + 1
    if len(again) < 3:
        return chain
    for path in (range(max(again) + 1, len(ladder.sizes)), range(min(again) - 1, -1, -1)):
        _travel(ladder, again, path, list(typical))
    return dict(sorted(again.items()))


def _typical(ladder: Ladder, peaks: Sequence[int]) -> list[float]:
    """Return the median height and the median width of some peaks."""
    half = len(peaks) // 2
    return [sorted(ladder.height[p] for p in peaks)[half], sorted(ladder.width[p] for p in peaks)[half]]


def _travel(ladder: Ladder, chain: dict[int, int], path: range, typical: list[float]) -> None:
    """Look for one rung after the other in one direction."""
    upward = path.step > 0
    near = sorted(chain, reverse=upward)[:_MEMORY]
    missed = 0
    for rung in path:
        here, far = near[0], near[-1]
        speed = (ladder.scan[chain[here]] - ladder.scan[chain[far]]) / (
            ladder.sizes[here] - ladder.sizes[far]
        )
        step = ladder.sizes[rung] - ladder.sizes[here]
        expected = ladder.scan[chain[here]] + speed * step
        if not -speed < expected < ladder.scans + speed:
            return
        reach = (_REACH + _REACH_PER_GAP * abs(step) + ladder.slack[rung]) * speed
        floor, ceiling = (chain[here] + 1, len(ladder.scan)) if upward else (0, chain[here])
        best = _best(ladder, expected, reach, floor, ceiling, typical)
        if best < 0:
            missed += 1
            if missed > _GIVE_UP:
                return
            continue
        missed = 0
        chain[rung] = best
        typical[0] *= (ladder.height[best] / typical[0]) ** 0.25
        typical[1] *= (ladder.width[best] / typical[1]) ** 0.25
        near = [rung, *near[: _MEMORY - 1]]


def _fill(ladder: Ladder, chain: dict[int, int], rung: int, typical: list[float]) -> None:
    """Look for a rung between two found ones."""
    below, above = max(r for r in chain if r < rung), min(r for r in chain if r > rung)
    gap = ladder.sizes[above] - ladder.sizes[below]
    speed = (ladder.scan[chain[above]] - ladder.scan[chain[below]]) / gap
    expected = ladder.scan[chain[below]] + speed * (ladder.sizes[rung] - ladder.sizes[below])
    reach = (_REACH + _FILL_PER_GAP * gap + ladder.slack[rung]) * speed
    best = _best(ladder, expected, reach, chain[below] + 1, chain[above], typical)
    if best >= 0:
        chain[rung] = best


def _best(
    ladder: Ladder, expected: float, reach: float, floor: int, ceiling: int, typical: list[float]
) -> int:
    """Return the peak within reach that looks most like a rung, or -1."""
    best, least = -1, math.inf
    first = max(bisect_left(ladder.scan, expected - reach), floor)
    for p in range(first, min(bisect_right(ladder.scan, expected + reach), ceiling)):
        relative, wide = ladder.height[p] / typical[0], ladder.width[p] / typical[1]
        if not _LOWEST < relative < _HIGHEST or wide > _WIDEST:
            continue
        unlike = abs(ladder.scan[p] - expected) / reach + _UNLIKE_HEIGHT * abs(math.log(relative))
        unlike += abs(math.log(max(wide, 0.1)))
        if unlike < least:
            best, least = p, unlike
    return best
