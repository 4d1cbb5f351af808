"""Risk classes for ``result.json``: plain lists and dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlpa_caller.datatypes import Table
from mlpa_caller.risk.rules import Rule, load_rules
from mlpa_caller.risk.table import NOTICE

__all__ = ["as_records", "outcome_figures", "risk_document"]

_LISTS = ("possible_classes", "deciding_inputs", "used_inputs", "missing_inputs", "boundary")


def as_records(table: Table) -> list[dict[str, Any]]:
    """Return the rows of a risk table as dictionaries; fields that hold several names are lists."""
    names = list(table.columns)
    columns = [
        [cell.split(";") if cell else [] for cell in column] if name in _LISTS else list(column)
        for name, column in table.columns.items()
    ]
    return [dict(zip(names, row)) for row in zip(*columns)]


def risk_document(table: Table, rules: Path | None = None) -> dict[str, Any]:
    """Return a risk table with the rules it rests on, fit for JSON.

    Parameters
    ----------
    table
        As `classify` returns it.
    rules
        Folder of the rule files; the package's own when None.

    Returns
    -------
    dict
        ``notice``; ``rules`` by identifier, with title, version, hash, population, classes and their meaning,
        quotations, readings and the cohort's figures; ``results``, one for each patient and classifier.
    """
    known = load_rules(rules)
    used = dict.fromkeys(table.columns["classifier"].tolist())
    return {
        "notice": NOTICE,
        "rules": {name: _rule(known[name]) for name in used},
        "results": as_records(table),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    data = rule.data
    return {
        "title": rule.title,
        "version": rule.version,
        "sha256": rule.sha256,
        "status": rule.status,
        "evidence": rule.evidence,
        "citation": data["citation"],
        "population": data["population_text"],
        "classes": {name: data["class_meaning"][name] for name in rule.classes},
        "quotations": data["quotations"],
        "readings": data.get("errata", []),
        "doubts": data.get("doubts", []),
        "cohort_outcomes": data.get("outcomes", []),
        "cohort_outcomes_note": data.get("outcomes_note", ""),
    }


def outcome_figures(rule: Rule, classes: Sequence[str]) -> list[str]:
    """Return the published figures of the cited cohort for some classes, in words.

    Figures of the cohort as a whole are given with every class.
    """
    return [
        _figure(outcome)
        for outcome in rule.data.get("outcomes", [])
        if outcome["class"] in classes or outcome["class"] not in rule.classes
    ]


def _figure(outcome: Mapping[str, Any]) -> str:
    parts = [f"{outcome['class']}: {outcome['endpoint']}"]
    if "time" in outcome:
        parts.append(f" at {outcome['time']}")
    if "percent" in outcome:
        parts.append(f": {outcome['percent']:g} %")
    if "ratio" in outcome:
        parts.append(f": {outcome['ratio']:g}")
    if "standard_error" in outcome:
        parts.append(f" (standard error {outcome['standard_error']:g})")
    if "ci_low" in outcome:
        parts.append(f" (95 % interval {outcome['ci_low']:g} to {outcome['ci_high']:g})")
    count = " of ".join(str(outcome[name]) for name in ("n", "n_total") if name in outcome)
    if count:
        parts.append(f"{', ' if len(parts) > 1 else ': '}n = {count}")
    unverified = ", unverified" if outcome.get("evidence") == "unverified" else ""
    return "".join(parts) + f" [{outcome['source']}{unverified}]"
