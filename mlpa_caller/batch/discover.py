"""What a run is: a folder with its inputs and sheets, a file, or the rows of one run in a signal table.

In the folder of a run

- ``samples.csv`` or ``samples.tsv`` is the sample sheet,
- ``panel.csv`` or ``panel.tsv`` the probe sheet (else the panel given for all runs),
- ``clinical.csv`` or ``clinical.tsv`` the clinical data, where there are any,
- every other file that is recognised is an input, as are raw traces in the folders below it.

A folder without a sample sheet that holds folders is a folder of runs, and is searched; folders of results in it
are passed over. Names are compared
without regard to case; names that start with a full stop are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlpa_caller.errors import InputError, MlpaError, UsageError, shown
from mlpa_caller.formats.peaks import plain_names
from mlpa_caller.formats.signals import LONG, WIDE
from mlpa_caller.formats.text import decode, parse_header
from mlpa_caller.outputs.publish import MARKER

__all__ = ["SHEETS", "Contents", "Folder", "TableFile", "discover", "folder_contents"]

SHEETS = ("samples", "panel", "clinical")
"""Files with these names, ending in ``.csv`` or ``.tsv``, are no inputs."""
_ENDINGS = (".csv", ".tsv")
_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Folder:
    """One run: a folder, or a file that holds one run.

    Attributes
    ----------
    run
        Its name.
    path
        The folder or file, as the user named it.
    """

    run: str
    path: str


@dataclass(frozen=True, slots=True)
class TableFile:
    """A signal table with a column ``run``."""

    path: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What the folder of a run holds; sheets that are not there are empty."""

    samples: str
    panel: str
    clinical: str
    files: tuple[str, ...]


def discover(
    sources: Sequence[str], out: str = ""
) -> tuple[list[Folder | TableFile], list[tuple[str, MlpaError]]]:
    """Return the runs and tables among files and folders, and what cannot be one, with the reason.

    Parameters
    ----------
    sources
        Folders of runs, folders that hold such folders, and files.
    out
        The folder of the batch: not searched.

    Raises
    ------
    UsageError
        If no source is given, or two different folders have the same run's name.
    """
    if not sources:
        raise UsageError("no run is given", remedy="name the folders of runs, or a signal table")
    found: list[Folder | TableFile] = []
    refused: list[tuple[str, MlpaError]] = []
    for source in dict.fromkeys(sources):
        path = Path(source)
        name = Path(os.path.abspath(source)).name  # noqa: PTH100  (links keep their own names)
        if path.is_dir():
            inside = sorted(_runs_below(path, out), key=lambda each: each.parts)
            if not inside:
                refused.append(
                    (name, InputError("holds no run", remedy="put samples.csv into its folder", file=source))
                )
            for folder in inside:
                below = folder.relative_to(path).as_posix()
                found.append(Folder(name if below == "." else below, str(folder)))
        elif not path.is_file():
            error = InputError("no such file or folder", remedy="check the path", file=source)
            refused.append((name, error))
        elif _has_runs(path):
            found.append(TableFile(source))
        else:
            found.append(Folder(path.stem, source))
    _refuse_repeated(found)
    return found, refused


def folder_contents(folder: str) -> Contents:
    """Return the sheets and other files of a run's folder.

    Raises
    ------
    InputError
        If it cannot be read, or one of the sheets is there twice.
    """
    try:
        names = sorted(
            entry.name for entry in os.scandir(folder) if entry.is_file() and not entry.name.startswith(".")
        )
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", remedy="check the folder's permissions", file=folder
        ) from error
    sheets: dict[str, str] = {}
    files = []
    for name in names:
        kind = _sheet(name)
        if not kind:
            files.append(str(Path(folder) / name))
        elif kind in sheets:
            raise InputError(
                f"holds {shown(Path(sheets[kind]).name)} and {shown(name)}",
                remedy=f"leave one {kind} sheet in the folder",
                file=folder,
            )
        else:
            sheets[kind] = str(Path(folder) / name)
    return Contents(
        sheets.get("samples", ""), sheets.get("panel", ""), sheets.get("clinical", ""), tuple(files)
    )


def _sheet(name: str) -> str:
    """Return which sheet a file of this name is; empty for none."""
    stem, ending = os.path.splitext(name.lower())  # noqa: PTH122
    return stem if stem in SHEETS and ending in _ENDINGS else ""


def _runs_below(path: Path, out: str) -> list[Path]:
    """Return the folders of runs: `path` itself, or those below it; folders of results are passed over."""
    try:
        entries = [entry for entry in os.scandir(path) if not entry.name.startswith(".")]
    except OSError:
        return [path]  # told of when its run is taken up
    if any(_sheet(entry.name) == "samples" and entry.is_file() for entry in entries):
        return [path]
    inside = [path / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    searched = [folder for folder in inside if not _is_result(folder, out)]
    return [run for folder in searched for run in _runs_below(folder, out)] or ([] if inside else [path])


def _is_result(folder: Path, out: str) -> bool:
    return (folder / MARKER).is_file() or os.path.abspath(folder) == out  # noqa: PTH100


def _has_runs(path: Path) -> bool:
    """Return whether a file is a signal table with a column ``run``, by its header alone."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False  # told of when its run is taken up
    if head.startswith(b"PAR1"):
        return _parquet_has_runs(path)
    whole = len(head) < _HEAD
    try:
        header, _, _ = parse_header(
            decode(head if whole else head[: head.rfind(b"\n") + 1], str(path)), str(path)
        )
    except InputError:
        return False
    return _names_runs(header)


def _parquet_has_runs(path: Path) -> bool:
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        return _names_runs(pq.read_schema(path).names)
    except (pa.ArrowException, OSError, ValueError):
        return False


def _names_runs(header: Sequence[str]) -> bool:
    names = plain_names(header)
    return "run" in names and (LONG.fits(names) or WIDE.fits(names))


def _refuse_repeated(found: Sequence[Folder | TableFile]) -> None:
    first: dict[str, str] = {}
    for each in found:
        if isinstance(each, Folder) and first.setdefault(each.run, each.path) != each.path:
            raise UsageError(
                f"two runs are named {shown(each.run)}: {first[each.run]} and {each.path}",
                remedy="rename one, or give the folder above both so that they are told apart by their folders",
            )
