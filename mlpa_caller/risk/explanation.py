"""Why a patient has a class: the rule quoted, the values used, and what would change the class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlpa_caller.datatypes import Table
from mlpa_caller.errors import InputError, shown
from mlpa_caller.risk.classifiers.base import INDETERMINATE
from mlpa_caller.risk.clinical import ClinicalTable
from mlpa_caller.risk.document import as_records, outcome_figures
from mlpa_caller.risk.engine import decide
from mlpa_caller.risk.evidence import patients_of
from mlpa_caller.risk.rules import Rule, RuleInput, select_rules
from mlpa_caller.risk.table import NOTICE, Gathered, classify, classify_rule, patient_names

__all__ = ["explain", "explanation_text"]


def explain(
    sample: str,
    calls: Table,
    clinical: ClinicalTable,
    *,
    variants: Mapping[str, Sequence[str]] | None = None,
    classifiers: Sequence[str] | None = None,
    rules: Path | None = None,
) -> list[dict[str, Any]]:
    """Return, for each classifier, the result of one patient with everything it rests on, fit for JSON.

    Parameters
    ----------
    sample
        The patient.
    calls, clinical, variants, classifiers, rules
        As in `classify`.

    Raises
    ------
    InputError
        If the sample is neither in the calls nor in the clinical file.
    UsageError
        If a classifier is unknown.
    """
    if sample not in patient_names(calls, clinical):
        raise InputError(f"there is no sample {shown(sample)} in the calls or the clinical file",
                         remedy="name a sample as it is written there")  # fmt: skip
    table = classify(
        calls, clinical, variants=variants, classifiers=classifiers, samples=[sample], rules=rules
    )
    known, _ = select_rules(None, rules)
    gathered = Gathered(patients_of(calls, clinical, (sample,), variants))
    out = []
    for record in as_records(table):
        rule = known[record["classifier"]]
        result = classify_rule(rule, gathered)
        masks = tuple(item.masks[code] for item, code in zip(result.evidence, result.codes[0]))
        data = rule.data
        out.append(
            {
                **record,
                "title": rule.title,
                "population": data["population_text"],
                "meaning": data["class_meaning"].get(record["class"], ""),
                "would_change": _changes(rule, masks),
                "quotations": data["quotations"],
                "readings": data.get("errata", []),
                "doubts": data.get("doubts", []),
                "cohort_figures": outcome_figures(rule, record["possible_classes"]),
                "cohort_figures_note": data.get("outcomes_note", ""),
                "citation": data["citation"],
            }
        )
    return out


def _changes(rule: Rule, masks: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return the values of single inputs that would lead to another result."""
    now = decide(rule, masks).possible
    out = []
    for i, item in enumerate(rule.inputs):
        found: list[tuple[int, int, tuple[str, ...]]] = []
        for value in range(len(item.domain)):
            then = decide(rule, (*masks[:i], 1 << value, *masks[i + 1 :])).possible
            if item.kind == "number" and found and found[-1][1] == value - 1 and found[-1][2] == then:
                found[-1] = (found[-1][0], value, then)
            else:
                found.append((value, value, then))
        out += [
            {"input": item.name, "value": _label(item, first, last), "possible_classes": list(then)}
            for first, last, then in found
            if then != now
        ]
    return out


def _label(item: RuleInput, first: int, last: int) -> str:
    """Return the values `first` to `last` of a domain in words."""
    if item.kind != "number" or first == last:
        return item.domain[first].label
    cuts = sorted(set(item.cuts.values()))
    low = "" if first == 0 else f"{'>=' if first % 2 else '>'} {cuts[(first - 1) // 2]:g}"
    high = "" if last == 2 * len(cuts) else f"{'<=' if last % 2 else '<'} {cuts[last // 2]:g}"
    return " and ".join(filter(None, (low, high))) or "is any number"


def explanation_text(explanations: Sequence[Mapping[str, Any]]) -> str:
    """Return explanations as text for a reader."""
    return "\n\n".join(_section(item) for item in explanations) + f"\n\n{NOTICE.capitalize()}.\n"


def _section(item: Mapping[str, Any]) -> str:
    possible = " or ".join(item["possible_classes"])
    shown_class = f"{item['class']}: {possible}" if item["class"] == INDETERMINATE else item["class"]
    lines = [
        f"{item['sample']}  {item['classifier']} {item['version']}: {item['title']}",
        f"  Class: {shown_class}" + (f" ({item['meaning']})" if item["meaning"] else ""),
        f"  For: {item['population']}",
    ]
    named = {
        "Used": ", ".join(item["used_inputs"]),
        "Missing": ", ".join(item["missing_inputs"]),
        "Would decide": ", ".join(item["deciding_inputs"]),
        "On a cut point": ", ".join(item["boundary"]),
        "Note": item["note"],
    }
    lines += [f"  {name}: {text}" for name, text in named.items() if text]
    if item["would_change"]:
        lines.append("  What would change the class, one input at a time:")
        lines += [
            f"    {change['input']} {change['value']}: {' or '.join(change['possible_classes'])}"
            for change in item["would_change"]
        ]
    lines.append("  The rule:")
    lines += [f"    {_quoted(quotation)}" for quotation in item["quotations"]]
    if item["readings"]:
        lines.append("  Where the print is wrong or unclear:")
        lines += [
            f"    {reading['location']}: {reading['printed']} Read as: {reading['reading']} "
            f"(confidence {reading['confidence']})"
            for reading in item["readings"]
        ]
    if item["doubts"]:
        lines.append("  Doubts and choices:")
        lines += [f"    {doubt}" for doubt in item["doubts"]]
    lines.append("  Figures of the cited cohort, not of this patient:")
    lines += [f"    {figure}" for figure in item["cohort_figures"]]
    if item["cohort_figures_note"]:
        lines.append(f"    {item['cohort_figures_note']}")
    elif not item["cohort_figures"]:
        lines.append("    none for these classes")
    lines.append(
        f"  Source: {item['citation']} Evidence: {item['evidence']}. Rule file {item['rule_sha256']}."
    )
    return "\n".join(lines)


def _quoted(quotation: Mapping[str, Any]) -> str:
    if quotation.get("verbatim", True):
        return f"\u201c{quotation['text']}\u201d ({quotation['publication']}, lines {quotation['lines']})"
    return f"{quotation['text']} (in our words; {quotation['location']})"
