"""Signal tables in Parquet files, with the columns of the text tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, Signals
from mlpa_caller.errors import FormatError, shown
from mlpa_caller.formats.numbers import parse_numbers, text_style
from mlpa_caller.formats.peaks import plain_name
from mlpa_caller.formats.signals import check_probes, long_signals, signals_by_run
from mlpa_caller.formats.text import MAX_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["column_names", "read_signal_runs", "sniff"]

MAX_CELLS = 100_000_000
"""Largest table that is read, in rows times columns."""
_MOST_PACKED, _PACKED_FROM = 100, 64 << 20
"""A file that unpacks to so many times its size, and to so many bytes, holds no measured heights."""
_INDEX = "__index_level_"  # a column that pandas adds for a data frame's index


def sniff(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of a Parquet file."""
    return head.startswith(b"PAR1")


def _load(data: bytes, source: str, *, schema_only: bool) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        names = file.schema_arrow.names
        if len(names) > MAX_COLUMNS or len(names) * file.metadata.num_rows > MAX_CELLS:
            raise FormatError(
                f"has {len(names)} columns and {file.metadata.num_rows} rows, more than are read",
                remedy="check that the table is not transposed, or split it into runs",
                file=source,
            )
        if schema_only:
            return file.schema_arrow.empty_table()
        if _PACKED_FROM < 8 * len(names) * file.metadata.num_rows > _MOST_PACKED * len(data):
            raise FormatError(
                f"claims {file.metadata.num_rows} rows of {len(names)} columns in {len(data)} bytes, as no measured "
                "heights do",
                remedy="check how it was made",
                file=source,
            )
        table = file.read()
        table.validate(full=True)  # indices of dictionaries and bytes of texts, which Arrow itself trusts
        return table
    except (pa.ArrowException, OSError, ValueError, OverflowError) as problem:
        reason = (str(problem).splitlines() or ["no reason given"])[0]
        raise FormatError(
            f"is a damaged Parquet file ({shown(reason, 100)})", remedy="write it again", file=source
        ) from None


def column_names(data: bytes, source: str) -> list[str]:
    """Return the column names of a Parquet file.

    Raises
    ------
    FormatError
        When the file is damaged or too large.
    """
    return list(_load(data, source, schema_only=True).column_names)


def read_signal_runs(data: bytes, source: str, *, long: bool) -> dict[str, Signals]:
    """Return the signals in a Parquet file by run; messages count its rows from 1.

    Raises
    ------
    FormatError
        When the file is damaged, a column has an unsuitable type, or its content breaks a rule of signal
        tables.
    """
    table = _load(data, source, schema_only=False)
    names = [name for name in table.column_names if not name.startswith(_INDEX)]
    if len(set(names)) < len(names):
        raise FormatError("has two columns of one name", remedy="give every column its own name", file=source)
    if not table.num_rows:
        raise FormatError("has no rows", remedy="write it again", file=source)
    labels = {
        plain: name
        for name in names
        if (plain := plain_name(name)) in (("sample", "probe", "run") if long else ("sample", "run"))
    }
    lines = range(1, table.num_rows + 1)
    runs = _texts(table, labels["run"], source) if "run" in labels else [""] * table.num_rows
    samples = _texts(table, labels["sample"], source)
    if long:
        numbers = {plain_name(name): name for name in names if plain_name(name) in ("height", "size")}
        height, absent = _numbers(table, numbers["height"], source)
        size = (
            _numbers(table, numbers["size"], source)[0] if "size" in numbers else np.full(len(height), np.nan)
        )
        probes = _texts(table, labels["probe"], source)
        return long_signals(samples, runs, probes, height, absent, size, lines, source)
    columns = [name for name in names if name not in labels.values()]
    check_probes(columns, source, None)
    heights = np.empty((table.num_rows, len(columns)))
    empty = np.empty(heights.shape, dtype=np.bool_)
    for j, name in enumerate(columns):
        heights[:, j], empty[:, j] = _numbers(table, name, source)
    return signals_by_run(samples, runs, columns, heights, empty, lines, source)


def _texts(table: pa.Table, name: str, source: str) -> list[str]:
    import pyarrow as pa

    column = table.column(name)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        raise FormatError(
            f"column {shown(name)} is of type {kind}, and names are text",
            remedy="write it as text",
            file=source,
        )
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _numbers(table: pa.Table, name: str, source: str) -> tuple[FloatArray, BoolArray]:
    import pyarrow as pa

    column = table.column(name)
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(table.num_rows, np.nan), np.ones(table.num_rows, dtype=np.bool_)
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        cells = _texts(table, name, source)
        lines = range(1, len(cells) + 1)
        return parse_numbers(cells, lines, name, text_style({name: cells}, lines, source), source)
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise FormatError(
            f"column {shown(name)} is of type {kind} where heights belong",
            remedy="write the heights as numbers",
            file=source,
        )
    values = column.cast(pa.float64(), safe=False).to_numpy()
    return values, column.is_null().to_numpy().astype(np.bool_)
