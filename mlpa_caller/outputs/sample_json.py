"""The objects of the samples in ``result.json``, made for many samples at once.

Each class holds one part of the samples' objects as columns of cells; ``texts(start, stop)`` gives that part for
the samples `start` to `stop` as a pyarrow array of strings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller.datatypes import IntArray, Table, TextArray, text_array
from mlpa_caller.errors import MlpaError, shown
from mlpa_caller.outputs.cells import Cells, coded_texts, column_cells, joined, strings, whole_numbers
from mlpa_caller.outputs.json_values import json_text, plain

if TYPE_CHECKING:
    from mlpa_caller.result import Result

__all__ = ["Grid", "Heads", "QualityRows", "Rows"]

_LISTS = frozenset(
    {"flags", "reasons", "possible_classes", "deciding_inputs", "used_inputs", "missing_inputs"}
)
"""Columns whose ``;``-separated text is a list in the document."""

_RATIO_COLUMNS = ("height", "ratio", "ratio_low", "ratio_high", "flags")
_QUALITY_HEAD = ("verdict", "reasons")


def _shown(column: str, text: str) -> str:
    if column in _LISTS:
        return json_text([item.strip() for item in text.split(";") if item.strip()])
    return json_text(text)


def _cells(table: Table, name: str, *, before: str = "", behind: str = "") -> Cells:
    """Return the JSON values of a column."""
    show = partial(_shown, name)
    return column_cells(table, name, show=show, missing="null", before=before, behind=behind)


def _codes(values: TextArray, names: Sequence[str], what: str) -> IntArray:
    """Return the index in `names` of every value."""
    index = {name: i for i, name in enumerate(names)}
    found, codes = coded_texts(values)
    try:
        return np.array([index[value] for value in found], dtype=np.int64)[codes]
    except KeyError as error:
        raise MlpaError(f"the {what} table names {shown(error.args[0])}, which is not in the sheet") from None


def _lists(items: Any, bounds: IntArray) -> Any:
    """Return the texts ``items[bounds[i]:bounds[i + 1]]`` joined by commas, for each i."""
    import pyarrow as pa
    import pyarrow.compute as pc

    offsets = whole_numbers((bounds - bounds[0]).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, items), strings([", "])[0])


class Heads:
    """The row of the sample sheet of each sample: the first fields of its object."""

    def __init__(self, result: Result) -> None:
        sheet, traces = result.samples, result.traces or {}
        self.columns: list[Cells] = []
        names = text_array(sheet.samples)
        for name, values in {"sample": names, "role": sheet.role, "sex": sheet.sex}.items():
            self._add(name, values, before=", " if self.columns else "")
        blasts = text_array(json_text(plain(value)) for value in sheet.blast_fraction.tolist())
        self._add("blast_fraction", blasts, before=", ", show=str)
        for place, (name, values) in enumerate(sheet.clinical.items()):
            self._add(name, values, before=", " if place else ', "clinical": {')
        self.behind = "}" if sheet.clinical else ', "clinical": {}'
        drawn = (traces.get(name) for name in sheet.samples)
        traced = text_array(f', "trace": {json_text(trace)}' if trace else "" for trace in drawn)
        self.trace = _shown_cells(traced, str)

    def _add(
        self, name: str, values: TextArray, *, before: str, show: Callable[[str], str] = json_text
    ) -> None:
        self.columns.append(_shown_cells(values, show, before=f"{before}{json_text(name)}: "))

    def texts(self, start: int, stop: int) -> Any:
        """Return the fields of samples `start` to `stop`."""
        rows = slice(start, stop)
        return joined([*(cells.of(rows) for cells in self.columns), self.behind, self.trace.of(rows)])


def _shown_cells(values: TextArray, show: Callable[[str], str], *, before: str = "") -> Cells:
    """Return texts of the sample sheet."""
    return column_cells(Table({"": values}), "", show=show, missing="", before=before)


class Rows:
    """The rows of one table, sample by sample, as JSON lists of objects."""

    skip: tuple[str, ...] = ("sample", "notice")
    """Columns that stand elsewhere: the notice once, in the document's head."""

    def __init__(self, table: Table | None, kind: str, names: Sequence[str]) -> None:
        self.columns: list[Cells] = []
        self.behind = "}"
        self.bounds = np.zeros(len(names) + 1, dtype=np.int64)
        self.order: IntArray | None = None
        if table is None:
            return
        codes = _codes(table.columns["sample"], names, kind)
        if (np.diff(codes) < 0).any():
            self.order = np.argsort(codes, kind="stable")
            codes = codes[self.order]
        self.bounds = np.searchsorted(codes, np.arange(len(names) + 1))
        self.fill(table, [name for name in table.columns if name not in self.skip])

    def fill(self, table: Table, names: Sequence[str]) -> None:
        """Take the columns `names`, each with its key before it."""
        for place, name in enumerate(names):
            self.columns.append(_cells(table, name, before=f"{', ' if place else '{'}{json_text(name)}: "))

    def objects(self, start: int, stop: int) -> Any:
        """Return the objects of the rows of samples `start` to `stop`."""
        low, high = int(self.bounds[start]), int(self.bounds[stop])
        rows = slice(low, high) if self.order is None else self.order[low:high]
        return joined([*(cells.of(rows) for cells in self.columns), self.behind])

    def texts(self, start: int, stop: int) -> Any:
        """Return the list of each of the samples `start` to `stop`."""
        if not self.columns:
            return joined([_empty(stop - start), "[]"])
        return joined(["[", _lists(self.objects(start, stop), self.bounds[start : stop + 1]), "]"])


class QualityRows(Rows):
    """The one quality row of each sample: verdict, reasons and the figures."""

    skip = ("sample", "role")

    def fill(self, table: Table, names: Sequence[str]) -> None:
        """Take verdict and reasons, and the other columns as figures in an object of their own."""
        if (np.diff(self.bounds) != 1).any():
            raise MlpaError("the quality table does not hold one row for each sample")
        figures = [name for name in names if name not in _QUALITY_HEAD]
        super().fill(table, [name for name in names if name in _QUALITY_HEAD])
        for place, name in enumerate(figures):
            before = ", " if place else ', "figures": {'
            self.columns.append(_cells(table, name, before=f"{before}{json_text(name)}: "))
        self.behind = "}}" if figures else ', "figures": {}}'

    def texts(self, start: int, stop: int) -> Any:
        """Return the object of each of the samples `start` to `stop`."""
        return self.objects(start, stop)


class Grid:
    """The ratio table as arrays along the panel's probes, sample by sample."""

    def __init__(self, table: Table, names: Sequence[str], probes: Sequence[str]) -> None:
        row = _codes(table.columns["sample"], names, "ratios")
        column = _codes(table.columns["probe"], probes, "ratios")
        self.width = len(probes)
        at = np.full(len(names) * self.width, -1, dtype=np.int64)
        at[row * self.width + column] = np.arange(len(table))
        whole = bool((at == np.arange(len(table))).all()) if len(at) == len(table) else False
        self.columns: dict[str, Cells] = {}
        for name in _RATIO_COLUMNS:
            cells = _cells(table, name)
            self.columns[name] = cells if whole else _spread(cells, at, "[]" if name in _LISTS else "null")

    def texts(self, start: int, stop: int) -> Any:
        """Return the object of each of the samples `start` to `stop`; a probe without a row is null."""
        bounds = np.arange(start, stop + 1, dtype=np.int64) * self.width
        rows = slice(start * self.width, stop * self.width)
        pieces: list[Any] = []
        for name, cells in self.columns.items():
            pieces += [f"{'], ' if pieces else '{'}{json_text(name)}: [", _lists(cells.of(rows), bounds)]
        return joined([*pieces, "]}"])


def _spread(cells: Cells, at: IntArray, absent: str) -> Cells:
    """Return the cells of the rows `at`; `absent` where that is -1."""
    import pyarrow as pa

    codes = np.append(cells.codes, np.int32(len(cells.texts)))[at]
    return Cells(pa.concat_arrays([cells.texts, strings([absent])]), codes)


def _empty(count: int) -> Any:
    """Return `count` empty texts."""
    return strings([""] * count)
