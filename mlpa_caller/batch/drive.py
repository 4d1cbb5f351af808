"""The flow of a batch: find the runs, do them, combine what they gave."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mlpa_caller.batch.combine import combine
from mlpa_caller.batch.discover import Folder, TableFile, discover
from mlpa_caller.batch.executor import Crew, crew, outcomes
from mlpa_caller.batch.names import folder_names
from mlpa_caller.batch.store import claimed
from mlpa_caller.batch.tables import Piece, open_table
from mlpa_caller.batch.task import Outcome, Task, failure
from mlpa_caller.batch.work import do_run
from mlpa_caller.datatypes import IntArray
from mlpa_caller.errors import FormatError, InputError, SampleSheetError, UsageError, shown
from mlpa_caller.outputs.provenance import Invocation
from mlpa_caller.panel import Panel, load_panel
from mlpa_caller.result import InputFile
from mlpa_caller.samplesheet import SampleSheet, load_samples
from mlpa_caller.settings import Settings
from mlpa_caller.version import version

__all__ = ["BatchSummary", "run_batch"]

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What a batch gave.

    Attributes
    ----------
    runs
        The rows of the table of finished runs, by name.
    done, skipped
        Numbers of runs analysed, and of runs that were finished before.
    failures
        The runs that failed: name, class of the error, message.
    not_given
        Runs that the sample sheet names and no input holds.
    """

    runs: tuple[Mapping[str, Any], ...]
    done: int
    skipped: int
    failures: tuple[tuple[str, str, str], ...]
    not_given: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The runs of a batch before any is done."""

    found: tuple[Folder | TableFile, ...]
    pieces: Mapping[str, Iterator[Piece]]
    names: Mapping[str, str]
    refused: tuple[Outcome, ...]
    tables: Mapping[str, InputFile]
    of_table: Mapping[str, tuple[str, ...]]


def run_batch(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    panel: Panel | str | os.PathLike[str] | None = None,
    samples: SampleSheet | str | os.PathLike[str] | None = None,
    settings: Settings | None = None,
    workers: int = 0,
    scheduler: str | None = None,
    resume: bool = False,
    force: bool = False,
    files: bool | None = None,
    reports: bool | None = None,
    progress: Callable[[int, int], None] | None = None,
    command: Sequence[str] = (),
) -> BatchSummary:
    """Analyse many runs and combine their results.

    Parameters
    ----------
    sources
        Folders of runs, folders that hold such folders, signal tables with a column ``run``, exports of one run.
    out
        The folder of the batch.
    panel
        The probes of every run whose folder has no probe sheet of its own.
    samples
        The samples of every run whose folder has no sample sheet of its own, told apart by the column ``run``.
    settings
        Noise figures, priors and limits; those shipped with the package by default.
    workers
        Number of processes; 0 for one a processor. The result does not depend on it.
    scheduler
        Address of a Dask scheduler whose workers do the runs. They need this package, and the same folders.
    resume
        Keep the runs that `out` holds finished, as far as their content is the same.
    force
        Do every run again.
    files
        Write the result files of every run too; None for those of folders and files, and not for the runs of
        signal tables.
    reports
        Write reports among them always, or never; None for runs that are not too large to look through.
    progress
        Called with the numbers of runs done and of all runs.
    command
        The words of the command line, for the provenance.

    Returns
    -------
    BatchSummary
        A run that failed is told of in it, and stops no other.

    Raises
    ------
    UsageError
        If no run is given, two runs have one name, or `out` holds something else.
    InputError
        If `panel` or `samples` cannot be used, or a row of `samples` names no run where others do.
    OutputError
        If `out` cannot be written.
    """
    started = datetime.now(UTC)
    target = Path(os.path.abspath(out))  # noqa: PTH100  (links keep their own names)
    if resume and force:
        raise UsageError("--resume and --force exclude each other", remedy="give one of them")
    loaded = load_panel(panel) if isinstance(panel, str | os.PathLike) else panel
    sheet = load_samples(samples) if isinstance(samples, str | os.PathLike) else samples
    by_run = _by_run(sheet)
    plan = _plan([os.fspath(source) for source in sources], str(target))
    with claimed(target, resume=resume, force=force):
        if list(by_run) == [""] and len(plan.names) == 1:  # one run needs no column that tells runs apart
            by_run = {next(iter(plan.names)): by_run[""]}
        common = Task(
            "", "", "", str(Path.cwd()), str(target), None, None, loaded, None, settings, bool(files), reports,
            version(), tuple(command),
        )  # fmt: skip
        found = list(plan.refused)
        total = len(plan.names) + len(plan.refused)
        with crew(workers, scheduler) as people:
            for outcome in _done(people, plan, common, sheet, by_run, files):
                found.append(outcome)
                if progress is not None:
                    progress(len(found), total)
        rows = combine(
            target,
            plan.names,
            found,
            inputs=(*plan.tables.values(), *_sheet_inputs(loaded, sheet)),
            parameters={"files": files, "runs": total},
            invocation=Invocation(command, started, datetime.now(UTC)) if command else None,
        )
    named = {outcome.run for outcome in found}
    states = Counter(outcome.state for outcome in found)
    failed = sorted((each for each in found if each.state == "failed"), key=lambda each: each.run)
    return BatchSummary(
        runs=tuple(rows),
        done=states["done"],
        skipped=states["skipped"],
        failures=tuple((each.run, each.error, each.message) for each in failed),
        not_given=tuple(run for run in by_run if run and run not in named),
    )


def _plan(sources: Sequence[str], out: str) -> _Plan:
    """Find the runs; give each a folder's name."""
    found, problems = discover(sources, out)
    refused = [failure(name, error) for name, error in problems]
    pieces: dict[str, Iterator[Piece]] = {}
    of_table: dict[str, tuple[str, ...]] = {}
    tables = {}
    for each in found:
        if isinstance(each, TableFile):
            try:
                runs, pieces[each.path] = open_table(each.path)
            except FormatError as error:
                refused.append(failure(Path(each.path).stem, error))
                continue
            of_table[each.path] = tuple(runs)
            tables[each.path] = _table_file(each.path)
    names = [each.run for each in found if isinstance(each, Folder)]
    names += [run for runs in of_table.values() for run in runs]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise UsageError(
            f"run {shown(repeated[0])} stands in more than one input",
            remedy="give every run once, under its own name",
        )
    refused = [each for each in refused if each.run not in set(names)] + [
        replace(each, run=f"{each.run} (not read)") for each in refused if each.run in set(names)
    ]
    return _Plan(tuple(found), pieces, folder_names(names), tuple(refused), tables, of_table)


def _table_file(path: str) -> InputFile:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return InputFile(path, "signals", digest.hexdigest(), Path(path).stat().st_size, "signal-table")


def _by_run(sheet: SampleSheet | None) -> dict[str, IntArray]:
    """Return the rows of the sample sheet by run; refuse rows without one beside others that name theirs."""
    if sheet is None:
        return {}
    rows: dict[str, list[int]] = {}
    for i, run in enumerate(sheet.run.tolist()):
        rows.setdefault(run, []).append(i)
    if "" in rows and len(rows) > 1:
        i = rows[""][0]
        raise SampleSheetError(
            f"sample {shown(sheet.samples[i])} names no run, and other samples do",
            remedy="fill the column run in every row",
            file=sheet.source,
            line=int(sheet.line[i]),
        )
    return {run: np.array(index, dtype=np.int64) for run, index in rows.items()}


def _sheet_of(sheet: SampleSheet | None, by_run: Mapping[str, IntArray], run: str) -> SampleSheet | None:
    return sheet.take(by_run[run]) if sheet is not None and run in by_run else None


def _sheet_inputs(panel: Panel | None, sheet: SampleSheet | None) -> Iterator[InputFile]:
    for role, given in (("panel", panel), ("samples", sheet)):
        if given is not None and given.sha256:
            path = Path(given.source)
            yield InputFile(
                given.source, role, given.sha256, path.stat().st_size if path.is_file() else 0, ""
            )


def _done(
    people: Crew,
    plan: _Plan,
    common: Task,
    sheet: SampleSheet | None,
    by_run: Mapping[str, IntArray],
    files: bool | None,
) -> Iterator[Outcome]:
    """Give the outcome of every run, in the order in which they are done."""
    unread: list[Outcome] = []

    def tasks() -> Iterator[Task]:
        for each in plan.found:
            if isinstance(each, Folder):
                wanted = True if files is None else files
                yield replace(
                    common, run=each.run, folder=plan.names[each.run], path=each.path, files=wanted,
                    sheet=_sheet_of(sheet, by_run, each.run),
                )  # fmt: skip
            elif each.path in plan.pieces:
                left = set(plan.of_table[each.path])
                try:
                    for piece in plan.pieces[each.path]:
                        left.discard(piece.run)
                        yield replace(
                            common, run=piece.run, folder=plan.names[piece.run], piece=piece,
                            table=plan.tables[each.path], sheet=_sheet_of(sheet, by_run, piece.run),
                        )  # fmt: skip
                except InputError as error:
                    unread.extend(failure(run, error) for run in sorted(left))

    def failed(task: Task, error: BaseException) -> Outcome:
        return _died(task.run, error)

    yield from outcomes(people, do_run, tasks(), failed)
    yield from unread


def _died(run: str, error: BaseException) -> Outcome:
    """Return the outcome of a run whose process died or raised what it should not."""
    if type(error).__name__ in ("BrokenProcessPool", "KilledWorker"):
        return Outcome(
            run,
            "failed",
            error=type(error).__name__,
            message="the process that analysed the run was ended by the system, more than once; "
            "give it more memory, or look for a damaged file in the run",
        )
    return failure(run, error)
