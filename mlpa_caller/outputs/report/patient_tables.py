"""The tables on a patient's page: each row is the texts of its cells, numbers with every digit of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlpa_caller.outputs.report.exon_model import exon_labels
from mlpa_caller.outputs.report.findings import Event
from mlpa_caller.outputs.report.numbers import exact
from mlpa_caller.outputs.report.words import Flag, and_list, figure, figures, flag, plain_word, shown_name

__all__ = [
    "MEASURED_ROLES",
    "FigureRow",
    "NameRow",
    "Row",
    "exon_rows",
    "flags_explained",
    "gene_rows",
    "name_rows",
    "not_measured",
    "peak_rows",
    "probe_rows",
    "quality_rows",
    "untested_exons",
]

Row = tuple[str, ...]
NameRow = tuple[str, tuple[tuple[str, str], ...]]
"""Where, and the names there: system and name."""

MEASURED_ROLES = ("target", "reference")
"""Roles of the probes that have a ratio."""

_SYSTEMS = (("HGVS", "hgvs"), ("protein", "hgvs_p"), ("GRCh38", "hgvs_g38"), ("ISCN", "iscn"))


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One quality figure of one sample: label, value, unit, limit, what it means."""

    label: str
    value: str
    unit: str
    limit: str
    meaning: str


def gene_rows(calls: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Return gene, status, exons, change of copies, probability, ratio, cells, their interval, limit of
    detection, probes and flags of every row of the calls.
    """  # noqa: D205
    return tuple(_gene_row(call) for call in calls)


def _gene_row(call: Mapping[str, Any]) -> Row:
    copies, low, high = call["copies_lost"], call["clone_fraction_low"], call["clone_fraction_high"]
    return (
        shown_name(call["gene"]),
        call["status"],
        shown_name(call["exons"]),
        "" if copies is None else f"{-copies:+d}",
        exact(call["probability"], 4),
        exact(call["ratio"], 3),
        exact(call["clone_fraction"], 3),
        "" if low is None or high is None else f"{exact(low, 3)}-{exact(high, 3)}",
        exact(call["limit_of_detection"], 3),
        exact(call["n_probes"]),
        ", ".join(flag(name, call["status"]).label for name in call["flags"]),
    )


def name_rows(events: Sequence[Event]) -> tuple[NameRow, ...]:
    """Return the names of each event, each name once."""
    rows = []
    for event in events:
        named = dict.fromkeys(
            (system, call[key]) for system, key in _SYSTEMS for call in event.calls if call.get(key)
        )
        texts: set[str] = set()
        kept = []
        for system, text in named:
            if text not in texts:
                texts.add(text)
                kept.append((system, text))
        if kept:
            exons = f" {shown_name(event.lead['exons'])}" if len(event.calls) == 1 else ""
            rows.append((f"{and_list(map(shown_name, event.genes))}{exons}", tuple(kept)))
    return tuple(rows)


def exon_rows(exons: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Return gene, exon, probes, ratio with its range, probability of loss and of gain."""
    return tuple(
        (
            shown_name(exon["gene"]),
            shown_name(exon["exon"]),
            exact(exon["n_probes"]),
            exact(exon["ratio"], 3),
            exact(exon["ratio_low"], 3),
            exact(exon["ratio_high"], 3),
            exact(exon["probability_loss"], 4),
            exact(exon["probability_gain"], 4),
        )
        for exon in exons
    )


def probe_rows(ratios: Mapping[str, Any], probes: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Return probe, gene or role, exon, length, height, ratio with its range and flags."""
    columns = (ratios["height"], ratios["ratio"], ratios["ratio_low"], ratios["ratio_high"], ratios["flags"])
    return tuple(
        (
            shown_name(probe["probe"]),
            shown_name(probe["gene"]) or plain_word(probe["role"]),
            shown_name(probe["exon"]),
            exact(probe["length_nt"]),
            exact(height),
            exact(ratio, 4),
            exact(low, 4),
            exact(high, 4),
            ", ".join(flag(name, "probe").label for name in flags),
        )
        for probe, height, ratio, low, high, flags in zip(probes, *columns)
    )


def not_measured(ratios: Mapping[str, Any], probes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the target and reference probes without a ratio, by reason."""
    by_reason: dict[str, list[str]] = {}
    measured = 0
    for probe, ratio, flags in zip(probes, ratios["ratio"], ratios["flags"]):
        if probe["role"] in MEASURED_ROLES:
            measured += 1
            if ratio is None:
                reason = ", ".join(flag(name, "probe").label for name in flags) or "no ratio"
                by_reason.setdefault(reason, []).append(shown_name(probe["probe"]))
    return tuple(
        f"{reason}: {'all probes' if len(names) == measured else ', '.join(names)}"
        for reason, names in by_reason.items()
    )


def untested_exons(gene: str, probes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the exons of a gene with an exon model that no probe of the panel lies in."""
    probed = {probe["exon"] for probe in probes if probe["gene"] == gene}
    return tuple(label for label in exon_labels(gene) if label not in probed)


def peak_rows(trace: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Return dye, probe, size and height of the peaks of an electropherogram that belong to probes."""
    return tuple(
        (
            shown_name(channel["dye"]),
            shown_name(peak["probe"]),
            exact(peak["size_nt"], 2),
            exact(peak["height"]),
        )
        for channel in trace
        for peak in channel.get("peaks", ())
    )


def flags_explained(sample: Mapping[str, Any], probes: Sequence[Mapping[str, Any]]) -> tuple[Flag, ...]:
    """Return every flag of a sample's calls, and of its target and reference probes."""
    found = {flag(name, call["status"]) for call in sample["calls"] for name in call["flags"]}
    found |= {
        flag(name, "probe")
        for probe, flags in zip(probes, sample["ratios"]["flags"])
        if probe["role"] in MEASURED_ROLES
        for name in flags
    }
    return tuple(sorted(found, key=lambda item: (item.name, item.meaning)))


def quality_rows(values: Mapping[str, Any], limits: Mapping[str, Any]) -> tuple[FigureRow, ...]:
    """Return the quality figures of a sample; the known ones in the order of the quality table.

    Parameters
    ----------
    values
        Figures by name.
    limits
        Parameters by name, from which each figure's limit is taken.
    """
    order = [name for name in figures() if name in values]
    order += [name for name in values if name not in figures()]
    rows = []
    for name in order:
        about, value = figure(name), values[name]
        limit = limits.get(about.limit) if about.limit else None
        text = value if isinstance(value, str) else exact(value, about.decimals)
        rows.append(FigureRow(about.label, text, about.unit, exact(limit), about.meaning))
    return tuple(rows)
