"""Printed figures, what they become when recomputed, and the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from mlpa_caller.refdata import reference_rows

MATCH, ROUNDING, CONSISTENT, EXPLAINED, UNKNOWN, WRONG = (
    "match", "rounding", "consistent", "explained", "not recomputable", "UNEXPLAINED",
)  # fmt: skip
"""Verdicts. `ROUNDING`: within one unit of the last printed digit. `CONSISTENT`: some course of events that the print
does not rule out gives the figure. `EXPLAINED`: differs, and the inconsistency is known."""


@dataclass(frozen=True)
class Figure:
    """One printed figure."""

    publication: str
    location: str
    table: str
    what: str
    printed: str
    recomputed: str
    verdict: str
    explanation: str = ""


def inconsistencies() -> dict[str, dict[str, str]]:
    """Return the known inconsistencies by their identifier."""
    return {row["id"]: row for row in reference_rows("publications/inconsistencies.csv")}


def explain(name: str) -> str:
    """Return an inconsistency in one line."""
    row = inconsistencies()[name]
    return f"[{name}] {row['reading']} ({row['evidence']})"


def rounded(value: float, like: str) -> str:
    """Return a value with as many decimals as a printed number has, halves away from zero."""
    return str(Decimal(repr(float(value))).quantize(Decimal(like.lstrip("<>")), rounding=ROUND_HALF_UP))


def agrees(value: float, printed: str) -> str:
    """Return the verdict of one number against its print: match, rounding, or an empty text."""
    if printed.startswith("<"):
        return MATCH if value < float(printed[1:]) else ""
    if Decimal(rounded(value, printed)) == Decimal(printed):
        return MATCH
    unit = 10.0 ** Decimal(printed).as_tuple().exponent  # type: ignore[operator]
    return ROUNDING if abs(value - float(printed)) <= unit * (1 + 1e-9) else ""


def worst(verdicts: Iterable[str]) -> str:
    """Return the worst of several verdicts of `agrees`."""
    every = list(verdicts)
    return "" if "" in every else ROUNDING if ROUNDING in every else MATCH


def settle(verdict: str, inconsistency: str) -> tuple[str, str]:
    """Return verdict and explanation: a difference is explained by a known inconsistency, or not at all."""
    if verdict:
        return verdict, ""
    return (
        (EXPLAINED, explain(inconsistency))
        if inconsistency
        else (WRONG, "no known inconsistency explains it")
    )


def tally(figures: Iterable[Figure]) -> dict[tuple[str, str], Counter[str]]:
    """Return how often each verdict fell, by publication and table."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for figure in figures:
        counts.setdefault((figure.publication, figure.table), Counter())[figure.verdict] += 1
    return counts
