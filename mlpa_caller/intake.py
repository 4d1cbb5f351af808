"""From input files to the run's heights: read, match with the sample sheet, give probes their peaks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlpa_caller.binning import bin_peaks
from mlpa_caller.datatypes import FloatArray, IntArray, PeakTable, Signals
from mlpa_caller.errors import FormatError, InputError, UsageError, shown
from mlpa_caller.formats import align
from mlpa_caller.formats.registry import runs_from_bytes
from mlpa_caller.formats.text import read_bytes
from mlpa_caller.panel import Panel
from mlpa_caller.result import InputFile
from mlpa_caller.samplesheet import SampleSheet, match_samples

if TYPE_CHECKING:
    import pandas as pd

    Source = str | os.PathLike[str] | pd.DataFrame

__all__ = ["Intake", "concatenate_peaks", "take_in"]


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """The heights of a run, samples in the order of the sheet.

    Attributes
    ----------
    signals
        ``(samples, probes)``, probes in the panel's order.
    figures
        Further quality figures, ``(samples,)`` each.
    inputs
        The files read.
    """

    signals: Signals
    figures: Mapping[str, FloatArray]
    inputs: tuple[InputFile, ...]


def take_in(sources: Sequence[Source], panel: Panel, sheet: SampleSheet) -> Intake:
    """Read the inputs of one run.

    Parameters
    ----------
    sources
        Peak exports or signal tables: paths (``-`` is standard input) or data frames with the same columns.
    panel
        The probes.
    sheet
        The samples; its order is the order of the result.

    Raises
    ------
    FormatError
        If an input cannot be read.
    SampleSheetError
        If sheet and inputs do not name the same samples.
    InputError
        If peak exports and signal tables are mixed, or two inputs hold the same sample.
    """
    if not sources:
        raise UsageError("no input is given", remedy="name an export, a signal table or raw traces")
    peaks: list[PeakTable] = []
    signals: list[Signals] = []
    inputs = []
    for source in sources:
        data, name = _content(source)
        found = _one_run(runs_from_bytes(data, name), name)
        kind = found.format if isinstance(found, PeakTable) else "signal-table"
        inputs.append(InputFile(name, "signals", hashlib.sha256(data).hexdigest(), len(data), kind))
        if isinstance(found, PeakTable):
            peaks.append(found)
        else:
            signals.append(align(found, panel.probes))
    if peaks and signals:
        raise InputError(
            "peak exports and signal tables are mixed",
            remedy="give inputs of one kind",
            file=signals[0].source[0] if len(signals[0].source) else None,
        )
    if peaks:
        return _from_peaks(concatenate_peaks(peaks), panel, sheet, tuple(inputs))
    return _from_signals(signals, sheet, tuple(inputs))


def _content(source: Source) -> tuple[bytes, str]:
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        if Path(path).is_dir():
            raise InputError("is a folder without raw traces", remedy="name files", file=path)
        return read_bytes(path), path
    text: str = source.to_csv(index=False, sep="\t", lineterminator="\n")
    return text.encode("utf-8"), "data frame"


def _one_run(runs: Mapping[str, PeakTable | Signals], name: str) -> PeakTable | Signals:
    if len(runs) != 1:
        listed = ", ".join(shown(run) for run in list(runs)[:5])
        raise FormatError(
            f"holds {len(runs)} runs ({listed}{', ...' if len(runs) > 5 else ''})",
            remedy="use the command batch, or give a table of one run",
            file=name,
        )
    return next(iter(runs.values()))


def concatenate_peaks(tables: Sequence[PeakTable]) -> PeakTable:
    """Return the peaks of several exports of one run as one table, in the order given."""
    if len(tables) == 1:
        return tables[0]
    arrays = ("sample", "file", "dye", "size", "height", "area", "data_point", "line", "size_error", "flags")
    joined = {name: np.concatenate([getattr(table, name) for table in tables]) for name in arrays}
    ladder = {table.ladder_dye for table in tables}
    return PeakTable(
        source=tables[0].source,
        ladder_dye=ladder.pop() if len(ladder) == 1 else "",
        format=tables[0].format,
        **joined,
    )


def _from_peaks(peaks: PeakTable, panel: Panel, sheet: SampleSheet, inputs: tuple[InputFile, ...]) -> Intake:
    entries = match_samples(
        sheet,
        list(peaks.sample),
        list(peaks.file),
        source=inputs[0].path if inputs else peaks.source,
        may_be_absent=("no_dna",),  # an injection without peaks has no row in an export
    )
    sample_of_peak: IntArray = np.full(len(peaks), -1, dtype=np.int64)
    for row, where in enumerate(entries):
        sample_of_peak[where] = row
    binned = bin_peaks(peaks, panel, sample_of_peak, sheet.samples)
    figures = {
        "size_shift": binned.sample_shift,
        "size_sd": binned.size_sd,
        "misfit": binned.misfit.astype(np.float64),
    }
    return Intake(binned.signals, figures, inputs)


def _from_signals(signals: Sequence[Signals], sheet: SampleSheet, inputs: tuple[InputFile, ...]) -> Intake:
    names = [name for table in signals for name in table.samples]
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(signals) > 1 else []
    if repeated:
        raise InputError(
            f"sample {shown(repeated[0])} stands in more than one input",
            remedy="give each sample once",
            file=inputs[0].path,
        )
    entries = match_samples(sheet, names, source=inputs[0].path)
    order = np.array([where[0] for where in entries], dtype=np.int64)
    stacked = Signals(
        samples=sheet.samples,
        probes=signals[0].probes,
        height=np.concatenate([table.height for table in signals])[order],
        missing=np.concatenate([table.missing for table in signals])[order],
        size=np.concatenate([table.size for table in signals])[order],
        off_scale=np.concatenate([table.off_scale for table in signals])[order],
        noise=np.concatenate([table.noise for table in signals])[order],
        unassigned=np.concatenate([table.unassigned for table in signals])[order],
        source=np.concatenate([table.source for table in signals])[order],
    )
    return Intake(stacked, {}, inputs)
