"""Many trace files: find them, size them side by side, and go on when one is refused."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mlpa_caller.datatypes import PeakTable, text_array
from mlpa_caller.errors import MlpaError, TraceError, UsageError
from mlpa_caller.formats.abif import read_trace
from mlpa_caller.traces.process import SizingOptions, process_trace
from mlpa_caller.traces.report import SizingReport

__all__ = ["SUFFIXES", "process_file", "process_traces", "trace_paths", "traces_below"]

SUFFIXES = (".fsa", ".hid")
"""Names of trace files end so, in any case."""
_WORTH_A_PROCESS = 24
_CHUNK = 8

Progress = Callable[[int, int], None]


def trace_paths(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the trace files among files and folders.

    Parameters
    ----------
    paths
        Files, taken as they are, and folders, searched with all folders in them for ``*.fsa`` and ``*.hid``.

    Returns
    -------
    list of str
        In the order given, the files of a folder by name; none twice.

    Raises
    ------
    TraceError
        If a path does not exist, or a folder holds no trace files or cannot be read.
    """
    found: dict[str, None] = {}
    for given in paths:
        path = os.fspath(given)
        if not Path(path).is_dir():
            if not os.path.lexists(path):
                raise TraceError("no such file or folder", file=path, remedy="check the path")
            found.setdefault(path)
            continue
        inside = traces_below(path)
        if not inside:
            raise TraceError("the folder holds no .fsa files", file=path, remedy="name the folder of the run")
        for name in inside:
            found.setdefault(name)
    return list(found)


def traces_below(folder: str) -> list[str]:
    """Return the trace files in a folder and in those below it, by name.

    Raises
    ------
    TraceError
        If one of the folders cannot be read: its samples would be missing without a word.
    """

    def stop(error: OSError) -> None:
        raise TraceError(f"cannot be read: {error.strerror or error}", file=error.filename or folder,
                         remedy="check the folder and its permissions")  # fmt: skip

    return sorted(
        str(Path(place) / name)
        for place, _, names in os.walk(folder, onerror=stop)
        for name in names
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    )


def process_file(path: str, options: SizingOptions | None = None) -> tuple[PeakTable, SizingReport]:
    """Return peaks and report of one file; a file that cannot be read is reported as refused.

    Raises
    ------
    UsageError
        If an option is wrong.
    """
    try:
        return process_trace(read_trace(path), options)
    except TraceError as error:
        reason = f"{error.problem}; {error.remedy}" if error.remedy else error.problem
        report = SizingReport(
            path, Path(path).name, Path(path).stem, "", "", 0, 0, np.nan, np.nan, "fail", reason
        )
        return _no_peaks(path), report


def _no_peaks(source: str) -> PeakTable:
    empty, texts = np.empty(0), text_array([])
    return PeakTable(source, texts, texts, texts, empty, empty, empty, empty, np.empty(0, dtype=np.int64), empty,
                     texts, format="ABIF trace")  # fmt: skip


def process_traces(
    paths: Sequence[str | os.PathLike[str]],
    *,
    options: SizingOptions | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[tuple[PeakTable, SizingReport]]:
    """Read and size many traces, several at a time.

    Parameters
    ----------
    paths
        Trace files (`trace_paths` finds them in folders).
    options
        What the user fixed, for all files.
    workers
        Number of processes; None for one a processor where there are files enough, 1 for none beside this one.
    progress
        Called with the numbers of files done and of all files.

    Returns
    -------
    list
        Peaks and report of each file, in the order of `paths`. The `file` of two files of one name in
        different folders is their path.

    Raises
    ------
    UsageError
        If an option is wrong.
    MlpaError
        If the system ended one of the processes.
    """
    options = options or SizingOptions()
    options.checked()
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers cannot work", remedy="give at least 1")
    names = [os.fspath(path) for path in paths]
    count = min(workers or os.cpu_count() or 1, max(1, len(names) // (2 if workers else _WORTH_A_PROCESS)))
    work = partial(process_file, options=options)
    results: list[tuple[PeakTable, SizingReport]] = []
    if count == 1:
        for name in names:
            results.append(work(name))
            _tell(progress, len(results), len(names))
    else:
        chunk = min(_CHUNK, max(1, len(names) // (2 * count)))
        try:
            # new processes, not copies of this one: safe beside the threads of numerical libraries
            with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
                for result in pool.map(work, names, chunksize=chunk):
                    results.append(result)
                    _tell(progress, len(results), len(names))
        except BrokenProcessPool:
            raise MlpaError(
                "a process that sized traces was ended by the system", remedy="try --workers 1"
            ) from None
    return _told_apart(results)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _told_apart(results: list[tuple[PeakTable, SizingReport]]) -> list[tuple[PeakTable, SizingReport]]:
    """Name files by their path where two have one name."""
    twice = {name for name, times in Counter(report.file for _, report in results).items() if times > 1}
    return [
        (replace(table, file=text_array([report.source] * len(table))), replace(report, file=report.source))
        if report.file in twice
        else (table, report)
        for table, report in results
    ]
