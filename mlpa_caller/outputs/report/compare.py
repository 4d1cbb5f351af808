"""Two samples side by side on one page, such as diagnosis and relapse of a patient."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mlpa_caller.errors import UsageError, shown
from mlpa_caller.outputs.report.changes import Change, Sided, changes
from mlpa_caller.outputs.report.chart_data import (
    axis_data,
    band_data,
    guides_data,
    patient_data,
    probe_order,
    sample_data,
    script_json,
)
from mlpa_caller.outputs.report.exon_model import exon_labels
from mlpa_caller.outputs.report.findings import main_gene
from mlpa_caller.outputs.report.html import page
from mlpa_caller.outputs.report.patient_tables import Row
from mlpa_caller.outputs.report.view_patient import CALLED_ROLES, PatientView, patient_view, setting_of
from mlpa_caller.outputs.report.view_run import provenance_facts
from mlpa_caller.outputs.report.words import shown_name
from mlpa_caller.outputs.result_json import RESEARCH_USE, read_result

__all__ = ["Comparison", "Side", "comparison_html", "find_pair", "find_side"]

Document = Mapping[str, Any]
_ABSENT = "not_on_panel"


@dataclass(frozen=True, slots=True)
class Side:
    """One sample of one result.

    Attributes
    ----------
    document
        The result, as `read_result` returns it.
    digest
        SHA-256 of its ``result.json``.
    index
        Place of the sample in it.
    """

    document: Document
    digest: str
    index: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the page shows: the two samples, what became of each lesion, and what limits the comparison."""

    views: tuple[PatientView, PatientView]
    changes: tuple[Change, ...]
    remarks: tuple[str, ...]
    genes: tuple[tuple[str, tuple[Row | None, Row | None]], ...]
    facts: tuple[tuple[tuple[str, str], ...], ...]
    main: str
    research_use: str


def find_side(text: str | os.PathLike[str], sample: str | None = None) -> Side:
    """Return the sample that an argument of the command line names.

    Parameters
    ----------
    text
        A result folder or ``result.json``; ``FOLDER:SAMPLE`` names one of several patients.
    sample
        The sample's name, where it is given apart.

    Raises
    ------
    UsageError
        If the result has several patients and none is named, or no patient of that name.
    FormatError
        If there is no result that can be read.
    """
    path, name = _split(os.fspath(text), sample)
    document = read_result(path)
    file = path / "result.json" if path.is_dir() else path
    called = _called(document)
    if name is None and len(called) != 1:
        raise UsageError(
            f"the result has {len(called)} patients ({_some(list(called))})",
            remedy=f"name one, as {os.fspath(text)}:SAMPLE",
            file=path,
        )
    if name is not None and name not in called:
        raise UsageError(
            f"has no patient {shown(name)}", remedy=f"name one of {_some(list(called))}", file=path
        )
    index = next(iter(called.values())) if name is None else called[name]
    return Side(document, hashlib.sha256(file.read_bytes()).hexdigest(), index)


def find_pair(first: str, second: str) -> tuple[Side, Side]:
    """Return the two samples that two arguments name; where neither names a patient, the one both results have.

    Raises
    ------
    UsageError
        If it is not clear which samples are meant.
    FormatError
        If there is no result that can be read.
    """
    parts = [_split(text, None) for text in (first, second)]
    if all(name is None for _, name in parts):
        called = [_called(read_result(path)) for path, _ in parts]
        common = [name for name in called[0] if name in called[1]]
        if len(common) == 1 and (len(called[0]) > 1 or len(called[1]) > 1):
            return find_side(first, common[0]), find_side(second, common[0])
    return find_side(first), find_side(second)


def comparison_html(first: Side, second: Side) -> str:
    """Return the page that shows two samples side by side.

    Parameters
    ----------
    first, second
        The samples, the earlier first.
    """
    merged, bands = _merged(first.document, second.document)
    main = main_gene(merged)
    setting = setting_of(merged, main)
    sides = []
    for label, number, side in (("first", 0, first), ("second", 1, second)):
        own = setting_of(side.document, main)
        sample = side.document["samples"][side.index]
        sides.append(Sided(label, sample, own, patient_view(sample, number, own)))
    order = probe_order(merged)
    samples = [_stretched(side, merged) for side in (first, second)]
    data = {
        **axis_data(merged, order),
        "guides": [],
        "samples": [
            {**sample_data(sample), "band": band, "guides": guides_data(side.document)}
            for sample, band, side in zip(samples, bands, (first, second))
        ],
        "patients": [patient_data(setting, side.view, sample, order) for side, sample in zip(sides, samples)],
    }
    shown_views = (sides[0].view, sides[1].view)
    comparison = Comparison(
        views=shown_views,
        changes=changes(sides[0], sides[1]),
        remarks=_remarks(first, second),
        genes=_gene_pairs(shown_views, merged["panel"]["genes"]),
        facts=tuple(provenance_facts(side.document, side.digest) for side in (first, second)),
        main=main,
        research_use=RESEARCH_USE,
    )
    return page("compare.html.j2", script_json(data), view=comparison, has_model=bool(exon_labels(main)))


def _called(document: Document) -> dict[str, int]:
    """Return the patients of a result by name: their places in it."""
    return {s["sample"]: i for i, s in enumerate(document["samples"]) if s["role"] in CALLED_ROLES}


def _split(text: str, sample: str | None) -> tuple[Path, str | None]:
    """Return folder and sample of ``FOLDER:SAMPLE``; both may hold colons, so the longest folder that exists is it."""
    if sample is not None or Path(text).exists():
        return Path(text), sample
    for spot in range(len(text) - 1, 0, -1):
        if text[spot] == ":" and Path(text[:spot]).exists():
            return Path(text[:spot]), text[spot + 1 :]
    return Path(text), None


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (", ".join(map(shown, names[:5])) + more) or "none"


def _remarks(first: Side, second: Side) -> tuple[str, ...]:
    """Return what limits the comparison."""
    one, other = first.document["panel"], second.document["panel"]
    remarks = []
    names = [{probe["probe"] for probe in panel["probes"]} for panel in (one, other)]
    if names[0] != names[1]:
        remarks.append(
            "The two panels differ: probes are compared by name, and some stand on one panel only."
        )
    elif one["sha256"] != other["sha256"]:
        remarks.append("The two probe sheets are not the same file: probes are compared by name.")
    blasts = [side.document["samples"][side.index]["blast_fraction"] for side in (first, second)]
    if None in blasts:
        remarks.append(
            "The blasts are not stated for both samples: a smaller share of cells can mean fewer blasts "
            "as well as a smaller clone."
        )
    remarks.append(
        "That two samples carry the same loss does not prove that it is the same deletion: MLPA does not see its ends."
    )
    return tuple(remarks)


def _gene_pairs(
    views: tuple[PatientView, PatientView], genes: Sequence[str]
) -> tuple[tuple[str, tuple[Row | None, Row | None]], ...]:
    """Return the rows of both samples gene by gene; None where one has fewer rows of a gene than the other."""
    pairs: list[tuple[str, tuple[Row | None, Row | None]]] = []
    for gene in genes:
        name = shown_name(gene)
        own, other = ([row for row in view.genes if row[0] == name] for view in views)
        pairs += [(name, pair) for pair in zip_longest(own, other)]
    return tuple(pairs)


def _merged(first: Document, second: Document) -> tuple[dict[str, Any], list[list[list[float | None]]]]:
    """Return a document with the probes of both panels, and the reference samples' range of each run along them."""
    own = first["panel"]["probes"]
    known = {probe["probe"] for probe in own}
    probes = [*own, *(probe for probe in second["panel"]["probes"] if probe["probe"] not in known)]
    genes = list(dict.fromkeys((*first["panel"]["genes"], *second["panel"]["genes"])))
    merged = {**first, "panel": {**first["panel"], "probes": probes, "genes": genes}, "samples": []}
    bands = []
    for document in (first, second):
        band = dict(zip((probe["probe"] for probe in document["panel"]["probes"]), band_data(document)))
        bands.append([band.get(probe["probe"], [None, None]) for probe in probes])
    return merged, bands


def _stretched(side: Side, merged: Document) -> dict[str, Any]:
    """Return the sample with its ratios along the probes of both panels."""
    sample = side.document["samples"][side.index]
    place = {probe["probe"]: i for i, probe in enumerate(side.document["panel"]["probes"])}
    order = [place.get(probe["probe"]) for probe in merged["panel"]["probes"]]
    ratios = {
        key: [([_ABSENT] if key == "flags" else None) if i is None else values[i] for i in order]
        for key, values in sample["ratios"].items()
    }
    return {**sample, "ratios": ratios}
