"""Results to files; one module a format.

A writer is a function ``(result, folder) -> None`` that writes its files into a folder being filled. A
further format is a further writer in `DEFAULT_WRITERS`; all files of a result appear together
(`atomic_folder`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlpa_caller.outputs.atomic import atomic_file, atomic_folder, atomic_write, check_target
from mlpa_caller.outputs.provenance import Invocation, write_provenance
from mlpa_caller.outputs.result_json import read_result, write_json
from mlpa_caller.outputs.summary import summary_text
from mlpa_caller.outputs.tsv import write_table, write_tables

if TYPE_CHECKING:
    from mlpa_caller.result import Result

__all__ = [
    "DEFAULT_WRITERS",
    "Invocation",
    "Writer",
    "atomic_file",
    "atomic_folder",
    "atomic_write",
    "check_target",
    "default_writers",
    "fill_folder",
    "read_result",
    "summary_text",
    "write_result",
    "write_table",
]

Writer = Callable[["Result", Path], None]


def _write_vcf(result: Result, folder: Path) -> None:
    from mlpa_caller.outputs.vcf import write_calls_vcf

    write_calls_vcf(result, folder)


def _write_reports(result: Result, folder: Path, *, always: bool = False) -> None:
    from mlpa_caller.outputs.report import write_reports

    write_reports(result, folder, always=always)


_WITHOUT_REPORTS: tuple[Writer, ...] = (write_json, write_tables, _write_vcf)

DEFAULT_WRITERS: tuple[Writer, ...] = (*_WITHOUT_REPORTS, _write_reports)
"""Tables, ``result.json``, VCF and, for a run that a person can look through, the reports."""


def default_writers(report: bool | None = None) -> tuple[Writer, ...]:
    """Return the writers of all files.

    Parameters
    ----------
    report
        True for reports of however many samples, False for none, None as in `DEFAULT_WRITERS`.
    """
    if report is None:
        return DEFAULT_WRITERS
    return (*_WITHOUT_REPORTS, partial(_write_reports, always=True)) if report else _WITHOUT_REPORTS


def fill_folder(
    result: Result,
    folder: Path,
    *,
    provenance: Invocation | None = None,
    writers: Sequence[Writer] = DEFAULT_WRITERS,
) -> None:
    """Write every file of `result` into a folder that `atomic_folder` gave, ``provenance.json`` last."""
    for write in writers:
        write(result, folder)
    write_provenance(result, folder, provenance)


def write_result(
    result: Result,
    out: str | os.PathLike[str],
    *,
    force: bool = False,
    provenance: Invocation | None = None,
    writers: Sequence[Writer] = DEFAULT_WRITERS,
) -> None:
    """Write `result` to the folder `out`; its files appear together, or none does.

    Parameters
    ----------
    result
        What the pipeline gave.
    out
        The folder: new, empty, or (with `force`) one that holds an earlier result.
    force
        Replace an earlier result; files that belong to no result stay.
    provenance
        The command and its times; None when the caller is no command.
    writers
        The formats to write.

    Raises
    ------
    ResultExistsError
        If `out` holds a result and `force` is False, or files that belong to no result.
    OutputError
        If a file cannot be written; nothing of the new result is left, and an earlier one is as it was.
    """
    with atomic_folder(out, force=force) as folder:
        fill_folder(result, folder, provenance=provenance, writers=writers)
