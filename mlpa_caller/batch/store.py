"""The folder of a batch: what is finished in it, and who may write there.

::

    DIR/
    ├── parts/<run>.zip     the tables of a finished run, typed; written last, in one step
    ├── runs/<run>/         the result files of a run, as the command call writes them
    ├── calls.parquet, ...  the combined tables, and
    └── provenance.json     what they were made with: written when all runs have been taken up

A run is finished when its part is there. A part is a zip archive of Arrow streams with ``part.json``, which
holds the checksum of the content (see ``plan``) that the run was made from.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlpa_caller.errors import InputError, OutputError, ResultExistsError
from mlpa_caller.outputs.publish import HIDDEN, MARKER, listed_files, sync

try:
    import fcntl
except ImportError:
    _LOCKS = False  # Windows: two batches in one folder are not noticed
else:
    _LOCKS = True

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "PARTS",
    "RUNS",
    "claimed",
    "drop_files",
    "files_digest",
    "finished",
    "part_path",
    "read_head",
    "read_part",
    "told",
    "write_part",
]

PARTS, RUNS = "parts", "runs"
_HEAD = "part.json"
_ENDING, _UNFINISHED = ".zip", ".unfinished"
_MINE = ".batch"
"""File that tells the parts of a batch from a folder that happens to have that name."""
_DAMAGED = (OSError, zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError, EOFError, NotImplementedError,
            RuntimeError)  # fmt: skip
"""What a part that was damaged makes the libraries raise; Arrow's errors are ValueErrors too."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def told(target: Path) -> Iterator[None]:
    """Turn the operating system's errors into one line about `target`."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise OutputError(
            "cannot be written: a name is no Unicode text",
            remedy="rename it, or name another folder",
            file=target,
        ) from error
    except OSError as error:
        full = error.errno in _FULL
        raise OutputError(
            f"cannot be written: {error.strerror or error}",
            remedy="free space on the disk" if full else "check the folder and its permissions",
            file=target,
        ) from error


@contextmanager
def claimed(out: Path, *, resume: bool, force: bool) -> Iterator[None]:
    """Hold the folder of a batch for this process, empty or with what an earlier batch finished.

    Parameters
    ----------
    out
        The folder; made when absent.
    resume
        Keep what is finished there.
    force
        Forget what is finished there.

    Raises
    ------
    ResultExistsError
        If the folder holds a batch and neither is asked for, or anything else.
    OutputError
        If the folder cannot be written, or another batch is writing there.
    """
    with told(out):
        parts = out / PARTS
        if not (parts / _MINE).is_file():
            _refuse_foreign(out)
        elif not (resume or force):
            raise ResultExistsError(
                "the folder holds a batch",
                remedy="add --resume to continue it, --force to do it all again, or name another folder",
                file=out,
            )
        parts.mkdir(parents=True, exist_ok=True)
        (parts / _MINE).touch()
    with _locked(parts, out):
        with told(out):
            for path in parts.iterdir():
                if path.suffix == _UNFINISHED or (force and path.suffix == _ENDING):
                    path.unlink(missing_ok=True)
        yield


def part_path(out: Path, folder: str) -> Path:
    """Return where the finished run with the folder name `folder` is kept."""
    return out / PARTS / f"{folder}{_ENDING}"


def finished(
    out: Path, folder: str, key: str, *, files: bool, reports: bool | None = None
) -> dict[str, Any] | None:
    """Return the head of a finished run; None when it is not finished, or was made from other content.

    Parameters
    ----------
    out, folder
        The batch and the folder name of the run.
    key
        Checksum of the run's content as it is now.
    files
        Its result files are wanted too: those that were written with the part, all of them.
    reports
        With reports among them, where True.
    """
    try:
        head = read_head(part_path(out, folder), whole=True)
    except InputError:  # not there, or damaged: to be done again
        return None
    if head["key"] != key or (files and not _files_are_those_of(head, out / RUNS / folder, reports)):
        return None
    return head


def files_digest(folder: Path) -> str:
    """Return what stands for the result files of a run: a checksum of their names, sizes and checksums."""
    return hashlib.sha256(json.dumps(_outputs(folder), sort_keys=True).encode()).hexdigest()


def _outputs(folder: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((folder / MARKER).read_text(encoding="utf-8"))["outputs"]
    return listed


def _files_are_those_of(head: Mapping[str, Any], folder: Path, reports: bool | None) -> bool:
    try:
        if head.get("files_sha256") != files_digest(folder):
            return False
        listed = _outputs(folder)
        there = all((folder / entry["name"]).stat().st_size == entry["size"] for entry in listed)
        return there and (not reports or any(entry["name"] == "report.html" for entry in listed))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def drop_files(out: Path, folder: str) -> None:
    """Remove the result files of a run that are no longer those of its part, and nothing else."""
    home = out / RUNS / folder
    with told(home):
        if not (home / MARKER).is_file():
            return
        for name in [*listed_files(home), MARKER]:
            (home / name).unlink(missing_ok=True)
        with suppress(OSError):  # other files stay
            home.rmdir()


def write_part(path: Path, head: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
    """Write the part of a finished run, in one step.

    Raises
    ------
    OutputError
        If it cannot be written; nothing is left of it.
    """
    staged = path.with_name(f"{path.stem}-{secrets.token_hex(4)}{_UNFINISHED}")
    with told(path):
        try:
            with zipfile.ZipFile(staged, "x", zipfile.ZIP_STORED) as archive:
                for name, table in tables.items():
                    with archive.open(_entry(f"{name}.arrow"), "w", force_zip64=True) as stream:
                        stream.write(_stream(table))
                archive.writestr(_entry(_HEAD), json.dumps(head, sort_keys=True))
            sync(staged)
            staged.replace(path)
        except BaseException:
            with suppress(OSError):
                staged.unlink(missing_ok=True)
            raise
        sync(path.parent)


def read_head(path: Path, *, whole: bool = False) -> dict[str, Any]:
    """Return what a part says of its run: its name, its key, the columns of its tables.

    Parameters
    ----------
    path
        The part.
    whole
        Look whether its tables are as they were written, too.

    Raises
    ------
    InputError
        If the part is not there or damaged.
    """
    with _archive(path) as archive:
        head = _head(archive)
        damaged = archive.testzip() if whole else None
        if damaged is not None:
            raise zipfile.BadZipFile(damaged)
    return head


def _head(archive: zipfile.ZipFile) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(archive.read(_HEAD))
    head["run"], head["key"], head["row"], head["columns"].items()  # all there, or it is no head
    return head


def read_part(path: Path) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Return head and tables of a part.

    Raises
    ------
    InputError
        If the part is not there or damaged.
    """
    import pyarrow as pa

    with _archive(path) as archive:
        head = _head(archive)
        tables = {}
        for name in head["columns"]:
            with pa.ipc.open_stream(archive.read(f"{name}.arrow")) as reader:
                tables[name] = reader.read_all()
    return head, tables


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _DAMAGED as error:
        raise InputError(
            f"is no finished run ({type(error).__name__})", remedy="delete it and add --resume", file=path
        ) from error


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name)  # with the fixed time of the format: the same tables give the same bytes


def _stream(table: pa.Table) -> memoryview:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def _refuse_foreign(out: Path) -> None:
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise OutputError("is not a folder", remedy="name a new or an empty folder", file=out)
    there = [path for path in out.iterdir() if not path.name.startswith(HIDDEN)]
    if [path.name for path in there] == [PARTS] and there[0].is_dir() and not any(there[0].iterdir()):
        return  # a batch that was killed as it began
    if there:
        raise ResultExistsError(
            "the folder holds files that belong to no batch", remedy="name a new or an empty folder", file=out
        )


@contextmanager
def _locked(folder: Path, out: Path) -> Iterator[None]:
    """Hold `folder` until the block or the process ends, where the system has such locks."""
    if not _LOCKS:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                "another batch is writing there",
                remedy="wait for it to end, or name another folder",
                file=out,
            ) from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(descriptor)
