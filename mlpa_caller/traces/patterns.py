"""Where the spacing of peaks agrees with the spacing of rungs: runs of neighbours, for all standards at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray
from mlpa_caller.traces.standards import SizeStandard

__all__ = ["Run", "agreeing_runs"]

# So many of the highest peaks are looked at, one level after the other.
_LEVELS = (8, 11, 15, 20, 27, 36, 48, 64)
# How far two neighbouring distances may differ in ratio: a part, and so many nucleotides in either distance.
_RATIO, _NUCLEOTIDES = 0.05, 1.6
# Runs kept at each level.
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring rungs of one standard that agree with neighbouring peaks.

    Attributes
    ----------
    standard
        Number of the standard.
    rungs, peaks
        Their indices, of equal length.
    evidence
        How improbable the agreement is by chance, as a sum of logarithms.
    """

    standard: int
    rungs: tuple[int, ...]
    peaks: tuple[int, ...]
    evidence: float


@dataclass(frozen=True, slots=True, eq=False)
class _Triples:
    """Three neighbouring rungs each, of all standards one after the other."""

    standard: IntArray
    rung: IntArray  # (triples, 3)
    ratio: FloatArray  # ln of the second distance over the first
    tolerance: FloatArray
    weight: FloatArray
    first: BoolArray  # the first triple of a standard


@lru_cache(maxsize=16)
def _triples(standards: tuple[SizeStandard, ...]) -> _Triples:
    numbers, rungs, firsts = [], [], []
    for which, standard in enumerate(standards):
        count = max(len(standard.rungs) - 2, 0)
        rungs.append(np.arange(count, dtype=np.int64)[:, None] + np.arange(3))
        numbers.append(np.full(count, which, dtype=np.int64))
        firsts.append(np.arange(count) == 0)
    number, rung = np.concatenate(numbers), np.concatenate(rungs)
    sizes = np.array([standards[n].apparent[three] for n, three in zip(number.tolist(), rung)]).reshape(-1, 3)
    slack = np.array([standards[n].slack[three].max() for n, three in zip(number.tolist(), rung)])
    gap = np.diff(sizes, axis=1)
    tolerance = _RATIO + (_NUCLEOTIDES + 0.5 * slack) * (1.0 / gap[:, 0] + 1.0 / gap[:, 1])
    # two distances at random differ by a factor of up to e either way
    weight = np.log(np.maximum(1.0 / tolerance, 1.1))
    return _Triples(number, rung, np.log(gap[:, 1] / gap[:, 0]), tolerance, weight, np.concatenate(firsts))


def agreeing_runs(scan: IntArray, height: FloatArray, standards: tuple[SizeStandard, ...]) -> Iterator[Run]:
    """Give runs of at least five rungs whose spacing agrees with that of peaks, the best supported first.

    Neighbours are sought among the 8, 11, 15 ... highest peaks, so that low foreign peaks do not part them.

    Parameters
    ----------
    scan, height
        ``(peaks,)`` in order of their scans; a peak of height 0 is passed over.
    standards
        The standards to try.
    """
    triples = _triples(standards)
    order = np.argsort(-height, kind="stable")
    order = order[height[order] > 0.0]
    found: list[tuple[float, int, int, IntArray]] = []
    for level in _LEVELS:
        chosen = np.sort(order[:level])
        if len(chosen) >= 5:
            found += _runs_of(chosen, scan, triples)
        if level >= len(order):
            break
    for evidence, last, length, chosen in sorted(found, key=lambda one: -one[0]):
        rows = triples.rung[last - length + 1 : last + 1]
        rungs = (*rows[:, 0].tolist(), *rows[-1, 1:].tolist())
        yield Run(int(triples.standard[last]), rungs, tuple(chosen.tolist()), evidence)


def _runs_of(chosen: IntArray, scan: IntArray, triples: _Triples) -> list[tuple[float, int, int, IntArray]]:
    """Return evidence, last triple, number of triples and peaks of the longest runs at one level."""
    gap = np.log(np.diff(scan[chosen].astype(np.float64)))
    ratio = np.diff(gap)
    agrees = np.abs(ratio[:, None] - triples.ratio) <= triples.tolerance
    evidence = np.zeros(agrees.shape)
    length = np.zeros(agrees.shape, dtype=np.int64)
    weight = np.where(agrees, triples.weight, 0.0)
    evidence[0], length[0] = weight[0], agrees[0]
    joined = agrees[1:, 1:] & ~triples.first[1:]
    for j in range(1, len(ratio)):
        evidence[j] = weight[j]
        evidence[j, 1:] += evidence[j - 1, :-1] * joined[j - 1]
        length[j] = agrees[j]
        length[j, 1:] += length[j - 1, :-1] * joined[j - 1]
    ended = length >= 3
    ended[:-1, :-1] &= ~joined
    place = np.flatnonzero(ended)
    if len(place) > _LONGEST:
        place = place[np.argpartition(-evidence.ravel()[place], _LONGEST)[:_LONGEST]]
    runs = []
    for j, k in zip(*(part.tolist() for part in np.unravel_index(place, ended.shape))):
        count = int(length[j, k])
        runs.append((float(evidence[j, k]), k, count, chosen[j - count + 1 : j + 3]))
    return runs
