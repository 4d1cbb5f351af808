"""Result tables as tab-separated text: UTF-8, LF line ends, a header line, missing is empty.

A text that holds a tab, a line break or a double quote is put in double quotes, its own doubled, so that
Python's ``csv.reader`` with a tab as delimiter gives it back unchanged. Nothing is done against spreadsheets
that take ``=x`` for a formula: identifiers survive unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mlpa_caller.datatypes import Table
from mlpa_caller.outputs.atomic import open_bytes
from mlpa_caller.outputs.cells import Cells, column_cells, data_of, joined

if TYPE_CHECKING:
    from mlpa_caller.result import Result

__all__ = ["quoted", "table_bytes", "table_lines", "write_table", "write_tables"]

_ROWS_AT_ONCE = 8192
"""Few enough for the lines to stay in the processor's cache."""
_SPECIAL = re.compile(r'[\t\n\r"]')


def quoted(text: str) -> str:
    """Return `text` as it stands in a field."""
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def table_bytes(table: Table) -> Iterator[bytes | memoryview]:
    """Give the bytes of `table` in pieces of many lines."""
    yield ("\t".join(map(quoted, table.columns)) + "\n").encode()
    columns = _columns(table)
    for start in range(0, len(table), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        yield data_of(joined([cells.of(rows) for cells in columns]))


def _columns(table: Table) -> list[Cells]:
    """Return the cells of each column, with the sign that stands behind them."""
    lone = len(table.columns) == 1  # an empty field alone on its line would read as no row at all

    def show(text: str) -> str:
        return quoted(text) or ('""' if lone else "")

    last = len(table.columns) - 1
    return [
        column_cells(
            table, name, show=show, missing='""' if lone else "", behind="\n" if place == last else "\t"
        )
        for place, name in enumerate(table.columns)
    ]


def table_lines(table: Table) -> Iterator[str]:
    """Give the text of `table` in pieces of many lines."""
    for piece in table_bytes(table):
        yield str(piece, "utf-8")


def write_table(table: Table, stream: IO[str]) -> None:
    """Write `table` to a text stream.

    Parameters
    ----------
    table
        Numbers are written with the column's decimals (`Table.decimals`), NaN as an empty field.
    stream
        Open for text, without translation of line ends.
    """
    for piece in table_lines(table):
        stream.write(piece)


def write_tables(result: Result, folder: Path) -> None:
    """Write every table of `result` as ``<name>.tsv`` in `folder`."""
    for name, whole in result.tables.items():
        shown = {key: values for key, values in whole.columns.items() if key not in whole.json_only}
        table = replace(whole, columns=shown)
        with open_bytes(folder / f"{name}.tsv") as stream:
            for piece in table_bytes(table):
                stream.write(piece)
