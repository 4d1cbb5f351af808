"""From input files to the run's heights: read, match with the sample sheet, give probes their peaks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlpa_caller.binning import Binned, bin_peaks
from mlpa_caller.datatypes import FloatArray, IntArray, PeakTable, Signals, TextArray, text_array
from mlpa_caller.errors import FormatError, InputError, TraceError, UsageError, shown
from mlpa_caller.formats import align
from mlpa_caller.formats.abif import sniff
from mlpa_caller.formats.registry import runs_from_bytes
from mlpa_caller.formats.text import read_bytes
from mlpa_caller.panel import Panel
from mlpa_caller.result import InputFile
from mlpa_caller.samplesheet import SampleSheet, match_samples

if TYPE_CHECKING:
    import pandas as pd

    from mlpa_caller.traces.profile import Profile

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
    remarks
        By sample, what sizing its raw trace says of it: verdict and reason.
    profiles, dye
        By sample, the signal of its raw trace by size; the dye each probe was found in. Empty for tables.
    """

    signals: Signals
    figures: Mapping[str, FloatArray]
    inputs: tuple[InputFile, ...]
    remarks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    dye: TextArray = field(default_factory=lambda: text_array([]))


def take_in(
    sources: Sequence[Source],
    panel: Panel,
    sheet: SampleSheet,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Intake:
    """Read the inputs of one run.

    Parameters
    ----------
    sources
        Raw traces or folders of them; or peak exports or signal tables: paths (``-`` is standard input) or
        data frames with the same columns.
    panel
        The probes.
    sheet
        The samples; its order is the order of the result.
    workers
        Processes that size raw traces; None for one a processor where there are files enough.
    progress
        Called with the numbers of traces sized and of all traces.

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
    raw = [source for source in sources if isinstance(source, str | os.PathLike) and _is_trace(source)]
    if raw and len(raw) < len(sources):
        raise InputError("raw traces and tables are mixed", remedy="give inputs of one kind", file=raw[0])
    if raw:
        return _from_traces(raw, panel, sheet, workers, progress)
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


def _is_trace(source: str | os.PathLike[str]) -> bool:
    """Return whether `source` is a folder, or a file that is or calls itself a raw trace."""
    path = Path(source)
    if path.is_dir() or path.suffix.lower() in (".fsa", ".hid"):
        return True
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return sniff(stream.read(4))


def _from_traces(
    sources: Sequence[str | os.PathLike[str]],
    panel: Panel,
    sheet: SampleSheet,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> Intake:
    """Size raw traces and give their peaks to the probes; a refused trace leaves its sample without heights."""
    from mlpa_caller.electropherogram import MOST_DRAWN
    from mlpa_caller.traces.batch import process_traces, trace_paths
    from mlpa_caller.traces.process import SizingOptions

    paths = trace_paths(sources)
    options = SizingOptions(profile=len(paths) <= MOST_DRAWN)
    sized = process_traces(paths, options=options, workers=workers, progress=progress)
    reports = [report for _, report in sized]
    if not any(report.sized for report in reports):
        raise TraceError(
            f"none of {len(reports)} traces could be sized; the first: {reports[0].reason}",
            remedy="see mlpa-caller size for each file",
            file=reports[0].source,
        )
    entries = match_samples(
        sheet,
        [report.sample for report in reports],
        [report.file for report in reports],
        source=os.fspath(sources[0]),
        may_be_absent=("no_dna",),
    )
    row_of = {int(where[0]): row for row, where in enumerate(entries) if len(where)}
    sample_of_peak = np.concatenate(
        [np.full(len(table), row_of.get(i, -1), dtype=np.int64) for i, (table, _) in enumerate(sized)]
    )
    binned = bin_peaks(concatenate_peaks([table for table, _ in sized]), panel, sample_of_peak, sheet.samples)
    of_row = {row: reports[i] for i, row in row_of.items()}
    rungs = np.full((4, len(sheet.samples)), np.nan)
    for row, report in of_row.items():
        rungs[:, row] = (
            report.rungs_expected, report.rungs_matched, report.residual_median, report.residual_max
        )  # fmt: skip
    names = ("rungs_expected", "rungs_matched", "ladder_residual_median", "ladder_residual_max")
    inputs = tuple(_trace_file(path) for path in paths)
    remarks = {
        sheet.samples[row]: (report.verdict, f"sizing: {report.reason}")
        for row, report in of_row.items()
        if report.verdict != "pass"
    }
    profiles = {
        sheet.samples[row]: report.profile for row, report in of_row.items() if report.profile is not None
    }
    figures = {**_bin_figures(binned), **dict(zip(names, rungs))}
    return Intake(binned.signals, figures, inputs, remarks, profiles, binned.dye)


def _trace_file(path: str) -> InputFile:
    data = read_bytes(path)
    return InputFile(path, "signals", hashlib.sha256(data).hexdigest(), len(data), "abif-trace")


def _bin_figures(binned: Binned) -> dict[str, FloatArray]:
    return {
        "size_shift": binned.sample_shift,
        "size_sd": binned.size_sd,
        "misfit": binned.misfit.astype(np.float64),
    }


def _content(source: Source) -> tuple[bytes, str]:
    if isinstance(source, str | os.PathLike):
        return read_bytes(source), os.fspath(source)
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
    return Intake(binned.signals, _bin_figures(binned), inputs)


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
