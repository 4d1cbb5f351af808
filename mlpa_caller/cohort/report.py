"""What a cohort command found: sections of tables and notes, as text, JSON and tab-separated files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpa_caller.datatypes import Table, text_array

__all__ = [
    "Report",
    "Section",
    "p_text",
    "percent_text",
    "report_document",
    "report_text",
    "table_of",
    "tsv_table",
]

NOTICE = "For research use only. Groups of few patients and several comparisons at once prove little."

_PERCENT = ("percent", "percent_low", "percent_high", "standard_error", "standard_error_delta")
_LONGEST = 80


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One table with its notes.

    Attributes
    ----------
    name
        Of the file ``<name>.tsv`` and of the entry in the JSON document.
    title
        For people.
    table
        The figures, one row each.
    notes
        What a reader must know to read the table.
    shown
        The same for people, where one row a figure would be long; None to show `table` itself.
    file_only
        Stands in the files only, not in text, page or JSON.
    in_text
        Stands in the text for a terminal too.
    """

    name: str
    title: str
    table: Table
    notes: tuple[str, ...] = ()
    shown: Table | None = None
    file_only: bool = False
    in_text: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The result of a cohort command.

    Attributes
    ----------
    command
        ``describe``, ``survival`` or ``classifiers``.
    title
        For people.
    facts
        Counts and settings, fit for JSON.
    sections
        In reading order.
    notes
        About the whole.
    figures
        What the figures are drawn from; see `mlpa_caller.cohort.figures`.
    """

    command: str
    title: str
    facts: Mapping[str, Any]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    figures: tuple[Any, ...] = field(default=())

    def section(self, name: str) -> Section:
        """Return a section by its name.

        Raises
        ------
        KeyError
            If there is none.
        """
        for section in self.sections:
            if section.name == name:
                return section
        raise KeyError(name)


def table_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """Return a table from rows; a column is of numbers (NaN for None) when all its values are numbers."""
    out: dict[str, NDArray[Any]] = {}
    for name in columns:
        values = [row.get(name) for row in rows]
        if values and all(
            isinstance(value, (int, np.integer)) and not isinstance(value, bool) for value in values
        ):
            out[name] = np.array(values, dtype=np.int64)
        elif values and all(value is None or isinstance(value, (int, float, np.number)) for value in values):
            out[name] = np.array(
                [np.nan if value is None else float(value) for value in values], dtype=np.float64
            )
        else:
            out[name] = text_array(["" if value is None else str(value) for value in values])
    return Table(out)


def p_text(p: float) -> str:
    """Return a p-value for people: three digits, never 0."""
    if np.isnan(p):
        return ""
    if p < 0.0001:
        return "<0.0001"
    return f"{p:.4f}" if p < 0.1 else f"{p:.3f}"


def percent_text(count: int, total: int) -> str:
    """Return ``16 (66.7)``."""
    return f"{count} ({100 * count / total:.1f})" if total else f"{count}"


def _cell(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, np.integer)):
        return str(value)
    if np.isnan(value):
        return ""
    if name == "p" or name.endswith("_p"):
        return p_text(float(value))
    if name in _PERCENT:
        return f"{value:.1f}"
    return f"{value:.4g}"


def shown_rows(table: Table) -> list[list[str]]:
    """Return the cells of a table for people."""
    columns = [[_cell(name, value) for value in column.tolist()] for name, column in table.columns.items()]
    return [list(row) for row in zip(*columns)]


def heading(name: str) -> str:
    """Return a column's name for people."""
    return name.replace("_", " ")


def report_text(report: Report) -> str:
    """Return the report as text for a terminal."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield report.title
    for note in report.notes:
        yield f"  {note}"
    for section in report.sections:
        if section.file_only or not section.in_text:
            continue
        yield ""
        yield section.title
        table = section.shown or section.table
        if len(table):
            yield from _aligned([heading(name) for name in table.columns], shown_rows(table))
        else:
            yield "  nothing to show"
        for note in section.notes:
            yield f"  {note}"
    yield ""
    yield NOTICE


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    cells = [[_short(cell) for cell in row] for row in [head, *rows]]
    keep = [i for i in range(len(head)) if any(row[i] for row in cells[1:])]
    widths = [max(len(row[i]) for row in cells) for i in keep]
    for row in cells:
        yield "  " + "  ".join(row[i].ljust(width) for i, width in zip(keep, widths)).rstrip()


def _short(cell: str) -> str:
    text = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in cell)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a number that is not finite is null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def report_document(report: Report) -> dict[str, Any]:
    """Return the report for JSON: facts, notes and every table as a list of rows; missing is null."""
    sections: dict[str, Any] = {}
    for section in report.sections:
        if section.file_only:
            continue
        names = list(section.table.columns)
        rows = zip(*(column.tolist() for column in section.table.columns.values()))
        sections[section.name] = {
            "title": section.title,
            "notes": list(section.notes),
            "rows": [dict(zip(names, map(_plain, row))) for row in rows],
        }
    return {
        "schema_version": "1.0",
        "command": f"cohort {report.command}",
        "title": report.title,
        "notes": list(report.notes),
        "facts": _plain(report.facts),
        "sections": sections,
        "notice": NOTICE,
    }


def tsv_table(table: Table) -> Table:
    """Return a table whose numbers are text with all the digits that matter, for a tab-separated file."""
    columns: dict[str, NDArray[Any]] = {}
    for name, column in table.columns.items():
        if column.dtype.kind == "f":
            column = text_array(["" if value != value else f"{value:.12g}" for value in column.tolist()])
        columns[name] = column
    return Table(columns)
