"""The only way files are written: a result appears whole, or not at all.

A new folder is filled beside its target under a hidden name and renamed in one step. Into a folder that is
there already, the files are first completed in a hidden folder inside it; then the files of the earlier
result are removed, its ``provenance.json`` last, and the new ones moved in, their ``provenance.json`` last.
Whenever the process is killed, the folder holds files of one result only, and the next start finishes what
was begun. Files that belong to no result are never touched.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from mlpa_caller.errors import OutputError, ResultExistsError, shown
from mlpa_caller.outputs.publish import (
    HIDDEN,
    MARKER,
    publish_inside,
    publish_new,
    recover,
    staging,
    sync,
)

__all__ = ["atomic_file", "atomic_folder", "atomic_write", "check_target", "open_bytes", "open_text"]

_REMEDIES = {
    errno.ENOSPC: "free space on the disk or name another folder",
    errno.EDQUOT: "free space on the disk or name another folder",
    errno.EROFS: "name a folder on a disk that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def open_text(path: str | os.PathLike[str]) -> IO[str]:
    """Open a new file for UTF-8 text with LF line ends; it must not exist yet."""
    return open(path, "x", encoding="utf-8", newline="\n")


def open_bytes(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a new file for bytes; it must not exist yet."""
    return open(path, "xb")


def check_target(out: str | os.PathLike[str], *, force: bool = False) -> None:
    """Finish what a killed run left at the folder `out`, and refuse it if a result may not go there.

    Parameters
    ----------
    out
        The result folder; it need not exist.
    force
        An earlier result may be replaced.

    Raises
    ------
    ResultExistsError
        If `out` holds a result and `force` is False, or only files that belong to no result.
    OutputError
        If `out` is a file, or cannot be read.
    """
    target = Path(out)
    with _told(target):
        recover(target)
        if not os.path.lexists(target):
            return
        if not target.is_dir():
            raise OutputError("is not a folder", remedy="name a new or an empty folder", file=target)
        names = sorted(path.name for path in target.iterdir() if not path.name.startswith(HIDDEN))
    if MARKER in names:
        if not force:
            raise ResultExistsError(
                "the folder already holds a result",
                remedy="add --force to replace it, or name another folder",
                file=target,
            )
    elif names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ResultExistsError(
            f"the folder holds files that belong to no result ({', '.join(map(shown, names[:3]))}{more})",
            remedy="name a new or an empty folder",
            file=target,
        )


@contextmanager
def atomic_folder(
    out: str | os.PathLike[str], *, force: bool = False, add: bool = False
) -> Iterator[Path]:  # fmt: skip
    """Give an empty folder to fill; when the block ends well its files appear in `out` together.

    Parameters
    ----------
    out
        The folder; made, with its parents, when absent.
    force
        Replace an earlier result. Files that belong to no result stay as they are.
    add
        Add or replace the staged files only, whatever else `out` holds: for files that belong to a result
        already there, such as a rebuilt report.

    Yields
    ------
    Path
        The folder to fill, on the same file system as `out`.

    Raises
    ------
    ResultExistsError
        As `check_target`, or if a staged file would replace one that belongs to no result.
    OutputError
        If a file cannot be written: permission, full disk, read-only file system.
    """
    target = Path(out)
    with _told(target):
        if add:
            recover(target)
        else:
            check_target(target, force=force)
        inside = target.is_dir()
        with _parents(target), staging(target, inside=inside) as staged:
            yield staged
            if inside:
                publish_inside(staged, target, whole=not add)
            else:
                publish_new(staged, target)


@contextmanager
def atomic_file(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[Path]:
    """Give the name of a file to write; it appears at `path` when the block ends well, and else not at all.

    Parameters
    ----------
    path
        The file; its folder must exist.
    force
        Replace a file that is there already.

    Raises
    ------
    ResultExistsError
        If the file exists and `force` is False.
    OutputError
        If it cannot be written.
    """
    target = Path(path)
    with _told(target):
        if target.is_dir():
            raise OutputError("is a folder", remedy="name a file", file=target)
        if os.path.lexists(target) and not force:
            raise ResultExistsError("the file exists", remedy="add --force to replace it", file=target)
        if os.path.lexists(target) and not stat.S_ISREG(os.lstat(target).st_mode):
            raise OutputError(
                "is no regular file", remedy="name a file, or - for standard output", file=target
            )
        recover(target)
        with staging(target, inside=False) as staged:
            part = staged / "part"
            yield part
            sync(part)
            part.replace(target)
            sync(target.absolute().parent)


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[IO[str]]:
    """Open `path` for UTF-8 text with LF line ends, under the rules of `atomic_file`."""
    with atomic_file(path, force=force) as part, open_text(part) as stream:
        yield stream


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """Turn the operating system's errors into one line about `target`."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise OutputError(
            f"cannot be written: {shown(error.object[error.start : error.end])} is no Unicode text",
            remedy="correct the name in the input files",
            file=target,
        ) from error
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise OutputError(
            f"cannot be written: {reason}",
            remedy=_REMEDIES.get(error.errno or 0, "check the folder and its permissions"),
            file=target,
        ) from error


@contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Make the folders above `target`; when the block fails, remove those that were made."""
    missing = []
    folder = target.absolute().parent
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    try:
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
        raise
