"""The clinical file: read, and checked for slips of unit before anything is classified.

An empty field is unknown and stays unknown. A number may also be written as a limit (``<0.0001``, ``>=300``):
then every value within it is possible.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, TextArray, text_array
from mlpa_caller.errors import SampleSheetError, shown
from mlpa_caller.formats.text import has_control, is_absent, parse_number, read_table
from mlpa_caller.refdata import reference_path
from mlpa_caller.risk.rules import load_data

__all__ = [
    "ClinicalTable",
    "Numbers",
    "clinical_columns",
    "clinical_from_columns",
    "read_clinical",
]

_LIMIT = re.compile(r"(<=|>=|<|>|≤|≥)\s*(.+)")


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """One clinical number for each patient, as an interval; NaN where unknown.

    Attributes
    ----------
    low, high
        ``(patients,)`` bounds; equal where the number itself is given.
    low_open, high_open
        ``(patients,)`` whether the bound itself is excluded.
    text
        ``(patients,)`` as written; empty where unknown.
    """

    low: FloatArray
    high: FloatArray
    low_open: BoolArray
    high_open: BoolArray
    text: TextArray


@dataclass(frozen=True, slots=True, eq=False)
class ClinicalTable:
    """Clinical inputs, one row a patient; columns that are absent are unknown for everybody.

    Attributes
    ----------
    source
        The file, as the user named it; empty when built in memory.
    samples
        Identifiers, unchanged.
    numbers, words
        Columns by name; a word is empty where unknown, a list is joined by ``;``.
    sha256
        Of the file's bytes; empty when built in memory.
    """

    source: str
    samples: tuple[str, ...]
    numbers: Mapping[str, Numbers]
    words: Mapping[str, TextArray]
    sha256: str = ""

    def __len__(self) -> int:
        return len(self.samples)


@lru_cache(maxsize=1)
def clinical_columns() -> Mapping[str, Mapping[str, Any]]:
    """Return what is known of each clinical column, by name, in order."""
    data = load_data(reference_path("risk/clinical_columns.toml"))
    return {column["name"]: column for column in data["columns"]}


def read_clinical(path: str | os.PathLike[str]) -> ClinicalTable:
    """Read a clinical file (CSV or TSV) with the column ``sample`` and any clinical columns.

    Columns of other names are left alone.

    Raises
    ------
    SampleSheetError
        With its line, when the file is no table, a sample stands twice, a value cannot be read, lies outside
        what its unit allows, or contradicts another of the same patient.
    """
    table, digest = read_table(path, SampleSheetError)
    columns = {name: table.column(i) for i, name in enumerate(table.header)}
    samples = columns.pop("sample", None)
    if samples is None:
        raise SampleSheetError("there is no column sample", remedy="name the identifiers' column sample",
                               file=table.source, line=table.header_line)  # fmt: skip
    return clinical_from_columns(
        samples, columns, source=table.source, lines=table.lines, header_line=table.header_line, sha256=digest
    )


def clinical_from_columns(
    samples: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    *,
    source: str = "",
    lines: Sequence[int] | None = None,
    header_line: int | None = None,
    sha256: str = "",
) -> ClinicalTable:
    """Check clinical columns and return them as a table.

    Parameters
    ----------
    samples
        Identifiers.
    columns
        Text by column name, one entry a patient; empty is unknown. Columns of other names are left alone.
    source, lines, header_line, sha256
        Where the values were read from, for the messages.

    Raises
    ------
    SampleSheetError
        As `read_clinical`.
    """
    place = _Place(source or None, lines, header_line)
    _check_samples(samples, place)
    known = clinical_columns()
    columns = _by_known_name(columns, place)
    for name, column in known.items():
        wrong = [
            head for head in columns if head.strip().lower() in column["misnamed"] and name not in columns
        ]
        if wrong:
            unit = f", in {column['unit']}" if "unit" in column else ""
            raise SampleSheetError(f"the column {shown(wrong[0])} is not read",
                                   remedy=f"give {name}{unit}, or remove the column",
                                   file=place.file, line=header_line)  # fmt: skip
    numbers, words = {}, {}
    for name, column in known.items():
        if name not in columns:
            continue
        if column["kind"] == "number":
            numbers[name] = _read_numbers(columns[name], column, place)
        else:
            words[name] = _read_words(columns[name], column, place)
    _check_orders(numbers, place)
    return ClinicalTable(source, tuple(samples), numbers, words, sha256)


@dataclass(frozen=True, slots=True)
class _Place:
    file: str | None
    lines: Sequence[int] | None
    header_line: int | None

    def error(self, row: int, problem: str, remedy: str) -> SampleSheetError:
        line = None if self.lines is None else self.lines[row]
        return SampleSheetError(problem, remedy=remedy, file=self.file, line=line)


def _by_known_name(columns: Mapping[str, Sequence[str]], place: _Place) -> dict[str, Sequence[str]]:
    """Return the columns with ``Lineage`` named ``lineage``: letter case must not lose a value in silence."""
    named: dict[str, Sequence[str]] = {}
    for head, cells in columns.items():
        bare = head.strip().lower()
        name = bare if bare in clinical_columns() else head
        if name in named:
            raise SampleSheetError(f"the column {name} stands twice in the header", file=place.file,
                                   line=place.header_line, remedy="keep one of them")  # fmt: skip
        named[name] = cells
    return named


def _check_samples(samples: Sequence[str], place: _Place) -> None:
    first: dict[str, int] = {}
    for row, sample in enumerate(samples):
        if not sample.strip() or has_control(sample):
            raise place.error(row, f"the sample name {shown(sample)} is empty or holds a control character",
                              "name the sample as in the calls")  # fmt: skip
        if sample in first:
            where = f"line {place.lines[first[sample]]}" if place.lines is not None else "an earlier row"
            raise place.error(row, f"sample {shown(sample)} stands here and in {where}",
                              "keep one row a patient")  # fmt: skip
        first[sample] = row


def _read_numbers(cells: Sequence[str], column: Mapping[str, Any], place: _Place) -> Numbers:
    unknown = (np.nan, np.nan, False, False, "")
    known: dict[str, tuple[float, float, bool, bool, str]] = {}
    for row, cell in enumerate(cells):
        if cell not in known:
            known[cell] = unknown if is_absent(cell) else _read_number(cell.strip(), row, column, place)
    rows = [known[cell] for cell in cells]
    low, high, low_open, high_open, text = zip(*rows) if rows else ((), (), (), (), ())
    return Numbers(
        np.array(low, np.float64),
        np.array(high, np.float64),
        np.array(low_open, np.bool_),
        np.array(high_open, np.bool_),
        text_array(text),
    )


def _read_number(
    cell: str, row: int, column: Mapping[str, Any], place: _Place
) -> tuple[float, float, bool, bool, str]:
    limit = _LIMIT.fullmatch(cell)
    sign, word = limit.groups() if limit else ("", cell)
    value = parse_number(word)
    name, unit = column["name"], column["unit"]
    if value is None:
        raise place.error(row, f"{name} is {shown(cell)}, which is no number in {unit}",
                          "write a number with a decimal point and no sign for per cent or thousands, or "
                          "leave the field empty where it is unknown")  # fmt: skip
    if value < column["minimum"]:
        raise place.error(row, f"{name} is {word}, below {column['minimum']} ({unit})",
                          column.get("too_small", "correct the value or leave the field empty"))  # fmt: skip
    if value > column["maximum"]:
        raise place.error(row, f"{name} is {word}, above {column['maximum']} ({unit})",
                          column["too_large"])  # fmt: skip
    if sign in ("<", "<=", "≤"):
        return -np.inf, value, False, sign == "<", cell
    if sign:
        return value, np.inf, sign == ">", False, cell
    return value, value, False, False, cell


def _read_words(cells: Sequence[str], column: Mapping[str, Any], place: _Place) -> TextArray:
    spelled = {word.lower(): word for word in column["values"]}
    known: dict[str, str] = {}
    for row, cell in enumerate(cells):
        if cell in known:
            continue
        words = re.split(r"[;,|\s]+", cell.strip()) if column["kind"] == "list" else [cell.strip()]
        found = [] if is_absent(cell) else [spelled.get(word.lower(), "") for word in words]
        if "" in found:
            raise place.error(row, f"{column['name']} is {shown(cell)}",
                              f"write {', '.join(column['values'])}, or leave the field empty where it is "
                              "unknown")  # fmt: skip
        known[cell] = ";".join(found)
    return text_array(known[cell] for cell in cells)


def _check_orders(numbers: Mapping[str, Numbers], place: _Place) -> None:
    for order in load_data(reference_path("risk/clinical_columns.toml"))["orders"]:
        if order["shorter"] not in numbers or order["longer"] not in numbers:
            continue
        shorter, longer = numbers[order["shorter"]], numbers[order["longer"]]
        for row in np.flatnonzero(shorter.low > longer.high).tolist():
            raise place.error(
                row,
                f"{order['shorter']} ({shorter.text[row]}) is more than {order['longer']} "
                f"({longer.text[row]}): {order['problem']}",
                "check the dates",
            )
