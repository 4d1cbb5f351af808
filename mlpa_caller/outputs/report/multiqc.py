"""``mlpa_caller_mqc.json``: the run as custom content for MultiQC.

MultiQC writes sample names and texts of custom content into its page as they are, so they are escaped here. It
also cuts sample names at what it takes for the end of a file's name (``P1.out`` would become ``P1`` and its row fall
together with that of ``P1``); in a name those characters stand as entities, which read the same and are not cut.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mlpa_caller.outputs.report.numbers import Phrase, phrase_text
from mlpa_caller.outputs.report.sentences import KIND_WORDS
from mlpa_caller.outputs.report.view_run import ReportView
from mlpa_caller.outputs.report.words import shown_name

__all__ = ["multiqc_text"]

_LONGEST_NAME = 200
_CUT_AT = ("ReadsPerGene", "Aligned", "ccs")
"""Words at which MultiQC cuts names and that hold no punctuation."""
_SCALES = {"reference_sd": "Oranges", "probe_sd": "Oranges", "slope": "RdYlBu", "median_height": "Greens"}


def multiqc_text(document: Mapping[str, Any], view: ReportView) -> str:
    """Return the custom content: a table with a row a sample.

    Parameters
    ----------
    document
        As `read_result` returns it.
    view
        What the report shows of it.
    """
    shown = [item for item in view.run.brief if item.name in _SCALES]
    headers: dict[str, Any] = {
        "verdict": _text_header("Quality", "Verdict on the reaction"),
        "result": _text_header("Result", "The sample in one word; see report.html"),
        "finding": _text_header(escape(view.run.main), "The first gene of the report in few words"),
        "other": _text_header("Other genes", "Losses and gains elsewhere"),
    }
    for item in shown:
        headers[item.name] = {
            "title": escape(item.short),
            "description": escape(item.meaning),
            "format": f"{{:,.{item.decimals}f}}",
            "scale": _SCALES[item.name],
        }
    patients = {patient.index: patient for patient in view.patients}
    rows: dict[str, dict[str, Any]] = {}
    for index, sample in enumerate(document["samples"]):
        row: dict[str, Any] = {"verdict": sample["quality"]["verdict"]}
        if index in patients:
            patient = patients[index]
            row["result"] = KIND_WORDS[patient.kind]
            row["finding"] = _words(patient.short_main)
            row["other"] = _words(patient.short_other)
        figures = sample["quality"]["figures"]
        row |= {item.name: figures[item.name] for item in shown if figures.get(item.name) is not None}
        rows[_key(sample["sample"], rows)] = row
    content = {
        "id": "mlpa_caller",
        "section_name": "MLPA",
        "description": f"Copy-number calls of mlpa-caller, panel {escape(view.run.panel)}; "
        f"run: {view.run.verdict}. {escape(view.run.research_use)}",
        "plot_type": "table",
        "pconfig": {"id": "mlpa_caller_table", "title": "MLPA: quality and calls", "col1_header": "Sample"},
        "headers": headers,
        "data": rows,
    }
    return json.dumps(content, ensure_ascii=True, allow_nan=False, indent=1) + "\n"


def _words(phrases: Sequence[tuple[str, Phrase]]) -> str:
    """Return some findings in one cell, without commas: MultiQC takes them for separators of thousands."""
    return escape(" | ".join(phrase_text(phrase).replace(",", ";") for _, phrase in phrases))


def _text_header(title: str, description: str) -> dict[str, Any]:
    return {"title": title, "description": description, "scale": False}


def _fit(character: str, inside: bool) -> str:
    """Return a character of a name as it is or as an entity; blanks and hyphens stay where they are `inside`."""
    if character.isalnum() or (inside and character in " -"):
        return character
    known = escape(character)
    return known if known != character else f"&#{ord(character)};"


def _key(name: str, taken: Mapping[str, Any]) -> str:
    """Return a sample name fit for MultiQC's page; names that would fall together are numbered."""
    text = shown_name(name, _LONGEST_NAME)
    last = len(text) - 1
    key = "".join(_fit(character, 0 < i < last) for i, character in enumerate(text))
    for word in _CUT_AT:
        key = key.replace(word, f"&#{ord(word[0])};{word[1:]}")
    number, unique = 2, key
    while unique in taken:
        unique, number = f"{key} ({number})", number + 1
    return unique
