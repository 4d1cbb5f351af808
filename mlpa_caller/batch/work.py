"""One run of a batch, in whatever process it lands: taken in, analysed, and kept when finished."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller.batch.columns import arrow_table
from mlpa_caller.batch.names import readable
from mlpa_caller.batch.plan import panel_digest, sheet_digest
from mlpa_caller.batch.prepare import Prepared, listed, prepare
from mlpa_caller.batch.store import RUNS, drop_files, files_digest, finished, part_path, write_part
from mlpa_caller.batch.task import Outcome, Task, failure
from mlpa_caller.datatypes import Signals, Table, text_array
from mlpa_caller.errors import InputError, MlpaError, OutputError, ResultExistsError, SampleSheetError
from mlpa_caller.panel import Panel
from mlpa_caller.result import InputFile, Result
from mlpa_caller.samplesheet import SampleSheet, match_samples
from mlpa_caller.version import version

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SHEET", "do_run"]

SHEET = "sheet"
"""Table of a part that holds the columns of the sample sheet."""
_PATIENCE = 0.5


def do_run(task: Task) -> Outcome:
    """Analyse one run and keep its result; a run that was finished before from the same content is passed over.

    Returns
    -------
    Outcome
        Also for a run whose files cannot be used.
    """
    started = datetime.now(UTC)
    try:
        if readable(task.run) != task.run:
            raise InputError(f"the name {readable(task.run)} is no Unicode text", remedy="rename the folder")
        if task.version != version():
            raise MlpaError(
                f"this worker has version {version()} of mlpa-caller, the batch was started with {task.version}",
                remedy="install the same version on every worker",
            )
        run = prepare(task)
        out = Path(task.out)
        if finished(out, task.folder, run.key, files=task.files, reports=task.reports) is not None:
            return Outcome(task.run, "skipped", run.key)
        result = _analyse(task, run)
        if task.files:
            _write_files(task, result, started)
        else:
            drop_files(out, task.folder)  # of other content, or asked for no longer
        head, tables = _part(task, run, result)
        if task.files:
            head["files_sha256"] = files_digest(out / RUNS / task.folder)
        write_part(part_path(out, task.folder), head, tables)
    except MlpaError as error:
        return failure(task.run, error, task.base)
    return Outcome(task.run, "done", run.key)


def _analyse(task: Task, run: Prepared) -> Result:
    from mlpa_caller.pipeline import analyse, call_run

    if run.signals is None:
        try:
            result = call_run(
                [file.path for file in run.inputs],
                panel=run.panel,
                samples=run.sheet,
                clinical=run.clinical or None,
                settings=task.settings,
                workers=1,
            )
        except SampleSheetError as error:
            raise _with_left_out(error, run.left_out) from None
        read = {file.path: file.sha256 for file in result.inputs if file.role == "signals"}
        changed = [file.path for file in run.inputs if read.get(file.path) != file.sha256]
        if changed:
            raise InputError("changed while it was read", remedy="add --resume", file=changed[0])
        return result
    source = task.piece.source if task.piece is not None else ""
    files = (*run.inputs, *_sheet_files(run.panel, run.sheet))
    ordered = _in_order(run.signals, run.sheet, source)
    result = analyse(run.panel, run.sheet, ordered, settings=task.settings, inputs=files)
    return _with_risk(result)


def _with_left_out(error: SampleSheetError, left_out: tuple[str, ...]) -> SampleSheetError:
    """Name the files of the folder that no reader knows where they may be what is missing."""
    if not left_out:
        return error
    return SampleSheetError(
        f"{error.problem} (files not recognised: {listed(left_out)})",
        remedy=error.remedy,
        file=error.file,
        line=error.line,
    )


def _in_order(signals: Signals, sheet: SampleSheet, source: str) -> Signals:
    """Return the signals in the order of the sample sheet."""
    entries = match_samples(sheet, signals.samples, source=source)
    rows = np.array([where[0] for where in entries], dtype=np.int64)
    return replace(signals.take(rows), samples=sheet.samples)


def _sheet_files(panel: Panel, sheet: SampleSheet) -> tuple[InputFile, ...]:
    return tuple(
        InputFile(source, role, digest, Path(source).stat().st_size if Path(source).is_file() else 0, "")
        for source, role, digest in (
            (panel.source, "panel", panel.sha256),
            (sheet.source, "samples", sheet.sha256),
        )
    )


def _with_risk(result: Result) -> Result:
    """Return the result with risk classes where the sample sheet has clinical columns."""
    if not result.samples.clinical:
        return result
    from mlpa_caller.risk import classify, clinical_of_run

    stated = clinical_of_run(result.samples)
    if stated is None:
        return result
    sheet = result.samples
    patients = [name for name, role in zip(sheet.samples, sheet.role) if role == "patient"]
    risk = classify(result.tables["calls"], stated[0], samples=patients)
    return replace(result, tables={**result.tables, "risk": risk})


def _write_files(task: Task, result: Result, started: datetime) -> None:
    """Write the result files of the run; another process may be doing the same after a batch was cut off."""
    from mlpa_caller.outputs import Invocation, default_writers, write_result

    folder = Path(task.out) / RUNS / task.folder
    invocation = Invocation(task.command, started, datetime.now(UTC)) if task.command else None
    write = partial(
        write_result, result, folder, force=True, provenance=invocation, writers=default_writers(task.reports)
    )
    try:
        write()
    except (ResultExistsError, OutputError):
        time.sleep(_PATIENCE)
        write()


def _part(task: Task, run: Prepared, result: Result) -> tuple[dict[str, Any], Mapping[str, pa.Table]]:
    """Return what is kept of a finished run: a head fit for JSON, and its tables."""
    ratios = result.tables["ratios"]
    role_of = dict(zip(result.panel.probes, result.panel.role.tolist()))
    roles = text_array([role_of[probe] for probe in ratios.columns["probe"].tolist()])
    with_roles = replace(ratios, columns=_after(ratios.columns, "exon", probe_role=roles))
    all_tables = {**result.tables, "ratios": with_roles, SHEET: _sheet_table(result.samples)}
    tables = {name: arrow_table(table) for name, table in all_tables.items()}
    role = result.samples.role
    head = {
        "run": task.run,
        "folder": task.folder,
        "key": run.key,
        "version": version(),
        "columns": {
            name: [[field.name, str(field.type)] for field in table.schema] for name, table in tables.items()
        },
        "row": {
            "verdict": str(result.run.get("verdict", "")),
            "reasons": "; ".join(map(str, result.run.get("reasons", ()))),
            "samples": len(role),
            "patients": int((role == "patient").sum()),
            "references": int((role == "reference").sum()),
            "references_used": len(result.run.get("reference_samples", ())),
            "panel": result.panel.name,
            "panel_sha256": panel_digest(result.panel),
            "samples_sha256": sheet_digest(result.samples),
            "inputs": len(run.inputs),
            "files_not_recognised": ";".join(map(readable, run.left_out)),
            "files": f"{RUNS}/{task.folder}" if task.files else "",
            "content_sha256": run.key,
        },
    }
    return head, tables


def _after(columns: Mapping[str, Any], name: str, **more: Any) -> dict[str, Any]:
    """Return the columns with further ones behind the column `name`."""
    out: dict[str, Any] = {}
    for key, values in columns.items():
        out[key] = values
        if key == name:
            out.update(more)
    return out


def _sheet_table(sheet: SampleSheet) -> Table:
    """Return the sample sheet as a table: what later questions are asked by, such as the lot of the panel."""
    columns = {"sample": text_array(sheet.samples), "sex": sheet.sex, "blast_fraction": sheet.blast_fraction}
    return Table({**columns, "file": sheet.file, **sheet.clinical}, {"blast_fraction": 6})
