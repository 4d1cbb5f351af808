"""Words of the report that are data: what flags mean and what the quality figures are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlpa_caller.outputs.summary import safe
from mlpa_caller.refdata import reference_rows

__all__ = ["Figure", "Flag", "and_list", "figure", "figures", "flag", "plain_word", "shown_name"]

_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of a call or a probe, in two or three words and in a sentence."""

    name: str
    label: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the quality table.

    Attributes
    ----------
    name, short, label, unit, meaning
        Column of the quality table, and what a person reads: a column's head, a line, its unit, a sentence.
    decimals
        Decimal places shown at least.
    brief
        The figure stands in the short table of the run.
    limit
        Name of the parameter that holds its limit; empty where it has none.
    """

    name: str
    short: str
    label: str
    unit: str
    decimals: int
    brief: bool
    limit: str
    meaning: str


@lru_cache(maxsize=1)
def _flags() -> dict[tuple[str, str], Flag]:
    return {
        (row["flag"], row["status"]): Flag(row["flag"], row["label"], row["meaning"])
        for row in reference_rows("report/flags.csv")
    }


def flag(name: str, status: str) -> Flag:
    """Return what the flag `name` means on a call of this status (``probe`` for the flags of a probe)."""
    known = _flags()
    found = known.get((name, status)) or known.get((name, "*"))
    return found or Flag(name, plain_word(name), "")


@lru_cache(maxsize=1)
def figures() -> dict[str, Figure]:
    """Return the known quality figures by name, in the order of the quality table."""
    return {
        row["figure"]: Figure(
            row["figure"], row["short"], row["label"], row["unit"], int(row["decimals"]), row["brief"] == "yes",
            row["limit"], row["meaning"],
        )
        for row in reference_rows("report/figures.csv")
    }  # fmt: skip


def figure(name: str) -> Figure:
    """Return a quality figure; one that is not known is shown under its own name."""
    return figures().get(name) or Figure(name, plain_word(name), plain_word(name), "", 0, False, "", "")


def plain_word(name: str) -> str:
    """Return an identifier of this program as words: ``dominant_negative`` is "dominant negative"."""
    return name.replace("_", " ")


@lru_cache(maxsize=65536)
def shown_name(name: str, limit: int = _NAME_LENGTH) -> str:
    """Return an identifier for reading.

    Control characters, direction overrides and unusual blanks stand as escapes, and what is longer than
    `limit` is cut, so that no name can change how the rest of the page reads.
    """
    return safe(name, limit)


def and_list(items: Iterable[str]) -> str:
    """Return ``"a, b and c"``."""
    words: Sequence[str] = list(items)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
