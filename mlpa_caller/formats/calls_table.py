"""``calls.tsv`` read back: the table of calls, checked column by column, with line-numbered errors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import FloatArray, Table, text_array
from mlpa_caller.errors import FormatError, shown
from mlpa_caller.formats.text import TextTable, parse_number, read_table

__all__ = ["NUMBERS", "REQUIRED", "STATUSES", "read_calls"]

REQUIRED = ("sample", "gene", "status", "exons")
STATUSES = ("normal", "loss", "gain", "not_evaluable")
NUMBERS = {
    "copies_lost": (-99.0, 2.0),
    "probability": (0.0, 1.0),
    "ratio": (0.0, np.inf),
    "clone_fraction": (0.0, 1.0),
    "clone_fraction_low": (0.0, 1.0),
    "clone_fraction_high": (0.0, 1.0),
    "n_probes": (0.0, np.inf),
    "limit_of_detection": (0.0, np.inf),
}
"""Columns of numbers, with their smallest and largest value."""
_MOST_DECIMALS, _DIGITS = 300, 7
"""Decimal places that a number is written with, and digits of an exponent that say anything more, at most."""
_WHOLE = ("copies_lost", "n_probes")


def read_calls(path: str | os.PathLike[str], *, as_text: bool = False) -> Table:
    """Return the table of calls in a file (``-`` is standard input).

    Parameters
    ----------
    path
        ``calls.tsv`` or a table with its columns; ``sample, gene, status, exons`` are needed, further
        columns are kept as text.
    as_text
        Give every column as text, as written; the numbers are checked all the same.

    Returns
    -------
    Table
        Number columns as float64, NaN where empty, with the decimals of the file; the others as text.
        Identifiers are kept as written.

    Raises
    ------
    FormatError
        Naming file, line and remedy: a needed column is absent, a status is unknown, a cell is no number or
        out of range, a loss or gain contradicts its copies, a row stands twice.
    """
    table, _ = read_table(path)
    index = {name: i for i, name in enumerate(table.header)}
    absent = [name for name in REQUIRED if name not in index]
    if absent:
        raise FormatError(
            f"has no column {', '.join(absent)} (its columns: {shown(', '.join(table.header), 120)})",
            remedy="give a calls.tsv as mlpa-caller call writes it",
            file=table.source,
            line=table.header_line,
        )
    texts = {name: table.column(i) for name, i in index.items()}
    _check_rows(table, texts)
    numbers = {name: _numbers(table, name, texts[name]) for name in NUMBERS if name in texts}
    _check_copies(table, texts, numbers)
    _check_interval(table, numbers)
    columns: dict[str, NDArray[Any]] = {name: text_array(cells) for name, cells in texts.items()}
    if as_text:
        return Table(columns)
    columns.update(numbers)
    return Table(columns, {name: _decimals(texts[name]) for name in numbers})


def _check_rows(table: TextTable, texts: dict[str, list[str]]) -> None:
    """Refuse rows without a name or with an unknown status, events without exons, and rows given twice."""
    first: dict[tuple[str, ...], int] = {}
    order = (*REQUIRED, *(name for name in texts if name not in REQUIRED))
    for row, line in zip(zip(*(texts[name] for name in order)), table.lines):
        sample, gene, status, exons = row[:4]
        if not sample.strip() or not gene.strip():
            what = "gene" if sample.strip() else "sample"
            raise FormatError(f"the row has no {what}", remedy="give sample and gene", file=table.source,
                              line=line)  # fmt: skip
        if status not in STATUSES:
            raise FormatError(f"unknown status {shown(status)}", remedy="use one of " + ", ".join(STATUSES),
                              file=table.source, line=line)  # fmt: skip
        if status in ("loss", "gain") and not exons.strip():
            raise FormatError(f"a {status} without exons", remedy="name the altered exons, for instance 4-7",
                              file=table.source, line=line)  # fmt: skip
        before = first.setdefault(row, line)
        if before != line:
            raise FormatError(
                f"the call of sample {shown(sample)} and gene {shown(gene)} stands also in line {before}",
                remedy="give every call once",
                file=table.source,
                line=line,
            )


def _numbers(table: TextTable, name: str, cells: Sequence[str]) -> FloatArray:
    low, high = NUMBERS[name]
    known: dict[str, float] = {"": np.nan}
    for cell, line in zip(cells, table.lines):
        if cell in known:
            continue
        if not cell.strip():
            known[cell] = np.nan
            continue
        value = parse_number(cell)
        if value is None or (name in _WHOLE and not value.is_integer()):
            kind = "whole number" if name in _WHOLE else "number"
            raise FormatError(f"{name} is {shown(cell)}, not a {kind}",
                              remedy="write numbers with a decimal point, or leave the cell empty",
                              file=table.source, line=line)  # fmt: skip
        if not low <= value <= high:
            bound = f"below {low:g}" if value < low else f"above {high:g}"
            raise FormatError(f"{name} is {cell}, {bound}", remedy="check the column and its unit",
                              file=table.source, line=line)  # fmt: skip
        known[cell] = value
    return np.array([known[cell] for cell in cells], dtype=np.float64)


def _check_copies(
    table: TextTable, texts: dict[str, list[str]], numbers: dict[str, FloatArray]
) -> None:  # fmt: skip
    """Refuse a loss that gains, a gain that loses, and copies lost by a gene without an event."""
    if "copies_lost" not in numbers:
        return
    copies = numbers["copies_lost"]
    status = text_array(texts["status"])
    wrong = np.zeros(len(copies), dtype=np.bool_)
    wrong |= (status == "loss") & (copies <= 0)
    wrong |= (status == "gain") & (copies >= 0)
    wrong |= ((status == "normal") | (status == "not_evaluable")) & (np.abs(copies) > 0)
    for i in np.flatnonzero(wrong)[:1].tolist():
        raise FormatError(
            f"status {status[i]} with copies_lost {texts['copies_lost'][i]}",
            remedy="a loss has 1 or 2, a gain a negative number, any other row none",
            file=table.source,
            line=table.lines[i],
        )


def _check_interval(table: TextTable, numbers: dict[str, FloatArray]) -> None:
    if "clone_fraction_low" in numbers and "clone_fraction_high" in numbers:
        with np.errstate(invalid="ignore"):
            wrong = numbers["clone_fraction_low"] > numbers["clone_fraction_high"]
        for i in np.flatnonzero(wrong)[:1].tolist():
            raise FormatError("clone_fraction_low lies above clone_fraction_high", file=table.source,
                              line=table.lines[i], remedy="check the columns")  # fmt: skip


def _decimals(cells: Sequence[str]) -> int:
    """Return the most decimal places any cell is written with, as far as a number has any."""
    most = 0
    for cell in set(cells):
        number = cell.strip().lower()
        mantissa, _, exponent = number.partition("e")
        power = 0
        if exponent:
            digits = exponent.lstrip("+-0")[:_DIGITS] or "0"
            power = -int(digits) if exponent.startswith("-") else int(digits)
        most = max(most, len(mantissa.partition(".")[2]) - power)
    return min(most, _MOST_DECIMALS)
