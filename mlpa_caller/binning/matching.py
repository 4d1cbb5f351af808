"""Decide which recurring peak of a run is which probe.

Sizes and design lengths stand in the same order, so that this is an alignment of two sorted lists: each
probe takes one peak or none, each peak one probe or none. Dynamic programming finds the alignment that
explains the high peaks with the smallest differences between size and design length [1]_.

References
----------
.. [1] Needleman SB, Wunsch CD. A general method applicable to the search for similarities in the amino acid
   sequence of two proteins. J Mol Biol 1970;48:443-453.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.binning.consensus import Features
from mlpa_caller.binning.settings import figure
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = ["Match", "match_features"]

REWARD = 6.0
"""Reward of a probe that finds a peak as high as a probe's, in units of log-likelihood."""
LEAST = 0.2
"""Reward of a probe that finds no more than a trace."""
UNCERTAIN = 1.0
"""A probe whose next best reading scores within this of the best is not told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """Probes and the features they were given.

    Attributes
    ----------
    feature
        ``(probes,)`` index of the feature, -1 where the probe has none.
    uncertain
        ``(probes,)`` another reading explains the run almost as well.
    run_shift
        Shift of the whole run, in nucleotides.
    score
        Log-likelihood, for the comparison of dyes and shifts.
    rival
        Score of the best alignment with another shift in which most probes take other peaks; -inf if none.
    """

    feature: IntArray
    uncertain: BoolArray
    run_shift: float
    score: float
    rival: float


def _rewards(features: Features, low_allowed: BoolArray, rare_allowed: BoolArray) -> FloatArray:
    """``(probes, features)``: how much it explains that the probe takes the feature, size aside.

    `low_allowed` marks fragments that are low when all is well (Q), `rare_allowed` those that most samples
    may lack (Y).
    """
    with np.errstate(divide="ignore"):
        ln = np.log(features.height)
    usual = REWARD + np.clip(1.2 * (ln + 0.5), -4.5, 0.0)
    low = 0.75 * REWARD + np.clip(0.4 * (ln + 2.5), -1.5, 0.75)
    reward = np.where(low_allowed[:, None], low, usual)
    reward = np.maximum(reward, LEAST) * np.sqrt(np.minimum(features.support, 1.0))
    enough = features.support >= figure("lowest_support")
    rare = 0.5 * REWARD
    reward = np.where(rare_allowed[:, None] & ~enough & (ln > np.log(0.1)), rare, reward)
    return np.where(enough | (rare_allowed[:, None] & (ln > np.log(0.1))), reward, -np.inf)


def _forward(score: FloatArray) -> FloatArray:
    """Best total over the first p probes and the first f features, ``(probes + 1, features + 1)``."""
    n, m = score.shape
    best = np.zeros((n + 1, m + 1))
    for p in range(n):
        best[p + 1] = best[p]
        np.maximum(best[p + 1, 1:], best[p, :-1] + score[p], out=best[p + 1, 1:])
        np.maximum.accumulate(best[p + 1], out=best[p + 1])
    return best


def _trace_back(score: FloatArray, best: FloatArray) -> IntArray:
    n, f = score.shape
    taken = np.full(n, -1, dtype=np.int64)
    for p in range(n, 0, -1):
        while f > 0 and best[p, f] == best[p, f - 1]:
            f -= 1
        if f > 0 and best[p, f] != best[p - 1, f]:
            taken[p - 1] = f - 1
            f -= 1
    return taken


def _uncertain(score: FloatArray, best: FloatArray, taken: IntArray) -> BoolArray:
    """Which probes could take another feature, or none, at almost the same total."""
    n, m = score.shape
    after = _forward(score[::-1, ::-1])[::-1, ::-1]  # best total of the probes from p and features from f
    with_feature = best[:-1, :-1] + score + after[1:, 1:]
    without = (best[:-1] + after[1:]).max(axis=1)
    rows = np.arange(n)
    rival = with_feature.copy()
    some = taken >= 0
    rival[rows[some], taken[some]] = -np.inf
    highest = rival.max(axis=1) if m else np.full(n, -np.inf)
    highest = np.where(some, np.maximum(highest, without), highest)
    return np.asarray(highest > best[n, m] - UNCERTAIN)


def match_features(
    length: FloatArray, features: Features, *, low_allowed: BoolArray, rare_allowed: BoolArray
) -> Match:
    """Give each probe its feature.

    Parameters
    ----------
    length
        ``(probes,)`` design lengths in nucleotides, rising.
    features
        The run's recurring peaks.
    low_allowed, rare_allowed
        ``(probes,)`` fragments that are low when all is well, and those that most samples may lack.

    Returns
    -------
    Match
        For the shift of the run, within `largest_run_shift`, that explains the peaks best.
    """
    reward = _rewards(features, low_allowed, rare_allowed)
    sd, widest = figure("offset_sd"), figure("largest_offset")
    difference = features.size[None, :] - length[:, None]
    reach, shift_sd = figure("largest_run_shift"), figure("run_shift_sd")

    def solve(shift: float) -> tuple[float, FloatArray, FloatArray]:
        offset = difference - shift
        score = np.where(np.abs(offset) <= widest, reward - 0.5 * (offset / sd) ** 2, -np.inf)
        best = _forward(score)
        return float(best[-1, -1]) - 0.5 * (shift / shift_sd) ** 2, score, best

    shifts = np.arange(-reach, reach + 0.01, 0.25)
    totals = np.array([solve(shift)[0] for shift in shifts])
    shift = float(shifts[np.argmax(totals)])
    for _ in range(4):  # the shift that its own alignment asks for
        _, score, best = solve(shift)
        taken = _trace_back(score, best)
        some = taken >= 0
        if not some.any():
            break
        wanted = float(np.clip(difference[some, taken[some]].mean(), -reach, reach))
        if solve(wanted)[0] <= solve(shift)[0] + 1e-9:
            break
        shift = wanted
    total, score, best = solve(shift)
    taken = _trace_back(score, best)
    rival = -np.inf
    for other, value in zip(shifts, totals):
        if abs(other - shift) > 1.0 and value > rival:
            _, other_score, other_best = solve(float(other))
            if np.mean(_trace_back(other_score, other_best) != taken) > 0.5:
                rival = float(value)
    return Match(taken, _uncertain(score, best, taken), shift, total, rival)
