"""Names of runs as names of folders that no system confuses."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

__all__ = ["folder_names", "readable"]

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)
"""File names that mean a device on Windows, also before a full stop."""
_KEPT = 60
_DIGITS = 12


def folder_names(runs: Iterable[str]) -> dict[str, str]:
    """Return a folder name for every run.

    A run of plain letters, digits, ``.``, ``_`` and ``-`` is its own folder's name. Any other (a name with
    blanks, slashes, other letters, ``..``), and every one that differs from another run's only in ways that some
    file system overlooks (case, Unicode form), has its unusual characters replaced and a part of its own
    checksum added. No two runs share a folder, and none leaves it.

    Parameters
    ----------
    runs
        Names of runs, all different.
    """
    names = list(runs)
    folded = Counter(_folded(name) for name in names)
    return {name: name if _is_plain(name) and folded[_folded(name)] == 1 else _marked(name) for name in names}


def readable(name: str) -> str:
    """Return a name of the file system that every program can read: bytes that are no UTF-8 in figures."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _is_plain(name: str) -> bool:
    return (
        _PLAIN.fullmatch(name) is not None
        and not name.endswith(".")
        and name.partition(".")[0].lower() not in _DEVICES
    )


def _marked(name: str) -> str:
    shown = _OTHER.sub("_", name)[:_KEPT].strip("_-") or "run"
    return f"{shown}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}"
