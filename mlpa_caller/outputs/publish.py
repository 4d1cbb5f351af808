"""How completed files move to their places, so that a killed process can be finished by the next one.

Hidden names, all starting with ``.mlpa-caller-``:

- ``<token>`` inside a result folder, or ``<hash of the target's name>-<token>`` beside it: a folder being
  filled. It is locked by the process that fills it; unlocked, it is a leftover and is removed.
- ``commit`` inside a result folder: a whole new result, complete, on its way to its place.
- ``add`` inside a result folder: single files, complete, on their way to their places.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from mlpa_caller.errors import MlpaError, OutputError, ResultExistsError, shown

try:
    import fcntl
except ImportError:
    _LOCKS = False  # Windows: leftovers of a killed run stay until they are deleted by hand
else:
    _LOCKS = True

__all__ = [
    "HIDDEN",
    "MARKER",
    "files_below",
    "listed_files",
    "publish_inside",
    "publish_new",
    "recover",
    "staging",
    "sync",
]

MARKER = "provenance.json"
"""The file that makes a folder a complete result; it lists the others."""

HIDDEN = ".mlpa-caller-"
"""Start of every hidden name."""

_TOKEN_BYTES = 8
_WHOLE = f"{HIDDEN}commit"
_ADDED = f"{HIDDEN}add"


def files_below(folder: Path) -> list[str]:
    """Return the files below `folder` as relative POSIX paths, sorted.

    Raises
    ------
    OSError
        If a folder cannot be read: taken for empty, its files would be lost.
    """
    return sorted(
        (Path(place) / name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder, onerror=_stop)
        for name in names
    )


def _stop(error: OSError) -> None:
    raise error


@contextmanager
def staging(target: Path, *, inside: bool) -> Iterator[Path]:
    """Make a hidden folder to fill for `target`, in it or beside it; remove what is left of it at the end."""
    home, prefix = (target, HIDDEN) if inside else (target.absolute().parent, _prefix_beside(target))
    staged = home / f"{prefix}{secrets.token_hex(_TOKEN_BYTES)}"
    staged.mkdir()  # fails on anything that exists, links included
    try:
        with _locked(staged):
            yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def publish_new(staged: Path, target: Path) -> None:
    """Rename the filled folder to its final name in one step."""
    _sync_tree(staged)
    try:
        staged.rename(target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise ResultExistsError(
                "was made by another program in the meantime", remedy="name a new folder", file=target
            ) from error
        raise
    sync(target.absolute().parent)


def publish_inside(staged: Path, target: Path, *, whole: bool) -> None:
    """Declare the folder filled inside `target` complete, then move its files to their places.

    With `whole` the files of the earlier result are removed; else single files are added or replaced.
    """
    if whole:
        _refuse_foreign(staged, target)
    _sync_tree(staged)
    staged.rename(target / (_WHOLE if whole else _ADDED))
    sync(target)
    _finish(target, whole=whole)


def recover(target: Path) -> None:
    """Finish a publication that was cut off, and remove what killed runs left.

    Raises
    ------
    OutputError
        If another process is publishing into `target` at this moment.
    """
    for whole in (True, False):
        pending = target / (_WHOLE if whole else _ADDED)
        if pending.is_dir():
            try:
                with _locked(pending):
                    _finish(target, whole=whole)
            except BlockingIOError as error:
                raise OutputError(
                    "is being written by another run", remedy="wait for it to end", file=target
                ) from error
    _remove_leftovers(target, HIDDEN)
    _remove_leftovers(target.absolute().parent, _prefix_beside(target))


def sync(path: Path) -> None:
    """Ask the operating system to put the file or folder `path` on the disk."""
    folder = path.is_dir()
    if folder and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot be asked
            raise
    finally:
        os.close(descriptor)


def _finish(target: Path, *, whole: bool) -> None:
    """Move the completed files to their places; what was done already is not done again."""
    pending = target / (_WHOLE if whole else _ADDED)
    if whole and (pending / MARKER).exists():  # the marker moves last: the earlier result may be here still
        for name in [*listed_files(target), MARKER]:
            (target / name).unlink(missing_ok=True)
        sync(target)
    for name in sorted(files_below(pending), key=lambda name: (name == MARKER, name)):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (pending / name).replace(target / name)
    sync(target)
    shutil.rmtree(pending)


def _refuse_foreign(staged: Path, target: Path) -> None:
    """Refuse to replace files that no earlier result wrote."""
    if (target / MARKER).exists() and not (staged / MARKER).exists():
        raise MlpaError(f"a result is only replaced by one with {MARKER}", file=target)
    known = {*listed_files(target), MARKER}
    for name in files_below(staged):
        if name not in known and os.path.lexists(target / name):
            raise ResultExistsError(
                f"{shown(name)} belongs to no earlier result and would be replaced",
                remedy="move it away or name another folder",
                file=target,
            )


def listed_files(folder: Path) -> list[str]:
    """Return the files the provenance in `folder` says were written, as far as they lie inside it."""
    try:
        document = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        names = [str(entry["name"]) for entry in document["outputs"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if name != MARKER and _lies_inside(folder, name)]


def _lies_inside(folder: Path, name: str) -> bool:
    pure = PurePosixPath(name)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts or PureWindowsPath(name).anchor:
        return False
    return (folder / name).parent.resolve().is_relative_to(folder.resolve())


def _prefix_beside(target: Path) -> str:
    """Return the start of the hidden names that stand for `target` in its parent."""
    return f"{HIDDEN}{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}-"


def _remove_leftovers(home: Path, prefix: str) -> None:
    """Remove the folders named `prefix` and a token that no running process holds."""
    if not _LOCKS or not home.is_dir():
        return
    try:
        paths = list(home.iterdir())
    except PermissionError:  # one may write below a folder that one may not list
        return
    for path in paths:
        fits = path.name.startswith(prefix) and len(path.name) == len(prefix) + 2 * _TOKEN_BYTES
        if not fits or path.is_symlink() or not path.is_dir():
            continue
        try:
            with _locked(path) as sure:
                if sure:
                    shutil.rmtree(path, ignore_errors=True)
        except OSError:  # in use, another user's, or removed by another process just now
            continue


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold `folder` until the block or the process ends; gives False where locks are not to be had.

    Raises BlockingIOError when another process holds it.
    """
    if not _LOCKS:
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sure = True
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            sure = False
        yield sure
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for place, _, names in os.walk(folder, onerror=_stop):
        for name in names:
            sync(Path(place) / name)
        sync(Path(place))
