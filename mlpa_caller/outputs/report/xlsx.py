"""``report.xlsx``: the tables of a result as a workbook; no text ever becomes a formula or a link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlpa_caller.outputs.report.numbers import phrase_text
from mlpa_caller.outputs.report.sentences import KIND_WORDS
from mlpa_caller.outputs.report.view_run import ReportView

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

__all__ = ["write_xlsx"]

Cell = str | float | int | None

_MOST_ROWS = 1_048_575
"""Rows of a worksheet below its header."""

_LONGEST = 32_767
"""Characters of a cell."""

_WHEN = datetime(2000, 1, 1)
"""Date written to the workbook's properties: a fixed one, so that the same result gives the same bytes."""

_WIDTHS = {"sample": 18, "probe": 18, "reasons": 50, "flags": 34, "consequence_sentence": 60, "answer": 100,
           "hgvs": 44, "hgvs_g38": 44, "hgvs_g37": 44, "hgvs_g38_probes": 44, "iscn": 34, "source": 40, "note": 40,
           "used_inputs": 40, "missing_inputs": 30, "possible_classes": 24, "deciding_inputs": 30,
           "classifier": 26, "consequence": 22, "consequence_source": 40, "value": 60}  # fmt: skip
_COLOURS = {
    "loss": ("#FDEEE4", "#A33A00"), "gain": ("#E5F1FA", "#00548C"), "normal": ("#E6F4EE", "#0B6348"),
    "not_evaluable": ("#ECECF0", "#3F3F46"), "pass": ("#E6F4EE", "#0B6348"), "warn": ("#FFF5D6", "#6F4E00"),
    "fail": ("#33333A", "#FFFFFF"), "indeterminate": ("#FFF5D6", "#6F4E00"), "Uncertain": ("#FFF5D6", "#6F4E00"),
}  # fmt: skip
_COLOURED = ("status", "verdict", "quality", "class", "result")


def write_xlsx(document: Mapping[str, Any], view: ReportView, path: Path) -> None:
    """Write the workbook.

    Parameters
    ----------
    document
        As `read_result` returns it; its numbers are written as they are.
    view
        What the report shows of it.
    path
        The file to write.
    """
    from xlsxwriter import Workbook

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
               "nan_inf_to_errors": False, "in_memory": True}  # fmt: skip
    book = Workbook(str(path), options)
    book.set_properties({"title": "MLPA report", "created": _WHEN})
    formats = _formats(book)
    _sheet(book, formats, "summary", ("sample", "quality", "result", "answer"), _summary(view))
    for name in ("calls", "exons"):
        _sheet(book, formats, name, *_rows(document, name))
    _sheet(book, formats, "ratios", *_ratios(document))
    _sheet(book, formats, "quality", *_quality(document))
    _sheet(book, formats, "risk", *_rows(document, "risk"))
    _sheet(book, formats, "about", ("what", "value"), _about(view))
    book.close()


def _formats(book: Workbook) -> dict[str, Format]:
    formats = {"head": book.add_format({"bold": True, "bg_color": "#EEF1F5", "bottom": 1, "text_wrap": True})}
    for word, (back, ink) in _COLOURS.items():
        formats[word] = book.add_format({"bg_color": back, "font_color": ink})
    return formats


def _sheet(
    book: Workbook,
    formats: Mapping[str, Format],
    name: str,
    columns: Sequence[str],
    rows: Iterator[list[Cell]],
) -> None:
    """Write one table; what does not fit on a sheet goes on to the next."""
    number = 1
    block = list(islice(rows, _MOST_ROWS))
    while True:
        sheet = book.add_worksheet(name if number == 1 else f"{name} {number}")
        _head(sheet, formats, columns, len(block))
        for y, row in enumerate(block, start=1):
            for x, value in enumerate(row):
                _write(sheet, y, x, value)
        block = list(islice(rows, _MOST_ROWS))
        if not block:
            return
        number += 1


def _write(sheet: Worksheet, y: int, x: int, value: Cell) -> None:
    if isinstance(value, str):
        if value:
            sheet.write_string(y, x, value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…")
    elif value is not None:
        sheet.write_number(y, x, value)


def _head(sheet: Worksheet, formats: Mapping[str, Format], columns: Sequence[str], n_rows: int) -> None:
    """Write the header, freeze it, set widths and the colours that depend on the cells."""
    for x, name in enumerate(columns):
        sheet.write_string(0, x, name, formats["head"])
        sheet.set_column(x, x, _WIDTHS.get(name, max(9, min(20, len(name) + 1))))
        if not n_rows:
            continue
        if name in _COLOURED:
            for word in _COLOURS:
                shown = KIND_WORDS.get(word, word) if name == "result" else word
                rule = {"type": "cell", "criteria": "==", "value": f'"{shown}"', "format": formats[word]}
                sheet.conditional_format(1, x, n_rows, x, rule)
        elif name == "ratio":
            scale = {"type": "3_color_scale", "min_type": "num", "mid_type": "num", "max_type": "num",
                     "min_value": 0.4, "mid_value": 1, "max_value": 1.6, "min_color": "#EE9455",
                     "mid_color": "#FFFFFF", "max_color": "#6DB1DC"}  # fmt: skip
            sheet.conditional_format(1, x, n_rows, x, scale)
    sheet.freeze_panes(1, 1)
    if n_rows:
        sheet.autofilter(0, 0, n_rows, len(columns) - 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{n_rows + 1}"})


def _summary(view: ReportView) -> Iterator[list[Cell]]:
    for patient in view.patients:
        answer = " ".join(f"{phrase_text(line.phrase)}." for line in patient.lines)
        yield [patient.full_name or patient.name, patient.verdict, KIND_WORDS[patient.kind], answer]


def _about(view: ReportView) -> Iterator[list[Cell]]:
    run = view.run
    yield ["Research use", run.research_use]
    yield ["Verdict of the run", run.verdict]
    for reason in run.reasons:
        yield ["Reason", reason]
    for label, value in run.facts:
        yield [label, value]


def _rows(document: Mapping[str, Any], part: str) -> tuple[tuple[str, ...], Iterator[list[Cell]]]:
    """Return columns and rows of a table that each sample holds as a list of objects."""
    keys = dict.fromkeys(key for sample in document["samples"] for row in sample[part] for key in row)

    def rows() -> Iterator[list[Cell]]:
        for sample in document["samples"]:
            for row in sample[part]:
                yield [sample["sample"], *(_cell(row.get(key)) for key in keys)]

    return ("sample", *keys), rows()


def _cell(value: Any) -> Cell:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _ratios(document: Mapping[str, Any]) -> tuple[tuple[str, ...], Iterator[list[Cell]]]:
    columns = (
        "sample",
        "probe",
        "gene",
        "exon",
        "length_nt",
        "height",
        "ratio",
        "ratio_low",
        "ratio_high",
        "flags",
    )
    probes = document["panel"]["probes"]

    def rows() -> Iterator[list[Cell]]:
        for sample in document["samples"]:
            ratios = sample["ratios"]
            for i, probe in enumerate(probes):
                yield [
                    sample["sample"],
                    *(probe[name] for name in columns[1:5]),
                    *(_cell(ratios[name][i]) for name in columns[5:]),
                ]

    return columns, rows()


def _quality(document: Mapping[str, Any]) -> tuple[tuple[str, ...], Iterator[list[Cell]]]:
    figures = dict.fromkeys(name for s in document["samples"] for name in s["quality"]["figures"])

    def rows() -> Iterator[list[Cell]]:
        for sample in document["samples"]:
            quality = sample["quality"]
            head = [sample["sample"], sample["role"], quality["verdict"], _cell(quality["reasons"])]
            yield [*head, *(_cell(quality["figures"].get(name)) for name in figures)]

    return ("sample", "role", "verdict", "reasons", *figures), rows()
