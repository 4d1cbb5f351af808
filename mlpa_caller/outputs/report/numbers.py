"""Numbers as a report shows them: each keeps the value of ``result.json`` beside the digits that are shown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Number", "Part", "Phrase", "count", "exact", "number", "percent", "phrase_text", "probability"]

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a sentence.

    Attributes
    ----------
    value
        As in ``result.json``; this is what the ``value`` attribute in the report's HTML holds.
    text
        As shown: `value` rounded, in percent where a fraction of the cells is told.
    """

    value: float | int
    text: str

    @property
    def digits(self) -> str:
        """Return `value` with all its digits."""
        return exact(self.value)


Part = str | Number
Phrase = tuple[Part, ...]
"""A sentence: words and numbers in reading order."""


def exact(value: float | int | None, decimals: int = 0) -> str:
    """Return every digit of `value`, at least `decimals` places, never an exponent; empty for None.

    Examples
    --------
    >>> exact(0.74, 3), exact(1e-05), exact(3344), exact(None)
    ('0.740', '0.00001', '3344', '')
    """
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{decimals}f}"
    if float(text) != value:
        text = format(Decimal(repr(value)), "f")
    return "0" + text[2:] if text.startswith("-0") and float(text) == 0 else text


def number(value: float | int | None, decimals: int = 0) -> Part:
    """Return `value` with every digit (`exact`), or the word for an unknown number."""
    return UNKNOWN if value is None else Number(value, exact(value, decimals))


def count(value: int) -> str:
    """Return a number of things that the report itself has counted."""
    return str(value)


def probability(value: float | None) -> Part:
    """Return a probability with three decimals that never reads as certain."""
    if value is None:
        return UNKNOWN
    if value >= 0.9995:
        return Number(value, "> 0.999")
    return Number(value, f"{value:.3f}" if value >= 0.0005 else "< 0.001")


def percent(value: float | None) -> Part:
    """Return a fraction as whole percent, without the sign; a little more than nothing is never shown as 0."""
    if value is None:
        return UNKNOWN
    return Number(value, "< 1" if 0 < value < 0.005 else f"{100 * value:.0f}")


def phrase_text(phrase: Phrase) -> str:
    """Return a phrase as plain text."""
    return "".join(part if isinstance(part, str) else part.text for part in phrase)
