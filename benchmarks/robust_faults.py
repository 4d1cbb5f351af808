"""A full disk, a read-only folder, and every call to the operating system failing in turn: the old result or the new.

A part of ``python -m benchmarks.robustness kill``; `tests/test_hardening_kill.py` runs the same functions.
"""

from __future__ import annotations

import builtins
import errno
import os
import resource
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.robust_kill import HIDDEN, CallCase, visible

__all__ = ["CALLS", "failing_calls", "file_size_limit", "full_disk", "read_only", "small_disk"]

CALLS = ("fsync", "rename", "replace", "mkdir", "unlink", "open", "scandir", "stat")
"""What fails in turn: functions of ``os`` (``open`` stands for `open` too)."""
ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT)
_NOBODY = 65534


@contextmanager
def failing(name: str, number: int, code: int, below: Path) -> Iterator[list[int]]:
    """Make call `number` (from 0) of a function that names something below a folder, and all later ones, fail."""
    seen = [0]
    descriptor = name == "fsync"

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            concerned = descriptor or any(
                isinstance(word, str | os.PathLike) and str(word).startswith(str(below)) for word in arguments
            )
            if concerned:
                seen[0] += 1
                if seen[0] > number:
                    raise OSError(code, os.strerror(code), str(below))
            return real(*arguments, **options)

        return call

    patches = [mock.patch.object(os, name, wrapped(getattr(os, name)))]
    if name == "open":
        import io

        patches += [
            mock.patch.object(builtins, "open", wrapped(open)),
            mock.patch.object(io, "open", wrapped(io.open)),
        ]
    for patch in patches:
        patch.start()
    try:
        yield seen
    finally:
        for patch in patches:
            patch.stop()


def failing_calls(results: Sequence[Any], work: Path, *, most: int = 400) -> dict[str, Any]:
    """Replace the first of two results by the second with every call in turn failing, and say what was left."""
    from mlpa_caller.errors import MlpaError, ResultExistsError
    from mlpa_caller.outputs import check_target, default_writers, write_result

    writers = default_writers(report=False)
    whole = []
    for number, result in enumerate(results):
        write_result(result, work / f"whole{number}", writers=writers)
        whole.append(visible(work / f"whole{number}"))
    counts, wrong = Counter[str](), []
    out = work / "out"
    for name in CALLS:
        for number in range(most):
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(work / "whole0", out)
            code = ERRORS[number % len(ERRORS)]
            told = ""
            with failing(name, number, code, work) as seen:
                try:
                    write_result(results[1], out, force=True, writers=writers)
                except MlpaError as error:
                    told = str(error)
                except Exception as error:  # noqa: BLE001 - this is what is looked for
                    wrong.append(f"{name} {number}: {type(error).__name__}: {error}")
            failed = seen[0] > number
            with suppress(ResultExistsError):
                check_target(out)
            found = visible(out)
            state = _which(found, whole)
            counts[f"{name}: {state}"] += 1
            left = [path.name for path in out.iterdir() if path.name.startswith(HIDDEN)]
            if state == "neither" or left:
                wrong.append(f"{name} {number}: {state} {sorted(found)} {left}")
            if failed and not told and state != "new":
                wrong.append(f"{name} {number}: failed without a word")
            if told and len(told.splitlines()) != 1:
                wrong.append(f"{name} {number}: {told!r}")
            if not failed:
                break
    return {"states": dict(counts), "wrong": wrong}


def _which(found: dict[str, bytes], whole: Sequence[dict[str, bytes]]) -> str:
    """Return ``old`` or ``new`` where all files but the provenance, which holds times, are of one result."""
    for word, files in zip(("old", "new"), whole):
        if found.keys() == files.keys() and all(
            found[n] == files[n] for n in files if n != "provenance.json"
        ):
            return word
    return "neither"


def file_size_limit(case: CallCase, limit: int) -> tuple[int, str, str]:
    """Run ``call --force`` over an old result where no file may grow beyond `limit` bytes: code, message, state."""
    out = case.work / "out"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(case.work / "old-result", out)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return _run(case, out, preexec_fn=limited)


def _run(case: CallCase, out: Path, **options: Any) -> tuple[int, str, str]:
    from benchmarks.robust_kill import _environment

    done = subprocess.run(case.command("new", out, "--force"), env=_environment(), capture_output=True, text=True,
                          check=False, **options)  # fmt: skip
    left = [path.name for path in (*out.iterdir(), *out.parent.iterdir()) if path.name.startswith(HIDDEN)]
    return done.returncode, done.stderr, f"left over {left}" if left else case.state(out)


def full_disk(case: CallCase, kilobytes: int) -> tuple[int, str, str] | None:
    """The same on a disk of that size that holds the old result; None where none can be mounted."""
    mount = Path(tempfile.mkdtemp(prefix="mlpa-disk-"))
    words = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(mount)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        mount.rmdir()
        return None
    try:
        shutil.copytree(case.work / "old-result", mount / "out")
        return _run(case, mount / "out")
    finally:
        subprocess.run(["umount", str(mount)], check=True)
        mount.rmdir()


def small_disk(case: CallCase) -> int:
    """Return the kilobytes of the old result, rounded up to pages."""
    files = case.files["old"].values()
    return sum(-(-len(content) // 4096) * 4 for content in files) + 4


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder read-only, also for the superuser, who steps down meanwhile."""
    mode = folder.stat().st_mode
    user = os.geteuid()
    folder.chmod(0o555)
    for path in folder.parents[:4]:
        with suppress(OSError):
            path.chmod(path.stat().st_mode | 0o005)
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(0)
        folder.chmod(mode)
