"""One run before it is analysed: its sheets, its inputs, and the checksum of all that decides its result."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from mlpa_caller.batch.discover import folder_contents
from mlpa_caller.batch.plan import content_key, signals_digest
from mlpa_caller.batch.task import Task
from mlpa_caller.datatypes import Signals
from mlpa_caller.errors import FormatError, InputError, PanelError, SampleSheetError, shown
from mlpa_caller.formats import align
from mlpa_caller.formats.abif_tags import MAGIC
from mlpa_caller.formats.registry import recognise
from mlpa_caller.formats.text import read_bytes
from mlpa_caller.panel import Panel, load_panel
from mlpa_caller.result import InputFile
from mlpa_caller.samplesheet import SampleSheet, load_samples
from mlpa_caller.settings import Settings, default_settings
from mlpa_caller.traces.batch import SUFFIXES, traces_below

__all__ = ["Prepared", "listed", "prepare"]

_TRACE = "abif-trace"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A run whose sheets and inputs are known.

    Attributes
    ----------
    panel, sheet, settings
        The probes, the samples, and the effective parameters.
    inputs
        Its files.
    clinical
        Its file of clinical data; empty for none.
    signals
        Its heights, probes in the panel's order, for a run of a signal table; None for files.
    left_out
        Names of the files in its folder that no reader knows.
    key
        Checksum of its content.
    """

    panel: Panel
    sheet: SampleSheet
    settings: Settings
    inputs: tuple[InputFile, ...]
    clinical: str
    signals: Signals | None
    left_out: tuple[str, ...]
    key: str


def prepare(task: Task) -> Prepared:
    """Return the run of a task, ready to be analysed.

    Raises
    ------
    InputError
        If a sheet or an input is missing or cannot be read.
    """
    settings = default_settings() if task.settings is None else task.settings
    if task.piece is not None:
        panel, sheet = _needed(task.panel, task.sheet, "", task.run)
        signals = align(task.piece.signals(), panel.probes)
        key = content_key((), panel, sheet, settings, signals=signals_digest(signals))
        inputs: tuple[InputFile, ...] = () if task.table is None else (task.table,)
        return Prepared(panel, sheet, settings, inputs, "", signals, (), key)
    path = os.path.join(task.base, task.path)  # noqa: PTH118  (an absolute path stays as it is)
    panel_path = samples_path = clinical = ""
    files: tuple[str, ...] = (path,)
    below: tuple[str, ...] = ()
    if os.path.isdir(path):  # noqa: PTH112
        contents = folder_contents(path)
        panel_path, samples_path, clinical = contents.panel, contents.samples, contents.clinical
        files, below = contents.files, _traces_in_folders(path)
    panel, sheet = _needed(
        load_panel(panel_path) if panel_path else task.panel,
        load_samples(samples_path) if samples_path else task.sheet,
        path,
        task.run,
    )
    inputs, left_out = _recognised(files, below, path)
    stated = hashlib.sha256(read_bytes(clinical)).hexdigest() if clinical else ""
    key = content_key(inputs, panel, sheet, settings, clinical=stated)
    return Prepared(panel, sheet, settings, inputs, clinical, None, left_out, key)


def _needed(panel: Panel | None, sheet: SampleSheet | None, path: str, run: str) -> tuple[Panel, SampleSheet]:
    """Return the sheets; refuse a run without them. The `path` of a run of a signal table is empty."""
    in_folder = os.path.isdir(path)  # noqa: PTH112
    if sheet is None:
        named = f"name the run {shown(run)} in the column run of --samples"
        raise SampleSheetError(
            "the run has no sample sheet" if path else f"no sample sheet has samples of run {shown(run)}",
            remedy=f"put samples.csv into its folder, or {named}" if in_folder else named,
            file=path or None,
        )
    if panel is None:
        raise PanelError(
            "the run has no probe sheet" if path else f"there is no probe sheet for run {shown(run)}",
            remedy="put panel.csv into its folder, or give --panel" if in_folder else "give --panel",
            file=path or None,
        )
    return panel, sheet


def _traces_in_folders(folder: str) -> tuple[str, ...]:
    """Return the raw traces in the folders of a folder."""
    return tuple(path for path in traces_below(folder) if Path(path).parent != Path(folder))


def _recognised(
    files: tuple[str, ...], below: tuple[str, ...], path: str
) -> tuple[tuple[InputFile, ...], tuple[str, ...]]:
    """Return the inputs of a run, and the names of the files that no reader knows.

    Raw traces in the folders below are inputs unless a table lies in the run's own folder: its export.
    """
    inputs, left_out = [], []
    why: FormatError | None = None
    for file in files:
        try:
            inputs.append(_input(file))
        except FormatError as error:
            why = why or error
            left_out.append(os.path.basename(file))  # noqa: PTH119
    if all(each.format == _TRACE for each in inputs):
        inputs += [_input(file) for file in below]
    if not inputs:
        if why is not None and len(files) == 1:
            raise why
        raise InputError(
            "the run has no input that is recognised" + (f" ({listed(left_out)})" if left_out else ""),
            remedy="put its export or raw traces into the folder",
            file=path,
        )
    return tuple(inputs), tuple(left_out)


def _input(file: str) -> InputFile:
    data = read_bytes(file)
    trace = data.startswith(MAGIC) or file.lower().endswith(SUFFIXES)
    return InputFile(
        file, "signals", hashlib.sha256(data).hexdigest(), len(data), _TRACE if trace else recognise(file)
    )


def listed(names: tuple[str, ...] | list[str]) -> str:
    """Return the first few of many names."""
    return ", ".join(shown(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
