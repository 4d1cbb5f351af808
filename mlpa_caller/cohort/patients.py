"""The patients' table: one row a patient, identifiers as written, an empty cell is unknown.

The clinical columns of the package are checked as everywhere (unit slips, contradictions); every other column
is kept as text and may be named as a group, a time or an event.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mlpa_caller.datatypes import BoolArray
from mlpa_caller.errors import SampleSheetError, UsageError, shown
from mlpa_caller.formats.text import parse_number, read_table
from mlpa_caller.refdata import reference_rows
from mlpa_caller.risk.clinical import ClinicalTable, clinical_columns, clinical_from_columns
from mlpa_caller.samplesheet import SAMPLE_ROLES

__all__ = ["Patients", "is_unknown", "normal_word", "patients_from_columns", "read_patients"]


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """The patients' table.

    Attributes
    ----------
    source
        The file, as the user named it; empty when built in memory.
    samples
        Identifiers, unchanged.
    columns
        Every column but ``sample``, as written.
    clinical
        The clinical columns among them, checked; see `mlpa_caller.risk.read_clinical`.
    lines, header_line
        Where the rows and the header stand in the file.
    sha256
        Of the file's bytes; empty when built in memory.
    left_out
        Number of rows that are no patients by their ``role``, when the table is a sample sheet.
    """

    source: str
    samples: tuple[str, ...]
    columns: Mapping[str, Sequence[str]]
    clinical: ClinicalTable
    lines: Sequence[int]
    header_line: int
    sha256: str = ""
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.samples)

    def column(self, name: str, option: str) -> Sequence[str]:
        """Return the cells of a column.

        Raises
        ------
        UsageError
            If there is none; `option` is what named it.
        """
        if name not in self.columns:
            known = ", ".join(self.columns) or "none"
            raise UsageError(
                f"{option}: the patients' table {shown(self.source)} has no column {shown(name)} "
                f"(its columns: {known[:200]})",
                remedy="name one of its columns",
            )
        return self.columns[name]

    def error(self, row: int, problem: str, remedy: str) -> SampleSheetError:
        """Return an error about a row, with file and line."""
        return SampleSheetError(problem, remedy=remedy, file=self.source or None, line=self.lines[row])

    def strict_clinical(self, besides: Collection[str]) -> ClinicalTable:
        """Return the clinical columns for a classifier, which needs to hear of every misnamed one.

        Parameters
        ----------
        besides
            Columns that were named for another purpose (time, event, group) and are no clinical columns.

        Raises
        ------
        SampleSheetError
            As `mlpa_caller.risk.read_clinical`.
        """
        known = clinical_columns()
        names = [name for name in self.columns if name in known or name not in besides]
        clinical_from_columns(
            [], {name: [] for name in names}, source=self.source, header_line=self.header_line
        )
        return self.clinical


def read_patients(path: str | os.PathLike[str]) -> Patients:
    """Read a patients' table (CSV or TSV, ``-`` for standard input).

    Parameters
    ----------
    path
        One row a patient: ``sample``, any clinical columns, and any further columns. In a sample sheet
        (a column ``role``) only the rows of patients are read.

    Raises
    ------
    SampleSheetError
        With its line: no column ``sample``, a sample twice or without a name, a clinical value that cannot be.
    """
    table, digest = read_table(path, SampleSheetError)
    columns = {name: table.column(i) for i, name in enumerate(table.header)}
    if "sample" not in columns:
        raise SampleSheetError("there is no column sample", remedy="name the identifiers' column sample",
                               file=table.source, line=table.header_line)  # fmt: skip
    lines: Sequence[int] = table.lines
    left_out = 0
    if "role" in columns and {cell.strip() for cell in columns["role"]} <= set(SAMPLE_ROLES):
        keep = [i for i, cell in enumerate(columns["role"]) if cell.strip() == "patient"]
        left_out = len(lines) - len(keep)
        columns = {name: [cells[i] for i in keep] for name, cells in columns.items() if name != "role"}
        lines = [lines[i] for i in keep]
        if not keep:
            raise SampleSheetError("the sample sheet has no patient", file=table.source,
                                   remedy="give the table of the patients")  # fmt: skip
    samples = columns.pop("sample")
    return patients_from_columns(samples, columns, source=table.source, lines=lines,
                                 header_line=table.header_line, sha256=digest, left_out=left_out)  # fmt: skip


def patients_from_columns(
    samples: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    *,
    source: str = "",
    lines: Sequence[int] | None = None,
    header_line: int = 1,
    sha256: str = "",
    left_out: int = 0,
) -> Patients:
    """Return a patients' table from columns of text.

    Parameters
    ----------
    samples
        Identifiers, each once.
    columns
        Text by column name, one entry a patient.
    source, lines, header_line, sha256, left_out
        See `Patients`.

    Raises
    ------
    SampleSheetError
        As `read_patients`.
    """
    places = range(2, len(samples) + 2) if lines is None else lines
    known = {name: columns[name] for name in clinical_columns() if name in columns}
    clinical = clinical_from_columns(samples, known, source=source, lines=places, header_line=header_line,
                                     sha256=sha256)  # fmt: skip
    return Patients(source, tuple(samples), columns, clinical, places, header_line, sha256, left_out)


@lru_cache(maxsize=1)
def _missing_words() -> frozenset[str]:
    return frozenset(row["word"] for row in reference_rows("cohort/words.csv") if row["use"] == "missing")


def normal_word(cell: str) -> str:
    """Return a word in lower case with ``_`` for blanks and hyphens, and a whole number without its point."""
    word = cell.strip().lower()
    number = parse_number(word)
    if number is not None:
        return str(int(number)) if number.is_integer() else word
    return re.sub(r"(?<=\w)[\s-]+(?=\w)", "_", word)


def is_unknown(cells: Sequence[str]) -> BoolArray:
    """Return which cells say that the value is not known (empty, NA, unknown, ...)."""
    words = _missing_words()
    known = {cell: normal_word(cell) in words for cell in set(cells)}
    return np.array([known[cell] for cell in cells], dtype=np.bool_)
