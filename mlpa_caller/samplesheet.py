"""The sample sheet: what each sample is, and which injection or row of the signals is which sample."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlpa_caller._matching import match_samples, some_names
from mlpa_caller.datatypes import FloatArray, IntArray, TextArray, text_array
from mlpa_caller.errors import SampleSheetError, shown
from mlpa_caller.formats.text import has_control, is_absent, parse_number, read_table

__all__ = [
    "SAMPLE_ROLES",
    "SampleSheet",
    "load_samples",
    "match_samples",
    "samples_from_columns",
]

SAMPLE_ROLES = ("patient", "reference", "positive", "no_dna")
REQUIRED = ("sample", "role")
COLUMNS = (*REQUIRED, "sex", "blast_fraction", "file", "run")


@dataclass(frozen=True, slots=True, eq=False)
class SampleSheet:
    """The samples of one or more runs, in the order of the sheet; every array has one entry a sample.

    Attributes
    ----------
    source
        The file, as the user named it.
    samples
        Names as written; unique within a run.
    role
        ``patient``, ``reference``, ``positive`` or ``no_dna``.
    sex
        ``F``, ``M``, or empty when unknown.
    blast_fraction
        Blasts among nucleated cells, 0-1; NaN when unknown.
    file, run
        Name of the trace file, and of the run; empty where not given.
    clinical
        Every further column, as text.
    sha256
        Of the sheet's bytes; empty for a sheet built in memory.
    line
        Line of each sample in the sheet, counted from 1.
    """

    source: str
    samples: tuple[str, ...]
    role: TextArray
    sex: TextArray
    blast_fraction: FloatArray
    file: TextArray
    run: TextArray
    clinical: Mapping[str, TextArray]
    sha256: str
    line: IntArray

    def __len__(self) -> int:
        return len(self.samples)

    def take(self, index: IntArray) -> SampleSheet:
        """Return the sheet of the samples at `index`, in that order."""
        return SampleSheet(
            self.source,
            tuple(self.samples[i] for i in index),
            self.role[index],
            self.sex[index],
            self.blast_fraction[index],
            self.file[index],
            self.run[index],
            {name: column[index] for name, column in self.clinical.items()},
            self.sha256,
            self.line[index],
        )

    def of_run(self, run: str) -> SampleSheet:
        """Return the samples of one run.

        Raises
        ------
        SampleSheetError
            When the sheet has no sample of that run.
        """
        index = np.flatnonzero(self.run == run)
        if not len(index):
            runs = some_names(list(dict.fromkeys(self.run)))
            raise SampleSheetError(
                f"has no sample of run {shown(run)} (its runs: {runs})",
                remedy="name the run in the sheet's column run",
                file=self.source,
            )
        return self.take(index)


def load_samples(path: str | os.PathLike[str]) -> SampleSheet:
    """Return the sample sheet in a CSV or TSV file (``-`` is standard input).

    Raises
    ------
    SampleSheetError
        When the sheet breaks a rule; names file, line and remedy.
    """
    table, digest = read_table(path, SampleSheetError)
    columns = {header: table.column(i) for i, header in enumerate(table.header)}
    return _build(columns, table.source, table.lines, table.header_line, digest)


def samples_from_columns(columns: Mapping[str, Sequence[str]], source: str = "samples") -> SampleSheet:
    """Return the sample sheet in columns of text, under the rules of a sheet.

    Raises
    ------
    SampleSheetError
        When a rule is broken; the line is the row, counted from 1.
    """
    texts = {key: [str(value) for value in values] for key, values in columns.items()}
    counts = {len(values) for values in texts.values()}
    if len(counts) != 1:
        raise SampleSheetError("the columns differ in length", remedy="give one value a sample", file=source)
    return _build(texts, source, list(range(1, counts.pop() + 1)), None, "")


def _build(
    columns: Mapping[str, list[str]], source: str, lines: list[int], header_line: int | None, digest: str
) -> SampleSheet:
    named: dict[str, list[str]] = {}
    for key, values in columns.items():
        bare = key.strip().lower()
        name = bare if bare in COLUMNS else key
        if name in named:
            raise SampleSheetError(
                f"column {name} stands twice in the header",
                remedy="give every column its own name",
                file=source,
                line=header_line,
            )
        named[name] = values
    absent = [name for name in REQUIRED if name not in named]
    if absent:
        raise SampleSheetError(
            f"has no column {', '.join(absent)} (its columns: {shown(', '.join(columns), 120)})",
            remedy="name the columns sample and role",
            file=source,
            line=header_line,
        )
    if not lines:
        raise SampleSheetError("has no samples", remedy="give one row a sample", file=source)
    empty = [""] * len(lines)
    stripped = {name: [value.strip() for value in named.get(name, empty)] for name in COLUMNS}
    _check_names(named["sample"], stripped["run"], source, lines)
    _check_files(stripped["file"], stripped["run"], source, lines)
    roles, sexes, fractions = [], [], []
    for row, line in enumerate(lines):
        roles.append(_role(stripped["role"][row], source, line))
        sexes.append(_sex(stripped["sex"][row], source, line))
        fractions.append(_blast_fraction(stripped["blast_fraction"][row], source, line))
    return SampleSheet(
        source,
        tuple(named["sample"]),
        text_array(roles),
        text_array(sexes),
        np.array(fractions, dtype=np.float64),
        text_array(stripped["file"]),
        text_array(stripped["run"]),
        {key: text_array(values) for key, values in named.items() if key not in COLUMNS},
        digest,
        np.array(lines, dtype=np.int64),
    )


def _check_names(names: list[str], runs: list[str], source: str, lines: list[int]) -> None:
    first: dict[tuple[str, str], int] = {}
    for line, name, run in zip(lines, names, runs):
        if not name.strip():
            raise SampleSheetError(
                "the sample has no name", remedy="name it as the export does", file=source, line=line
            )
        if has_control(name):
            raise SampleSheetError(
                f"sample {shown(name)} holds a control character", remedy="remove it", file=source, line=line
            )
        before = first.setdefault((run, name), line)
        if before != line:
            where = f" of run {shown(run)}" if run else ""
            raise SampleSheetError(
                f"sample {shown(name)}{where} stands also in line {before}",
                remedy="give every sample of a run its own name; for two injections of one sample use the "
                "names of their files",
                file=source,
                line=line,
            )


def _check_files(files: list[str], runs: list[str], source: str, lines: list[int]) -> None:
    first: dict[tuple[str, str], int] = {}
    for line, name, run in zip(lines, files, runs):
        before = first.setdefault((run, name), line) if name else line
        if before != line:
            raise SampleSheetError(
                f"file {shown(name)} stands also in line {before}",
                remedy="give every sample its own file",
                file=source,
                line=line,
            )


def _role(value: str, source: str, line: int) -> str:
    role = value.lower()
    if role not in SAMPLE_ROLES:
        what = f"unknown role {shown(value)}" if value else "the sample has no role"
        raise SampleSheetError(what, remedy="use one of " + ", ".join(SAMPLE_ROLES), file=source, line=line)
    return role


def _sex(value: str, source: str, line: int) -> str:
    sex = "" if is_absent(value) else value.upper()
    if sex not in ("", "F", "M"):
        raise SampleSheetError(
            f"unknown sex {shown(value)}", remedy="use F, M or leave it empty", file=source, line=line
        )
    return sex


def _blast_fraction(value: str, source: str, line: int) -> float:
    if is_absent(value):
        return float("nan")
    number = parse_number(value)
    if number is not None and 0 <= number <= 1:
        return number
    percent = parse_number(value.removesuffix("%"))
    comma = parse_number(value.replace(",", "."))
    remedy = "give a fraction from 0 to 1, or leave it empty when unknown"
    if percent is not None and (value.endswith("%") or 1 < percent <= 100):
        remedy = (
            f"blast_fraction is a fraction of nucleated cells: write {percent / 100:.2f} for {percent:g} %"
        )
    elif comma is not None and 0 <= comma <= 1:
        remedy = f"write {comma:g} with a decimal point"
    raise SampleSheetError(
        f"blast_fraction {shown(value)} is not a number from 0 to 1", remedy=remedy, file=source, line=line
    )
