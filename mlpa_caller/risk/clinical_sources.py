"""Clinical inputs from where a laboratory keeps them: the sample sheet, a clinical file, or both."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from mlpa_caller.errors import SampleSheetError, shown
from mlpa_caller.risk.clinical import (
    ClinicalTable,
    Numbers,
    clinical_columns,
    clinical_from_columns,
    read_clinical,
)
from mlpa_caller.samplesheet import SampleSheet

__all__ = ["clinical_of_run", "clinical_of_sheet", "merge_clinical", "some"]


def clinical_of_run(
    sheet: SampleSheet, path: str | os.PathLike[str] | None = None
) -> tuple[ClinicalTable, tuple[str, ...]] | None:
    """Return what is stated of the patients of one run.

    Parameters
    ----------
    sheet
        The sample sheet, with or without clinical columns.
    path
        A clinical file; None where there is none. It may hold patients of other runs.

    Returns
    -------
    tuple or None
        The clinical inputs, and the run's patients who are not in the clinical file (none without a file).
        None where there is neither a clinical column in the sheet nor a file.

    Raises
    ------
    SampleSheetError
        As `read_clinical` and `merge_clinical`, and if the file holds none of the run's patients.
    """
    known = clinical_columns()
    if path is None and not any(name.strip().lower() in known for name in sheet.clinical):
        return None
    stated = clinical_of_sheet(sheet)
    if path is None:
        return stated, ()
    given = read_clinical(path)
    there = set(given.samples)
    absent = tuple(name for name in stated.samples if name not in there)
    if stated.samples and len(absent) == len(stated.samples):
        raise SampleSheetError(
            f"holds none of the run's patients (run: {some(absent)}; clinical file: {some(given.samples)})",
            remedy="write the names as in the sample sheet",
            file=given.source,
        )
    return merge_clinical(stated, given), absent


def clinical_of_sheet(sheet: SampleSheet) -> ClinicalTable:
    """Return the clinical inputs that a sample sheet holds for its patients, the blast fraction included.

    Raises
    ------
    SampleSheetError
        As `read_clinical`.
    """
    rows = np.flatnonzero(sheet.role == "patient").tolist()
    columns = {name: [column[i] for i in rows] for name, column in sheet.clinical.items()}
    blasts = [float(sheet.blast_fraction[i]) for i in rows]
    columns["blast_fraction"] = ["" if np.isnan(value) else repr(value) for value in blasts]
    return clinical_from_columns(
        [sheet.samples[i] for i in rows],
        columns,
        source=sheet.source,
        lines=[int(sheet.line[i]) for i in rows],
        sha256=sheet.sha256,
    )


def merge_clinical(first: ClinicalTable, second: ClinicalTable) -> ClinicalTable:
    """Return the clinical inputs of two tables together, for instance of a sample sheet and a clinical file.

    Parameters
    ----------
    first, second
        The tables; the patients of the first come first. A number stands as the first table writes it
        (``5`` and ``5.0`` are the same number).

    Raises
    ------
    SampleSheetError
        If both state a value of the same patient and the two differ, or contradict each other.
    """
    samples = tuple(dict.fromkeys((*first.samples, *second.samples)))
    columns: dict[str, list[str]] = {}
    meant: dict[str, list[object]] = {}
    for table in (first, second):
        place = {sample: i for i, sample in enumerate(table.samples)}
        rows = [place.get(sample, -1) for sample in samples]
        for name, text, value in _stated(table):
            texts = [text[i] if i >= 0 else "" for i in rows]
            values = [value[i] if i >= 0 else "" for i in rows]
            if name not in columns:
                columns[name], meant[name] = texts, values
                continue
            before = zip(samples, columns[name], texts, meant[name], values)
            for sample, one, two, mine, theirs in before:
                if one and two and mine != theirs:
                    raise SampleSheetError(f"{name} of sample {shown(sample)} is {shown(one)} in one file and "
                                           f"{shown(two)} in the other", remedy="correct one of them",
                                           file=second.source or None)  # fmt: skip
            columns[name] = [one or two for one, two in zip(columns[name], texts)]
    source, digest = second.source or first.source, second.sha256 or first.sha256
    return clinical_from_columns(samples, columns, source=source, sha256=digest)


def _stated(table: ClinicalTable) -> list[tuple[str, list[str], Sequence[object]]]:
    """Return name, texts and meaning of every column: two texts of one meaning do not contradict each other."""
    found: list[tuple[str, list[str], Sequence[object]]] = [
        (name, column.text.tolist(), _intervals(column)) for name, column in table.numbers.items()
    ]
    return found + [
        (name, words.tolist(), [frozenset(word.split(";")) for word in words])
        for name, words in table.words.items()
    ]


def _intervals(numbers: Numbers) -> list[tuple[float, float, bool, bool]]:
    columns = (numbers.low, numbers.high, numbers.low_open, numbers.high_open)
    return list(zip(*(column.tolist() for column in columns)))


def some(names: Sequence[str]) -> str:
    """Return the first names of many, for a message."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(shown, names[:3])) + more
