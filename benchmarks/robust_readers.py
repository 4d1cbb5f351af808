"""Every reader of the package behind one door: bytes in; success, the package's own error, or a finding.

What counts as a finding: any other exception or warning, a message of more than one line, more than a second of
processor time, or more than 64 MB of memory beyond a small multiple of the input.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MEMORY_GOAL_MB", "PARTS", "READERS", "SECONDS_GOAL", "Finding", "Judge"]

SECONDS_GOAL = 1.0
MEMORY_GOAL_MB = 64.0
SECONDS_A_MB = 4.0
"""Seconds that a megabyte of input may take beside the one: a megabyte of calls is 40,000 patients."""
MULTIPLE = 40
"""Bytes of memory that a byte of input may take beside the 64 MB: text as Python strings takes thirty or so."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "peaks": (
        "formats/genemapper.py",
        "formats/peakscanner.py",
        "formats/gexp.py",
        "formats/generic.py",
        "formats/peaks.py",
        "formats/numbers.py",
        "formats/text.py",
        "formats/registry.py",
    ),
    "signals": ("formats/signals.py", "formats/numbers.py", "formats/text.py", "formats/registry.py"),
    "parquet": ("formats/parquet.py", "formats/signals.py", "formats/registry.py"),
    "panel": ("panel.py", "formats/text.py"),
    "samples": ("samplesheet.py", "formats/text.py"),
    "clinical": ("risk/clinical.py", "formats/text.py"),
    "patients": ("cohort/patients.py", "cohort/sources.py", "cohort/events.py", "formats/text.py"),
    "calls": ("formats/calls_table.py", "consequence/annotate.py", "consequence/reading.py", "risk/table.py"),
    "vcf": (
        "consequence/vcf_source.py",
        "consequence/vcf_stream.py",
        "consequence/variants.py",
        "consequence/variant_report.py",
    ),
    "trace": ("formats/abif.py", "formats/abif_tags.py", "formats/abif_peaks.py", "traces"),
    "ladder": ("traces/standards.py", "traces/process.py"),
    "result": ("outputs/result_json.py", "outputs/result_shape.py", "outputs/report"),
}
"""Source files whose coverage is told of each reader, below ``mlpa_caller``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not happen.

    Attributes
    ----------
    kind
        Class of the exception, or ``slow``, ``memory``, ``message``.
    where
        Last line of the package that was running.
    what
        One line of detail.
    """

    kind: str
    where: str
    what: str


class Judge:
    """Runs one reader on many inputs and says of each what became of it.

    Parameters
    ----------
    reader
        Its name, one of `READERS`.
    folder
        Where the input is put as a file; a folder of its own when not given.
    """

    def __init__(self, reader: str, folder: Path | None = None) -> None:
        self._run = READERS[reader]
        self._kept = None if folder is not None else tempfile.TemporaryDirectory(prefix="mlpa-robust-")
        self._path = (folder or Path(self._kept.name if self._kept else ".")) / "input"
        self.slowest = 0.0
        self.most_memory = 0.0
        """MB beyond what the intact inputs took, less the multiple of the input."""
        self._peak = _peak_mb()

    def warm(self, inputs: list[bytes]) -> None:
        """Read intact inputs, so that imports and what they take are not counted."""
        for data in inputs:
            self._read(data)
        self._peak = _peak_mb()
        self.slowest = self.most_memory = 0.0

    def __call__(self, data: bytes) -> str | Finding:
        """Return ``read``, ``refused`` or a finding."""
        self._peak = max(self._peak, _peak_mb())  # what others took since is not the reader's
        start = time.process_time()
        outcome = self._read(data)
        took = time.process_time() - start
        grown = _peak_mb() - self._peak
        self._peak += max(grown, 0.0)
        beyond = grown - MULTIPLE * len(data) / 2**20
        self.slowest, self.most_memory = max(self.slowest, took), max(self.most_memory, beyond)
        if isinstance(outcome, Finding):
            return outcome
        if took - SECONDS_A_MB * len(data) / 2**20 > SECONDS_GOAL:
            return Finding("slow", "", f"{took:.2f} s for {len(data)} bytes")
        if beyond > MEMORY_GOAL_MB:
            return Finding("memory", "", f"{grown:.0f} MB for {len(data)} bytes")
        return outcome

    def _read(self, data: bytes) -> str | Finding:
        from mlpa_caller.errors import MlpaError

        self._path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self._run(data, self._path)
        except MlpaError as error:
            if len(str(error).splitlines()) != 1 or error.exit_code not in (2, 3):
                return Finding("message", type(error).__name__, repr(str(error))[:200])
            return "refused"
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return Finding(type(error).__name__, _place(error), str(error)[:200])
        return "read"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def _place(error: BaseException) -> str:
    """Return file and line of the package nearest to where an exception was raised."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if f"{os.sep}mlpa_caller{os.sep}" in frame.filename
    ]
    if not frames:
        return ""
    last = frames[-1]
    return f"{last.filename.rpartition(f'{os.sep}mlpa_caller{os.sep}')[2]}:{last.lineno} {last.name}"


def _tables(_: bytes, path: Path) -> None:
    import numpy as np

    from mlpa_caller.datatypes import Missing, Signals
    from mlpa_caller.formats.registry import read_runs, recognise

    for found in read_runs(path).values():
        if isinstance(found, Signals):
            present = found.missing == Missing.PRESENT
            whole = bool((present == np.isfinite(found.height)).all() and (found.height[present] > 0).all())
        else:
            whole = not (np.isinf(found.height).any() or np.isinf(found.size).any())
        if not whole:
            raise AssertionError("a height that is no number, or a number without its reason")
    recognise(path)


def _panel(_: bytes, path: Path) -> None:
    from mlpa_caller.panel import load_panel

    panel = load_panel(path)
    if len(panel.genes) and not len(panel.regions):
        raise AssertionError("genes without regions")


def _samples(_: bytes, path: Path) -> None:
    from mlpa_caller.risk import clinical_of_run
    from mlpa_caller.samplesheet import load_samples, match_samples

    sheet = load_samples(path)
    match_samples(sheet, list(dict.fromkeys(sheet.samples)), source="x")
    clinical_of_run(sheet, None)


def _clinical(_: bytes, path: Path) -> None:
    from mlpa_caller.risk import read_clinical

    read_clinical(path)


def _patients(_: bytes, path: Path) -> None:
    from mlpa_caller.cohort.events import EventWords, read_outcome
    from mlpa_caller.cohort.grouping import make_grouping
    from mlpa_caller.cohort.patients import read_patients
    from mlpa_caller.cohort.sources import Sources, read_risk
    from mlpa_caller.errors import FormatError

    try:
        read_risk(path)
    except FormatError as error:
        if "\n" in str(error):
            raise AssertionError("more than one line") from None
    patients = read_patients(path)
    if {"time", "event"} <= set(patients.columns):
        read_outcome(patients, "time", "event", EventWords(), unit="years")
    if "group" in patients.columns:
        make_grouping(Sources(patients), "group")
    make_grouping(Sources(patients), "nci-rome")


def _calls(_: bytes, path: Path) -> None:
    from mlpa_caller.consequence.annotate import annotate_calls
    from mlpa_caller.formats.calls_table import read_calls
    from mlpa_caller.outputs.tsv import table_lines
    from mlpa_caller.risk import classify_blocks, clinical_from_columns

    annotate_calls(read_calls(path, as_text=True), None)
    table = read_calls(path)
    for _ in table_lines(annotate_calls(table, None)):
        pass
    for _ in classify_blocks(table, clinical_from_columns([], {})):
        pass


def _vcf(_: bytes, path: Path) -> None:
    from mlpa_caller.consequence.variant_report import find_variants

    find_variants(path, "")


def _trace(_: bytes, path: Path) -> None:
    from mlpa_caller.formats.abif import read_trace
    from mlpa_caller.traces.process import SizingOptions, process_trace

    process_trace(read_trace(path), SizingOptions(profile=True))


def _ladder(data: bytes, _: Path) -> None:
    from mlpa_caller.traces.process import SizingOptions, process_trace
    from mlpa_caller.traces.standards import hinted_standard

    name, dye, method, *_ = [*data.decode("utf-8", "replace").split("\n"), "", "", ""]
    hinted_standard(name)
    options = SizingOptions(name, dye, method or "local-southern")
    options.checked()
    process_trace(_some_trace(), options)


_TRACES: list[object] = []


def _some_trace():  # type: ignore[no-untyped-def]
    from benchmarks.robust_seeds import seeds
    from mlpa_caller.formats.abif import parse_trace

    if not _TRACES:
        _TRACES.append(parse_trace(seeds("trace")[0], "x.fsa"))
    return _TRACES[0]


def _result(_: bytes, path: Path) -> None:
    from mlpa_caller.outputs.report.compare import Side, comparison_html
    from mlpa_caller.outputs.report.html import report_page
    from mlpa_caller.outputs.report.multiqc import multiqc_text
    from mlpa_caller.outputs.report.view_run import report_view
    from mlpa_caller.outputs.report.xlsx import write_xlsx
    from mlpa_caller.outputs.result_json import read_result

    document = read_result(path)
    view = report_view(document, "0" * 64)
    report_page(document, view)
    multiqc_text(document, view)
    write_xlsx(document, view, path.with_name("report.xlsx"))
    if view.patients:
        side = Side(document, "0" * 64, view.patients[-1].index)
        comparison_html(Side(document, "0" * 64, view.patients[0].index), side)


READERS: Mapping[str, Callable[[bytes, Path], None]] = {
    "peaks": _tables,
    "signals": _tables,
    "parquet": _tables,
    "panel": _panel,
    "samples": _samples,
    "clinical": _clinical,
    "patients": _patients,
    "calls": _calls,
    "vcf": _vcf,
    "trace": _trace,
    "ladder": _ladder,
    "result": _result,
}
