"""What is asked of a worker, and what it answers."""

from __future__ import annotations

import os
from dataclasses import dataclass

from mlpa_caller.batch.tables import Piece
from mlpa_caller.errors import MlpaError
from mlpa_caller.panel import Panel
from mlpa_caller.result import InputFile
from mlpa_caller.samplesheet import SampleSheet
from mlpa_caller.settings import Settings

__all__ = ["Outcome", "Task", "failure"]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One run to be done.

    Attributes
    ----------
    run, folder
        Its name, and the name of its folder.
    path
        The folder or file of the run, as the user named it; empty for a run of a signal table.
    base
        The folder that relative paths start from.
    out
        The folder of the batch.
    piece, table
        The run's rows of a signal table, and that table's file.
    panel
        The probes; None where the run's folder must hold its own probe sheet.
    sheet
        The samples; None where the run's folder must hold its own sample sheet.
    settings
        Noise figures, priors and limits; None for those shipped with the package.
    files
        Write the run's result files too.
    reports
        With its reports, or without; None as the command call does by itself.
    version
        Of the package that made the task.
    command
        The words of the command line, for the provenance.
    """

    run: str
    folder: str
    path: str
    base: str
    out: str
    piece: Piece | None
    table: InputFile | None
    panel: Panel | None
    sheet: SampleSheet | None
    settings: Settings | None
    files: bool
    reports: bool | None
    version: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run.

    Attributes
    ----------
    run
        Its name.
    state
        ``done``, ``skipped`` (finished before) or ``failed``.
    key
        Checksum of its content; empty for a failed run.
    error, message
        Class of the error and its one line; empty unless failed.
    """

    run: str
    state: str
    key: str = ""
    error: str = ""
    message: str = ""


def failure(run: str, error: BaseException, base: str = "") -> Outcome:
    """Return the outcome of a run that failed with `error`; paths below `base` are told from there."""
    if isinstance(error, MlpaError):
        inside = error.file is not None and base and error.file.startswith(base + os.sep)
        if inside and error.file is not None:
            error = type(error)(
                error.problem, remedy=error.remedy, file=error.file[len(base) + 1 :], line=error.line
            )
        return Outcome(run, "failed", error=type(error).__name__, message=str(error))
    text = " ".join(str(error).split())
    return Outcome(
        run, "failed", error=type(error).__name__, message=f"internal error: {text or 'no message'}"
    )
