"""Calls as a file of FHIR Genomics observations."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from mlpa_caller.consequence.fhir import fhir_bundle
from mlpa_caller.datatypes import Table
from mlpa_caller.outputs.atomic import atomic_write

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel

__all__ = ["write_fhir"]


def write_fhir(
    calls: Table, path: str | os.PathLike[str], *, panel: Panel | None = None, force: bool = False
) -> None:  # fmt: skip
    """Write the calls as a FHIR Bundle of Observations (JSON, UTF-8).

    Raises
    ------
    ResultExistsError
        If the file exists and `force` is False.
    OutputError
        If it cannot be written.
    """
    with atomic_write(path, force=force) as stream:
        json.dump(fhir_bundle(calls, panel), stream, ensure_ascii=False, allow_nan=False, indent=1)
        stream.write("\n")
