"""One table of all runs: the finished parts, one after the other, as Parquet."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from mlpa_caller.batch.names import readable
from mlpa_caller.batch.store import part_path, read_head, read_part, told
from mlpa_caller.batch.task import Outcome
from mlpa_caller.batch.work import SHEET
from mlpa_caller.datatypes import Table, text_array
from mlpa_caller.errors import InputError, MlpaError
from mlpa_caller.outputs.atomic import open_text
from mlpa_caller.outputs.provenance import Invocation, write_provenance
from mlpa_caller.outputs.publish import publish_inside, recover, staging
from mlpa_caller.outputs.tsv import write_table

if TYPE_CHECKING:
    import pyarrow as pa

    from mlpa_caller.result import InputFile, Result

__all__ = ["FAILURES", "TABLES", "combine"]

TABLES = ("calls", "exons", "ratios", "quality", "risk")
"""The combined result tables; each starts with the columns ``run`` and ``sample``."""
FAILURES = ("run", "error", "message")
ROWS_AT_ONCE = 1 << 17
"""Rows of a row group: what is held before it is written."""
THREADS = 2
"""Files that are compressed at the same time."""
_RUN_COLUMNS = ("run", "verdict", "reasons", "samples", "patients", "references", "references_used", "panel",
                "panel_sha256", "samples_sha256", "inputs", "files_not_recognised", "files",
                "content_sha256")  # fmt: skip
_PATIENCE = 10
_COUNTS = ("samples", "patients", "references", "references_used", "inputs")


def combine(
    out: Path,
    folders: Mapping[str, str],
    outcomes: Iterable[Outcome],
    *,
    inputs: tuple[InputFile, ...],
    parameters: Mapping[str, Any],
    invocation: Invocation | None,
) -> list[dict[str, Any]]:
    """Write the combined tables of a batch; they appear together, in place of earlier ones.

    Parameters
    ----------
    out
        The folder of the batch.
    folders
        Folder names by run.
    outcomes
        What became of every run; rows stand in the order of the runs' names.
    inputs, parameters, invocation
        For the provenance.

    Returns
    -------
    list of dict
        The rows of the table of runs.

    Raises
    ------
    InputError
        If a finished run cannot be read back.
    OutputError
        If a table cannot be written; earlier ones are as they were.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.run)
    done = [outcome for outcome in ordered if outcome.state != "failed"]
    failed = [outcome for outcome in ordered if outcome.state == "failed"]
    with told(out):
        recover(out)
        with staging(out, inside=True) as staged:
            rows = _write_tables(staged, out, folders, done)
            _write_lists(staged, rows, failed)
            made = SimpleNamespace(inputs=inputs, parameters=parameters)  # what the provenance asks for
            write_provenance(cast("Result", made), staged, invocation)
            publish_inside(staged, out, whole=True)
    return rows


def _write_tables(
    staged: Path, out: Path, folders: Mapping[str, str], done: Sequence[Outcome]
) -> list[dict[str, Any]]:
    """Write one table of each kind, a run at a time; return the rows of the table of runs."""
    columns: dict[str, dict[str, str]] = {name: {} for name in (*TABLES, SHEET)}
    for outcome in done:
        head = _checked(read_head(_in_sight(part_path(out, folders[outcome.run]))), outcome)
        for name, listed in head["columns"].items():
            _unite(columns[name], listed)
    renamed = _sheet_names(columns.pop(SHEET), columns["quality"])
    rows = []
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(THREADS))
        writers = {
            name: stack.enter_context(_Writer(staged / f"{name}.parquet", columns[name], threads))
            for name in TABLES
        }
        for outcome in done:
            head, tables = read_part(part_path(out, folders[outcome.run]))
            _checked(head, outcome)
            rows.append({"run": outcome.run, **head["row"]})
            tables["quality"] = _with_sheet(tables["quality"], tables.pop(SHEET), renamed)
            for name, table in tables.items():
                writers[name].add(outcome.run, table)
    return rows


def _in_sight(path: Path) -> Path:
    """Wait a little for a file that another machine has written: a shared file system may be slow to show it."""
    for _ in range(_PATIENCE):
        if path.is_file():
            break
        time.sleep(1.0)
        list(path.parent.iterdir())  # asks the file system anew
    return path


def _checked(head: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    if head.get("run") != outcome.run or head.get("key") != outcome.key:
        raise InputError(
            f"the finished run {outcome.run} was changed by another program",
            remedy="run it again with --resume",
        )
    return head


def _unite(known: dict[str, str], listed: Sequence[Sequence[str]]) -> None:
    """Add columns to those known; a number is a double where any run has one."""
    for name, kind in listed:
        before = known.setdefault(name, kind)
        if before != kind:
            if {before, kind} - {"double", "int64"}:
                raise MlpaError(f"column {name} is {before} in one run and {kind} in another")
            known[name] = "double"


def _sheet_names(sheet: Mapping[str, str], quality: dict[str, str]) -> dict[str, str]:
    """Add the columns of the sample sheets to those of the quality table; return their names there.

    A column that has the name of a figure is told apart by ``sheet_`` before it.
    """
    renamed = {}
    for name, kind in sheet.items():
        if name != "sample":
            shown = name
            while shown in quality or shown == "run" or (shown != name and shown in sheet):
                shown = f"sheet_{shown}"
            renamed[name] = shown
            quality[shown] = kind
    return renamed


def _with_sheet(quality: pa.Table, sheet: pa.Table, renamed: Mapping[str, str]) -> pa.Table:
    """Return the quality table of a run with the columns of its sample sheet behind it."""
    if quality.column("sample").to_pylist() != sheet.column("sample").to_pylist():
        raise MlpaError("quality table and sample sheet differ in their samples")
    for name in sheet.schema.names:
        if name != "sample":
            quality = quality.append_column(renamed[name], sheet.column(name))
    return quality


class _Writer:
    """A Parquet file that grows by rows of many runs and holds few of them at a time.

    Row groups are compressed and written in threads, one of a file at a time, so that files do not wait for
    each other and the bytes of each are the same however many threads there are.
    """

    def __init__(self, path: Path, columns: Mapping[str, str], threads: Executor) -> None:
        import pyarrow as pa
        from pyarrow import parquet as pq

        kinds = {"string": pa.string(), "double": pa.float64(), "int64": pa.int64()}
        fields = [(name, kinds[kind]) for name, kind in columns.items()]
        self._schema = pa.schema([("run", pa.string()), *(fields or [("sample", pa.string())])])
        texts = [field.name for field in self._schema if field.type == pa.string()]
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd", use_dictionary=texts)
        self._threads = threads
        self._under_way: Future[None] | None = None
        self._waiting: list[Any] = []
        self._rows = 0

    def __enter__(self) -> Self:
        """Give the writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is held, and the end of the file."""
        try:
            self._flush()
            self._wait()
        finally:
            self._file.close()

    def add(self, run: str, table: pa.Table) -> None:
        """Append the rows of one run."""
        import pyarrow as pa

        n = len(table)
        arrays = [pa.repeat(pa.scalar(run, pa.string()), n)]
        for field in list(self._schema)[1:]:
            there = field.name in table.schema.names
            column = table.column(field.name) if there else pa.nulls(n, field.type)
            arrays.append(column.cast(field.type) if there and column.type != field.type else column)
        self._waiting.append(pa.table(arrays, schema=self._schema))
        self._rows += n
        if self._rows >= ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._wait()
        if self._rows:
            self._under_way = self._threads.submit(self._write, self._waiting, self._rows)
        self._waiting, self._rows = [], 0

    def _write(self, tables: list[Any], rows: int) -> None:
        import pyarrow as pa

        self._file.write_table(pa.concat_tables(tables), row_group_size=rows)

    def _wait(self) -> None:
        done, self._under_way = self._under_way, None
        if done is not None:
            done.result()


def _write_lists(staged: Path, rows: Sequence[Mapping[str, Any]], failed: Sequence[Outcome]) -> None:
    """Write the runs that are finished and those that failed, as Parquet and as text."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    texts = [name for name in _RUN_COLUMNS if name not in _COUNTS]
    kinds = {**dict.fromkeys(texts, pa.string()), **dict.fromkeys(_COUNTS, pa.int64())}
    lists: dict[str, dict[str, tuple[Any, list[Any]]]] = {
        "runs": {name: (kinds[name], [row[name] for row in rows]) for name in _RUN_COLUMNS},
        "failures": {
            name: (pa.string(), [readable(getattr(outcome, name)) for outcome in failed]) for name in FAILURES
        },
    }
    for name, columns in lists.items():
        table = pa.table({key: pa.array(values, kind) for key, (kind, values) in columns.items()})
        pq.write_table(table, staged / f"{name}.parquet", compression="zstd")
        with open_text(staged / f"{name}.tsv") as stream:
            write_table(_plain(table), stream)


def _plain(table: pa.Table) -> Table:
    columns: dict[str, Any] = {}
    for field in table.schema:
        values = table.column(field.name).to_pylist()
        columns[field.name] = (
            np.array(values, dtype=np.int64) if str(field.type) == "int64" else text_array(values)
        )
    return Table(columns)
