"""Reports that a laboratory reads and signs: ``report.html``, ``report.xlsx``, ``report.pdf`` and a file for MultiQC.

Everything is made from the result document (``result.json``) alone, so a report can be made again at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlpa_caller.errors import ResultExistsError, shown
from mlpa_caller.outputs.atomic import atomic_file, atomic_folder, open_text
from mlpa_caller.outputs.publish import MARKER
from mlpa_caller.outputs.result_json import document_parts, read_result

if TYPE_CHECKING:
    from mlpa_caller.outputs.report.compare import Side
    from mlpa_caller.result import Result

__all__ = ["MOST_SAMPLES", "rebuild_reports", "too_many", "write_comparison", "write_reports"]

HTML, XLSX, MULTIQC, PDF = "report.html", "report.xlsx", "mlpa_caller_mqc.json", "report.pdf"

MOST_SAMPLES = 400
"""A result with more samples, which is a cohort and no run, gets its reports only when they are asked for."""


def too_many(result: Result) -> bool:
    """Return whether the result has so many samples that its reports are only made on request."""
    return len(result.samples.samples) > MOST_SAMPLES


def write_reports(result: Result, folder: Path, *, always: bool = False) -> None:
    """Write the reports of `result` to a folder being filled; a writer for `write_result`, after ``result.json``.

    A result with more than `MOST_SAMPLES` samples gets none, unless `always`; `rebuild_reports` makes them.
    """
    if too_many(result) and not always:
        return
    made = folder / "result.json"
    text = made.read_text(encoding="utf-8") if made.is_file() else "".join(document_parts(result))
    _fill(folder, json.loads(text), hashlib.sha256(text.encode("utf-8")).hexdigest())


def rebuild_reports(target: str | os.PathLike[str], *, pdf: bool = False, force: bool = False) -> list[str]:
    """Make the reports of a result folder again, from its ``result.json`` alone.

    Parameters
    ----------
    target
        The folder, or the ``result.json`` in it.
    pdf
        Also print ``report.pdf``.
    force
        Replace files of the reports' names that belong to no result.

    Returns
    -------
    list of str
        The names of the files written.

    Raises
    ------
    FormatError
        If there is no result that can be read.
    MissingExtraError
        If a PDF is asked for and no browser is installed; nothing is written then.
    ResultExistsError
        If a file to be written belongs to no result and `force` is False.
    OutputError
        If a file cannot be written.
    """
    from mlpa_caller.outputs.report.pdf import find_browser, print_pdf

    path = Path(target)
    folder = path if path.is_dir() else path.parent
    document = read_result(path)
    digest = hashlib.sha256((path / "result.json" if path.is_dir() else path).read_bytes()).hexdigest()
    browser = find_browser() if pdf else None
    names = [HTML, XLSX, MULTIQC, *([PDF] if pdf else [])]
    provenance = _provenance(folder)
    if provenance is not None and not force:
        _refuse_foreign(folder, names, provenance)
    with atomic_folder(folder, add=True) as staged:
        _fill(staged, document, digest)
        if browser is not None:
            print_pdf(staged / HTML, staged / PDF, browser=browser)
        if provenance is not None:
            _write_provenance(staged, names, provenance)
    return names


def write_comparison(
    first: Side, second: Side, out: str | os.PathLike[str], *, pdf: bool = False, force: bool = False
) -> list[str]:
    """Write two samples side by side, such as diagnosis and relapse of a patient.

    Parameters
    ----------
    first, second
        The samples, the earlier first; see `find_side`.
    out
        The HTML file to write.
    pdf
        Also print it to a file of the same name that ends in ``.pdf``.
    force
        Replace files that exist.

    Returns
    -------
    list of str
        The files written.

    Raises
    ------
    ResultExistsError
        If a file exists and `force` is False.
    MissingExtraError
        If a PDF is asked for and no browser is installed.
    OutputError
        If a file cannot be written.
    """
    from mlpa_caller.outputs.report.compare import comparison_html
    from mlpa_caller.outputs.report.pdf import find_browser, print_pdf

    target = Path(out)
    printed = target.with_suffix(".pdf")
    browser = find_browser() if pdf else None
    text = comparison_html(first, second)
    with atomic_file(target, force=force) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
        if browser is not None:
            with atomic_file(printed, force=force) as pdf_part:
                page = part.with_name("page.html")
                page.write_text(text, encoding="utf-8", newline="\n")
                print_pdf(page, pdf_part, browser=browser)
    return [str(target), *([str(printed)] if pdf else [])]


def _fill(folder: Path, document: Mapping[str, Any], digest: str) -> None:
    """Write the reports that need no browser."""
    from mlpa_caller.outputs.report.html import report_page
    from mlpa_caller.outputs.report.multiqc import multiqc_text
    from mlpa_caller.outputs.report.view_run import report_view
    from mlpa_caller.outputs.report.xlsx import write_xlsx

    view = report_view(document, digest)
    with open_text(folder / HTML) as stream:
        stream.write(report_page(document, view))
    with open_text(folder / MULTIQC) as stream:
        stream.write(multiqc_text(document, view))
    write_xlsx(document, view, folder / XLSX)


def _provenance(folder: Path) -> dict[str, Any] | None:
    """Return the provenance of the result in `folder`; None where there is none that lists its files."""
    try:
        document = json.loads((folder / MARKER).read_text(encoding="utf-8"), parse_constant=_no_number)
        listed = [(entry["name"], entry["sha256"], entry["size"]) for entry in document["outputs"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    named = listed and all(isinstance(name, str) for name, _, _ in listed)
    return dict(document) if named else None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _refuse_foreign(folder: Path, names: list[str], provenance: Mapping[str, Any]) -> None:
    known = {entry["name"] for entry in provenance["outputs"]}
    for name in names:
        if name not in known and os.path.lexists(folder / name):
            raise ResultExistsError(
                f"{shown(name)} belongs to no result and would be replaced",
                remedy="move it away or add --force",
                file=folder,
            )


def _write_provenance(staged: Path, names: list[str], provenance: dict[str, Any]) -> None:
    """Write the provenance again with the new files in its list, so that it stays true of the folder."""
    entries = {entry["name"]: entry for entry in provenance["outputs"]}
    for name in names:
        content = (staged / name).read_bytes()
        entries[name] = {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    provenance["outputs"] = [entries[name] for name in sorted(entries)]
    with open_text(staged / MARKER) as stream:
        stream.write(json.dumps(provenance, indent=1, allow_nan=False) + "\n")
