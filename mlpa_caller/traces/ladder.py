"""Which peak is which rung: every standard and every place in it is tried, and the answers are compared.

The spacing of neighbouring peaks is compared with that of neighbouring rungs, for all peaks and all rungs of all
standards (`patterns`). The best supported agreements are extended over the whole ladder, each further rung being
looked for where the last ones say it is (`tracks`); rungs may be missing and peaks foreign. The assignments are
scored: rungs found, rungs missing where they should be seen, foreign peaks as high as rungs, and how smoothly the
rungs migrate (`migration`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray
from mlpa_caller.traces.migration import Migration, migration
from mlpa_caller.traces.patterns import agreeing_runs
from mlpa_caller.traces.peaks import Peaks
from mlpa_caller.traces.regular import MIN_RUNGS, settled
from mlpa_caller.traces.standards import SizeStandard
from mlpa_caller.traces.tracks import Ladder, extended

__all__ = ["Assignment", "assign_ladder", "assignment_of"]

# How many places are tried: in each standard, and in the one that file or user names.
_TRIES, _TRIES_LIKELY = 3, 10
# Runs with less than this part of the best evidence are not tried.
_SUPPORT = 0.35
# How many readings are scored once a clear one is found (twice as many before), and how bad they may be beside the
# best; a reading may gain this many rungs when it is settled, and is no rival if it stays this far behind.
_SCORED, _WORTH, _CLEAR, _MAY_GROW, _FAR_BEHIND = 6, 0.4, 0.8, 2, 8.0
# The score in units of log likelihood: a rung found where it should be; what one far off costs at most; the scatter of
# rungs in nucleotides; a rung missing between others, above or below them; a foreign peak.
_GAIN, _WORST, _SCATTER = 3.0, 4.0, 0.7
_MISSING, _MISSING_ABOVE, _MISSING_BELOW, _FOREIGN = 4.0, 1.5, 0.5, 2.0
# What looks like a rung: at least this part of their median height, at most this much narrower or wider.
_FOREIGN_HEIGHT, _WIDEST = 0.4, 2.2
# Peaks narrower than this part of the median width of the high ones are spikes.
_SPIKE = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Rungs of one standard, each with its peak.

    Attributes
    ----------
    standard
        The size standard.
    rung
        ``(rungs,)`` indices into the standard's rungs, ascending; only rungs used for sizing.
    peak
        ``(rungs,)`` index of each rung's peak, ascending.
    scan, height
        ``(rungs,)`` apex and height of each rung's peak.
    lowest
        Height of the lowest rung from the first on, those not used for sizing included.
    migration
        How smoothly the rungs migrate.
    missing
        Sizing rungs between the first and the last that were not found.
    below, above
        Sizing rungs outside the first and the last that should have been seen during the run.
    foreign
        Peaks after the first rung that are as high and as wide as rungs but are none.
    before
        Such peaks before the first rung, where primers are seen.
    score
        Plausibility; the higher the better, at most 3 a rung.
    """

    standard: SizeStandard
    rung: IntArray
    peak: IntArray
    scan: IntArray
    height: FloatArray
    lowest: float
    migration: Migration
    missing: int
    below: int
    above: int
    foreign: int
    before: int
    score: float

    @property
    def sizes(self) -> FloatArray:
        """Lengths of the rungs in nucleotides."""
        return self.standard.rungs[self.rung]

    def __len__(self) -> int:
        return len(self.rung)


def assign_ladder(
    peaks: Peaks,
    scans: int,
    standards: Sequence[SizeStandard],
    *,
    likely: str = "",
    bleed: BoolArray | None = None,
) -> list[Assignment]:
    """Return the plausible assignments of peaks to rungs, the best first.

    Parameters
    ----------
    peaks
        Peaks of the ladder's dye.
    scans
        Length of the run.
    standards
        The size standards to try.
    likely
        Name of the one that is tried in more places than the others.
    bleed
        ``(peaks,)`` which peaks may be reflections of another dye, and so need no explanation.

    Returns
    -------
    list of Assignment
        Empty where fewer than five rungs agree with any standard.
    """
    explained = np.zeros(len(peaks), dtype=bool) if bleed is None else bleed
    dye = (peaks.data_point.tolist(), peaks.height.tolist(), peaks.width.tolist(), scans)
    ladders = [Ladder(*dye, one.apparent.tolist(), one.slack.tolist()) for one in standards]
    tries = [_TRIES_LIKELY if one.name == likely else _TRIES for one in standards]
    height = np.where(_clean(peaks) & ~explained, peaks.height, 0.0)
    chains = _chains(peaks.data_point, height, tuple(standards), ladders, tries)
    found: dict[tuple[object, ...], Assignment] = {}
    leader, scored, limit = 0.0, 0, 2 * _SCORED
    for worth, number, rough in chains:
        # a score is at most 3 a rung: what cannot come near the best is no rival
        if worth < _WORTH * chains[0][0] or _GAIN * (len(rough) + _MAY_GROW) < leader - _FAR_BEHIND:
            continue
        standard = standards[number]
        chain = settled(standard, rough, ladders[number], peaks)
        key = (number, tuple(chain.items()))
        if key not in found and int(standard.sizing[list(chain)].sum()) >= MIN_RUNGS:
            one = found[key] = assignment_of(standard, chain, peaks, scans, explained)
            leader = max(leader, one.score)
            if not one.missing and not one.above and one.score > _CLEAR * _GAIN * len(one):
                limit = _SCORED
        scored += 1
        if scored >= limit:
            break
    return sorted(found.values(), key=lambda one: -one.score)


def _chains(
    scan: IntArray,
    height: FloatArray,
    standards: tuple[SizeStandard, ...],
    ladders: Sequence[Ladder],
    tries: list[int],
) -> list[tuple[int, int, dict[int, int]]]:
    """Return worth, number of the standard and rung -> peak of every reading, the worthiest first.

    A reading is worth a point for each rung that is found, less two for each that is left out between them.
    """
    seen: list[set[tuple[int, int]]] = [set() for _ in standards]
    chains: list[tuple[int, int, dict[int, int]]] = []
    best = 0.0
    for run in agreeing_runs(scan, height, standards):
        best = max(best, run.evidence)
        if run.evidence < _SUPPORT * best:
            break
        number = run.standard
        pairs = set(zip(run.rungs, run.peaks))
        if not tries[number] or len(pairs & seen[number]) > 0.5 * len(pairs):
            continue
        tries[number] -= 1
        chain = extended(ladders[number], run.rungs, run.peaks)
        seen[number] |= pairs | set(chain.items())
        gaps = max(chain) - min(chain) + 1 - len(chain)
        chains.append((len(chain) - 2 * gaps, number, chain))
    return sorted(chains, key=lambda one: (-one[0], one[1]))


def _clean(peaks: Peaks) -> BoolArray:
    """Return which peaks are no spikes."""
    high = np.argsort(-peaks.height, kind="stable")[:30]
    return peaks.width > _SPIKE * np.median(peaks.width[high]) if len(high) else np.zeros(0, dtype=bool)


def assignment_of(
    standard: SizeStandard, chain: dict[int, int], peaks: Peaks, scans: int, explained: BoolArray
) -> Assignment:
    """Return the assignment of rungs to peaks with its score.

    Parameters
    ----------
    standard
        The size standard.
    chain
        Rung -> peak, ascending; at least five rungs used for sizing.
    peaks
        Peaks of the ladder's dye.
    scans
        Length of the run.
    explained
        ``(peaks,)`` which peaks are not counted as foreign.
    """
    every, taken = np.array(list(chain), dtype=np.int64), np.array(list(chain.values()), dtype=np.int64)
    sizing = standard.sizing[every]
    rung, peak = every[sizing], taken[sizing]
    scan, height = peaks.data_point[peak], peaks.height[peak]
    course = migration(standard.apparent[rung], scan.astype(np.float64))
    usable = np.flatnonzero(standard.sizing)
    missing = int(((usable > rung[0]) & (usable < rung[-1])).sum()) - (len(rung) - 2)
    relative = peaks.width / np.median(peaks.width[peak])
    alike = (relative > 1.0 / _WIDEST) & (relative < _WIDEST) & ~explained
    alike &= peaks.height > _FOREIGN_HEIGHT * np.median(height)
    alike[taken] = False
    foreign = int((alike & (peaks.data_point > scan[0])).sum())
    alike &= peaks.height < np.median(height) / _FOREIGN_HEIGHT
    before = int((alike & (peaks.data_point < scan[0])).sum())
    below, above = _unseen(standard, usable, rung, scan, scans)
    score = float((_GAIN - np.minimum(0.5 * (course.off / _SCATTER) ** 2, _WORST)).sum())
    score -= _MISSING * missing + _MISSING_ABOVE * above + _MISSING_BELOW * below + _FOREIGN * foreign
    lowest = float(peaks.height[taken[every >= rung[0]]].min())
    return Assignment(standard, rung, peak, scan, height, lowest, course, missing, below, above, foreign, before,
                      score)  # fmt: skip


def _unseen(
    standard: SizeStandard, usable: IntArray, rung: IntArray, scan: IntArray, scans: int
) -> tuple[int, int]:
    """Return how many rungs below the first and above the last the run was long enough to show."""
    size = standard.apparent
    reach = min(4, len(rung)) - 1
    early = (scan[reach] - scan[0]) / (size[rung[reach]] - size[rung[0]])
    late = (scan[-1] - scan[-1 - reach]) / (size[rung[-1]] - size[rung[-1 - reach]])
    lower, upper = size[usable[usable < rung[0]]], size[usable[usable > rung[-1]]]
    below = int((scan[0] - early * (size[rung[0]] - lower) > 0.0).sum())
    above = int((scan[-1] + 1.03 * late * (upper - size[rung[-1]]) < scans - 1).sum())
    return below, above
