"""What a report shows of the whole run, made from the result document alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlpa_caller.outputs.report.findings import main_gene
from mlpa_caller.outputs.report.numbers import exact
from mlpa_caller.outputs.report.sentences import KIND_WORDS
from mlpa_caller.outputs.report.view_patient import (
    CALLED_ROLES,
    PatientView,
    Setting,
    patient_view,
    setting_of,
)
from mlpa_caller.outputs.report.words import Figure, figure, figures, plain_word, shown_name

__all__ = ["QualityRow", "ReferenceRow", "ReportView", "RunView", "provenance_facts", "report_view"]

Document = Mapping[str, Any]
_ROLES = {
    "patient": "patient",
    "positive": "positive control",
    "reference": "reference",
    "no_dna": "no-DNA control",
}
_VERDICTS = ("fail", "warn", "pass")


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One sample in the quality table of the run; `anchor` is empty for samples without a page."""

    name: str
    anchor: str
    role: str
    verdict: str
    reasons: tuple[str, ...]
    brief: tuple[str, ...]
    every: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One reference sample: whether it was used, why not, and its figures."""

    name: str
    used: bool
    reason: str
    brief: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    """The first pages of the report.

    Attributes
    ----------
    verdict, reasons
        Of the run.
    panel
        Name of the panel.
    main
        The gene that is answered first.
    counts
        What was found in how many samples: kind, words, number.
    roles
        Samples by role.
    verdicts
        Samples by quality verdict.
    brief, every
        Figures that stand in the short and in the long quality table.
    quality
        The samples.
    references
        The reference samples.
    left_out_probes
        Reference probe and the samples in which it was left out.
    ratio_head, ratio_rows
        Table of all ratios: probes, and for each sample its name and ratios.
    facts
        Provenance: label and value.
    parameters
        Parameters that took effect: group, name, value.
    """

    verdict: str
    reasons: tuple[str, ...]
    panel: str
    main: str
    counts: tuple[tuple[str, str, int], ...]
    roles: tuple[tuple[str, int], ...]
    verdicts: tuple[tuple[str, int], ...]
    brief: tuple[Figure, ...]
    every: tuple[Figure, ...]
    quality: tuple[QualityRow, ...]
    references: tuple[ReferenceRow, ...]
    left_out_probes: tuple[tuple[str, tuple[str, ...]], ...]
    ratio_head: tuple[str, ...]
    ratio_rows: tuple[tuple[str, tuple[str, ...]], ...]
    facts: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str, str], ...]
    research_use: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """The whole report: the run, and a page for every sample with calls."""

    run: RunView
    patients: tuple[PatientView, ...]
    setting: Setting


def report_view(document: Document, digest: str) -> ReportView:
    """Return what a report shows of a result.

    Parameters
    ----------
    document
        As `read_result` returns it.
    digest
        SHA-256 of ``result.json``, to be named in the report.
    """
    setting = setting_of(document, main_gene(document))
    patients = tuple(
        patient_view(sample, index, setting)
        for index, sample in enumerate(document["samples"])
        if sample["role"] in CALLED_ROLES
    )
    return ReportView(_run_view(document, patients, digest), patients, setting)


def _run_view(document: Document, patients: Sequence[PatientView], digest: str) -> RunView:
    run, samples = document["run"], document["samples"]
    kinds = Counter(patient.kind for patient in patients)
    roles = Counter(sample["role"] for sample in samples)
    verdicts = Counter(sample["quality"]["verdict"] for sample in samples)
    seen = dict.fromkeys(name for sample in samples for name in sample["quality"]["figures"])
    every = tuple(
        figure(name) for name in [n for n in figures() if n in seen] + [n for n in seen if n not in figures()]
    )
    brief = tuple(item for item in every if item.brief)
    pages = {patient.index: patient.anchor for patient in patients}
    return RunView(
        verdict=run["verdict"],
        reasons=tuple(run["reasons"]),
        panel=shown_name(document["panel"]["name"]),
        main=shown_name(main_gene(document)),
        counts=tuple((kind, word, kinds[kind]) for kind, word in KIND_WORDS.items()),
        roles=tuple(
            (word if roles[role] == 1 else f"{word}s", roles[role])
            for role, word in _ROLES.items()
            if roles[role]
        ),
        verdicts=tuple((verdict, verdicts[verdict]) for verdict in _VERDICTS),
        brief=brief,
        every=every,
        quality=tuple(
            _quality_row(sample, pages.get(index, ""), brief, every) for index, sample in enumerate(samples)
        ),
        references=_references(document, brief),
        left_out_probes=_left_out_probes(document),
        ratio_head=tuple(shown_name(probe["probe"]) for probe in document["panel"]["probes"]),
        ratio_rows=tuple(
            (shown_name(sample["sample"]), tuple(exact(value, 4) for value in sample["ratios"]["ratio"]))
            for sample in samples
        ),
        facts=provenance_facts(document, digest),
        parameters=tuple(_parameters(document["parameters"])),
        research_use=document["research_use"],
    )


def _cell(values: Mapping[str, Any], item: Figure) -> str:
    value = values.get(item.name)
    return value if isinstance(value, str) else exact(value, item.decimals)


def _quality_row(
    sample: Mapping[str, Any], anchor: str, brief: Sequence[Figure], every: Sequence[Figure]
) -> QualityRow:
    quality = sample["quality"]
    return QualityRow(
        name=shown_name(sample["sample"]),
        anchor=anchor,
        role=_ROLES.get(sample["role"], sample["role"]),
        verdict=quality["verdict"],
        reasons=tuple(quality["reasons"]),
        brief=tuple(_cell(quality["figures"], item) for item in brief),
        every=tuple(_cell(quality["figures"], item) for item in every),
    )


def _references(document: Document, brief: Sequence[Figure]) -> tuple[ReferenceRow, ...]:
    used, left_out = set(document["run"]["reference_samples"]), document["run"]["left_out"]
    rows = []
    for sample in document["samples"]:
        name = sample["sample"]
        if sample["role"] == "reference" or name in used or name in left_out:
            reason = left_out.get(name, "" if name in used else "not used")
            cells = tuple(_cell(sample["quality"]["figures"], item) for item in brief)
            rows.append(ReferenceRow(shown_name(name), name in used and name not in left_out, reason, cells))
    return tuple(rows)


def _left_out_probes(document: Document) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[int, list[str]] = {}
    for sample in document["samples"]:
        for i, flags in enumerate(sample["ratios"]["flags"]):
            if "aberrant_reference" in flags:
                found.setdefault(i, []).append(shown_name(sample["sample"]))
    probes = document["panel"]["probes"]
    return tuple((shown_name(probes[i]["probe"]), tuple(names)) for i, names in sorted(found.items()))


def provenance_facts(document: Document, digest: str) -> tuple[tuple[str, str], ...]:
    """Return what a report says of its own origin: label and value.

    Parameters
    ----------
    document
        As `read_result` returns it.
    digest
        SHA-256 of its ``result.json``.
    """
    panel = document["panel"]
    return (
        ("Program", f"{document['tool']['name']} {document['tool']['version']}"),
        ("Reference data", document["reference_version"]),
        ("Schema of the result", document["schema_version"]),
        ("Panel", shown_name(panel["name"])),
        ("Probe sheet, SHA-256", panel["sha256"] or "made in memory"),
        ("result.json, SHA-256", digest),
    )


def _parameters(values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    for group, content in values.items():
        items = content.items() if isinstance(content, Mapping) else [("", content)]
        for name, value in items:
            if isinstance(value, Mapping):
                rows += [(group, f"{name} {key}", _text(item)) for key, item in value.items()]
            else:
                rows.append((group, str(name), _text(value)))
    return [(plain_word(group), plain_word(name), text) for group, name, text in rows]


def _text(value: Any) -> str:
    if isinstance(value, list):
        separator = "; " if value and isinstance(value[0], list) else ", "
        return separator.join(_text(item) for item in value)
    return exact(value) if isinstance(value, int | float) else str(value)
