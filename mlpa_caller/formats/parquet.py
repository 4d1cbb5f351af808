"""Signal tables in Parquet files, with the columns of the text tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
_MOST_PACKED, _SMALL, _LARGE = 100, 1 << 20, 64 << 20
"""Times its size that a file of measured heights may unpack to, where its encoded or its plain content is large."""
_LONGEST_TEXT, _FEW_ROWS, _MOST_ROWS = 4_096, 256, 1 << 16
"""Bytes of a text, on average over the rows that are read at a time; and how many these are."""
_INDEX = "__index_level_"  # a column that pandas adds for a data frame's index


def sniff(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of a Parquet file."""
    return head.startswith(b"PAR1")


def _load(data: bytes, source: str, *, schema_only: bool) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        names, rows = file.schema_arrow.names, file.metadata.num_rows
        if len(names) > MAX_COLUMNS or len(names) * rows > MAX_CELLS:
            raise FormatError(
                f"has {len(names)} columns and {rows} rows, more than are read",
                remedy="check that the table is not transposed, or split it into runs",
                file=source,
            )
        if schema_only:
            return file.schema_arrow.empty_table()
        groups = range(file.num_row_groups)
        packed = max((file.metadata.row_group(i).total_byte_size for i in groups), default=0)
        most = _MOST_PACKED * len(data)
        if packed > max(_SMALL, most) or 8 * len(names) * rows > max(_LARGE, most):
            raise FormatError(
                f"unpacks to more than {_MOST_PACKED} times its {len(data)} bytes, as no measured heights do",
                remedy="check how it was made",
                file=source,
            )
        table = _read_all(file, packed, source)
        table.validate(full=True)  # indices of dictionaries and bytes of texts, which Arrow itself trusts
        return table
    except (pa.ArrowException, OSError, ValueError, OverflowError) as problem:
        reason = (str(problem).splitlines() or ["no reason given"])[0]
        raise FormatError(
            f"is a damaged Parquet file ({shown(reason, 100)})", remedy="write it again", file=source
        ) from None


def _read_all(file: Any, packed: int, source: str) -> pa.Table:
    """Return the whole table; texts are read some rows at a time, for a long one may stand in many rows."""
    import pyarrow as pa

    schema = file.schema_arrow
    texts = [column.name for column in schema if pa.types.is_string(column.type)]
    if len(set(schema.names)) < len(schema.names):
        raise FormatError("has two columns of one name", remedy="give every column its own name", file=source)
    if not texts:
        return file.read()
    rows = min(_LARGE // (4 * max(packed, 1)), _MOST_ROWS) if packed <= _SMALL else _FEW_ROWS
    parts = []
    for part in file.iter_batches(batch_size=rows, columns=texts):
        if part.nbytes > _LONGEST_TEXT * len(texts) * max(part.num_rows, _FEW_ROWS):
            raise FormatError("holds texts too long for names", remedy="check how it was made", file=source)
        parts.append(part)
    read = pa.Table.from_batches(parts, schema=pa.schema([schema.field(name) for name in texts]))
    others = [name for name in schema.names if name not in set(texts)]
    for name, column in zip(others, file.read(columns=others).columns) if others else ():
        read = read.append_column(schema.field(name), column)
    return read.select(schema.names)


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
