"""Columns of numbers as text: decimal points, decimal commas and digit grouping told apart, never guessed.

Software in a European locale writes ``3,02``; other software groups thousands as ``1,234``. Taking one for
the other is wrong by a factor of a thousand, so a column that fits both is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray
from mlpa_caller.errors import FormatError, shown
from mlpa_caller.formats.text import is_absent

__all__ = ["NumberStyle", "parse_cell", "parse_numbers", "text_style"]

_POINT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(?:(?:\d+|\d{1,3}(?:\.\d{3})+),\d*|,\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_POINT_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)


GROUPED_COLUMNS = frozenset(("height", "area"))
"""Fields large enough to be written with digit grouping."""


class NumberStyle(Enum):
    """How the numbers of a file are written."""

    POINT = "decimal point"
    COMMA = "decimal comma"
    GROUPED = "commas between thousands"


@dataclass(slots=True)
class _Evidence:
    """The first cell (line, text) that shows each way of writing numbers."""

    comma: tuple[int, str] | None = None
    grouped: tuple[int, str] | None = None
    either: tuple[int, str] | None = None
    point: tuple[int, str] | None = None
    """A cell with a point and no comma."""
    decimal_point: bool = False
    """A point that parts no thousands was seen."""
    short: bool = False
    """A whole number below 1000 without a point was seen, and no larger one."""


def _evidence(cells: Sequence[str], lines: Sequence[int]) -> _Evidence:
    seen = _Evidence()
    blob = "\n".join(cells)
    if "," not in blob:
        if "." not in blob:
            return seen
        line, word = next((n, c.strip()) for n, c in zip(lines, cells) if "." in c)
        if _POINT.fullmatch(word) and not _POINT_GROUP.fullmatch(word):
            seen.point, seen.decimal_point = (line, word), True
            return seen
    long = False
    for line, cell in zip(lines, cells):
        word = cell.strip()
        if "," not in word:
            if "." not in word:
                long |= len(word) > 3
                seen.short |= word.isdecimal()
            elif _POINT.fullmatch(word):
                seen.point = seen.point or (line, word)
                seen.decimal_point |= not _POINT_GROUP.fullmatch(word)
        elif _EITHER.fullmatch(word):
            seen.either = seen.either or (line, word)
        elif _COMMA.fullmatch(word):
            seen.comma = seen.comma or (line, word)
        elif _GROUPED.fullmatch(word):
            seen.grouped = seen.grouped or (line, word)
    seen.short &= not long
    return seen


def text_style(columns: Mapping[str, Sequence[str]], lines: Sequence[int], source: str) -> NumberStyle:
    """Return how the numbers in `columns` are written, or refuse.

    ``3,02`` shows a decimal comma, ``1,234,567`` and ``1,234.5`` show grouping. ``1,234`` fits both: it is
    grouping where the file has decimal points, is read as its own column's other cells show, and is refused
    otherwise. So is ``12.345`` in a column of heights or areas whose other numbers are whole and below 1000.

    Parameters
    ----------
    columns
        Cells of the numeric columns by name.
    lines
        Line of each row, for messages.
    source
        The file, for messages.

    Raises
    ------
    FormatError
        When a column fits both readings, or the file mixes them.
    """
    seen = {name: _evidence(cells, lines) for name, cells in columns.items()}
    comma = next((e.comma for e in seen.values() if e.comma), None)
    grouped = next((e.grouped for e in seen.values() if e.grouped), None)
    points = any(e.decimal_point for e in seen.values())
    for name, evidence in seen.items():
        if evidence.either and not evidence.comma and not evidence.grouped:
            if not points or comma:
                raise _unclear(name, evidence.either, source)
            grouped = grouped or evidence.either
        if evidence.point and evidence.short and not evidence.decimal_point and name in GROUPED_COLUMNS:
            raise _unclear(name, evidence.point, source)
    other = grouped or next((e.point for e in seen.values() if e.point), None)
    if comma and other:
        first, second = sorted((comma, other))
        raise FormatError(
            f"mixes decimal commas with other numbers: {shown(first[1])} in line {first[0]} and "
            f"{shown(second[1])}",
            remedy="export the table with a decimal point and without digit grouping",
            file=source,
            line=second[0],
        )
    return NumberStyle.COMMA if comma else NumberStyle.GROUPED if grouped else NumberStyle.POINT


def _unclear(column: str, cell: tuple[int, str], source: str) -> FormatError:
    line, word = cell
    return FormatError(
        f"{shown(word)} in column {shown(column)} may be {word.replace(',', '.')} or "
        f"{re.sub('[.,]', '', word)}",
        remedy="export the table with a decimal point and without digit grouping",
        file=source,
        line=line,
    )


def parse_cell(cell: str, style: NumberStyle) -> float | None:
    """Return the number in `cell`; NaN or infinite where it says so, None where it is no number.

    A cell without a value (see `is_absent`) is no number.
    """
    word = cell.strip()
    if style is NumberStyle.COMMA and "," in word and _COMMA.fullmatch(word):
        word = word.replace(".", "").replace(",", ".")
    elif style is NumberStyle.GROUPED and "," in word and _GROUPED.fullmatch(word):
        word = word.replace(",", "")
    if _POINT.fullmatch(word) or _NOT_FINITE.fullmatch(word):
        return float(word)
    return None


def parse_numbers(
    cells: Sequence[str], lines: Sequence[int], column: str, style: NumberStyle, source: str
) -> tuple[FloatArray, BoolArray]:
    """Return the numbers of a column, and where it has no value (NaN there).

    Raises
    ------
    FormatError
        At the first cell that holds text where a number belongs.
    """
    joined = "".join(cells)
    if joined.isascii() and "_" not in joined:  # else float() would read more than plain numbers
        try:
            return np.array(list(map(float, cells))), np.zeros(len(cells), dtype=np.bool_)
        except ValueError:
            pass
    values = np.full(len(cells), np.nan)
    absent = np.zeros(len(cells), dtype=np.bool_)
    for i, cell in enumerate(cells):
        if not cell:
            absent[i] = True
            continue
        value = parse_cell(cell, style)
        if value is not None:
            values[i] = value
        elif is_absent(cell):
            absent[i] = True
        else:
            raise FormatError(
                f"column {shown(column)} holds {shown(cell)} where a number belongs",
                remedy="correct the cell or leave it empty",
                file=source,
                line=lines[i],
            )
    return values, absent
