"""From the columns of an export to a `PeakTable`: what the peak formats have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from mlpa_caller.datatypes import FloatArray, PeakTable, text_array
from mlpa_caller.errors import FormatError, shown
from mlpa_caller.formats.numbers import parse_numbers, text_style
from mlpa_caller.formats.text import TextTable, has_control

__all__ = [
    "PeakColumns",
    "build_peaks",
    "columns_needed",
    "find_column",
    "plain_name",
    "plain_names",
    "read_peaks",
    "split_dye_peak",
]

NUMBERS = ("size", "height", "area", "data_point")


def plain_name(name: str) -> str:
    """Return a column name in lower case with one blank for whatever is no letter or digit.

    ``Dye/Sample Peak``, ``Dye.Sample.Peak`` (as R writes it) and ``Dye , Sample Peak`` become the same.
    """
    return " ".join(re.split(r"[^0-9a-z]+", name.lower())).strip()


def plain_names(header: Sequence[str]) -> frozenset[str]:
    """Return the plain names of a header."""
    return frozenset(plain_name(name) for name in header)


@dataclass(frozen=True, slots=True)
class PeakColumns:
    """Where an export keeps what: for each field the plain names it may have, the preferred one first."""

    sample: tuple[str, ...] = ()
    file: tuple[str, ...] = ()
    dye: tuple[str, ...] = ()
    dye_peak: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    height: tuple[str, ...] = ()
    area: tuple[str, ...] = ()
    data_point: tuple[str, ...] = ()


def columns_needed(columns: PeakColumns) -> Callable[[Sequence[str]], int]:
    """Return a function that gives, from a header, how many fields hold all that is read of a row."""
    wanted = {name for names in astuple(columns) for name in names}

    def needed(header: Sequence[str]) -> int:
        return 1 + max((i for i, name in enumerate(header) if plain_name(name) in wanted), default=-1)

    return needed


def find_column(table: TextTable, names: Sequence[str]) -> int | None:
    """Return the index of the first of `names` that the table has, or None.

    Raises
    ------
    FormatError
        When two columns of the table have that plain name.
    """
    plain = [plain_name(name) for name in table.header]
    for name in names:
        if name in plain:
            if plain.count(name) > 1:
                both = [header for header, own in zip(table.header, plain) if own == name]
                raise FormatError(
                    f"columns {' and '.join(shown(header) for header in both)} mean the same",
                    remedy="leave only one of them",
                    file=table.source,
                    line=table.header_line,
                )
            return plain.index(name)
    return None


def read_peaks(table: TextTable, columns: PeakColumns, format_name: str) -> PeakTable:
    """Return the peaks of a table that has one row a peak.

    Raises
    ------
    FormatError
        When a row names no sample and no file, or holds text where a number belongs.
    """
    n = len(table.rows)

    def texts(names: Sequence[str]) -> list[str]:
        index = find_column(table, names)
        return [""] * n if index is None else table.column(index)

    sample, file = texts(columns.sample), texts(columns.file)
    dye = [cell.strip() for cell in texts(columns.dye)]
    ladder_dye = ""
    if columns.dye_peak and find_column(table, columns.dye_peak) is not None:
        dye_peak = texts(columns.dye_peak)
        dye, ladder_dye = split_dye_peak(dye_peak)
        _refuse_repeats(table, sample, file, dye_peak)
    numbers = {}
    for field in NUMBERS:
        index = find_column(table, getattr(columns, field))
        if index is not None:
            numbers[field] = (table.header[index], table.column(index))
    return build_peaks(
        table.source,
        sample,
        file,
        dye,
        dict(numbers),
        table.lines,
        ladder_dye=ladder_dye,
        format_name=format_name,
    )


def _refuse_repeats(table: TextTable, sample: list[str], file: list[str], dye_peak: list[str]) -> None:
    """Refuse a peak number that stands twice: two injections under one name would be read as one."""
    first: dict[tuple[str, str, str], int] = {}
    for line, name, trace, cell in zip(table.lines, sample, file, dye_peak):
        if "," not in cell:
            continue
        before = first.setdefault((name, trace, cell), line)
        if before != line:
            raise FormatError(
                f"peak {shown(cell)} of {shown(name or trace)} stands also in line {before}, so two injections "
                "have one name",
                remedy="export the sample file name too, or leave one of them",
                file=table.source,
                line=line,
            )


def build_peaks(
    source: str,
    sample: list[str],
    file: list[str],
    dye: list[str],
    numbers: Mapping[str, tuple[str, list[str]]],
    lines: list[int],
    *,
    ladder_dye: str,
    format_name: str,
) -> PeakTable:
    """Return the peak table of columns of text; `numbers` holds header name and cells by field."""
    for line, name, trace in zip(lines, sample, file):
        if not name.strip() and not trace.strip():
            raise FormatError(
                "the row names no sample and no file",
                remedy="export the sample or file name too",
                file=source,
                line=line,
            )
        if has_control(name) or has_control(trace):
            raise FormatError(
                f"sample {shown(name or trace)} holds a control character",
                remedy="rename it",
                file=source,
                line=line,
            )
    style = text_style({field: cells for field, (_, cells) in numbers.items()}, lines, source)
    values: dict[str, FloatArray] = {}
    for field in NUMBERS:
        if field not in numbers:
            values[field] = np.full(len(lines), np.nan)
            continue
        header, cells = numbers[field]
        parsed, _ = parse_numbers(cells, lines, header, style, source)
        values[field] = np.where(np.isfinite(parsed), parsed, np.nan)
    return PeakTable(
        source=source,
        sample=text_array(sample),
        file=text_array(file),
        dye=text_array(dye),
        size=values["size"],
        height=values["height"],
        area=values["area"],
        data_point=values["data_point"],
        line=np.array(lines, dtype=np.int64),
        size_error=np.full(len(lines), np.nan),
        flags=text_array([""] * len(lines)),
        ladder_dye=ladder_dye,
        format=format_name,
    )


def split_dye_peak(cells: Sequence[str]) -> tuple[list[str], str]:
    """Return the dye of each ``B,23`` cell, and the dye of the size standard.

    GeneMapper marks peaks of the size standard with a star (``R,12*``); the dye is returned where all starred
    peaks have the same one, else an empty text.
    """
    dyes, starred = [], set()
    for cell in cells:
        before, comma, after = cell.rpartition(",")  # an expression would backtrack for ever on many blanks
        number = after.strip()
        if not (comma and number.removesuffix("*").rstrip().isdecimal()):
            before, number = cell, ""
        dye = before.strip()
        dyes.append(dye)
        if number.endswith("*"):
            starred.add(dye)
    return dyes, starred.pop() if len(starred) == 1 else ""
