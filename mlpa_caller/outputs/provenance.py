"""``provenance.json``: what a result was made from, with and into.

The schema is ``reference/schema/provenance.schema.json``. The file names no user, no computer and no folder.
It is written last, so a folder that has one is complete.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from mlpa_caller.outputs.atomic import open_text
from mlpa_caller.outputs.publish import MARKER, files_below
from mlpa_caller.outputs.result_json import plain
from mlpa_caller.refdata import reference_version
from mlpa_caller.version import version

if TYPE_CHECKING:
    from mlpa_caller.result import Result

__all__ = ["SCHEMA_VERSION", "Invocation", "provenance_document", "write_provenance"]

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Invocation:
    """Who asked for a result: the command and when it ran.

    Attributes
    ----------
    command
        The words of the command line, without the program's name.
    started, ended
        Times with time zone.
    """

    command: Sequence[str]
    started: datetime
    ended: datetime


def provenance_document(result: Result, folder: Path, invocation: Invocation | None = None) -> dict[str, Any]:
    """Return the provenance of `result`, whose other files lie in `folder`.

    Parameters
    ----------
    result
        The result.
    folder
        Holds every other file of the result.
    invocation
        The command and its times; None for a call from Python.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "mlpa-caller", "version": version()},
        "reference": {"version": reference_version()},
        "command": None
        if invocation is None
        else ["mlpa-caller", *(_without_folder(word) for word in invocation.command)],
        "started": None if invocation is None else _time(invocation.started),
        "ended": None if invocation is None else _time(invocation.ended),
        "python": {"implementation": platform.python_implementation(), "version": platform.python_version()},
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "libraries": _libraries(),
        "inputs": [
            {
                "name": _last_part(file.path),
                "role": file.role,
                "sha256": file.sha256,
                "size": file.size,
                "format": file.format,
            }
            for file in result.inputs
        ],
        "parameters": plain(result.parameters),
        "outputs": [
            {"name": name, "sha256": _sha256(folder / name), "size": (folder / name).stat().st_size}
            for name in files_below(folder)
            if name != MARKER
        ],
    }


def write_provenance(result: Result, folder: Path, invocation: Invocation | None = None) -> None:
    """Write ``provenance.json`` to `folder`, after every other file of the result."""
    document = provenance_document(result, folder, invocation)
    with open_text(folder / MARKER) as stream:
        stream.write(json.dumps(document, indent=1, allow_nan=False) + "\n")


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _last_part(path: str) -> str:
    """Return the name of a file without its folders, in either notation."""
    return PurePosixPath(path).name or PureWindowsPath(path).name or "-"


def _without_folder(word: str) -> str:
    """Return a word of the command line with an absolute path, also behind ``--option=``, cut to its end."""
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    pure = PureWindowsPath(value)
    if PurePosixPath(value).is_absolute() or pure.is_absolute() or value.startswith("~"):
        return f"{option}{equals}{pure.name or value[:1]}"
    return word


def _libraries() -> dict[str, str | None]:
    """Return the installed version of each library the package requires."""
    from importlib.metadata import PackageNotFoundError, requires
    from importlib.metadata import version as installed

    try:
        wanted = requires("mlpa-caller") or []
    except PackageNotFoundError:
        wanted = []
    found: dict[str, str | None] = {}
    for text in wanted:
        name = re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]
        if "extra ==" not in text:
            try:
                found[name] = installed(name)
            except PackageNotFoundError:
                found[name] = None
    return dict(sorted(found.items()))
