"""Believe an assignment of the ladder, or refuse it with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller.errors import shown
from mlpa_caller.traces.ladder import Assignment
from mlpa_caller.traces.peaks import Peaks
from mlpa_caller.traces.sizing import local_southern

__all__ = ["Judgement", "judge"]

NAMED_RUNGS = 6
"""So many rungs are asked for where file or user names the standard."""
UNNAMED_RUNGS = 8
UNNAMED_SHARE = 0.6
"""So many rungs, and this part of all, are asked for where neither file nor user names the standard."""
MARGIN = 5.0
"""By so much must the best assignment be more plausible than one that gives other sizes."""
_REMEDY = "name the size standard with --ladder and its dye with --ladder-dye, or inject again"
# Two readings that differ by more than this, in nucleotides, are different ones.
_OTHER_SIZES = 0.3
# Part of the best possible score that is asked for, and the largest median residual in nucleotides.
_PLAUSIBLE, _RESIDUAL_MEDIAN = 0.6, 0.8
# Rungs missing between others, missing above the last, and foreign peaks: so many are borne, or this part of the rungs
# that were found; more foreign peaks where no rung is missing. Up to `_FEW` rungs none may be missing.
_MISSING, _ABOVE, _FOREIGN = 2, 2, 2
_MISSING_SHARE, _ABOVE_SHARE, _FOREIGN_SHARE, _FOREIGN_SHARE_WHOLE = 0.15, 0.25, 0.15, 0.4
_FEW = 7
# The longest first rung, in nucleotides, where shorter ones should have been seen: standards of even spacing look alike
# a hundred nucleotides on.
_FIRST = 110.0
# Peaks like rungs before the first one; with more, rungs missing at the end are not borne.
_BEFORE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Verdict on the ladder of one trace.

    Attributes
    ----------
    best
        The most plausible assignment, None where none is beyond doubt.
    refused
        Why it is not believed; empty where it is.
    warnings
        What the user should look at although it is believed.
    notes
        What the user may want to know.
    """

    best: Assignment | None
    refused: str
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge(
    found: Sequence[Assignment],
    peaks: Peaks,
    dye: str,
    *,
    asked: str,
    hint: str,
    said: str,
    min_height: float | None,
) -> Judgement:
    """Return whether the best assignment is believed.

    Parameters
    ----------
    found
        Assignments of all standards, the best first.
    peaks
        Peaks of the ladder's dye.
    dye
        Its name.
    asked
        The standard the user named, empty where none.
    hint
        The standard the file points to, empty where none.
    said
        The file's own words for it.
    min_height
        Height that every rung must reach; None for the standard's own.
    """
    mine = [one for one in found if not asked or one.standard.name == asked]
    if not mine:
        return Judgement(None, _none_found(peaks, dye, asked))
    best = _preferred(mine, asked or hint)
    rival = next((one for one in found if one is not best and _sizes_differ(best, one)), None)
    doubt = _too_few(best, asked or hint) or _implausible(best, asked or hint) or _ambiguous(best, rival)
    if doubt:
        return Judgement(None, f"{doubt}; {_REMEDY}")
    low = _too_low(best, min_height)
    return Judgement(best, low) if low else Judgement(best, "", *_remarks(best, hint, said))


def _none_found(peaks: Peaks, dye: str, asked: str) -> str:
    what = f"the rungs of {asked}" if asked else "the rungs of no known size standard"
    verb = "are not found" if asked else "are found"
    if not len(peaks):
        return f"no size standard: dye {dye} has no peaks; {_REMEDY}"
    highest = float(peaks.height.max())
    return (f"no size standard: {what} {verb} among the {len(peaks)} peaks of dye {dye} "
            f"(highest {highest:.0f} counts)")  # fmt: skip


def _preferred(mine: Sequence[Assignment], wanted: str) -> Assignment:
    """Return the best; of those that give the same sizes, the one the file or the user names."""
    best = mine[0]
    for one in mine[1:]:
        if one.standard.name == wanted and one.score > 0.8 * best.score and not _sizes_differ(best, one):
            return one
    return best


def _sizes_differ(one: Assignment, other: Assignment) -> bool:
    """Return whether two assignments give different sizes where both give any, or one gives far fewer."""
    first, last = max(one.scan[0], other.scan[0]), min(one.scan[-1], other.scan[-1])
    if last <= first:
        return True
    places = np.linspace(first, last, 25)
    a = local_southern(places, one.scan.astype(np.float64), one.sizes)
    b = local_southern(places, other.scan.astype(np.float64), other.sizes)
    return bool(np.max(np.abs(a - b)) > _OTHER_SIZES)


def _too_low(best: Assignment, min_height: float | None) -> str:
    limit = best.standard.min_height if min_height is None else min_height
    if best.lowest >= limit:
        return ""
    return (f"ladder too low: the lowest rung of {best.standard.name} has {best.lowest:.0f} counts where {limit:.0f} "
            f"are asked for (median {np.median(best.height):.0f}); inject again with more size standard, or lower "
            "--min-ladder-height")  # fmt: skip


def _too_few(best: Assignment, named: str) -> str:
    every = int(best.standard.sizing.sum())
    asked = (
        NAMED_RUNGS
        if named == best.standard.name
        else max(UNNAMED_RUNGS, int(np.ceil(UNNAMED_SHARE * every)))
    )
    if len(best) >= asked:
        return ""
    return f"only {len(best)} rungs of {best.standard.name} are found where {asked} are asked for"


def _implausible(best: Assignment, named: str) -> str:
    name, count = best.standard.name, len(best)
    sure = named == name
    if best.missing > (max(_MISSING, _MISSING_SHARE * count) if count > _FEW else 0):
        return f"{best.missing} rungs of {name} are missing between {best.sizes[0]:.0f} and {best.sizes[-1]:.0f} nt"
    if best.below and best.sizes[0] > _FIRST:
        return (
            f"no rung of {name} is found below {best.sizes[0]:.0f} nt, where the run should show {best.below}"
        )
    if best.above > (max(_ABOVE, _ABOVE_SHARE * count) if sure and best.before <= _BEFORE else _ABOVE):
        return f"no rung of {name} is found above {best.sizes[-1]:.0f} nt, where the run should show {best.above}"
    whole = best.missing == 0 and best.above == 0 and best.below <= 1 and count > _FEW
    if best.foreign > max(_FOREIGN, (_FOREIGN_SHARE_WHOLE if whole else _FOREIGN_SHARE) * count):
        return f"{best.foreign} peaks as high as rungs of {name} are none of them"
    residual = float(np.median(np.abs(best.migration.left_out[1:-1])))
    if residual > _RESIDUAL_MEDIAN or best.score < _PLAUSIBLE * 3.0 * count:
        return f"the peaks do not follow {name}: its rungs lie {residual:.1f} nt off in the median"
    return ""


def _ambiguous(best: Assignment, rival: Assignment | None) -> str:
    if rival is None or rival.score < best.score - MARGIN:
        return ""
    return (f"two readings fit alike: {best.standard.name} from {best.sizes[0]:.0f} to {best.sizes[-1]:.0f} nt and "
            f"{rival.standard.name} from {rival.sizes[0]:.0f} to {rival.sizes[-1]:.0f} nt")  # fmt: skip


def _remarks(best: Assignment, hint: str, said: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    name = best.standard.name
    warnings, notes = [], []
    if not said:
        notes.append(f"the file names no size standard: {name} was found")
    elif not hint:
        notes.append(
            f"the file names {shown(said)}, which is not known here, as size standard: {name} was found"
        )
    elif hint != name:
        warnings.append(f"the file names {shown(said)} as size standard, but the ladder is {name}")
    if best.missing:
        warnings.append(f"{best.missing} rung{'s' * (best.missing > 1)} of {name} missing")
    if best.above:
        warnings.append(f"no rungs of {name} above {best.sizes[-1]:.0f} nt")
    return tuple(warnings), tuple(notes)
