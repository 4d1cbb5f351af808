"""What a run is: a folder with its inputs and sheets, a file, or the rows of one run in a signal table.

In the folder of a run

- ``samples.csv`` or ``samples.tsv`` is the sample sheet,
- ``panel.csv`` or ``panel.tsv`` the probe sheet (else the panel given for all runs),
- ``clinical.csv`` or ``clinical.tsv`` the clinical data, where there are any,
- every other file that is recognised is an input, as are raw traces in the folders below it.

A folder without a sample sheet that holds folders is a folder of runs, and is searched; folders of results in it
are passed over, and inputs that lie beside the folders are told of. Links to folders are followed after all real
folders, and none is searched twice. Names are compared without regard to case; names that start with a full stop
are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlpa_caller.errors import InputError, MlpaError, UsageError, shown
from mlpa_caller.formats.abif_tags import MAGIC
from mlpa_caller.formats.peaks import plain_names
from mlpa_caller.formats.registry import formats
from mlpa_caller.formats.signals import LONG, RESERVED, WIDE
from mlpa_caller.formats.text import decode, parse_header
from mlpa_caller.outputs.publish import MARKER
from mlpa_caller.traces.batch import SUFFIXES

__all__ = ["SHEETS", "Contents", "Folder", "TableFile", "discover", "folder_contents"]

SHEETS = ("samples", "panel", "clinical")
"""Files with these names, ending in ``.csv`` or ``.tsv``, are no inputs."""
_ENDINGS = (".csv", ".tsv")
_HEAD = 1 << 16
_NAMED = 5


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


@dataclass(slots=True)
class _Search:
    """What a search below folders came upon.

    Attributes
    ----------
    out
        The folder of the batch, with its links resolved: not searched.
    seen
        The real paths of the folders that were searched.
    links
        Links to folders, to be followed later.
    refused
        Folders or files, and why they are no runs.
    """

    out: str
    seen: set[str] = field(default_factory=set)
    links: list[Path] = field(default_factory=list)
    refused: list[tuple[Path, MlpaError]] = field(default_factory=list)


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
        If no source is given, two different folders have the same run's name, or one run is given twice.
    """
    if not sources:
        raise UsageError("no run is given", remedy="name the folders of runs, or a signal table")
    found: list[Folder | TableFile] = []
    refused: list[tuple[str, MlpaError]] = []
    searches = _searched([source for source in dict.fromkeys(sources) if os.path.isdir(source)], out)  # noqa: PTH112
    for source in dict.fromkeys(sources):
        path = Path(source)
        name = Path(os.path.abspath(source)).name  # noqa: PTH100  (links keep their own names)
        if source in searches:
            inside, problems = searches[source]
            if not inside:
                refused.append(
                    (name, InputError("holds no run", remedy="put samples.csv into its folder", file=source))
                )
            found += [Folder(_name_below(folder, path, name), str(folder)) for folder in inside]
            refused += [(_name_below(place, path, name), error) for place, error in problems]
        elif not os.path.isfile(source):  # noqa: PTH113
            refused.append((name, _not_there(source)))
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


def _searched(sources: Sequence[str], out: str) -> dict[str, tuple[list[Path], list[tuple[Path, MlpaError]]]]:
    """Return the folders of runs in each source, and what was refused there.

    Links are followed after the real folders of all sources, in the order of their names: what they lead to is
    a run only where no other way leads there.
    """
    runs: dict[str, list[Path]] = {}
    searches: dict[str, _Search] = {}
    seen: set[str] = set()
    for source in sources:
        search = searches[source] = _Search(os.path.realpath(out) if out else "")
        runs[source] = _runs_below(Path(source), search)
        seen |= search.seen
    for source, search in searches.items():
        search.seen = seen
        while search.links:
            links, search.links = sorted(search.links, key=lambda each: each.parts), []
            for link in links:
                runs[source] += _runs_below(link, search)
    return {
        source: (sorted(runs[source], key=lambda each: each.parts), search.refused)
        for source, search in searches.items()
    }


def _runs_below(path: Path, search: _Search) -> list[Path]:
    """Return the folders of runs: `path` itself, or those below it; folders of results are passed over."""
    real = os.path.realpath(path)
    if real in search.seen:
        return []
    search.seen.add(real)
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError:
        return [path]  # told of when its run is taken up
    places = [path / entry.name for entry in entries if not entry.name.startswith(".")]
    if any(_sheet(place.name) == "samples" and os.path.isfile(place) for place in places):  # noqa: PTH113
        return [path]
    inside = [place for place in places if os.path.isdir(place)]  # noqa: PTH112
    if not inside:
        return [path]
    if not _is_result(path, search.out):  # tables of results are no inputs
        _tell_of_files(path, [place for place in places if place not in set(inside)], search)
    runs = []
    for folder in inside:
        if _is_result(folder, search.out):
            continue
        if os.path.islink(folder):  # noqa: PTH114
            search.links.append(folder)
        else:
            runs += _runs_below(folder, search)
    return runs


def _is_result(folder: Path, out: str) -> bool:
    return os.path.isfile(folder / MARKER) or os.path.realpath(folder) == out  # noqa: PTH113


def _tell_of_files(folder: Path, files: Sequence[Path], search: _Search) -> None:
    """Refuse inputs that lie beside folders of runs, as they belong to none, and links that lead nowhere."""
    for file in files:
        if not os.path.exists(file):  # noqa: PTH110
            search.refused.append((file, _not_there(str(file))))
    loose = [file.name for file in files if not _sheet(file.name) and _is_input(file)]
    if loose:
        names = ", ".join(shown(name) for name in loose[:_NAMED]) + (", ..." if len(loose) > _NAMED else "")
        what = "an input lies" if len(loose) == 1 else f"{len(loose)} inputs lie"
        error = InputError(
            f"{what} beside folders of runs, and in no run: {names}",
            remedy="put every run into a folder of its own",
            file=folder,
        )
        search.refused.append((folder, error))


def _name_below(path: Path, source: Path, name: str) -> str:
    """Return the name of a run: its folders below the source, or that of the source itself."""
    below = path.relative_to(source).as_posix()
    return name if below == "." else below


def _not_there(path: str) -> InputError:
    """Return why a path is neither a file nor a folder, as far as the system tells."""
    try:
        os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        link = os.path.islink(path)  # noqa: PTH114
        problem = "is a link to what is not there" if link else "no such file or folder"
        return InputError(problem, remedy="check the path", file=path)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        return InputError(f"cannot be read: {reason}", remedy="check the path and its permissions", file=path)
    return InputError("is neither a file nor a folder", remedy="name the file itself", file=path)


def _has_runs(path: Path) -> bool:
    """Return whether a file is a signal table with a column ``run``, by its header alone."""
    names = plain_names(_header(path, _head(path)))
    return "run" in names and (LONG.fits(names) or WIDE.fits(names))


def _is_input(path: Path) -> bool:
    """Return whether a file looks like an export, a signal table or a raw trace, by its name and header alone.

    A sample sheet of any name looks like a signal table, but for the columns that only such a sheet has.
    """
    head = _head(path)
    if path.name.lower().endswith(SUFFIXES) or head.startswith(MAGIC):
        return True
    names = plain_names(_header(path, head))
    return any(known.fits(names) for known in formats()) and not (WIDE.fits(names) and names & RESERVED)


def _head(path: Path) -> bytes:
    """Return how a file begins; nothing for one that cannot be read, which is told of elsewhere."""
    if not os.path.isfile(path):  # noqa: PTH113  (a pipe would be waited for)
        return b""
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""


def _header(path: Path, head: bytes) -> Sequence[str]:
    """Return the names of a table's columns; none for what is no table."""
    if head.startswith(b"PAR1"):
        return _parquet_header(path)
    whole = len(head) < _HEAD
    try:
        return parse_header(decode(head if whole else head[: head.rfind(b"\n") + 1], str(path)), str(path))[0]
    except InputError:
        return ()


def _parquet_header(path: Path) -> Sequence[str]:
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        names: list[str] = pq.read_schema(path).names
    except (pa.ArrowException, OSError, ValueError):
        return ()
    return names


def _refuse_repeated(found: Sequence[Folder | TableFile]) -> None:
    """Refuse two runs of one name, and one run that is given twice, whatever it is called."""
    first: dict[str, str] = {}
    given: dict[str, str] = {}
    for each in found:
        if isinstance(each, Folder) and first.setdefault(each.run, each.path) != each.path:
            raise UsageError(
                f"two runs are named {shown(each.run)}: {first[each.run]} and {each.path}",
                remedy="rename one, or give the folder above both so that they are told apart by their folders",
            )
    for each in found:
        other = given.setdefault(os.path.realpath(each.path), each.path)
        if other is not each.path:
            raise UsageError(f"{other} and {each.path} are the same run", remedy="give every run once")
    for each in found:
        around = given.get(os.path.dirname(os.path.realpath(each.path)))  # noqa: PTH120
        if around is not None and os.path.isfile(each.path):  # noqa: PTH113
            raise UsageError(f"{each.path} is part of the run {around}", remedy="give every run once")
