"""From posteriors to the rows of the calls and exons tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, TextArray
from mlpa_caller.panel import natural_key

__all__ = ["Event", "events_of", "exon_range", "quantiles"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a hypothesis: a range of units, the copies it takes, and whether it lies inside another."""

    first: int
    last: int
    copies: int
    nested: bool


def events_of(lost: IntArray) -> tuple[Event, ...]:
    """Return the events that make up a hypothesis.

    Parameters
    ----------
    lost
        ``(units,)`` copies lost by each unit (negative: gained).

    Returns
    -------
    tuple of Event
        A range lost from both alleles is one event with two copies; a range that lost two copies inside a
        larger one that lost one is an event of its own. Outer events come first.

    Examples
    --------
    >>> events_of(np.array([1, 2, 2, 1]))
    (Event(first=0, last=3, copies=1, nested=False), Event(first=1, last=2, copies=1, nested=True))
    """
    return _events_of(tuple(lost.tolist()))


@lru_cache(maxsize=4096)
def _events_of(pattern: tuple[int, ...]) -> tuple[Event, ...]:
    sign = -1 if min(pattern) < 0 else 1
    depth = np.abs(pattern)
    events = []
    for first, last in _runs(depth >= 1):
        inner = [run for run in _runs(depth >= 2) if first <= run[0] and run[1] <= last]
        if inner == [(first, last)]:
            events.append(Event(first, last, 2 * sign, nested=False))
            continue
        events.append(Event(first, last, sign, nested=False))
        events += [Event(a, b, sign, nested=True) for a, b in inner]
    return tuple(events)


def _runs(inside: BoolArray) -> list[tuple[int, int]]:
    """Return first and last index of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int64), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2])]


def exon_range(labels: list[str]) -> str:
    """Return ``"4-7"`` for the labels of neighbouring exons in any order, ``"2"`` for one."""
    ordered = sorted(labels, key=natural_key)
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]}-{ordered[-1]}"


def quantiles(weight: FloatArray, grid: FloatArray, levels: tuple[float, ...]) -> FloatArray:
    """Return quantiles of distributions on a grid.

    Parameters
    ----------
    weight
        ``(samples, grid)``; rows sum to 1; each value stands for the cell around its grid point.
    grid
        Evenly spaced points.
    levels
        Probabilities.

    Returns
    -------
    ``(samples, levels)``, interpolated within the cell and kept within the grid.
    """
    step = grid[1] - grid[0]
    upper = np.cumsum(weight, axis=1)
    out = np.empty((len(weight), len(levels)))
    for column, level in enumerate(levels):
        cell = np.minimum((upper < level).sum(axis=1), len(grid) - 1)
        row = np.arange(len(weight))
        inside = np.maximum(weight[row, cell], 1e-300)
        part = np.clip((level - (upper[row, cell] - weight[row, cell])) / inside, 0.0, 1.0)
        out[:, column] = grid[cell] + (part - 0.5) * step
    return np.clip(out, grid[0], grid[-1])


def join_flags(flags: list[tuple[str, BoolArray]], n: int) -> TextArray:
    """Return ``;``-joined names of the flags set, for each of `n` rows."""
    code = np.zeros(n, dtype=np.int64)
    for bit, (_, on) in enumerate(flags):
        code |= on.astype(np.int64) << bit
    codes = code.tolist()
    texts = {
        value: ";".join(name for bit, (name, _) in enumerate(flags) if value >> bit & 1)
        for value in set(codes)
    }
    out: TextArray = np.empty(n, dtype=object)
    out[:] = [texts[value] for value in codes]
    return out
