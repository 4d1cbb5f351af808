"""What a format is: a name, what its header looks like, and a reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mlpa_caller.datatypes import PeakTable, Signals
from mlpa_caller.formats.text import TextTable

__all__ = ["Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """One format of laboratory tables.

    Attributes
    ----------
    name
        Short name, as in `PeakTable.format`.
    description
        Which software writes it.
    looks_for
        The columns that tell it, for messages.
    verified
        Whether the reader was tried on files written by that software.
    fits
        Tells from the plain names of the header (see `peaks.plain_name`) whether a table has this format; no
        two formats may fit one header.
    read
        Reads the table: content by run (one run with an empty name where the format knows no runs).
    needed
        From the header, the number of fields that every row must have; all of them where it is None.
    """

    name: str
    description: str
    looks_for: str
    verified: bool
    fits: Callable[[frozenset[str]], bool]
    read: Callable[[TextTable], Mapping[str, PeakTable | Signals]]
    needed: Callable[[Sequence[str]], int] | None = None
