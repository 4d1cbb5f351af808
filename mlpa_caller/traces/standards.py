"""Size standards: mixtures of fragments of known length, read from the reference data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray
from mlpa_caller.errors import UsageError, shown
from mlpa_caller.refdata import reference_rows

__all__ = ["SizeStandard", "hinted_standard", "named_standard", "size_standards"]

_MIN_RUNGS = 5


@dataclass(frozen=True, slots=True, eq=False)
class SizeStandard:
    """One mixture.

    Attributes
    ----------
    name
        Name in the reference data, or the list of sizes where the user gave one.
    rungs
        Lengths in nucleotides, ascending.
    sizing
        True where a rung may be used for sizing; False where it is known to run now here, now there.
    low, high
        Range of places on a smooth migration curve at which a rung is seen, as lengths; its own length where
        nothing else is known.
    min_height
        Height that every rung between the first and the last must reach.
    """

    name: str
    rungs: FloatArray
    sizing: BoolArray
    low: FloatArray
    high: FloatArray
    min_height: float

    @property
    def apparent(self) -> FloatArray:
        """Where each rung is looked for: the middle of its range."""
        return 0.5 * (self.low + self.high)

    @property
    def slack(self) -> FloatArray:
        """How far from there it may run."""
        return 0.5 * (self.high - self.low)


@lru_cache(maxsize=1)
def size_standards() -> tuple[SizeStandard, ...]:
    """Return all size standards, the most common first."""
    known = {(row["standard"], float(row["rung"])): row for row in reference_rows("size_standards/rungs.csv")}
    found = []
    for row in reference_rows("size_standards/standards.csv"):
        sizes = [float(word) for word in row["rungs"].split()]
        notes = [known.get((row["standard"], size)) for size in sizes]
        spans = [(float(note["apparent_low"]), float(note["apparent_high"])) if note else (size, size)
                 for size, note in zip(sizes, notes)]  # fmt: skip
        sizing = [note is None or note["sizing"] == "yes" for note in notes]
        found.append(_standard(row["standard"], sizes, sizing, spans, float(row["min_height"])))
    return tuple(found)


def _standard(
    name: str, sizes: list[float], sizing: list[bool], spans: list[tuple[float, float]], min_height: float
) -> SizeStandard:
    low, high = (np.array(column, dtype=np.float64) for column in zip(*spans))
    return SizeStandard(name, np.array(sizes), np.array(sizing), low, high, min_height)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def hinted_standard(name: str, rungs: tuple[float, ...] = ()) -> str:
    """Return the standard that a file's own words point to, or an empty text.

    Parameters
    ----------
    name
        Name of the size standard in the file (``GS500LIZ(75-450)``, ``GSLIZ500-250POP6.szs`` ...).
    rungs
        Sizes that the instrument's software expected; they count more than the name.

    Returns
    -------
    str
        Name of one of `size_standards`.
    """
    if len(rungs) >= _MIN_RUNGS:
        for standard in size_standards():
            share = np.isin(standard.rungs, rungs).mean()
            if np.isin(rungs, standard.rungs).all() and share > 0.5:
                return standard.name
    plain = _plain(name)
    return next((standard for pattern, standard in _names() if plain and pattern.search(plain)), "")


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = reference_rows("size_standards/names.csv")
    return tuple((re.compile(row["pattern"]), row["standard"]) for row in rows)


def named_standard(name: str) -> SizeStandard:
    """Return the size standard a user asks for.

    Parameters
    ----------
    name
        A name of the reference data (`size_standards`, or one of the definitions such as ``ABI-LIZ500``,
        without regard to case and punctuation), or at least five ascending sizes with commas between them.

    Raises
    ------
    UsageError
        If there is no such standard, or the sizes are not ascending.
    """
    if "," in name:
        return _listed(name)
    wanted = _plain(name)
    known = {_plain(standard.name): standard for standard in size_standards()}
    if wanted in known:
        return known[wanted]
    for row in reference_rows("size_standards/definitions.csv"):
        if _plain(row["name"]) == wanted:
            return _part(known[_plain(row["standard"])], row["name"], row["rungs"])
    names = ", ".join(standard.name for standard in size_standards())
    raise UsageError(f"no size standard is called {shown(name)}",
                     remedy=f"give one of {names}, or the sizes themselves as 50,75,100,...")  # fmt: skip


def _part(standard: SizeStandard, name: str, words: str) -> SizeStandard:
    """Return the standard with only the rungs of a definition used for sizing."""
    listed = np.isin(standard.rungs, [float(word) for word in words.split()])
    return SizeStandard(name, standard.rungs, standard.sizing & listed, standard.low, standard.high,
                        standard.min_height)  # fmt: skip


def _listed(text: str) -> SizeStandard:
    problem = UsageError(f"the size standard {shown(text)} is no list of at least {_MIN_RUNGS} ascending sizes",
                         remedy="write the sizes as 50,75,100,...")  # fmt: skip
    try:
        sizes = [float(word) for word in text.split(",")]
    except ValueError:
        raise problem from None
    ordered = all(a < b for a, b in pairwise(sizes))
    if len(sizes) < _MIN_RUNGS or not ordered or not 0 < sizes[0] <= sizes[-1] < 5_000:
        raise problem
    limit = max(standard.min_height for standard in size_standards())
    return _standard(text, sizes, [True] * len(sizes), [(size, size) for size in sizes], limit)
