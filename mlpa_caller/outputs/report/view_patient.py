"""What a report shows of one patient, made from the result document alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlpa_caller.outputs.report import patient_tables as tables
from mlpa_caller.outputs.report.event_words import short_phrase
from mlpa_caller.outputs.report.findings import Event, Findings, findings
from mlpa_caller.outputs.report.numbers import Phrase, percent, probability
from mlpa_caller.outputs.report.patient_tables import FigureRow, NameRow, Row
from mlpa_caller.outputs.report.risk_view import RiskView, risk_view
from mlpa_caller.outputs.report.sentences import Line, answer_lines
from mlpa_caller.outputs.report.words import Flag, plain_word, shown_name

__all__ = ["CALLED_ROLES", "PatientView", "Setting", "patient_view", "setting_of"]

CALLED_ROLES = ("patient", "positive")
"""Roles of the samples that have calls and therefore a page."""

Short = tuple[str, Phrase]
"""Kind and a few words."""

Tile = tuple[str, Phrase, str]
"""Label, value, explanation."""

_ALL_OF_IT = 10**6


@dataclass(frozen=True, slots=True)
class Setting:
    """What all patients of a document have in common.

    Attributes
    ----------
    main
        The gene that is answered first.
    tested
        The loss that its limit of detection is stated for, in words.
    chrom
        Chromosome by gene.
    probes
        The panel's probes, as in the document.
    limits
        Limits of the quality figures by parameter name.
    """

    main: str
    tested: str
    chrom: Mapping[str, str]
    probes: Sequence[Mapping[str, Any]]
    limits: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PatientView:
    """One page of the report.

    Attributes
    ----------
    anchor
        Identifier of the page in the file; made of the sample's place, never of its name.
    index
        Place of the sample in the document.
    name, full_name
        The name for reading; all of it where `name` was cut or holds escapes, else empty.
    about
        Role, sex and blasts.
    verdict, reasons
        Of the reaction.
    found
        Its calls, sorted.
    kind
        The sample in one word, a key of `KIND_WORDS`.
    lines
        The answers.
    tiles
        How sure the answer for the main gene is, and what has no answer, in a glance.
    short_main, short_other, unanswered
        The main gene, the events elsewhere and the genes without an answer, for the table of the run.
    not_measured, untested
        Probes without a ratio with the reason; exons of the main gene without a probe.
    genes, names, exons, probes, peaks
        Rows of the tables; peaks are those of the electropherogram.
    flags
        Every flag on the page, explained.
    quality, risk, clinical
        Figures of the reaction, risk classes, what the sample sheet says.
    """

    anchor: str
    index: int
    name: str
    full_name: str
    about: tuple[Phrase, ...]
    verdict: str
    reasons: tuple[str, ...]
    found: Findings
    kind: str
    lines: tuple[Line, ...]
    tiles: tuple[Tile, ...]
    short_main: tuple[Short, ...]
    short_other: tuple[Short, ...]
    unanswered: str
    not_measured: tuple[str, ...]
    untested: tuple[str, ...]
    genes: tuple[Row, ...]
    names: tuple[NameRow, ...]
    exons: tuple[Row, ...]
    probes: tuple[Row, ...]
    peaks: tuple[Row, ...]
    flags: tuple[Flag, ...]
    quality: tuple[FigureRow, ...]
    risk: RiskView
    clinical: tuple[tuple[str, str], ...]

    @property
    def nothing(self) -> bool:
        """No gene of the sample was answered; its one line then tells the quality reasons too."""
        return bool(self.found.unanswered) and not self.found.events and not self.found.normal


def setting_of(document: Mapping[str, Any], main: str) -> Setting:
    """Return what all patients of `document` have in common."""
    probes = document["panel"]["probes"]
    ends: Sequence[str] = document["parameters"].get("detection", {}).get(main) or ()
    tested = f"exons {ends[0]}-{ends[-1]}" if len(ends) > 1 else f"exon {ends[0]}" if ends else ""
    return Setting(
        main=main,
        tested=tested,
        chrom={probe["gene"]: probe["chrom"] for probe in probes if probe["gene"]},
        probes=probes,
        limits=document["parameters"].get("quality", {}),
    )


def patient_view(sample: Mapping[str, Any], index: int, setting: Setting, prefix: str = "s") -> PatientView:
    """Return the page of one sample.

    Parameters
    ----------
    sample
        The sample as in the document.
    index
        Its place there.
    setting
        What all samples have in common.
    prefix
        Start of the page's identifier.
    """
    found = findings(sample["calls"], setting.main, setting.chrom)
    quality, ratios = sample["quality"], sample["ratios"]
    name = shown_name(sample["sample"])
    unanswered = _unanswered(found)
    lines = answer_lines(
        found,
        blast_fraction=sample["blast_fraction"],
        reasons=quality["reasons"],
        tested=setting.tested,
    )
    return PatientView(
        anchor=f"{prefix}{index}",
        index=index,
        name=name,
        full_name="" if name == sample["sample"] else shown_name(sample["sample"], _ALL_OF_IT),
        about=_about(sample),
        verdict=quality["verdict"],
        reasons=tuple(quality["reasons"]),
        found=found,
        kind=found.kind,
        lines=lines,
        tiles=_tiles(found, setting, quality["verdict"], unanswered),
        short_main=_short_main(found),
        short_other=tuple(map(_short, found.other_events)),
        unanswered=unanswered,
        not_measured=tables.not_measured(ratios, setting.probes),
        untested=tables.untested_exons(setting.main, setting.probes),
        genes=tables.gene_rows(sample["calls"]),
        names=tables.name_rows(found.events),
        exons=tables.exon_rows(sample["exons"]),
        probes=tables.probe_rows(ratios, setting.probes),
        peaks=tables.peak_rows(sample.get("trace") or ()),
        flags=tables.flags_explained(sample, setting.probes),
        quality=tables.quality_rows(quality["figures"], setting.limits),
        risk=risk_view(sample["risk"]),
        clinical=tuple((plain_word(key), text) for key, text in sample["clinical"].items() if text),
    )


def _about(sample: Mapping[str, Any]) -> tuple[Phrase, ...]:
    role = {"positive": "positive control"}.get(sample["role"], sample["role"])
    sex = {"F": "female", "M": "male"}.get(sample["sex"], "sex not stated")
    blasts = sample["blast_fraction"]
    stated: Phrase = ("blasts not stated",) if blasts is None else ("blasts ", percent(blasts), " %")
    return ((role,), (sex,), stated)


def _short(event: Event, *, named: bool = True) -> Short:
    return ("uncertain" if event.doubtful else event.status, short_phrase(event, named=named))


def _short_main(found: Findings) -> tuple[Short, ...]:
    call = found.main_call
    if call is None:
        return tuple(_short(event, named=len(event.calls) > 1) for event in found.main_events)
    if call["status"] == "not_evaluable":
        return (("not_evaluable", ("not evaluable",)),)
    limit = call["limit_of_detection"]
    words: Phrase = ("normal",)
    if limit is not None:
        words = ("normal, limit of detection ", percent(limit), " % of cells")
    return (("normal", words),)


def _unanswered(found: Findings) -> str:
    if found.unanswered and not found.events and not found.normal:
        return "all genes"
    return ", ".join(dict.fromkeys(shown_name(call["gene"]) for call in found.unanswered))


def _tiles(found: Findings, setting: Setting, verdict: str, unanswered: str) -> tuple[Tile, ...]:
    """Return how sure the answer for the main gene is, and what has no answer."""
    rest: tuple[Tile, ...] = (
        ("reaction", (verdict,), "verdict on the quality of the reaction"),
        ("genes not evaluable", (unanswered or "none",), "genes for which this sample gives no answer"),
    )
    events, call = found.main_events, found.main_call
    if events:
        call = events[0].lead
    if call is None:
        return rest
    limit = call["limit_of_detection"]
    cells: Phrase = ("none found",) if call["status"] == "normal" else ("unknown",)
    if events:
        low, high = percent(call["clone_fraction_low"]), percent(call["clone_fraction_high"])
        cells = (percent(call["clone_fraction"]), " % (", low, "-", high, " %)")
    tested = f" of {setting.tested}" if setting.tested else ""
    return (
        (f"{shown_name(found.main)}, probability", (probability(call["probability"]),),
         "probability of this status and exon range"),
        ("cells that carry it", cells, "fraction of all cells, with its 95 % interval"),
        ("limit of detection", ("unknown",) if limit is None else (percent(limit), " % of cells"),
         f"smallest clone in which a heterozygous loss{tested} would have been called with 95 % probability"),
        *rest,
    )  # fmt: skip
