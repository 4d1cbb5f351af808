"""A signal table of many runs, taken apart run by run without holding all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller.datatypes import IntArray, Signals
from mlpa_caller.errors import FormatError, shown
from mlpa_caller.formats.numbers import text_style
from mlpa_caller.formats.peaks import plain_name, plain_names
from mlpa_caller.formats.registry import read_runs, runs_from_bytes
from mlpa_caller.formats.signals import LONG, WIDE
from mlpa_caller.formats.text import TextTable, read_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Piece", "open_table"]

_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The rows of one run in a signal table.

    Attributes
    ----------
    run
        Name of the run.
    source
        What messages call the table; rows of a Parquet file are counted within the run.
    content
        A Parquet file of these rows alone, or their signals, or the rows themselves.
    """

    run: str
    source: str
    content: bytes | Signals | TextTable

    def signals(self) -> Signals:
        """Return the heights of the run.

        Raises
        ------
        FormatError
            If the rows break a rule of signal tables.
        """
        if isinstance(self.content, Signals):
            return self.content
        if isinstance(self.content, TextTable):
            return _read_rows(self.content)
        found = next(iter(runs_from_bytes(self.content, self.source).values()))
        if not isinstance(found, Signals):
            raise FormatError("is no signal table", remedy="write it again", file=self.source)
        return found


def open_table(path: str) -> tuple[list[str], Iterator[Piece]]:
    """Return the runs of a signal table in the order of first appearance, and an iterator over their rows.

    Parameters
    ----------
    path
        A Parquet, CSV or TSV table with a column ``run``. A Parquet file whose runs stand together is read
        piece by piece; any other is read whole.

    Raises
    ------
    FormatError
        If the table cannot be read, or a row names no run; also while iterating.
    """
    with _opened(path) as stream:
        parquet = stream.read(4) == b"PAR1"
    if not parquet:
        try:
            whole = read_runs(path)
        except FormatError:
            return _taken_apart(path)
        names = _names(list(whole), path)
        return names, (
            Piece(run, path, found) for run, found in zip(names, whole.values()) if isinstance(found, Signals)
        )
    return _open_parquet(path)


def _opened(path: str) -> Any:
    try:
        return open(path, "rb")
    except OSError as error:
        raise FormatError(
            f"cannot be read: {error.strerror}", remedy="check path and permissions", file=path
        ) from None


def _names(runs: list[str], path: str) -> list[str]:
    """Return the names of runs without blanks around them, as the sample sheet has them.

    Raises
    ------
    FormatError
        If a name is empty, or two differ in such blanks only.
    """
    first: dict[str, str] = {}
    for run in runs:
        name = run.strip()
        if not name:
            raise FormatError("a row names no run", remedy="fill the column run in every row", file=path)
        if first.setdefault(name, run) != run:
            raise FormatError(
                f"runs {shown(first[name])} and {shown(run)} differ in blanks only",
                remedy="write one name for one run",
                file=path,
            )
    return list(first)


def _taken_apart(path: str) -> tuple[list[str], Iterator[Piece]]:
    """Return the runs of a text table of which a row cannot be used, so that only its own run fails.

    How numbers are written is a matter of the whole table: one whose rows differ in that stays refused.
    """
    table, _ = read_table(path)
    column = next(i for i, name in enumerate(table.header) if plain_name(name) == "run")
    rows: dict[str, list[int]] = {}
    for i, run in enumerate(table.column(column)):
        rows.setdefault(run, []).append(i)
    names = _names(list(rows), path)
    named = {plain_name(name): table.column(i) for i, name in enumerate(table.header)}
    if _is_long(table):
        text_style({name: named[name] for name in ("height", "size") if name in named}, table.lines, path)
    else:
        where = [i for i, name in enumerate(table.header) if plain_name(name) not in ("sample", "run")]
        lines = [line for line in table.lines for _ in where]
        text_style({"height": [row[i] for row in table.rows for i in where]}, lines, path)
    return names, (
        Piece(
            name,
            path,
            replace(table, rows=[table.rows[i] for i in index], lines=[table.lines[i] for i in index]),
        )
        for name, index in zip(names, rows.values())
    )


def _is_long(table: TextTable) -> bool:
    return LONG.fits(plain_names(table.header))


def _read_rows(table: TextTable) -> Signals:
    """Return the heights of rows that are all of one run."""
    found = next(iter((LONG if _is_long(table) else WIDE).read(table).values()))
    if not isinstance(found, Signals):
        raise FormatError("is no signal table", remedy="write it again", file=table.source)
    return found


def _open_parquet(path: str) -> tuple[list[str], Iterator[Piece]]:
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        file = pq.ParquetFile(path, memory_map=True)
        column = next(name for name in file.schema_arrow.names if plain_name(name) == "run")
        runs, codes = _run_codes(file.read(columns=[column]).column(0), path)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _damaged(error, path) from None
    runs = _names(runs, path)
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    together = len(starts) == len(runs)
    return runs, _pieces(file, runs, codes, path, together=together)


def _damaged(error: Exception, path: str) -> FormatError:
    reason = (str(error).splitlines() or ["no reason given"])[0]
    return FormatError(
        f"is a damaged Parquet file ({shown(reason, 100)})", remedy="write it again", file=path
    )


def _run_codes(column: pa.ChunkedArray, path: str) -> tuple[list[str], IntArray]:
    """Return the runs in the order of first appearance, and the index of each row's run."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        raise FormatError(
            f"column run is of type {kind}, and names are text", remedy="write it as text", file=path
        )
    if not len(column):
        raise FormatError("has no rows", remedy="write it again", file=path)
    plain = column.cast(pa.large_string()).fill_null("")
    array = pa.concat_arrays(plain.chunks).dictionary_encode()
    return array.dictionary.to_pylist(), array.indices.to_numpy().astype(np.int64)


def _pieces(file: Any, runs: list[str], codes: IntArray, path: str, *, together: bool) -> Iterator[Piece]:
    import pyarrow as pa

    def tables() -> Iterator[pa.Table]:
        if together:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield pa.Table.from_batches([batch])
        else:
            yield file.read().take(pa.array(np.argsort(codes, kind="stable")))

    ordered = codes if together else np.sort(codes, kind="stable")
    waiting: list[Any] = []
    row = 0
    try:
        for table in tables():
            ends = np.flatnonzero(np.diff(ordered[row : row + len(table) + 1])) + 1
            start = 0
            for end in ends.tolist():
                waiting.append(table.slice(start, end - start))
                yield _piece(waiting, runs[ordered[row + start]], path)
                waiting, start = [], end
            if start < len(table):
                waiting.append(table.slice(start))
            row += len(table)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _damaged(error, path) from None
    if waiting:
        yield _piece(waiting, runs[ordered[-1]], path)


def _piece(tables: list[Any], run: str, path: str) -> Piece:
    import pyarrow as pa
    from pyarrow import parquet as pq

    table = pa.concat_tables(tables).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", use_dictionary=False, write_statistics=False)
    return Piece(run, f"{path} (run {shown(run)})", sink.getvalue().to_pybytes())
