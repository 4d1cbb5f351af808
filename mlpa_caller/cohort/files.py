"""The files of a cohort result: tables, figures, one HTML page and JSON, all together or none."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlpa_caller.cohort.figures import draw
from mlpa_caller.cohort.page import report_page
from mlpa_caller.cohort.report import Report, report_document, tsv_table
from mlpa_caller.outputs.atomic import atomic_folder, open_text
from mlpa_caller.outputs.tsv import write_table
from mlpa_caller.refdata import reference_version
from mlpa_caller.version import version

__all__ = ["LIBRARIES", "write_report"]

LIBRARIES = ("lifelines", "matplotlib", "numpy", "pandas", "scipy")


def write_report(
    report: Report,
    out: str | os.PathLike[str],
    *,
    force: bool = False,
    inputs: Mapping[str, str] | None = None,
) -> list[str]:
    """Write a report to a folder: ``<section>.tsv``, figures as SVG and PNG, ``cohort.html``, ``cohort.json``.

    Parameters
    ----------
    report
        The report.
    out
        The folder; made when absent.
    force
        Replace an earlier result.
    inputs
        SHA-256 of the files read, by their role.

    Returns
    -------
    list of str
        Names of the files.

    Raises
    ------
    ResultExistsError, OutputError
        As `mlpa_caller.outputs.atomic.atomic_folder`.
    MissingExtraError
        If the plotting library is not installed.
    """
    figures = draw(report)
    page = report_page(report, figures)
    with atomic_folder(out, force=force) as folder:
        for section in report.sections:
            with open_text(folder / f"{section.name}.tsv") as stream:
                write_table(tsv_table(section.table), stream)
        for name, forms in figures.items():
            for form, data in forms.items():
                (folder / f"{name}.{form}").write_bytes(data)
        with open_text(folder / "cohort.html") as stream:
            stream.write(page)
        with open_text(folder / "cohort.json") as stream:
            stream.write(
                json.dumps(report_document(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
            )
        names = sorted(path.name for path in folder.iterdir())
        with open_text(folder / "provenance.json") as stream:
            stream.write(json.dumps(_provenance(report, folder, names, inputs or {}), indent=1) + "\n")
    return [*names, "provenance.json"]


def _provenance(report: Report, folder: Path, names: list[str], inputs: Mapping[str, str]) -> dict[str, Any]:
    from importlib.metadata import version as installed

    return {
        "schema_version": "1.0",
        "tool": {"name": "mlpa-caller", "version": version()},
        "command": f"cohort {report.command}",
        "reference": {"version": reference_version()},
        "python": {"implementation": platform.python_implementation(), "version": platform.python_version()},
        "libraries": {name: installed(name) for name in LIBRARIES},
        "inputs": [{"role": role, "sha256": digest} for role, digest in inputs.items()],
        "outputs": [
            {
                "name": name,
                "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
                "size": (folder / name).stat().st_size,
            }
            for name in names
        ],
    }
