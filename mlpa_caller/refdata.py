"""Find and read the package's reference data, from a wheel, an editable install or a checkout."""

from __future__ import annotations

import csv
import hashlib
import json
from functools import lru_cache
from pathlib import Path

from mlpa_caller.errors import MlpaError

__all__ = ["manifest", "reference_path", "reference_root", "reference_rows", "reference_version"]


@lru_cache(maxsize=1)
def reference_root() -> Path:
    """Return the folder that holds the reference data.

    Raises
    ------
    MlpaError
        If the installation carries no reference data.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "_reference", here.parent / "reference"):
        if (folder / "manifest.json").is_file():
            return folder
    raise MlpaError(
        "the installation carries no reference data", remedy="install mlpa-caller again from its wheel"
    )


def reference_path(name: str) -> Path:
    """Return the path of the reference file `name` (for instance ``"ikzf1/exons.csv"``).

    Raises
    ------
    MlpaError
        If there is no such file.
    """
    path = reference_root() / name
    if not path.is_file():
        raise MlpaError(
            f"reference file {name} is missing from the installation",
            remedy="install mlpa-caller again from its wheel",
        )
    return path


def reference_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a reference CSV as dictionaries of text."""
    with open(reference_path(name), encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@lru_cache(maxsize=1)
def manifest() -> dict[str, object]:
    """Return the manifest: ``version`` and, for each file, its SHA-256."""
    loaded: dict[str, object] = json.loads((reference_root() / "manifest.json").read_text(encoding="utf-8"))
    return loaded


def reference_version() -> str:
    """Return the version of the reference data."""
    return str(manifest()["version"])


def make_manifest(root: Path, version: str) -> dict[str, object]:
    """Return the manifest that describes the files below `root` as they are now."""
    files = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "manifest.json" and "__pycache__" not in path.parts
    }
    return {"version": version, "files": files}
