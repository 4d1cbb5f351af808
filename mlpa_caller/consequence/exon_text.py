"""Exon ranges as text: ``4-7``, ``2``, ``2,4-5``; and older ways of counting the exons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from mlpa_caller.errors import UsageError, shown
from mlpa_caller.refdata import reference_rows

__all__ = ["exon_numbers", "exon_text", "parse_exons", "renumber", "runs", "schemes"]

_NUMBERED = re.compile(r"(?:exon|ex|e)?[ _.]?0*([1-9][0-9]*)", re.IGNORECASE | re.ASCII)


def parse_exons(text: str, labels: Sequence[str]) -> tuple[int, ...] | None:
    """Return the indices into `labels` that `text` names, ascending; None where it cannot be understood.

    Parameters
    ----------
    text
        A label, a range of two labels with a hyphen or dash, or several of these separated by commas.
        Labels may themselves hold hyphens (``11-1``), and each range runs as `labels` does.
    labels
        In order along the gene.
    """
    index = {label: i for i, label in enumerate(labels)}
    whole = _one(text.strip(), index)
    if whole is not None:
        return whole
    found: set[int] = set()
    for part in text.split(","):
        one = _one(part.strip(), index)
        if one is None:
            return None
        found.update(one)
    return tuple(sorted(found))


def _one(text: str, index: dict[str, int]) -> tuple[int, ...] | None:
    if text in index:
        return (index[text],)
    if _dashes(text) > 2 * max(map(_dashes, index), default=0) + 1:
        return None  # more than two labels hold
    ranges = {
        (index[left], index[right])
        for spot, sign in enumerate(text)
        if sign in "-–"
        for left, right in [(text[:spot].strip(), text[spot + 1 :].strip())]
        if left in index and right in index and index[left] <= index[right]
    }
    if len(ranges) != 1:
        return None
    first, last = ranges.pop()
    return tuple(range(first, last + 1))


def _dashes(text: str) -> int:
    return text.count("-") + text.count("–")


def exon_numbers(text: str, numbers: Sequence[int]) -> tuple[int, ...] | None:
    """Return the exon numbers that `text` names, ascending; None where it cannot be understood.

    Parameters
    ----------
    text
        As for `parse_exons`; a number may be written ``4``, ``04``, ``e4``, ``ex4`` or ``exon 4``.
    numbers
        The exons there are.
    """
    named = parse_exons(_plain(text), [str(number) for number in numbers])
    return None if named is None else tuple(numbers[i] for i in named)


def _plain(text: str) -> str:
    """Return `text` with each exon label as its bare number."""

    def bare(label: re.Match[str]) -> str:
        found = _NUMBERED.fullmatch(label[0].strip())
        return label[0] if found is None else found[1]

    return re.sub(r"[^-–,]+", bare, text)


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return first and last of each contiguous run of `numbers`, ascending."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def exon_text(numbers: Iterable[int]) -> str:
    """Return exon numbers as text, ``4-7`` or ``2,4-5``."""
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs(numbers))


@lru_cache(maxsize=8)
def schemes(folder: str) -> dict[str, dict[str, int]]:
    """Return the ways of counting a gene's exons: today's exon number by label, by scheme."""
    found: dict[str, dict[str, int]] = {}
    for row in reference_rows(f"{folder}/exon_schemes.csv"):
        found.setdefault(row["scheme"], {})[row["label"]] = int(row["exon"])
    return found


def renumber(text: str, scheme: str, folder: str) -> str | None:
    """Return `text`, written in the numbers of `scheme`, in today's; None where it is not understood.

    Raises
    ------
    UsageError
        If the scheme is not known.
    """
    known = schemes(folder)
    if scheme not in known:
        raise UsageError(f"unknown exon scheme {shown(scheme)}", remedy="use one of " + ", ".join(known))
    labels = known[scheme]
    indices = parse_exons(_plain(text), list(labels))
    return None if indices is None else exon_text(list(labels.values())[i] for i in indices)
